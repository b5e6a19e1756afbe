"""The savings of a client or of all, by month, week, day and agent, down to the ledger's rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal

from backend.clock import Clock
from backend.db.database import Database
from backend.db.session import Row, Session
from backend.errors import InvalidRequest
from backend.repositories import ledger, savings
from backend.services.savings import first_day

Period = Literal["monthly", "weekly", "daily"]
MONTHS: Final = 12
WEEKS: Final = 12
DAYS: Final = 30
LONGEST_DAYS: Final = 366
SHOWN_CORRECTIONS: Final = 20
MOST_ROWS: Final = 5_000  # of one agent and day: a price may change every five minutes
WEEK: Final = timedelta(days=7)
EVER: Final = date(2000, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sums over some time, in USD and in milliseconds of instances. None is rounded.

    Attributes:
        baseline_usd: What on-demand would have cost for the primaries' time.
        cost_usd: What was paid, replicas and overlaps included.
        replica_usd: The part of the cost that standbys are.
        overlap_usd: The part of the cost that is two hosts at once around a switch.
        spot_milliseconds: Time on spot.
        ondemand_milliseconds: Time on-demand.
        estimated_milliseconds: Time whose price was missing or guessed.
        unknown_milliseconds: Time that no sum holds, for a missing price.
    """

    baseline_usd: Decimal = Decimal(0)
    cost_usd: Decimal = Decimal(0)
    replica_usd: Decimal = Decimal(0)
    overlap_usd: Decimal = Decimal(0)
    spot_milliseconds: int = 0
    ondemand_milliseconds: int = 0
    estimated_milliseconds: int = 0
    unknown_milliseconds: int = 0

    @property
    def savings_usd(self) -> Decimal:
        """What was saved; negative when more was paid than on-demand would have cost."""
        return self.baseline_usd - self.cost_usd

    @property
    def savings_percent(self) -> Decimal | None:
        """Savings in percent of the baseline; None without one."""
        return 100 * self.savings_usd / self.baseline_usd if self.baseline_usd else None


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """A month, week (from Monday) or day, by its first day."""

    begins_on: date
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFigures:
    """What one agent has saved within the days that were asked for."""

    agent_id: str
    client_id: str
    logical_agent_id: str
    status: str
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What a page about savings shows.

    Attributes:
        closed_until: Everything before is in the ledger; None before the first hour is closed.
        total_baseline_usd: What on-demand would have cost since ever.
        total_cost_usd: What was paid since ever.
        months: The last 12 with anything, oldest first.
        days: Those of the last days with anything, oldest first.
        agents: A page of agents within the same days, those that saved most first.
        agent_count: How many agents there are in all.
        corrections: The newest hours that were booked anew.
    """

    closed_until: datetime | None
    total_baseline_usd: Decimal
    total_cost_usd: Decimal
    months: Sequence[PeriodFigures]
    days: Sequence[PeriodFigures]
    agents: Sequence[AgentFigures]
    agent_count: int
    corrections: Sequence[Row]

    @property
    def total_savings_usd(self) -> Decimal:
        """What was saved since ever."""
        return self.total_baseline_usd - self.total_cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """Months of savings, running instances by mode, and switches by day, oldest first."""

    months: Sequence[PeriodFigures]
    modes: Sequence[tuple[str, int]]
    switches: Sequence[tuple[date, int]]


class SavingsOverview:
    """Reads savings. ``client_id`` None means every tenant (operators). Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def overview(
        self, client_id: str | None, *, days: int = DAYS, limit: int = 50, offset: int = 0
    ) -> Overview:
        """Return what a page about savings shows.

        Args:
            client_id: Whose.
            days: How many UTC days, today included, 1 to 366.
            limit: Agents on the page.
            offset: Agents before it.

        Raises:
            InvalidRequest: ``days`` is out of range.
        """
        since = self._since(days)

        def read(session: Session) -> Overview:
            totals = savings.list_totals(session, client_id)
            closed = ledger.find_last_closed(session)
            return Overview(
                closed_until=closed and closed + timedelta(hours=1),
                total_baseline_usd=sum((row["baseline_usd"] for row in totals), Decimal(0)),
                total_cost_usd=sum((row["cost_usd"] for row in totals), Decimal(0)),
                months=_periods(savings.list_months(session, client_id, limit=MONTHS)),
                days=_periods(savings.list_days(session, client_id, since=since, limit=days)),
                agents=[
                    _agent(row)
                    for row in savings.list_agents(
                        session, client_id, since=since, limit=limit, offset=offset
                    )
                ],
                agent_count=savings.count_agents(session, client_id, since=since),
                corrections=savings.list_corrections(session, client_id, limit=SHOWN_CORRECTIONS),
            )

        return self._database.run("read_savings_overview", read)

    def periods(self, client_id: str | None, period: Period) -> list[PeriodFigures]:
        """Return the last 12 months or weeks, or the days of the last 30, with anything; oldest first.

        A week begins on Monday; the first one may be cut by where the 12 weeks begin.
        """
        if period == "monthly":
            return self._database.run(
                "list_savings_months",
                lambda s: _periods(savings.list_months(s, client_id, limit=MONTHS)),
            )
        today = first_day(self._clock, 1)
        if period == "daily":
            return self._days(client_id, since=first_day(self._clock, DAYS))
        monday = today - timedelta(days=today.weekday())
        return _weeks(self._days(client_id, since=monday - (WEEKS - 1) * WEEK))

    def agent_days(
        self, client_id: str | None, agent_id: str, *, days: int = DAYS
    ) -> list[PeriodFigures]:
        """Return days of one agent with anything, oldest first; none of another tenant's.

        Raises:
            InvalidRequest: ``days`` is out of range, 1 to 366.
        """
        since = self._since(days)
        return self._database.run(
            "list_agent_savings",
            lambda s: _periods(
                savings.list_agent_days(s, client_id, agent_id, since=since, limit=days)
            ),
        )

    def agent_rows(self, client_id: str | None, agent_id: str, day: date) -> list[Row]:
        """Return one agent's rows of the ledger on a UTC day, in order; none of another tenant's."""
        start = datetime.combine(day, time(), UTC)
        return self._database.run(
            "list_agent_ledger",
            lambda s: savings.list_agent_rows(
                s,
                client_id,
                agent_id,
                since=start,
                until=start + timedelta(days=1),
                limit=MOST_ROWS,
            ),
        )

    def export_days(self, client_id: str, *, limit: int, offset: int) -> tuple[list[Row], int]:
        """Return days of a client, newest first, as the tables hold them, and how many there are."""

        def read(session: Session) -> tuple[list[Row], int]:
            days = savings.list_days(session, client_id, since=EVER, limit=limit, offset=offset)
            return days, savings.count_days(session, client_id)

        return self._database.run("export_savings", read)

    def export_rows(
        self, client_id: str, *, days: int, limit: int, offset: int
    ) -> tuple[list[Row], int]:
        """Return a client's rows of the ledger, by instance and time, and how many there are.

        Raises:
            InvalidRequest: ``days`` is out of range, 1 to 366.
        """
        since = datetime.combine(self._since(days), time(), UTC)
        until = self._clock.now()

        def read(session: Session) -> tuple[list[Row], int]:
            rows = savings.list_rows(
                session, client_id, since=since, until=until, limit=limit, offset=offset
            )
            return rows, savings.count_rows(session, client_id, since=since, until=until)

        return self._database.run("export_ledger", read)

    def charts(self, client_id: str) -> Charts:
        """Return what a client's page draws."""
        since = datetime.combine(first_day(self._clock, DAYS), time(), UTC)

        def read(session: Session) -> Charts:
            return Charts(
                months=_periods(savings.list_months(session, client_id, limit=MONTHS)),
                modes=[
                    (row["mode"], int(row["instance_count"]))
                    for row in savings.count_modes(session, client_id)
                ],
                switches=[
                    (row["day_on"], int(row["switch_count"]))
                    for row in savings.count_switches_by_day(session, client_id, since=since)
                ],
            )

        return self._database.run("read_savings_charts", read)

    def _days(self, client_id: str | None, *, since: date) -> list[PeriodFigures]:
        return self._database.run(
            "list_savings_days",
            lambda s: _periods(savings.list_days(s, client_id, since=since, limit=LONGEST_DAYS)),
        )

    def _since(self, days: int) -> date:
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidRequest(f"days must be from 1 to {LONGEST_DAYS}", field="days")
        return first_day(self._clock, days)


def figures_of(row: Mapping[str, Any]) -> Figures:
    """Return the sums in a row of a table of sums."""
    return Figures(
        baseline_usd=row["baseline_usd"],
        cost_usd=row["cost_usd"],
        replica_usd=row["replica_usd"],
        overlap_usd=row["overlap_usd"],
        spot_milliseconds=int(row["spot_milliseconds"]),
        ondemand_milliseconds=int(row["ondemand_milliseconds"]),
        estimated_milliseconds=int(row["estimated_milliseconds"]),
        unknown_milliseconds=int(row["unknown_milliseconds"]),
    )


def _periods(rows: Iterable[Row]) -> list[PeriodFigures]:
    periods = [PeriodFigures(row["begins_on"], figures_of(row)) for row in rows]
    return sorted(periods, key=lambda period: period.begins_on)


def _weeks(days: Iterable[PeriodFigures]) -> list[PeriodFigures]:
    weeks: dict[date, Figures] = {}
    for day in days:
        monday = day.begins_on - timedelta(days=day.begins_on.weekday())
        weeks[monday] = _add(weeks.get(monday, Figures()), day.figures)
    return [PeriodFigures(monday, figures) for monday, figures in weeks.items()]


def _add(one: Figures, other: Figures) -> Figures:
    return Figures(
        **{f.name: getattr(one, f.name) + getattr(other, f.name) for f in fields(Figures)}
    )


def _agent(row: Row) -> AgentFigures:
    return AgentFigures(
        agent_id=row["agent_id"],
        client_id=row["client_id"],
        logical_agent_id=row["logical_agent_id"],
        status=row["status"],
        figures=figures_of(row),
    )
