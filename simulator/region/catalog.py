"""What the region offers: zones, networks, instance types and their on-demand prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from simulator.pools import Pool

ACCOUNT_ID = "123456789012"
DEFAULT_VPC = "vpc-0000000000000def0"
APP_VPC = "vpc-0000000000000a990"
DEFAULT_GROUP = "sg-0000000000000def0"
APP_GROUP = "sg-0000000000000a990"
KEY_NAME = "operator-key"
INSTANCE_PROFILE = "spot-optimizer-agent"

# USD per hour, Linux, shared tenancy, as published for us-east-1.
ONDEMAND_USD_PER_HOUR: Mapping[str, Decimal] = {
    "t3.medium": Decimal("0.0416"),
    "t3.large": Decimal("0.0832"),
    "m5.large": Decimal("0.096"),
    "m5.xlarge": Decimal("0.192"),
    "m6i.large": Decimal("0.096"),
    "c5.large": Decimal("0.085"),
    "c5.xlarge": Decimal("0.17"),
    "r5.large": Decimal("0.126"),
    "p3.2xlarge": Decimal("3.06"),
}
COMMON_TYPES = ("t3.medium", "m5.large", "m6i.large", "c5.large", "r5.large")

_SHORT = {
    "eu-west-1": "euw1",
    "eu-central-1": "euc1",
    "us-east-1": "use1",
    "us-east-2": "use2",
    "us-west-2": "usw2",
    "ap-south-1": "aps1",
}
_PLACES = {
    "eu-west-1": "EU (Ireland)",
    "eu-central-1": "EU (Frankfurt)",
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-2": "US West (Oregon)",
    "ap-south-1": "Asia Pacific (Mumbai)",
}
REGIONS = tuple(_SHORT)


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet; it lies in one zone of one VPC."""

    subnet_id: str
    vpc_id: str
    az: str
    number: int
    is_default: bool

    @property
    def prefix(self) -> str:
        """The first three parts of its addresses."""
        return f"10.{0 if self.is_default else 20}.{self.number}"


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    """A security group of one VPC."""

    group_id: str
    name: str
    vpc_id: str


class Catalog:
    """What can be had in the region. Read-only."""

    def __init__(
        self,
        region: str,
        zones: Sequence[str],
        ondemand: Mapping[str, Decimal] | None = None,
    ) -> None:
        """Describe a region.

        Args:
            region: Its name, one of ``REGIONS``.
            zones: Names of its availability zones.
            ondemand: Instance type to on-demand price in USD per hour; the common types if None.
        """
        self.region = region
        self.place = _PLACES[region]
        self.zones = tuple(zones)
        self.ondemand = dict(
            ondemand or {name: ONDEMAND_USD_PER_HOUR[name] for name in COMMON_TYPES}
        )
        self.subnets = {s.subnet_id: s for s in self._make_subnets()}
        self.groups = {
            DEFAULT_GROUP: SecurityGroup(DEFAULT_GROUP, "default", DEFAULT_VPC),
            APP_GROUP: SecurityGroup(APP_GROUP, "app", APP_VPC),
        }

    @property
    def pools(self) -> list[Pool]:
        """Every type in every zone."""
        return [Pool(name, az) for name in self.ondemand for az in self.zones]

    def zone_id(self, az: str) -> str:
        """Return the zone's id; as in every account the letters are shuffled."""
        place = (self.zones.index(az) + 1) % len(self.zones) + 1
        return f"{_SHORT[self.region]}-az{place}"

    def subnet_in(self, vpc_id: str, az: str) -> Subnet:
        """Return the subnet of a VPC in a zone.

        Raises:
            KeyError: there is none.
        """
        for subnet in self.subnets.values():
            if (subnet.vpc_id, subnet.az) == (vpc_id, az):
                return subnet
        raise KeyError((vpc_id, az))

    def _make_subnets(self) -> list[Subnet]:
        return [
            Subnet(f"subnet-0{word}{number:013x}", vpc_id, az, number, vpc_id == DEFAULT_VPC)
            for vpc_id, word in ((DEFAULT_VPC, "dfa"), (APP_VPC, "a99"))
            for number, az in enumerate(self.zones, 1)
        ]
