"""One switch, step by step: what the region and the books saw, in order of time."""

from datetime import datetime, timedelta
from operator import itemgetter

from simulator.drills.evidence import SwitchEntry
from simulator.region.region import Region

LONGEST = 200  # lines
AFTERMATH = timedelta(seconds=1)


def trace_switch(switch: SwitchEntry, region: Region) -> list[str]:
    """Return lines of ``seconds since the request, who, what``."""
    events: list[tuple[datetime, str]] = []
    for word in ("initiated", "launched", "ready", "cut_over", "reported", "ended"):
        instant: datetime | None = getattr(switch, f"{word}_at")
        if instant is not None:
            events.append((instant, f"backend: {word.replace('_', ' ')}"))
    events.append((switch.requested_at, f"backend: requested, {switch.cause}"))
    with region.lock:
        for name in (switch.old_instance_id, switch.new_instance_id):
            instance = region.instances.get(name or "")
            if instance is None:
                continue
            events.append((instance.launched_at, f"region: {name} launched in {instance.pool}"))
            up = instance.launched_at + instance.durations.boot
            events.append((up, f"region: {name} has booted"))
            if instance.ended_at is not None:
                words = f"region: {name} {instance.end_cause} by {instance.ended_by}"
                events.append((instance.ended_at, words))
        parties = {switch.old_instance_id, switch.new_instance_id}
        events += [
            (call.instant, f"{call.caller}: {call.action} {call.code}".rstrip())
            for call in region.log.calls
            if call.caller in parties
        ]
    events.sort(key=itemgetter(0))  # stable: what has one instant stays in the order of a switch
    end = max(instant for instant, words in events if not words.startswith("i-"))
    return [
        f"{(instant - switch.requested_at).total_seconds():7.2f} s  {words}"
        for instant, words in events
        if switch.requested_at <= instant <= end + AFTERMATH
    ][:LONGEST]
