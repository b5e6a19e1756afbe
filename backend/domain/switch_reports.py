"""Switch reports in one form: installed agents spell times and prices in three dialects."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from backend.domain.instants import check_not_after, parse_instant
from backend.domain.modes import Mode
from backend.domain.prices import validate_price
from backend.errors import InvalidRequest

# Ours -> what the wire calls it: the agents' long name, then the old server's short one.
_TIMING_NAMES: Final = {
    "initiated_at": ("switch_initiated_at", "initiated_at"),
    "image_created_at": ("ami_created_at", "image_created_at"),
    "launched_at": ("new_instance_launched_at", "instance_launched_at"),
    "ready_at": ("new_instance_ready_at", "instance_ready_at"),
    "cut_over_at": ("traffic_switched_at", "cut_over_at"),
    "old_terminated_at": ("old_instance_terminated_at", "old_terminated_at"),
}
_PRICE_NAMES: Final = {
    "ondemand": ("on_demand", "ondemand"),
    "old_spot": ("old_spot",),
    "new_spot": ("new_spot",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchTiming:
    """When the steps of a switch happened; None for a step that did not, or was not reported."""

    initiated_at: datetime | None = None
    image_created_at: datetime | None = None
    launched_at: datetime | None = None
    ready_at: datetime | None = None
    cut_over_at: datetime | None = None
    old_terminated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchPrices:
    """The prices around a switch in USD per hour; None where unknown."""

    ondemand: Decimal | None = None
    old_spot: Decimal | None = None
    new_spot: Decimal | None = None


def parse_timing(report: Mapping[str, Any], *, latest: datetime | None = None) -> SwitchTiming:
    """Read the ``timing`` of a report, in either vocabulary; it may be absent or null.

    Args:
        report: The body of the report.
        latest: The last instant that is believed; None believes any.

    Raises:
        InvalidRequest: A time is not readable, or after ``latest``; fact ``field``.
    """
    timing = _object(report, "timing")
    return SwitchTiming(
        **{ours: _first_instant(timing, names, latest) for ours, names in _TIMING_NAMES.items()}
    )


def parse_prices(report: Mapping[str, Any], *, max_price: Decimal) -> SwitchPrices:
    """Read the ``prices`` (or ``pricing``) of a report.

    Null, 0.0 and a price above ``max_price`` mean unknown.

    Raises:
        InvalidRequest: A price is no number or negative; fact ``field``.
    """
    section = "prices" if report.get("prices") else "pricing"
    prices = _object(report, section)
    return SwitchPrices(
        **{
            ours: _first_price(prices, names, section=section, max_price=max_price)
            for ours, names in _PRICE_NAMES.items()
        }
    )


def savings_impact(prices: SwitchPrices, old_mode: Mode, new_mode: Mode) -> Decimal | None:
    """Return what the switch saves in USD per hour; negative when the new place costs more.

    None when a price that it needs is unknown: nothing is invented.
    """
    old = _cost(old_mode, spot=prices.old_spot, ondemand=prices.ondemand)
    new = _cost(new_mode, spot=prices.new_spot, ondemand=prices.ondemand)
    return None if old is None or new is None else old - new


def _cost(mode: Mode, *, spot: Decimal | None, ondemand: Decimal | None) -> Decimal | None:
    return {Mode.SPOT: spot, Mode.ONDEMAND: ondemand}.get(mode)


def _first_instant(
    timing: Mapping[str, Any], names: tuple[str, ...], latest: datetime | None
) -> datetime | None:
    for name in names:
        value = timing.get(name)
        if value is None or value == "":
            continue
        field = f"timing.{name}"
        if not isinstance(value, str):
            raise InvalidRequest(f"{field} must be a text with a date and time", field=field)
        instant = parse_instant(value, field=field)
        if latest is not None:
            check_not_after(instant, latest, field=field)
        return instant
    return None


def _first_price(
    prices: Mapping[str, Any], names: tuple[str, ...], *, section: str, max_price: Decimal
) -> Decimal | None:
    for name in names:
        value = prices.get(name)
        if _is_beyond(value, max_price):
            continue
        price = validate_price(value, max_price=max_price, field=f"{section}.{name}")
        if price is not None:
            return price
    return None


def _is_beyond(value: object, max_price: Decimal) -> bool:
    """Tell whether a price is too high to be believed: it counts as unknown.

    The report itself is kept: installed agents never send it again, and that the primary moved
    matters more than what it cost.
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and value > max_price


def _object(report: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = report.get(field)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{field} must be an object", field=field)
    return value
