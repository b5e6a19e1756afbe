"""System calls that Python has no function for, by number. Linux on x86-64 and arm64."""

import ctypes
import os
import platform
from typing import Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_SET_SECCOMP: Final = 22
PR_SET_NO_NEW_PRIVS: Final = 38
SECCOMP_MODE_FILTER: Final = 2

_CAPSET: Final = {"x86_64": 126, "aarch64": 91}
_LANDLOCK_CREATE_RULESET: Final = 444  # the same number on every architecture, as all newer ones
_LANDLOCK_RESTRICT_SELF: Final = 446
_CAPABILITY_VERSION_3: Final = 0x20080522
_LANDLOCK_CREATE_RULESET_VERSION: Final = 1

_libc = ctypes.CDLL(None, use_errno=True)


def architecture() -> str:
    """Return the machine's name as the kernel says it: ``x86_64``, ``aarch64``, ..."""
    return platform.machine()


def prctl(option: int, *values: int) -> None:
    """Call prctl.

    Raises:
        OSError: the kernel refused.
    """
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _check(_libc.prctl(ctypes.c_int(option), *arguments))


def install_filter(program: bytes) -> None:
    """Have every system call of this process judged by a BPF program, for ever.

    Raises:
        OSError: the kernel has no seccomp, or the program is not valid.
    """

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    whole = Program(len(program) // 8, program)
    address = ctypes.addressof(whole)
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, address)


def unshare(flags: int) -> None:
    """Leave shared namespaces.

    Raises:
        OSError: not permitted, or not known to this kernel.
    """
    _check(_libc.unshare(ctypes.c_int(flags)))


def mount(source: str, target: str, kind: str, flags: int, options: str) -> None:
    """Mount a file system.

    Raises:
        OSError: not permitted.
    """
    _check(
        _libc.mount(
            source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()
        )
    )


def drop_capabilities() -> None:
    """Give up every capability, effective, permitted and inheritable.

    Raises:
        OSError: the kernel refused, or the architecture is not known here.
    """
    number = _CAPSET.get(architecture())
    if number is None:
        raise OSError(0, f"not known on {architecture()}")
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _check(_libc.syscall(ctypes.c_long(number), header, nothing))


def landlock_version() -> int:
    """Return the version of Landlock, 0 when the kernel has none."""
    found = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET),
        None,
        ctypes.c_size_t(0),
        ctypes.c_uint32(_LANDLOCK_CREATE_RULESET_VERSION),
    )
    return max(0, int(found))


def landlock_deny(files: int, network: int, scopes: int) -> None:
    """Deny this process these kinds of access, everywhere and for ever. Needs no_new_privs.

    Raises:
        OSError: the kernel refused.
    """
    attributes = (ctypes.c_uint64 * 3)(files, network, scopes)
    size = 24 if scopes else 16 if network else 8
    ruleset = _libc.syscall(
        ctypes.c_long(_LANDLOCK_CREATE_RULESET),
        attributes,
        ctypes.c_size_t(size),
        ctypes.c_uint32(0),
    )
    _check(ruleset)
    try:
        _check(
            _libc.syscall(
                ctypes.c_long(_LANDLOCK_RESTRICT_SELF), ctypes.c_int(ruleset), ctypes.c_uint32(0)
            )
        )
    finally:
        os.close(ruleset)


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
