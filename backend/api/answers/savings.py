"""Savings from the ledger, as dashboards read them and as files hold them."""

from datetime import date as Day
from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import Answer


class SavingsPeriod(Answer):
    """A month, week or day; dollars."""

    name: str
    startsOn: Day
    savings: float
    onDemandCost: float
    modelCost: float


class OwnSavings(Answer):
    """Savings as the dashboard of their owner reads them; dollars."""

    total_savings: float
    monthly_savings: list[SavingsPeriod]


class TrendMonth(Answer):
    """A month of the overview; dollars."""

    month: str
    savings: float
    baseline: float
    actual: float


class ModeCount(Answer):
    """How many instances run in a mode."""

    mode: str
    count: int


class SwitchDay(Answer):
    """How many switches a day had."""

    date: Day
    switches: int


class SavingsCharts(Answer):
    """What a client's overview draws."""

    savingsTrend: list[TrendMonth]
    modeDistribution: list[ModeCount]
    switchFrequency: list[SwitchDay]


class SavingsDay(Answer):
    """A day of the ledger: dollars, and hours of instances."""

    date: Day
    savings: float
    onDemandCost: float
    modelCost: float
    replicaCost: float
    overlapCost: float
    spotHours: float
    onDemandHours: float
    estimatedHours: float
    unknownHours: float


class LedgerRow(Answer):
    """A row of the ledger: an instance for a part of an hour; prices in dollars per hour."""

    agentId: str
    instanceId: str
    startsAt: AwareDatetime
    endsAt: AwareDatetime
    role: str
    mode: str | None
    poolId: str | None
    price: float | None
    onDemandPrice: float | None
    isFree: bool
    isEstimated: bool
    correctedAt: AwareDatetime | None
    onDemandCost: float | None
    cost: float | None


class SavingsExport(Answer):
    """The ledger as a file: days, or its rows."""

    clientId: str
    savings: list[SavingsDay] | list[LedgerRow]
    total: int


ANSWERS: dict[str, dict[int, Any]] = {
    "client_savings.show_savings": {200: list[SavingsPeriod] | OwnSavings},
    "client_savings.show_charts": {200: SavingsCharts},
    "client_savings.export_savings": {200: SavingsExport},
    "admin_savings.show_savings": {200: list[SavingsPeriod]},
}
