"""Spot prices: one question to EC2 for all pools of a type."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from agent.aws.errors import translated
from agent.aws.session import AwsSession

_PAGE = 1000


class SpotPrices:
    """Asks EC2 for the present spot prices."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session

    def read(self, instance_type: str, product: str, now: datetime) -> dict[str, Decimal]:
        """Return USD an hour by AZ: the newest price of each, whatever the order of the answer.

        Args:
            instance_type: The type to price.
            product: EC2's product description, such as ``Linux/UNIX``.
            now: As the start of the span it makes EC2 answer with the prices in force.

        Raises:
            AwsError: see ``agent.aws.errors.translated``.
        """
        newest: dict[str, tuple[datetime, Decimal]] = {}
        with translated():
            pages = self._session.ec2.get_paginator("describe_spot_price_history").paginate(
                InstanceTypes=[instance_type],  # type: ignore[list-item]
                ProductDescriptions=[product],
                StartTime=now,
                PaginationConfig={"PageSize": _PAGE},
            )
            for page in pages:
                for row in page["SpotPriceHistory"]:
                    az, seen = (
                        row["AvailabilityZone"],
                        (row["Timestamp"], Decimal(row["SpotPrice"])),
                    )
                    if az not in newest or seen[0] > newest[az][0]:
                        newest[az] = seen
        return {az: price for az, (_, price) in sorted(newest.items())}
