"""Job: every agent gets the standbys that it should have, and no more."""

from backend.jobs.context import JobContext
from backend.services.coordinator import Coordinator
from backend.services.standby_upkeep import StandbyUpkeep


def run(context: JobContext) -> int:
    """Finish what was begun, then make a pass over the fleet; return the rows touched."""
    upkeep = StandbyUpkeep(context.database, context.clock)
    is_sef_on = context.settings.enable_sef
    finished = upkeep.finish_promotions(context.now, is_sef_on=is_sef_on)
    finished += upkeep.close_events(context.now)
    finished += upkeep.finish_endings(context.now)
    done = Coordinator(context.database).coordinate(
        now=context.now, silence=context.settings.heartbeat_timeout
    )
    return finished + done.rows
