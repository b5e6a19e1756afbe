"""On-demand prices from the Price List; what cannot be told for certain is unknown."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from agent.aws.errors import translated
from agent.aws.session import AwsSession
from agent.clock import Clock, parse_instant
from agent.documents import Documents
from agent.errors import AwsError

logger = logging.getLogger(__name__)

_DOCUMENT = "ondemand_price"
_KEEP = timedelta(days=1)
_RETRY = timedelta(hours=1)  # after a refusal: missing permissions do not mend themselves
_OPERATING_SYSTEMS = {
    "Linux/UNIX": "Linux",
    "Red Hat Enterprise Linux": "RHEL",
    "SUSE Linux": "SUSE",
    "Windows": "Windows",
}


class OndemandPrices:
    """Knows the on-demand price of one type in one region; asks once a day."""

    def __init__(self, session: AwsSession, documents: Documents, clock: Clock) -> None:
        self._session = session
        self._documents = documents
        self._clock = clock

    def read(self, instance_type: str, region: str, product: str) -> Decimal | None:
        """Return USD an hour; None when it is unknown, and then nobody invents it."""
        subject = f"{instance_type} {region} {product}"
        kept = self._documents.load(_DOCUMENT) or {}
        if kept.get("subject") == subject:
            age = self._clock.now() - parse_instant(kept["asked_at"])
            if age < (_KEEP if kept["price"] else _RETRY):
                return Decimal(kept["price"]) if kept["price"] else None
        price = self._ask(instance_type, region, product)
        self._documents.save(
            _DOCUMENT,
            {
                "subject": subject,
                "asked_at": self._clock.now().isoformat(),
                "price": str(price) if price is not None else None,
            },
        )
        return price

    def _ask(self, instance_type: str, region: str, product: str) -> Decimal | None:
        system = _OPERATING_SYSTEMS.get(product)
        if system is None:
            return None
        filters = {
            "instanceType": instance_type,
            "regionCode": region,
            "operatingSystem": system,
            "tenancy": "Shared",
            "preInstalledSw": "NA",
            "capacitystatus": "Used",
        }
        try:
            with translated():
                pages = (
                    self._session.price_list()
                    .get_paginator("get_products")
                    .paginate(
                        ServiceCode="AmazonEC2",
                        Filters=[
                            {"Type": "TERM_MATCH", "Field": name, "Value": value}
                            for name, value in filters.items()
                        ],
                    )
                )
                products = [
                    json.loads(text) for page in pages for text in page.get("PriceList", ())
                ]
        except (AwsError, ValueError) as error:
            logger.warning(
                "The on-demand price is unknown: %s", error, extra={"action": "price_unknown"}
            )
            return None
        return agreed_price(products)


def agreed_price(products: Iterable[Mapping[str, Any]]) -> Decimal | None:
    """Return the one hourly price that all products name; None when they name none, or several."""
    prices = {price for product in products for price in _hourly_prices(product)}
    if len(prices) > 1:
        logger.warning(
            "The price list names several on-demand prices: unknown",
            extra={"action": "price_unknown", "prices": sorted(map(str, prices))},
        )
    return prices.pop() if len(prices) == 1 else None


def _hourly_prices(product: Mapping[str, Any]) -> Iterable[Decimal]:
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            if dimension.get("unit") not in {"Hrs", "Hours"}:
                continue
            try:
                price = Decimal(dimension["pricePerUnit"]["USD"])
            except (KeyError, InvalidOperation):
                continue
            if price > 0:
                yield price
