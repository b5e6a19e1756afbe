"""What this host and its neighbours cost, as last read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from agent.aws.ec2 import Ec2
from agent.aws.ondemand_prices import OndemandPrices
from agent.aws.spot_prices import SpotPrices
from agent.clock import Clock
from agent.errors import AwsRejected
from agent.identity import Identity
from agent.launch_spec import LINUX, platform_of


@dataclass(frozen=True)
class Reading:
    """Prices in USD an hour, all of one type; ``ondemand`` is None while it is unknown."""

    spot: Mapping[str, Decimal] = field(default_factory=dict)
    ondemand: Decimal | None = None
    read_at: datetime | None = None


class PriceBook:
    """Reads prices, and keeps the last reading for whoever needs one. Thread-safe."""

    def __init__(
        self,
        identity: Identity,
        ec2: Ec2,
        spot: SpotPrices,
        ondemand: OndemandPrices,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._ec2 = ec2
        self._spot = spot
        self._ondemand = ondemand
        self._clock = clock
        self._product: str | None = None
        self._zone_ids: Mapping[str, str] | None = None
        self.last = Reading()

    def refresh(self) -> Reading:
        """Read all prices anew: one question to EC2, and one a day to the price list.

        Raises:
            AwsError: EC2 cannot be asked.
        """
        now = self._clock.now()
        product = self._own_product()
        identity = self._identity
        self.last = Reading(
            spot=self._spot.read(identity.instance_type, product, now),
            ondemand=self._ondemand.read(identity.instance_type, identity.region, product),
            read_at=now,
        )
        return self.last

    def zone_ids(self) -> Mapping[str, str]:
        """Return what zone names stand for in this account; asked once.

        Where that may not be asked, only this host's own zone is known.

        Raises:
            TransientError: EC2 cannot be asked now.
        """
        if self._zone_ids is None:
            own = self._identity
            try:
                self._zone_ids = self._ec2.zone_ids()
            except AwsRejected:
                self._zone_ids = {own.az: own.az_id} if own.az_id else {}
        return self._zone_ids

    def _own_product(self) -> str:
        """Prices differ by platform, which metadata does not tell."""
        if self._product is None:
            own = self._ec2.find(self._identity.instance_id)
            self._product = platform_of(own) if own is not None else LINUX
        return self._product
