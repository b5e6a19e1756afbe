"""Start a program that dies with us, however we die. Run as a file: ``tether.py PARENT PROGRAM ...``.

The kernel kills a process when the thread that started it ends, once the process has asked for
that (PR_SET_PDEATHSIG). The request survives exec, so the program need not know.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
GONE = 1


def main(arguments: list[str]) -> None:
    """Tie this process to its parent and become the program."""
    parent, program = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(GONE)  # it died before we had asked
    os.execvp(program[0], program)  # noqa: S606 - this is what the file is for


if __name__ == "__main__":
    main(sys.argv[1:])
