"""DescribeSpotPriceHistory, with the meaning that real callers rely on.

Rows lie in [StartTime, EndTime]; before them comes, for each pool, the row in effect at StartTime.
So StartTime=now answers the current prices. Newest first; the last page's token is "".
"""

from datetime import datetime, timedelta
from typing import Any

from simulator.ec2.filters import filtered
from simulator.ec2.operations import Context, Operations, Parameters, Result
from simulator.ec2.pages import check_page_size, decode_token, encode_token
from simulator.errors import AwsError
from simulator.pools import Pool

LARGEST_PAGE = 1000
LONGEST_HISTORY = timedelta(days=90)
PRODUCT = "Linux/UNIX"
LINUX = frozenset({PRODUCT, f"{PRODUCT} (Amazon VPC)"})
OTHER_PRODUCTS = frozenset(
    f"{name}{place}"
    for name in ("SUSE Linux", "Windows", "Red Hat Enterprise Linux")
    for place in ("", " (Amazon VPC)")
)


def add_price_operations(operations: Operations) -> None:
    """Teach the API the history of spot prices."""
    operations.add(
        "DescribeSpotPriceHistory",
        "StartTime", "EndTime", "InstanceTypes", "ProductDescriptions", "AvailabilityZone",
        "AvailabilityZoneId", "Filters", "MaxResults", "NextToken",
    )(_history)  # fmt: skip


def _history(context: Context, parameters: Parameters) -> Result:
    offset, end = _place(context, parameters)
    start = parameters.get("StartTime", end - LONGEST_HISTORY)
    if start > end and "EndTime" in parameters:
        raise AwsError("InvalidParameterValue", "StartTime must not be after EndTime")
    rows = filtered(
        _rows(context, parameters, max(start, end - LONGEST_HISTORY), end),
        parameters.get("Filters", []),
        {
            "availability-zone": lambda row: row["AvailabilityZone"],
            "instance-type": lambda row: row["InstanceType"],
            "product-description": lambda row: row["ProductDescription"],
            "spot-price": lambda row: row["SpotPrice"],
        },
    )
    size = check_page_size(parameters.get("MaxResults"), 1, LARGEST_PAGE)
    page = rows[offset : offset + size]
    has_more = offset + size < len(rows)
    token = encode_token(offset + size, end.isoformat()) if has_more else ""
    return {"SpotPriceHistory": page, "NextToken": token}


def _place(context: Context, parameters: Parameters) -> tuple[int, datetime]:
    """Return where the page begins, and the instant at which the first page was asked for."""
    now = context.region.clock.now()
    context.region.market.advance(now)
    if parameters.get("NextToken"):
        offset, end = decode_token(parameters["NextToken"], 2)
        return int(offset), datetime.fromisoformat(end)
    return 0, min(parameters.get("EndTime", now), now)


def _rows(
    context: Context, parameters: Parameters, start: datetime, end: datetime
) -> list[dict[str, Any]]:
    products = set(parameters.get("ProductDescriptions", [PRODUCT]))
    unknown = products - LINUX - OTHER_PRODUCTS
    if unknown:
        raise AwsError("InvalidParameterValue", f"Invalid product description: {unknown}")
    if not products & LINUX:
        return []  # only Linux is traded here
    market = context.region.market
    rows = [
        {
            "AvailabilityZone": pool.az,
            "AvailabilityZoneId": context.region.catalog.zone_id(pool.az),
            "InstanceType": pool.instance_type,
            "ProductDescription": PRODUCT,
            "SpotPrice": f"{point.price:.6f}",
            "Timestamp": point.instant,
        }
        for pool in _pools(context, parameters)
        for point in market.prices(pool).effective(min(start, end), end)
        if point.instant <= end
    ]
    return sorted(rows, key=lambda row: row["Timestamp"], reverse=True)


def _pools(context: Context, parameters: Parameters) -> list[Pool]:
    types = parameters.get("InstanceTypes")
    zone, zone_id = parameters.get("AvailabilityZone"), parameters.get("AvailabilityZoneId")
    catalog = context.region.catalog
    if zone is not None and zone not in catalog.zones:
        raise AwsError("InvalidParameterValue", f"Invalid availability zone: [{zone}]")
    return [
        pool
        for pool in context.region.market.pools
        if (types is None or pool.instance_type in types)
        and zone in (None, pool.az)
        and zone_id in (None, catalog.zone_id(pool.az))
    ]
