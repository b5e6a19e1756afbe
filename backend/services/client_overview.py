"""Clients with what they own, the figures of the whole installation, and its growth."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.domain.growth import ClientChange, GrowthDay, grow
from backend.errors import NotFound
from backend.repositories import agent_lists, client_lists, switch_history
from backend.repositories.switch_history import SwitchFilter
from backend.services.agent_lists import Listed
from backend.services.savings import Saved, Savings

FRESH = timedelta(hours=1)  # a pool counts as covered while its price is this young
SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDetail:
    """One client with its switches counted, and the newest of them."""

    client: Row
    switches: Row
    recent_switches: Sequence[Row]
    active_agents: Sequence[Row]
    saved: Saved


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The whole installation at a moment; ``saved`` is USD."""

    clients: int
    fleet: Row
    switches: Row
    saved: float
    at: datetime


class ClientOverview:
    """Reads clients and totals. Thread-safe."""

    def __init__(self, database: Database, clock: Clock, savings: Savings) -> None:
        self._database = database
        self._clock = clock
        self._savings = savings

    def page(self, *, limit: int, offset: int = 0) -> Listed:
        """Return a page of clients, newest first, each with ``saved_usd``."""

        def read(session: Session) -> Listed:
            rows = client_lists.list_clients(session, limit=limit, offset=offset)
            return Listed(rows, int(client_lists.count_clients(session)["total"]))

        page = self._database.run("list_clients_with_counts", read)
        saved = self._savings.by_client()
        return Listed(
            [{**row, "saved_usd": saved.get(row["id"], 0.0)} for row in page.rows], page.total
        )

    def get(self, client_id: str) -> Row:
        """Return one client with ``saved_usd``.

        Raises:
            NotFound: there is no such client.
        """
        row = self._database.run("find_client_with_counts", lambda s: _client(s, client_id))
        return {**row, "saved_usd": self._savings.of(client_id).total}

    def saved(self, client_id: str) -> Saved:
        """Return what one client has saved; nothing for one that does not exist."""
        return self._savings.of(client_id)

    def detail(self, client_id: str) -> ClientDetail:
        """Return one client with its newest switches and the agents heard last.

        Raises:
            NotFound: there is no such client.
        """
        now = self._clock.now()
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        saved = self._savings.of(client_id)
        completed = SwitchFilter(client_id=client_id, status="completed")

        def read(session: Session) -> ClientDetail:
            return ClientDetail(
                client=_client(session, client_id),
                switches=client_lists.count_switches(session, client_id=client_id, since=today),
                recent_switches=switch_history.list_switches(session, completed, limit=SHOWN),
                active_agents=agent_lists.list_agents(
                    session, client_id=client_id, status="online", limit=SHOWN
                ),
                saved=saved,
            )

        return self._database.run("read_client_detail", read)

    def totals(self) -> Totals:
        """Return the figures of the whole installation."""
        now = self._clock.now()

        def read(session: Session) -> tuple[int, Row, Row]:
            return (
                int(client_lists.count_clients(session)["total"]),
                client_lists.count_fleet(session, prices_since=now - FRESH),
                client_lists.count_switches(session, client_id=None, since=now),
            )

        clients, fleet, switches = self._database.run("read_totals", read)
        saved = self._savings.in_all()
        return Totals(clients=clients, fleet=fleet, switches=switches, saved=saved, at=now)

    def growth(self, days: int) -> list[GrowthDay]:
        """Return the number of clients on each of the last days (1 to 365), oldest first."""
        today = self._clock.now().astimezone(UTC).date()
        since = datetime.combine(today, datetime.min.time(), UTC) - timedelta(days=days - 1)

        def read(session: Session) -> list[GrowthDay]:
            now = client_lists.count_clients(session)
            rows = client_lists.list_client_changes(session, since=since)
            changes = [
                ClientChange(client_id=r["subject_id"], action=r["action"], at=r["created_at"])
                for r in reversed(rows)
            ]
            return grow(
                changes,
                today=today,
                days=days,
                total=int(now["total"]),
                active=int(now["active"]),
            )

        return self._database.run("read_growth", read)


def _client(session: Session, client_id: str) -> Row:
    rows = client_lists.list_clients(session, client_id=client_id, limit=1)
    if not rows:
        raise NotFound("There is no such client", field="client_id")
    return rows[0]
