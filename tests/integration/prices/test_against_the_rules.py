"""Whatever is reported, in whatever order and portions: the tables say what the rules say."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.domain.prices import PriceSource
from backend.sef.quality import (
    RawPrice,
    deduplicate,
    fill_linearly,
    find_agreements,
    find_gaps,
    series_of,
)
from backend.services.price_quality import PriceQuality
from tests.database import empty_tables
from tests.integration.prices.rows import (
    CLIENTS,
    OTHER_SHARED,
    PRIVATE,
    SHARED,
    bucket,
    clean_points,
    fills,
    make_market,
    open_gaps,
    report,
)

pytestmark = pytest.mark.db

# Near enough to agree, near enough to be at the limit, and far off.
PRICES = [Decimal(text) for text in ("0.100000", "0.100001", "0.100499", "0.1005", "0.1006", "0.2")]
NOW = bucket(400)

SOURCES = st.sampled_from(PriceSource)
ANY_PRICE = st.decimals("0.000001", "99", places=6, allow_nan=False, allow_infinity=False)


def reports(*, pools, clients=CLIENTS, buckets, prices):
    return st.builds(
        RawPrice,
        client_id=st.sampled_from(clients),
        pool_id=st.sampled_from(pools),
        bucket_at=st.sampled_from(buckets).map(bucket),
        price=prices,
        source=SOURCES,
        report_count=st.integers(1, 9),
    )


# Few buckets, many voters; many buckets, few points; and a pool that is one client's own.
crowded = reports(pools=(SHARED,), buckets=(0, 1, 4, 12), prices=st.sampled_from(PRICES))
sparse = reports(
    pools=(SHARED, OTHER_SHARED), buckets=range(25), prices=st.sampled_from(PRICES) | ANY_PRICE
)
private = reports(
    pools=(PRIVATE,), clients=("a",), buckets=range(12), prices=st.sampled_from(PRICES)
)
portions = st.lists(
    st.lists(crowded, max_size=12) | st.lists(crowded | sparse | private, max_size=20),
    min_size=1,
    max_size=4,
)


def run_jobs(database, since, now):
    quality = PriceQuality(database)
    quality.deduplicate(now=now, since=since)
    quality.interpolate(now=now, since=since)


def expected(raws):
    own = deduplicate(raws)
    points = set(own) | set(find_agreements(p for p in own if p.pool_id != PRIVATE))
    gaps = {
        (client, pool): find_gaps(series_of(client, pool, points))
        for pool in (SHARED, OTHER_SHARED, PRIVATE)
        for client in (CLIENTS if pool != PRIVATE else ("a",))
    }
    lines = {
        key: [fill for gap in found for fill in fill_linearly(gap)] for key, found in gaps.items()
    }
    holes = {
        (*key, gap.last.at, gap.next.at)
        for key, found in gaps.items()
        for gap in found
        if not gap.is_fillable
    }
    return points, {key: lines for key, lines in lines.items() if lines}, holes


@given(portions)
# Every example empties the tables for itself.
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_say_what_the_rules_say(address, database, batches):
    empty_tables(address)
    make_market(database)
    received = NOW
    for batch in batches:
        report(database, batch, at=received + timedelta(seconds=1))
        run_jobs(database, received, received + timedelta(minutes=1))
        received += timedelta(minutes=1)
    points, lines, holes = expected([raw for batch in batches for raw in batch])

    assert clean_points(database) == points
    assert fills(database) == lines
    assert open_gaps(database) == holes

    run_jobs(database, NOW, received + timedelta(minutes=1))  # everything again

    assert clean_points(database) == points
    assert fills(database) == lines
    assert open_gaps(database) == holes
