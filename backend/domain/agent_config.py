"""The settings of an agent, and how agents are told of them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final

# A first instance is kept this long beside its successor when the operator named no time.
DEFAULT_TERMINATE_WAIT_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """The settings of one agent; the defaults are those of a new agent.

    ``min_savings_percent`` is in 0..100, ``risk_threshold`` in 0..1.
    """

    version: int = 1
    enabled: bool = True
    auto_switch_enabled: bool = True
    manual_replica_enabled: bool = False
    auto_terminate_enabled: bool = True
    terminate_wait_seconds: int = DEFAULT_TERMINATE_WAIT_SECONDS
    replica_enabled: bool = False
    replica_count: int = 0
    min_savings_percent: Decimal = Decimal("15.00")
    risk_threshold: Decimal = Decimal("0.30")
    max_switches_per_day: int = 3
    max_switches_per_week: int = 10
    min_pool_duration_hours: int = 2


_FLAGS: Final = frozenset(field.name for field in fields(AgentConfig) if field.type is bool)


def config_from(row: Mapping[str, Any]) -> AgentConfig:
    """Build the settings from a row that has the columns of ``agent_configs``.

    Other columns are passed over; flags may be the database's 0 and 1.

    Raises:
        KeyError: A column is missing.
    """
    values = {field.name: row[field.name] for field in fields(AgentConfig)}
    return AgentConfig(**{**values, **{name: bool(values[name]) for name in _FLAGS}})


def to_wire(config: AgentConfig) -> dict[str, Any]:
    """Return the settings as JSON for register and config: numbers and true booleans."""
    values = {field.name: getattr(config, field.name) for field in fields(AgentConfig)}
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }


def effective_terminate_wait(config: AgentConfig) -> int:
    """Return the ``terminate_wait_seconds`` that a command carries.

    On the wire 0 means "keep the old instance". So it is 0 when auto-terminate is off, and
    never 0 when it is on: then a wait of 0 becomes 300 seconds.
    """
    if not config.auto_terminate_enabled:
        return 0
    return config.terminate_wait_seconds or DEFAULT_TERMINATE_WAIT_SECONDS
