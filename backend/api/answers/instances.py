"""Instances, as dashboards read them."""

from typing import Any

from pydantic import AwareDatetime, ConfigDict

from backend.api.answers.base import Answer
from backend.api.answers.parts import AlreadyThere


class LogLine(Answer):
    """What happened to an instance."""

    id: int
    time: AwareDatetime
    timestamp: AwareDatetime
    type: str
    severity: str
    level: str
    message: str


class InstanceMetrics(Answer):
    """The figures of an instance."""

    id: str
    instanceType: str | None
    currentMode: str | None
    currentPoolId: str | None
    spotPrice: float
    onDemandPrice: float
    baselineOnDemandPrice: float
    uptimeHours: int
    hoursSinceLastSwitch: int
    totalSwitches: int
    switchesLast7Days: int
    switchesLast30Days: int
    savingsLast30Days: float
    totalSavings: float


class AvailablePool(Answer):
    """A pool that an instance could run in."""

    id: str
    az: str
    instanceType: str | None
    price: float | None


class InstanceOptions(Answer):
    """Where an instance could run."""

    currentType: str | None
    currentRegion: str | None
    currentAz: str | None
    availablePools: list[AvailablePool]
    pools: list[AvailablePool]
    availableTypes: list[str]
    instanceTypes: list[str]


class PricePoint(Answer):
    """Prices of one hour or day; a column ``pool_<id>`` for each pool."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, float | None]

    time: str
    onDemand: float | None


class ChartedPool(Answer):
    """A pool of a chart; ``key`` is its column."""

    id: str
    name: str
    az: str
    key: str


class PriceHistory(Answer):
    """What an instance's pools cost over time."""

    data: list[PricePoint]
    pools: list[ChartedPool]
    onDemandPrice: float


class PoolName(Answer):
    """A pool by name."""

    id: str
    name: str
    az: str


class OnDemandPrice(Answer):
    """What an instance costs on demand."""

    name: str
    price: float


class PricedPool(Answer):
    """A pool with its price; savings in percent."""

    id: str
    name: str
    az: str
    price: float
    savings: float
    observedAt: AwareDatetime | None


class InstancePricing(Answer):
    """What an instance costs, and what others would."""

    currentMode: str | None
    currentPool: PoolName | None
    onDemand: OnDemandPrice
    pools: list[PricedPool]


class ForcedSwitch(Answer):
    """Move the agent of an instance at once."""

    success: bool
    command_id: str
    message: str


ANSWERS: dict[str, dict[int, Any]] = {
    "client_instance_views.list_logs": {200: list[LogLine]},
    "client_instance_views.show_metrics": {200: InstanceMetrics},
    "client_instance_views.show_options": {200: InstanceOptions},
    "client_instance_views.show_price_history": {200: PriceHistory},
    "client_instance_views.show_pricing": {200: InstancePricing},
    "client_instances.force_switch": {200: ForcedSwitch | AlreadyThere},
}
