"""What a job body is handed."""

from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database


@dataclass(frozen=True, slots=True)
class JobContext:
    """One run of one slot.

    A body may be run again for the same slot, after a crash even while an earlier run still
    trails: it must be idempotent, and must take every instant from here.

    Attributes:
        database: The pool of the scheduler process.
        clock: This machine's clock, for measuring; not for business time.
        settings: The settings of the process.
        slot_start: Start of the slot, inclusive.
        slot_end: End of the slot, exclusive; in the future for the present slot.
        now: The database's instant at which this run was claimed.
    """

    database: Database
    clock: Clock
    settings: Settings
    slot_start: datetime
    slot_end: datetime
    now: datetime
