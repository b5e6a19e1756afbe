"""Gather what the first pages of the operators' dashboard show."""

from dataclasses import dataclass
from datetime import datetime

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.repositories import status
from backend.repositories.search import like_pattern

PAGE_LENGTH = 50
ROWS_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentWish:
    """Which agents are asked for, and in which order.

    Attributes:
        status: ``online`` or ``offline``; None for both.
        search: A part of the agent's name, its client's or its primary's; None for all.
        sort: ``name``, ``status``, ``seen`` or ``price``.
        page: From 1.
    """

    status: str | None = None
    search: str | None = None
    sort: str = "name"
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The fleet at one moment."""

    counts: Row
    agents: list[Row]
    commands: list[Row]
    notifications: list[Row]
    has_more_agents: bool


class StatusService:
    """Reads a bounded picture of the whole fleet. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def now(self) -> datetime:
        """Return the instant that ages on a page count from."""
        return self._clock.now()

    def read(self, wish: AgentWish) -> Status:
        """Return the present status with one page of agents."""

        def work(session: Session) -> Status:
            agents = status.list_agents(
                session,
                status=wish.status,
                pattern=like_pattern(wish.search) if wish.search else None,
                sort=wish.sort,
                limit=PAGE_LENGTH + 1,  # one more tells whether another page follows
                offset=(wish.page - 1) * PAGE_LENGTH,
            )
            return Status(
                counts=status.count_fleet(session),
                agents=agents[:PAGE_LENGTH],
                commands=status.list_open_commands(session, limit=ROWS_SHOWN),
                notifications=status.list_notifications(session, limit=ROWS_SHOWN),
                has_more_agents=len(agents) > PAGE_LENGTH,
            )

        return self._database.run("read_status", work)

    def jobs(self) -> list[Row]:
        """Return the last run of every job."""
        return self._database.run(
            "list_job_states", lambda s: status.list_jobs(s, limit=PAGE_LENGTH)
        )
