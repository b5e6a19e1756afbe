"""Commands as every kind of backend sends them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

_LISTS = ("commands", "pending_commands", "data")


@dataclass(frozen=True)
class Command:
    """An instruction. ``target_mode`` is spot, ondemand or None; the wait is in seconds.

    ``is_classic`` marks one from an old backend: no lease, no progress, no retirement.
    ``is_local`` marks one that this host gave itself: nobody waits for its acknowledgement.
    """

    id: str
    command_type: str
    target_mode: str | None
    target_pool_id: str | None
    priority: int
    terminate_wait_seconds: int
    payload: Mapping[str, Any]
    is_classic: bool = False
    is_local: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data, for the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Command:
        """Read what ``to_json`` wrote."""
        return cls(**data)


def parse_commands(answer: Any, *, is_classic: bool) -> list[Command]:
    """Read commands from a list, or an object that holds one; those without id are passed over."""
    found = answer
    if isinstance(answer, dict):
        found = next((answer[name] for name in _LISTS if answer.get(name)), [])
    rows = found if isinstance(found, list) else []
    return [_command(row, is_classic) for row in rows if isinstance(row, dict) and row.get("id")]


def _command(row: Mapping[str, Any], is_classic: bool) -> Command:  # noqa: FBT001 - one caller
    payload = row.get("payload")
    return Command(
        id=str(row["id"]),
        command_type=str(row.get("command_type") or "switch"),
        target_mode=row.get("target_mode") or None,
        target_pool_id=row.get("target_pool_id") or None,
        priority=_lenient(row.get("priority")),
        terminate_wait_seconds=_lenient(row.get("terminate_wait_seconds")),
        payload=payload if isinstance(payload, dict) else {},
        is_classic=is_classic,
    )


def _lenient(value: Any) -> int:
    """Read a number where old backends send null or text; what cannot be read is 0."""
    try:
        return int(float(value))
    except (TypeError, ValueError, OverflowError):
        return 0
