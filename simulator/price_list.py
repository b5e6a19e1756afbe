"""The Price List: ``GetProducts``, as unhelpfully rich as the real one.

For each instance type it knows several products: other tenancies, other operating systems, with
preinstalled software, and capacity reservations at 0 USD. Only the right filters find the price.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from simulator.ec2.api import Answer, caller_of
from simulator.errors import AwsError
from simulator.region.region import Region
from simulator.region.request_log import Call

TARGET = "AWSPriceListService.GetProducts"
CONTENT_TYPE = "application/x-amz-json-1.1"
LARGEST_PAGE = 100
_KNOWN = frozenset({"ServiceCode", "Filters", "FormatVersion", "MaxResults", "NextToken"})

# tenancy, operating system, preinstalled software, capacity status, share of the Linux price
VARIANTS = (
    ("Shared", "Linux", "NA", "UnusedCapacityReservation", "0"),
    ("Shared", "Linux", "NA", "AllocatedCapacityReservation", "0"),
    ("Dedicated", "Linux", "NA", "Used", "1.08"),
    ("Host", "Linux", "NA", "Used", "0"),
    ("Shared", "Windows", "NA", "Used", "1.96"),
    ("Shared", "Linux", "SQL Std", "Used", "5.2"),
    ("Shared", "Linux", "NA", "Used", "1"),
    ("Shared", "RHEL", "NA", "Used", "1.3"),
)


class PriceList:
    """Answers Price List calls. Thread-safe."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._products = list(_products(region))

    def handle(self, authorization: str, target: str, body: bytes) -> Answer:
        """Answer one call."""
        code, status = "", 200
        action = target.rpartition(".")[2]
        caller = "unknown"
        try:
            caller = caller_of(authorization)
            with self._region.lock:
                self._region.faults.before(action, caller)
            _require_target(target)
            payload = self._get_products(_json_object(body))
        except AwsError as error:
            code, status = error.code, error.status
            payload = {"__type": error.code, "message": error.message}
        with self._region.lock:
            now = self._region.clock.now()
            self._region.log.note(Call(now, caller, "pricing", action[:64], code))
        return Answer(status, CONTENT_TYPE, json.dumps(payload).encode())

    def _get_products(self, request: Mapping[str, Any]) -> dict[str, Any]:
        unknown = set(request) - _KNOWN
        if request.get("ServiceCode") != "AmazonEC2" or unknown:
            raise AwsError("InvalidParameterException", "Ask for the products of AmazonEC2")
        size = int(request.get("MaxResults", LARGEST_PAGE))
        if not 1 <= size <= LARGEST_PAGE:
            raise AwsError("InvalidParameterException", "MaxResults must be 1 to 100")
        wanted = [(_field(f), str(f.get("Value", ""))) for f in request.get("Filters", [])]
        found = [
            product
            for product in self._products
            if all(_attribute(product, field) == value for field, value in wanted)
        ]
        token = str(request.get("NextToken", "0"))
        if not token.isdigit():
            raise AwsError("InvalidNextTokenException", "The pagination token is invalid.")
        end = int(token) + size
        page = [json.dumps(product) for product in found[int(token) : end]]
        result: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": page}
        return result | ({"NextToken": str(end)} if end < len(found) else {})


def _require_target(target: str) -> None:
    if target != TARGET:
        raise AwsError("InvalidAction", f"The simulator does not know {target}")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", "The body must be a JSON object")
    return value


def _field(entry: Mapping[str, Any]) -> str:
    if entry.get("Type") != "TERM_MATCH":
        raise AwsError("InvalidParameterException", "Filters have the type TERM_MATCH")
    return str(entry.get("Field", ""))


def _attribute(product: Mapping[str, Any], field: str) -> str | None:
    value = product["product"]["attributes"].get(field)
    return value if value is None else str(value)


def _products(region: Region) -> Iterator[dict[str, Any]]:
    catalog = region.catalog
    for instance_type, price in catalog.ondemand.items():
        for number, variant in enumerate(VARIANTS):
            tenancy, system, software, status, share = variant
            sku = f"{instance_type.replace('.', '').upper():0<12.12}{number:04d}"
            attributes = {
                "instanceType": instance_type,
                "regionCode": catalog.region,
                "location": catalog.place,
                "locationType": "AWS Region",
                "operatingSystem": system,
                "tenancy": tenancy,
                "preInstalledSw": software,
                "capacitystatus": status,
                "licenseModel": "No License required",
                "marketoption": "OnDemand",
                "servicecode": "AmazonEC2",
            }
            yield _product(sku, attributes, price * Decimal(share))


def _product(sku: str, attributes: dict[str, str], price: Decimal) -> dict[str, Any]:
    dimension = {
        "unit": "Hrs",
        "beginRange": "0",
        "endRange": "Inf",
        "description": f"${price} per hour",
        "pricePerUnit": {"USD": f"{price:.10f}"},
    }
    term = {"sku": sku, "priceDimensions": {f"{sku}.JRTCKXETXF.6YS6EN2CT7": dimension}}
    return {
        "product": {"productFamily": "Compute Instance", "sku": sku, "attributes": attributes},
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {f"{sku}.JRTCKXETXF": term}},
    }
