"""The layers of the sandbox: each is put on, then tried, and says how that went.

Order matters: namespaces before anything starts a thread; files are closed off while the process
still has the right to; the list of system calls comes last, because the others need them.
"""

import ctypes
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.engines.sandbox import kernel
from backend.engines.sandbox.syscalls import filter_program

MEGABYTE: Final = 1024 * 1024
NOBODY: Final = 64_321  # a user and group number that no ordinary system gives away
_NEWNS, _NEWUTS, _NEWIPC, _NEWUSER, _NEWNET = (
    0x00020000, 0x04000000, 0x08000000, 0x10000000, 0x40000000,
)  # fmt: skip
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 5: 16}  # version of Landlock -> rights on files that it knows
_NETWORK_RIGHTS_SINCE, _SCOPES_SINCE = 4, 6


@dataclass(frozen=True, slots=True)
class Layer:
    """What became of one layer, in a word for people."""

    is_on: bool
    state: str


Layers = dict[str, Layer]


def leave_namespaces() -> Layer:
    """Leave the network, the mounts, the host name and the IPC of the machine."""
    ours = _NEWNS | _NEWUTS | _NEWIPC | _NEWNET
    try:
        if os.geteuid() == 0:
            kernel.unshare(ours)
        else:
            user, group = os.geteuid(), os.getegid()
            kernel.unshare(ours | _NEWUSER)
            Path("/proc/self/setgroups").write_bytes(b"deny")
            Path("/proc/self/uid_map").write_bytes(b"%d %d 1" % (NOBODY, user))
            Path("/proc/self/gid_map").write_bytes(b"%d %d 1" % (NOBODY, group))
    except OSError as error:
        return Layer(is_on=False, state=f"this system does not permit them: {error.strerror}")
    names = [name for _, name in socket.if_nameindex()]
    if names not in ([], ["lo"]):
        return Layer(is_on=False, state=f"still sees the network devices {', '.join(names)}")
    return Layer(is_on=True, state="network, mounts, IPC and host name are its own")


def enter_empty_folder(folder: Path) -> Layer:
    """Make an empty, read-only folder the root of everything."""
    try:
        kernel.mount("none", "/", "none", _MS_REC | _MS_PRIVATE, "")
        flags = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
        kernel.mount("tmpfs", str(folder), "tmpfs", flags, "size=4k,mode=0555")
        os.chroot(folder)
        os.chdir("/")
    except OSError as error:
        return Layer(is_on=False, state=f"this system does not permit it: {error.strerror}")
    entries = os.listdir("/")  # noqa: PTH208 - the plain call: nothing else may be imported now
    return Layer(is_on=not entries, state="the root is an empty folder" if not entries else "full")


def forbid_files() -> Layer:
    """Forbid every access to files, TCP and abstract sockets through Landlock, and try it."""
    version = kernel.landlock_version()
    if version == 0:
        return Layer(is_on=False, state="this kernel has no Landlock")
    count = _FILE_RIGHTS[max(known for known in _FILE_RIGHTS if known <= version)]
    try:
        kernel.landlock_deny(
            (1 << count) - 1,
            0b11 if version >= _NETWORK_RIGHTS_SINCE else 0,
            0b11 if version >= _SCOPES_SINCE else 0,
        )
    except OSError as error:
        return Layer(is_on=False, state=f"refused: {error.strerror}")
    if not _is_refused(lambda: os.close(os.open(__file__, os.O_RDONLY))):
        return Layer(is_on=False, state="a file could still be read")
    return Layer(is_on=True, state=f"no file is within reach (version {version})")


def become_nobody() -> Layer:
    """Become a user that owns nothing, if we may; give up every capability in any case."""
    was_root = os.getuid() == 0
    try:
        if was_root:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)  # forgotten when the user changes
    except OSError as error:
        return Layer(is_on=False, state=f"refused: {error.strerror}")
    if was_root and not _is_refused(lambda: os.setuid(0)):
        return Layer(is_on=False, state="could become root again")
    shown = f"user {NOBODY}" if was_root else "the user of the program"
    return Layer(is_on=True, state=f"{shown}, without capabilities")


def mapped_bytes() -> int:
    """Return the size of this process's address space."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    return pages * resource.getpagesize()


def limit_resources(mapped_bytes: int, memory_bytes: int, cpu_seconds: int | None) -> Layer:
    """Limit memory beyond the present use, CPU time, files and processes; try a fork.

    Args:
        mapped_bytes: What was mapped when all libraries were loaded.
        memory_bytes: What may be allocated on top of that.
        cpu_seconds: CPU time in all; None for a worker that lives on.
    """
    limits = {
        resource.RLIMIT_AS: mapped_bytes + memory_bytes,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_NOFILE: 16,
        resource.RLIMIT_MEMLOCK: 0,
    }
    if cpu_seconds is not None:
        limits[resource.RLIMIT_CPU] = cpu_seconds
    for name, value in limits.items():
        resource.setrlimit(name, (value, value))
    if os.getuid() != 0 and not _is_refused(_fork):
        return Layer(is_on=False, state="a process could still be started")
    return Layer(is_on=True, state=f"memory +{memory_bytes // MEGABYTE} MB, no files, no processes")


def filter_system_calls() -> Layer:
    """Permit only the listed system calls, and try some others."""
    try:
        kernel.install_filter(filter_program(kernel.architecture()))
    except OSError as error:
        return Layer(is_on=False, state=f"not available: {error.strerror}")
    attempts: dict[str, Callable[[], object]] = {
        "a socket": lambda: socket.socket(socket.AF_UNIX).close(),
        "a process": _fork,
        "a program": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - meant to be refused
        "a file": lambda: os.close(os.open("/", os.O_RDONLY)),
        "a signal": lambda: os.kill(os.getppid(), 0),
        "executable memory": _map_executable,
    }
    open_doors = [what for what, attempt in attempts.items() if not _is_refused(attempt)]
    if open_doors:
        return Layer(is_on=False, state=f"still permits {', '.join(open_doors)}")
    return Layer(is_on=True, state="only computing and answering are permitted")


def _is_refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _map_executable() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    found = libc.mmap(None, ctypes.c_size_t(4096), 7, 0x22, -1, ctypes.c_long(0))
    if found in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), "refused")
