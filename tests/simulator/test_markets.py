"""The markets: made up with a seed, or replayed."""

import gzip
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from simulator.clock import MarketTime
from simulator.errors import SimulatorError
from simulator.market.replay import ReplayMarket, read_observations
from simulator.market.series import PriceSeries
from simulator.market.synthetic import SyntheticMarket
from simulator.pools import Pool, parse_pool

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
POOLS = {Pool("m5.large", f"eu-west-1{letter}"): Decimal("0.096") for letter in "abc"}
FIRST = next(iter(POOLS))


def synthetic(seed: int, *, has_outages: bool = True) -> SyntheticMarket:
    market = SyntheticMarket(POOLS, seed, MarketTime(START, 60.0), has_outages=has_outages)
    market.advance(START + timedelta(hours=12))  # thirty days of market time
    return market


def points(market: SyntheticMarket, pool: Pool):
    return market.prices(pool).effective(START - timedelta(days=4), START + timedelta(days=2))


def test_synthetic_market_repeats_itself_when_the_seed_is_the_same():
    assert points(synthetic(5), FIRST) == points(synthetic(5), FIRST)
    assert points(synthetic(5), FIRST) != points(synthetic(6), FIRST)


def test_synthetic_prices_stay_between_a_tenth_and_all_of_on_demand():
    prices = [point.price for pool in POOLS for point in points(synthetic(5), pool)]

    assert Decimal("0.0096") <= min(prices)
    assert max(prices) <= Decimal("0.096")


def test_synthetic_prices_change_a_few_times_a_day():
    changes = len(points(synthetic(5, has_outages=False), FIRST)) / 33

    assert 2 < changes < 40


def test_synthetic_pools_run_dry_now_and_then_and_recover():
    market = synthetic(5)
    hours = [START + timedelta(minutes=step) for step in range(720)]

    shares = [sum(market.is_available(pool, at) for at in hours) / len(hours) for pool in POOLS]

    assert all(0.5 < share < 1.0 for share in shares)
    quiet = synthetic(5, has_outages=False)
    assert all(quiet.is_available(FIRST, at) for at in hours)


def test_price_set_by_hand_holds_at_once_and_drifts_back():
    market = SyntheticMarket(POOLS, 5, MarketTime(START, 60.0), has_outages=False)
    before = market.prices(FIRST).at(START)
    now = START + timedelta(seconds=1)
    market.set_price(FIRST, Decimal("0.09"), now)

    assert market.prices(FIRST).at(now) == Decimal("0.09")
    market.advance(START + timedelta(hours=12))
    assert abs(market.prices(FIRST).at(START + timedelta(hours=12)) - before) < Decimal("0.03")


def test_market_time_runs_fast_only_after_its_origin():
    time = MarketTime(START, 60.0)

    assert time.seconds_at(START + timedelta(seconds=10)) == 600.0
    assert time.seconds_at(START - timedelta(seconds=10)) == -10.0
    assert time.instant_of(600.0) == START + timedelta(seconds=10)


def test_series_refuses_points_out_of_order_and_prices_of_nothing():
    series = PriceSeries()
    series.append(START, Decimal(1))

    assert series.at(START - timedelta(seconds=1)) is None
    with pytest.raises(ValueError, match="not newer"):
        series.append(START, Decimal(2))
    with pytest.raises(ValueError, match="no price"):
        series.append(START + timedelta(seconds=1), Decimal(0))


AVAILABILITY = """time_utc,az,instance_type,available,spot_price
2023-02-16T05:30:00,us-east-1a,p3.2xlarge,1,1.50
2023-02-16T05:40:00,us-east-1a,p3.2xlarge,1,1.50
2023-02-16T05:50:00,us-east-1a,p3.2xlarge,0,1.60
2023-02-16T06:00:00,us-west-2a,p3.2xlarge,1,9.99
2023-02-16T06:10:00,us-east-1a,p3.2xlarge,1,1.60
"""
PRICES = """availability_zone,instance_type,timestamp,spot_price
eu-west-1a,m5.large,2021-12-15T15:53:10+00:00,0.04
eu-west-1a,m5.large,2021-12-14T15:53:10+00:00,0.05
eu-west-1b,a1.large,2021-12-14T15:53:10+00:00,0.01
"""


def test_replay_moves_prices_and_availability_into_the_present(tmp_path):
    path = tmp_path / "trace.csv.gz"
    path.write_bytes(gzip.compress(AVAILABILITY.encode()))
    rows = read_observations(path, region="us-east-1")
    market = ReplayMarket(rows, rows[0].instant, MarketTime(START, 60.0))
    pool = Pool("p3.2xlarge", "us-east-1a")

    def seen(minutes: int) -> tuple[Decimal, bool]:
        at = START + timedelta(seconds=minutes)  # sixty times as fast
        return market.prices(pool).at(at), market.is_available(pool, at)

    assert market.pools == [pool]
    assert [seen(0), seen(15), seen(20), seen(40)] == [
        (Decimal("1.50"), True),
        (Decimal("1.50"), True),
        (Decimal("1.60"), False),
        (Decimal("1.60"), True),
    ]


def test_replay_reads_price_files_in_any_order_and_chosen_types(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text(PRICES)

    rows = read_observations(path, region="eu-west-1", instance_types=frozenset({"m5.large"}))

    assert [(str(row.pool), row.price, row.available) for row in rows] == [
        ("m5.large.eu-west-1a", Decimal("0.05"), True),
        ("m5.large.eu-west-1a", Decimal("0.04"), True),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "needs the columns"),
        (PRICES.replace("0.04", "much"), "line 2: spot_price: a number greater than 0"),
        (PRICES.replace("0.04", "-1"), "line 2: spot_price"),
        (PRICES.replace("0.04", "NaN"), "line 2: spot_price"),
        (PRICES.replace("eu-west-1", "us-east-1"), "no row of region .* us-east-1"),
    ],
)
def test_replay_says_what_is_wrong_with_a_file(tmp_path, text, words):
    path = tmp_path / "prices.csv"
    path.write_text(text)

    with pytest.raises(SimulatorError, match=words):
        read_observations(path, region="eu-west-1")


def test_pool_names_are_read_and_refused():
    assert parse_pool("m5.large.eu-west-1a") == Pool("m5.large", "eu-west-1a")
    with pytest.raises(SimulatorError, match="names no pool"):
        parse_pool("m5.large")
