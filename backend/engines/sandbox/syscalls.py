"""What confined code may ask of the kernel: computing, memory, and the pipe it already holds.

A list of permissions, not of prohibitions: files, sockets, programs, processes, threads, signals
to others and everything invented later are refused with EPERM. Memory may not become executable.
"""

import errno
import struct
from typing import Final

# Name -> number on x86-64 and on arm64; None where the architecture has no such call.
ALLOWED: Final[dict[str, tuple[int | None, int | None]]] = {
    "brk": (12, 214),
    "clock_getres": (229, 114),
    "clock_gettime": (228, 113),
    "clock_nanosleep": (230, 115),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getcpu": (309, 168),
    "getegid": (108, 177),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getpid": (39, 172),
    "getppid": (110, 173),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "gettid": (186, 178),
    "gettimeofday": (96, 169),
    "getuid": (102, 174),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "nanosleep": (35, 101),
    "poll": (7, None),
    "ppoll": (271, 73),
    "read": (0, 63),
    "readv": (19, 65),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_getaffinity": (204, 123),
    "sched_yield": (24, 124),
    "sigaltstack": (131, 132),
    "time": (201, None),
    "write": (1, 64),
    "writev": (20, 66),
}
# Allowed unless the third argument asks for executable memory.
WITHOUT_EXECUTION: Final[dict[str, tuple[int, int]]] = {"mmap": (9, 222), "mprotect": (10, 226)}

_ARCHITECTURES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _GREATER_OR_EQUAL, _BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _THIRD_ARGUMENT_AT = 0, 4, 32  # in struct seccomp_data
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
_X32_BIT = 0x40000000  # the other table of numbers on x86-64: nobody here uses it
_PROT_EXEC = 4


def filter_program(machine: str) -> bytes:
    """Return the BPF program for a machine.

    Raises:
        OSError: the system calls of this architecture are not listed here.
    """
    if machine not in _ARCHITECTURES:
        raise OSError(errno.ENOSYS, f"system calls are not listed for {machine}")
    column, audit = _ARCHITECTURES[machine]
    plain = sorted(n for pair in ALLOWED.values() if (n := pair[column]) is not None)
    code = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_EQUAL, audit, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        code += [_step(_GREATER_OR_EQUAL, _X32_BIT, 0, 1), _step(_RETURN, _KILL)]
    for number in plain:
        code += [_step(_EQUAL, number, 0, 1), _step(_RETURN, _ALLOW)]
    for pair in WITHOUT_EXECUTION.values():
        code += [
            _step(_EQUAL, pair[column], 0, 4),
            _step(_LOAD, _THIRD_ARGUMENT_AT),
            _step(_BITS, _PROT_EXEC, 1, 0),
            _step(_RETURN, _ALLOW),
            _step(_RETURN, _REFUSE),
        ]
    code.append(_step(_RETURN, _REFUSE))
    return b"".join(code)


def _step(operation: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    """Return one instruction; the jumps count instructions to skip."""
    return struct.pack("HBBI", operation, if_true, if_false, value)
