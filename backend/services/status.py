"""Gather what the status page shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.repositories import status
from backend.services.health import Health, HealthService

PAGE_LENGTH = 50
POOLS_SHOWN = 100
ROWS_SHOWN = 20
PRICES_SINCE = timedelta(hours=1)  # agents report every 5 minutes; older is history


@dataclass(frozen=True, slots=True)
class Status:
    """The fleet at one moment."""

    at: datetime
    health: Health
    counts: Row
    agents: list[Row]
    instances: list[Row]
    pools: list[Row]
    commands: list[Row]
    switches: list[Row]
    jobs: list[Row]
    notifications: list[Row]
    agents_page: int
    instances_page: int
    has_more_agents: bool
    has_more_instances: bool


class StatusService:
    """Reads a bounded picture of the whole fleet. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, health: HealthService) -> None:
        self._database = database
        self._clock = clock
        self._health = health

    def read(self, *, agents_page: int, instances_page: int) -> Status:
        """Return the present status; pages count from 1."""
        now = self._clock.now()
        health = self._health.check()

        def work(session: Session) -> Status:
            agents = _page(session, status.list_agents, agents_page)
            instances = _page(session, status.list_instances, instances_page)
            return Status(
                at=now,
                health=health,
                counts=status.count_fleet(session),
                agents=agents[:PAGE_LENGTH],
                instances=instances[:PAGE_LENGTH],
                pools=status.list_pools(session, since=now - PRICES_SINCE, limit=POOLS_SHOWN),
                commands=[
                    *status.list_open_commands(session, limit=ROWS_SHOWN),
                    *status.list_ended_commands(session, limit=ROWS_SHOWN),
                ],
                switches=status.list_switches(session, limit=ROWS_SHOWN),
                jobs=status.list_jobs(session, limit=PAGE_LENGTH),
                notifications=status.list_notifications(session, limit=ROWS_SHOWN),
                agents_page=agents_page,
                instances_page=instances_page,
                has_more_agents=len(agents) > PAGE_LENGTH,
                has_more_instances=len(instances) > PAGE_LENGTH,
            )

        return self._database.run("read_status", work)


class _Lister(Protocol):
    def __call__(self, session: Session, *, limit: int, offset: int) -> list[Row]: ...


def _page(session: Session, lister: _Lister, number: int) -> list[Row]:
    """Return a page and one row more, which tells whether another page follows."""
    return lister(session, limit=PAGE_LENGTH + 1, offset=(number - 1) * PAGE_LENGTH)
