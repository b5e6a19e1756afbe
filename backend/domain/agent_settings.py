"""What an operator may change of an agent's settings, and what then holds."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final

from backend.domain.agent_config import DEFAULT_TERMINATE_WAIT_SECONDS, AgentConfig

SECONDS_PER_MINUTE: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsWish:
    """What is asked for; None leaves a setting as it is.

    Ranges are those of the table. ``terminate_wait_minutes`` is for dashboards that know whole
    minutes only; ``terminate_wait_seconds`` wins over it.
    """

    enabled: bool | None = None
    auto_switch_enabled: bool | None = None
    manual_replica_enabled: bool | None = None
    auto_terminate_enabled: bool | None = None
    terminate_wait_seconds: int | None = None
    terminate_wait_minutes: int | None = None
    replica_enabled: bool | None = None
    replica_count: int | None = None
    min_savings_percent: Decimal | None = None
    risk_threshold: Decimal | None = None
    max_switches_per_day: int | None = None
    max_switches_per_week: int | None = None
    min_pool_duration_hours: int | None = None


_PLAIN: Final = (
    "enabled",
    "auto_terminate_enabled",
    "replica_enabled",
    "replica_count",
    "min_savings_percent",
    "risk_threshold",
    "max_switches_per_day",
    "max_switches_per_week",
    "min_pool_duration_hours",
)
# What ends with the agent: it must not come back to life with the wishes of the old one.
ENDED: Final = SettingsWish(enabled=False, auto_switch_enabled=False, manual_replica_enabled=False)


def applied(config: AgentConfig, wish: SettingsWish) -> AgentConfig:
    """Return the settings that hold after a wish; the version grows only when something changes."""
    wanted = {name: getattr(wish, name) for name in _PLAIN}
    values: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    values["terminate_wait_seconds"] = _wait_seconds(config, wish)
    values["auto_switch_enabled"], values["manual_replica_enabled"] = _modes(config, wish)
    after = replace(config, **values)
    return after if after == config else replace(after, version=config.version + 1)


def differences(before: AgentConfig, after: AgentConfig) -> dict[str, dict[str, Any]]:
    """Return ``{setting: {"before": ..., "after": ...}}`` as JSON values, without the version."""
    return {
        field.name: {"before": _json(old), "after": _json(new)}
        for field in fields(AgentConfig)
        if field.name != "version"
        and (old := getattr(before, field.name)) != (new := getattr(after, field.name))
    }


def shown_wait_minutes(config: AgentConfig | Mapping[str, Any]) -> int:
    """Return the waiting time in whole minutes, as dashboards show it; 0 seconds mean 300."""
    seconds = (
        config.terminate_wait_seconds
        if isinstance(config, AgentConfig)
        else int(config["terminate_wait_seconds"])
    )
    return (seconds or DEFAULT_TERMINATE_WAIT_SECONDS) // SECONDS_PER_MINUTE


def _modes(config: AgentConfig, wish: SettingsWish) -> tuple[bool, bool]:
    """Return auto and manual: never both.

    Dashboards send both flags at once, also the one that nobody touched. So when both are wanted,
    the one that is new wins; when both are new, manual does, as it always did.
    """
    auto, manual = wish.auto_switch_enabled, wish.manual_replica_enabled
    if auto and manual:
        manual_wins = not config.manual_replica_enabled
        return not manual_wins, manual_wins
    if auto:
        return True, False
    if manual:
        return False, True
    return (
        config.auto_switch_enabled if auto is None else False,
        config.manual_replica_enabled if manual is None else False,
    )


def _wait_seconds(config: AgentConfig, wish: SettingsWish) -> int:
    """Return the waiting time; minutes that only repeat what was shown change nothing."""
    if wish.terminate_wait_seconds is not None:
        return wish.terminate_wait_seconds
    minutes = wish.terminate_wait_minutes
    if minutes is None or minutes == shown_wait_minutes(config):
        return config.terminate_wait_seconds
    return minutes * SECONDS_PER_MINUTE


def _json(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
