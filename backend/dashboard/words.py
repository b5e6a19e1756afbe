"""How values read on a page."""

from datetime import datetime, timedelta
from decimal import Decimal

from backend.sef.pools import Refusal

_UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def ago(instant: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in its largest unit: ``3 min ago``."""
    if instant is None:
        return "never"
    seconds = int(max(timedelta(0), now - instant).total_seconds())
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "now"


def price(value: Decimal | None) -> str:
    """Return USD per hour with four digits; unknown is a dash."""
    return "–" if value is None else f"${value:.4f}"  # noqa: RUF001 - an en dash, on purpose


def dash(value: object) -> object:
    """Return the value, or a dash for nothing."""
    return "–" if value in (None, "") else value  # noqa: RUF001 - an en dash, on purpose


def percent(value: Decimal | float | None) -> str:
    """Return a share given in percent without digits behind the point; unknown is a dash."""
    return "–" if value is None else f"{value:.0f} %"  # noqa: RUF001 - an en dash, on purpose


def saving(paid: Decimal | None, full: Decimal | None) -> str:
    """Return by how many percent ``paid`` is below ``full``; unknown is a dash."""
    return percent(None if paid is None or not full else 100 * (full - paid) / full)


# Why a pool is no choice now.
REFUSALS = {
    Refusal.OTHER_REGION: "another region",
    Refusal.OTHER_TYPE: "another type",
    Refusal.OWN_POOL: "the present pool",
    Refusal.OTHER_AZ: "another zone",
    Refusal.NO_SAVING: "not cheaper than on demand",
    Refusal.STALE_PRICE: "its price is old",
    Refusal.COOLING: "rests after trouble",
    Refusal.RISKY: "risk above the agent's limit",
}
