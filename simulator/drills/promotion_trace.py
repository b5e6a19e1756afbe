"""One emergency, step by step: what metadata, books, doors and EC2 saw, in order of time."""

from datetime import datetime
from operator import itemgetter

from simulator.drills.emergency_evidence import EventEntry
from simulator.region.region import Region

LONGEST = 120  # lines
BOOKED = ("received_at", "committed_at", "verified_at", "ended_at")


def trace_promotion(event: EventEntry, doors: tuple[str, ...], region: Region) -> list[str]:
    """Return lines of ``seconds since the notice, who, what``; none for an unknown instance."""
    old, new = event.instance_id, event.new_instance_id or ""
    with region.lock:
        noticed = region.instances.get(old)
        if noticed is None or noticed.notice_at is None:
            return []
        start = noticed.notice_at
        steps: list[tuple[datetime, str]] = [(start, f"region: notice in the metadata of {old}")]
        for name in (old, new):
            steps += _life(region, name)
        for door in doors:
            steps += [
                (
                    turn.instant,
                    f"region: {door.rpartition('/')[2]} leads to "
                    f"{', '.join(sorted(turn.holders)) or 'nobody'}",
                )
                for turn in region.traffic.turns(door)
            ]
        steps += [
            (call.instant, f"{call.caller}: {call.action} {call.code}".rstrip())
            for call in region.log.calls
            if call.caller in (old, new)
        ]
    for column in BOOKED:
        instant: datetime | None = getattr(event, column)
        if instant is not None:
            steps.append((instant, f"backend: event {column.removesuffix('_at')}"))
    steps.sort(key=itemgetter(0))
    return [
        f"{(instant - start).total_seconds():7.2f} s  {words}"
        for instant, words in steps
        if instant >= start
    ][:LONGEST]


def _life(region: Region, instance_id: str) -> list[tuple[datetime, str]]:
    instance = region.instances.get(instance_id)
    if instance is None:
        return []
    steps = [(instance.launched_at, f"region: {instance_id} launched in {instance.pool}")]
    if instance.ended_at is not None:
        words = f"region: {instance_id} {instance.end_cause} by {instance.ended_by}"
        steps.append((instance.ended_at, words))
    return steps
