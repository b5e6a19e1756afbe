"""Validation of reported prices at the door: a bad entry is refused by name, good ones stay."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from typing import Any, Final

from backend.domain.instants import cut_to_milliseconds
from backend.domain.pools import (
    MAX_POOL_NAME_LENGTH,
    PoolName,
    is_region,
    parse_pool_name,
    region_of,
)
from backend.errors import InvalidRequest

BUCKET: Final = timedelta(minutes=5)  # of price time, aligned to UTC
MAX_ENTRIES: Final = 200  # pools a report: one type in every zone of a region needs fewer than ten
MAX_AGE: Final = timedelta(hours=24)  # EC2 repeats an unchanged price about this often
MAX_LEAD: Final = timedelta(minutes=2)  # how far a host's clock may run ahead
_STEP: Final = Decimal("0.000001")  # USD/h: the tables hold six digits, and 0 is no price
_ORIGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)  # buckets are counted from a full day
_UNSAID: Final = frozenset({"", "unknown"})


class PriceSource(StrEnum):
    """Who observed a raw price: the agent's own instances come first, ``history`` fills gaps."""

    PRIMARY = "primary"
    REPLICA = "replica"
    OTHER = "other"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceEntry:
    """A pool's price in USD per hour, rounded to 6 digits."""

    pool: PoolName
    price_usd_per_hour: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """An entry that was left out: its name as reported, the field at fault, and why."""

    pool_id: str
    field: str
    reason: str


def bucket_of(instant: datetime) -> datetime:
    """Return the start, in UTC, of the 5 minutes of price time that an aware instant is in."""
    return instant.astimezone(UTC) - (instant - _ORIGIN) % BUCKET


def validate_entries(
    entries: Sequence[object], *, region: str, max_price: Decimal
) -> tuple[list[PriceEntry], list[RefusedEntry]]:
    """Sort a report's pools into those that count and those that do not.

    Args:
        entries: Objects with ``pool_id`` and ``price`` (USD/h), perhaps ``instance_type``
            and ``az``, which must then agree with the pool's name.
        region: The region that the reporter speaks of; every pool must lie in it. One that is
            no region's name ("unknown") is not checked.
        max_price: The highest believable price in USD per hour, inclusive.

    Returns:
        The good entries in the order of the report, each pool once (the first wins), at most
        200; and the refused ones. Nothing raises.
    """
    good: dict[str, PriceEntry] = {}
    refused: list[RefusedEntry] = []
    for position, entry in enumerate(entries):
        name = _name_of(entry, position)
        try:
            accepted = _validate_entry(entry, region=region, max_price=max_price)
            _check_place(accepted, good)
        except InvalidRequest as error:
            refused.append(
                RefusedEntry(pool_id=name, field=error.facts["field"], reason=error.message)
            )
        else:
            good[str(accepted.pool)] = accepted
    return list(good.values()), refused


def validate_observed_at(observed: datetime | None, *, now: datetime) -> datetime:
    """Check when prices were observed; the oldest agents do not say it: then it is now.

    Returns:
        The instant cut to milliseconds.

    Raises:
        InvalidRequest: It is more than 24 hours ago or more than 2 minutes ahead.
    """
    if observed is None:
        return cut_to_milliseconds(now)
    if not now - MAX_AGE <= observed <= now + MAX_LEAD:
        raise InvalidRequest(
            "collected_at must lie between 24 hours ago and 2 minutes ahead",
            field="collected_at",
            earliest=(now - MAX_AGE).isoformat(),
            latest=(now + MAX_LEAD).isoformat(),
        )
    return cut_to_milliseconds(observed)


def validate_price(value: object, *, max_price: Decimal, field: str = "price") -> Decimal | None:
    """Check one price in USD per hour and round it to 6 digits.

    Null and zero mean "unknown" (the oldest agents send 0.0 for a price they do not have).

    Raises:
        InvalidRequest: No number, negative, not finite, or above ``max_price``.
    """
    if value is None or (_is_number(value) and value == 0):
        return None
    return _check_price(value, max_price=max_price, field=field)


def _validate_entry(entry: object, *, region: str, max_price: Decimal) -> PriceEntry:
    if not isinstance(entry, Mapping):
        raise InvalidRequest("a pool must be an object with pool_id and price", field="pool_id")
    text = entry.get("pool_id")
    pool = parse_pool_name(text if isinstance(text, str) else "")
    _check_agreement(entry, "instance_type", pool.instance_type)
    _check_agreement(entry, "az", pool.az)
    if is_region(region) and region_of(pool.az) != region:
        raise InvalidRequest(f"the pool does not lie in {region}", field="pool_id")
    price = _check_price(entry.get("price"), max_price=max_price, field="price")
    return PriceEntry(pool=pool, price_usd_per_hour=price)


def _check_agreement(entry: Mapping[str, Any], field: str, expected: str) -> None:
    said = entry.get(field)
    if said is None or (isinstance(said, str) and said in _UNSAID):
        return
    if said != expected:
        raise InvalidRequest(f"{field} does not agree with pool_id", field=field)


def _check_place(entry: PriceEntry, good: Mapping[str, PriceEntry]) -> None:
    if str(entry.pool) in good:
        raise InvalidRequest("the report names this pool twice; the first counts", field="pool_id")
    if len(good) >= MAX_ENTRIES:
        raise InvalidRequest(f"a report may hold at most {MAX_ENTRIES} pools", field="spot_pools")


def _check_price(value: object, *, max_price: Decimal, field: str) -> Decimal:
    price = _as_decimal(value)
    if price is not None and 0 < price <= max_price:
        rounded = price.quantize(_STEP, rounding=ROUND_HALF_EVEN)
        if rounded > 0:
            return rounded
    raise InvalidRequest(
        f"{field} must be a number from {_STEP} to {max_price} USD per hour",
        field=field,
        minimum=str(_STEP),
        maximum=str(max_price),
    )


def _as_decimal(value: object) -> Decimal | None:
    """Return the value as JSON spelled it (0.1, not 0.1000000000000000055), None if no number."""
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    if isinstance(value, float):
        return Decimal(str(value)) if math.isfinite(value) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return None


def _is_number(value: object) -> bool:
    return _as_decimal(value) is not None


def _name_of(entry: object, position: int) -> str:
    """Return the name that the reporter will recognize the entry by."""
    text = entry.get("pool_id") if isinstance(entry, Mapping) else None
    if isinstance(text, str) and text:
        return text[:MAX_POOL_NAME_LENGTH]
    return f"spot_pools[{position}]"
