"""How much memory a process holds."""

from pathlib import Path

KIB_PER_MIB = 1024


def resident_megabytes(pid: int) -> float:
    """Return a process's resident memory in MiB; 0 when it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0.0
    sizes = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
    return int(sizes[0]) / KIB_PER_MIB if sizes else 0.0
