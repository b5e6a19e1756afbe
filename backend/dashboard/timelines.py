"""The last day of an agent as bars: its instances, its replicas, its switches, its interruptions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from backend.services.agent_room import AgentRoom

DAY = timedelta(days=1)
WIDTH = 1000  # units of the drawing
LEAST_WIDTH = 3.0  # a moment must be seen too


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A span on a row of the drawing; ``kind`` chooses the colour."""

    kind: str
    left: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """Bars of one sort."""

    label: str
    bars: list[Bar]


def timeline_of(room: AgentRoom) -> list[TimelineRow]:
    """Return the rows of the last 24 hours; a row without bars says so by itself."""
    now = room.now
    instances = [
        _bar(
            f"{row['role']}-{row['mode']}" if row["role"] == "primary" else row["role"],
            row["launched_at"] or row["first_seen_at"] or row["role_changed_at"],
            row["terminated_at"],
            now,
            f"{row['instance_id']}: {row['role']}, {row['mode']}",
        )
        for row in room.instances
    ]
    replicas = [
        _bar(
            "replica",
            row["launched_at"] or row["created_at"],
            row["ended_at"],
            now,
            f"replica {row['status']}",
        )
        for row in room.replicas
    ]
    switches = [
        _bar(
            "failed" if row["status"] == "failed" else "switch",
            row["requested_at"],
            row["ended_at"],
            now,
            f"switch {row['status']} ({row['cause']})",
        )
        for row in room.switches
    ]
    interruptions = [
        _bar(
            "drill" if row["is_drill"] else "interruption",
            row["noticed_at"],
            row["ended_at"] or row["noticed_at"],
            now,
            f"{'drill: ' if row['is_drill'] else ''}{row['signal_type']}, {row['status']}",
        )
        for row in room.interruptions
    ]
    rows = (
        ("Instances", instances),
        ("Replicas", replicas),
        ("Switches", switches),
        ("Notices", interruptions),
    )
    return [TimelineRow(label, [bar for bar in bars if bar]) for label, bars in rows]


def _bar(
    kind: str, began: datetime, ended: datetime | None, now: datetime, title: str
) -> Bar | None:
    since = now - DAY
    until = min(ended or now, now)
    if until < since or began > now:
        return None
    left = max((began - since) / DAY, 0.0) * WIDTH
    width = max((until - since) / DAY * WIDTH - left, LEAST_WIDTH)
    left = min(left, WIDTH - width)
    return Bar(kind=kind, left=round(left, 1), width=round(width, 1), title=title)
