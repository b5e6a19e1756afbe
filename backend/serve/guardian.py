"""Sees to it that nothing outlives ``serve``, not even when it is killed with SIGKILL.

A program of its own: nothing of ``backend`` is imported. It reads orders from its standard input,
which only ``serve`` holds open, one a line: ``watch GROUP SECONDS``, ``forget GROUP``,
``finally JSON`` (a command line) and ``dismiss`` (no final commands). When the input ends, ``serve`` is gone: every process group still
watched is stopped in reverse order (SIGTERM, the given seconds of patience, SIGKILL), then the
final commands are run. (PR_SET_PDEATHSIG would not reach grandchildren, and is lost when a program
changes its user.)
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

TICK_SECONDS = 0.05


@dataclass
class Orders:
    """What is left to do when the input has ended: groups with their patience, final commands."""

    groups: dict[int, float] = field(default_factory=dict)
    commands: list[list[str]] = field(default_factory=list)


def follow(lines: Iterable[str]) -> Orders:
    """Read orders until they end."""
    orders = Orders()
    for line in lines:
        word, _, rest = line.strip().partition(" ")
        if word == "watch":
            group, seconds = rest.split()
            orders.groups[int(group)] = float(seconds)
        elif word == "forget":
            orders.groups.pop(int(rest), None)
        elif word == "finally":
            orders.commands.append(json.loads(rest))
        elif word == "dismiss":
            orders.commands.clear()
    return orders


def stop_group(group: int, patience_seconds: float) -> None:
    """End every process of a group, gently first.

    Only the leader is asked: a web server whose workers are told too takes them for crashed ones
    and starts new ones.
    """
    if not (_send(os.kill, group, signal.SIGTERM) or _send(os.killpg, group, signal.SIGTERM)):
        return
    for _ in range(int(patience_seconds / TICK_SECONDS)):
        if not _send(os.killpg, group, 0):
            return
        time.sleep(TICK_SECONDS)
    _send(os.killpg, group, signal.SIGKILL)


def _send(send: Callable[[int, int], None], target: int, number: int) -> bool:
    """Signal a process or a group; False when there is none, or none of ours."""
    try:
        send(target, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def carry_out(orders: Orders) -> None:
    """Stop the groups, the last one watched first, then run the final commands."""
    for group, patience_seconds in reversed(orders.groups.items()):
        stop_group(group, patience_seconds)
    for command in orders.commands:
        subprocess.run(command, check=False)  # noqa: S603 - written by our own parent


if __name__ == "__main__":
    carry_out(follow(sys.stdin))
