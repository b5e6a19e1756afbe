"""Names of spot pools: one instance type in one availability zone."""

import re
from dataclasses import dataclass
from functools import lru_cache

from backend.domain.modes import Mode
from backend.errors import InvalidRequest

MAX_POOL_NAME_LENGTH = 128  # characters: what the tables hold
MAX_TYPE_LENGTH = 64
MAX_AZ_LENGTH = 48
# Every report names the same few pools: reading a name is remembered. Only short texts are.
REMEMBERED_NAMES = 4096

_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
# us-east-1a, us-gov-west-1b, the local zone us-west-2-lax-1a, the wavelength zone
# us-east-1-wl1-bos-wlz-1: the region, then a letter or further dashed parts.
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]+")
_AZ = re.compile(rf"(?P<region>{_REGION.pattern})(?:[a-z]|(?:-[a-z0-9]+)+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolName:
    """A pool as the wire names it: ``"{instance_type}.{az}"``."""

    instance_type: str
    az: str

    def __str__(self) -> str:
        return f"{self.instance_type}.{self.az}"


def is_instance_type(text: str | None) -> bool:
    """Tell whether the text reads like an EC2 instance type, such as ``m5.large``."""
    return text is not None and len(text) <= MAX_TYPE_LENGTH and bool(_TYPE.fullmatch(text))


def is_az(text: str | None) -> bool:
    """Tell whether the text reads like an availability zone, local zones included."""
    return text is not None and len(text) <= MAX_AZ_LENGTH and bool(_AZ.fullmatch(text))


def is_region(text: str) -> bool:
    """Tell whether the text reads like a region, such as ``us-east-1``."""
    return len(text) <= MAX_AZ_LENGTH and _is_region(text)


def region_of(az: str) -> str | None:
    """Return the region that a zone's name begins with, or None when it is no zone's name."""
    return _region_of(az) if len(az) <= MAX_AZ_LENGTH else None


@lru_cache(REMEMBERED_NAMES)  # what raises is not remembered
def parse_pool_name(text: str, *, field: str = "pool_id") -> PoolName:
    """Read ``"{instance_type}.{az}"``; the zone is what follows the last dot.

    Raises:
        InvalidRequest: The text is not such a name; fact ``field`` says where it stood.
    """
    instance_type, _, az = text.rpartition(".")
    if not (is_instance_type(instance_type) and is_az(az)):
        raise InvalidRequest(
            f"{field} must be an instance type and a zone, such as m5.large.us-east-1a",
            field=field,
            expected="{instance_type}.{az}",
        )
    return PoolName(instance_type=instance_type, az=az)


def pool_of(instance_type: str | None, az: str | None, mode: Mode) -> str | None:
    """Return the name of the pool that an instance runs in.

    Only spot instances run in a pool, and only known parts make a name: else None.
    """
    if mode is not Mode.SPOT or instance_type is None or az is None:
        return None
    if not (is_instance_type(instance_type) and is_az(az)):
        return None
    return str(PoolName(instance_type=instance_type, az=az))


@lru_cache(REMEMBERED_NAMES)
def _is_region(text: str) -> bool:
    return bool(_REGION.fullmatch(text))


@lru_cache(REMEMBERED_NAMES)
def _region_of(az: str) -> str | None:
    match = _AZ.fullmatch(az)
    return match["region"] if match else None
