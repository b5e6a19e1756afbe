"""Reliability, risk, rest and choice of pools, against the rules in Python."""

from datetime import timedelta
from decimal import Decimal
from statistics import fmean, pstdev

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backend.repositories import cooldowns, pool_reliability
from backend.sef.pools import PRICE_FRESH, CooldownReason, Need
from backend.sef.risk import (
    CAPACITY_HALF_LIFE,
    CAPACITY_KEPT,
    LOSS_HALF_LIFE,
    PoolFacts,
    count_incidents,
    decayed_count,
    recommend,
    risk_of,
)
from backend.services.pool_choice import PoolChoice, record_trouble
from backend.services.price_quality import PriceQuality
from tests.database import empty_tables
from tests.integration.jobs.rows import insert, query
from tests.integration.prices.rows import (
    CLIENTS,
    OTHER_SHARED,
    PRIVATE,
    REGION,
    SHARED,
    TYPE,
    make_market,
    raw,
    report,
)

pytestmark = pytest.mark.db

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOW = raw("a", 24 * 12 * 5, "1").bucket_at  # five days into price time: a noon


def refresh_knowledge(database) -> None:
    query(
        database,
        "UPDATE pool_prices SET observed_at = %(at)s, reported_at = %(at)s",
        at=NOW - MINUTE,
    )


@pytest.fixture
def choice(database) -> PoolChoice:
    make_market(database)
    refresh_knowledge(database)
    return PoolChoice(database)


def trouble(database, client, at, *, pool=SHARED, reason=CooldownReason.INTERRUPTION, key=None):
    database.run(
        "trouble",
        lambda s: cooldowns.record_trouble(
            s,
            client_id=client,
            pool_id=pool,
            reason=reason,
            source_key=key or f"{at}",
            occurred_at=at,
            ends_at=at + reason.duration,
        ),
    )


def ondemand(database, client="a", price="0.1") -> None:
    insert(
        database,
        "ondemand_price_snapshots",
        client_id=client,
        region=REGION,
        instance_type=TYPE,
        bucket_at=NOW - HOUR,
        price_usd_per_hour=Decimal(price),
        source="x",
        observed_at=NOW - HOUR,
        agent_id="agent",
    )


def risks(database, client="a") -> dict[int, dict]:
    rows = database.run(
        "risk",
        lambda s: pool_reliability.list_current_risk(s, client_id=client, since=NOW - HOUR),
    )
    return {row["pool_number"]: row for row in rows}


def need(**over) -> Need:
    return Need(**({"region": REGION, "instance_types": (TYPE,)} | over))


ages = st.integers(1, 40 * 24 * 60).map(lambda minutes: NOW - MINUTE * minutes)
troubles = st.lists(
    st.tuples(st.sampled_from(CLIENTS), ages, st.sampled_from(CooldownReason)), max_size=20
)
INTERRUPTED = CooldownReason.INTERRUPTION
MANY = [("a", NOW - HOUR * n, INTERRUPTED) for n in range(20, 40)]
OLD = [("a", NOW - HOUR * (24 * 30 - 6), INTERRUPTED)]
TOGETHER = [("a", NOW - HOUR * 9, INTERRUPTED)] + [
    (other, NOW - HOUR * 9 + MINUTE * 9, INTERRUPTED) for other in "bc"
]
price_walks = st.lists(st.decimals("0.01", "0.2", places=6), min_size=0, max_size=12)


@given(troubles, price_walks, st.sampled_from(["0.05", "0.09", "0.2"]))
@example(MANY, [], "0.2")
@example(OLD, [], "0.2")
@example(TOGETHER, [], "0.2")
@example(TOGETHER, [Decimal("0.10"), Decimal("0.11")], "0.2")
# Every example empties the tables for itself.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_risk_in_the_tables_is_the_risk_of_the_rules(
    address, database, events, prices, ondemand_price
):
    empty_tables(address)
    make_market(database)
    refresh_knowledge(database)
    ondemand(database, price=ondemand_price)
    for number, (client, at, reason) in enumerate(events):
        trouble(database, client, at, reason=reason, key=str(number))
    observed = [raw("a", 24 * 12 * 5 - 1 - n, price) for n, price in enumerate(prices)]
    report(database, observed, at=NOW)
    PriceQuality(database).deduplicate(now=NOW, since=NOW - MINUTE)
    PoolChoice(database).refresh(now=NOW)

    for client in ("a", "d"):
        losses = {c: [] for c in CLIENTS}
        capacity = []
        for witness, at, reason in events:
            if reason is CooldownReason.INTERRUPTION:
                losses[witness].append(at)
            elif reason is CooldownReason.CAPACITY and witness == client:
                capacity.append(at)
        incidents = count_incidents(client, losses, now=NOW)
        seen = [float(price) for price in prices] if client == "a" else []
        facts = PoolFacts(
            age=NOW - incidents[-1] if incidents else None,
            decayed_losses=decayed_count(incidents, now=NOW, half_life=LOSS_HALF_LIFE),
            decayed_capacity_errors=decayed_count(
                [at for at in capacity if at > NOW - CAPACITY_KEPT],
                now=NOW,
                half_life=CAPACITY_HALF_LIFE,
            ),
            price_ratio=0.04 / float(ondemand_price) if client == "a" else None,
            volatility=pstdev(seen) / fmean(seen) if seen else None,
        )
        row = risks(database, client)[SHARED]
        assert float(row["risk_score"]) == pytest.approx(risk_of(facts), abs=6e-5)
        assert row["loss_count"] == len(incidents)
        assert row["last_loss_at"] == (incidents[-1] if incidents else None)
        assert row["recommendation"] in {
            recommend(risk_of(facts) - 1e-4),
            recommend(risk_of(facts) + 1e-4),
        }


class TestRefresh:
    def test_day_has_its_prices_and_troubles(self, choice, database):
        prices = ["0.1", "0.2", "0.3"]
        report(
            database,
            [raw("a", 24 * 12 * 5 - 2 - n, price) for n, price in enumerate(prices)],
            at=NOW,
        )
        PriceQuality(database).deduplicate(now=NOW, since=NOW - MINUTE)
        trouble(database, "a", NOW - MINUTE)
        trouble(database, "a", NOW - MINUTE, reason=CooldownReason.REBALANCE)
        trouble(database, "a", NOW - MINUTE, reason=CooldownReason.CAPACITY)
        trouble(database, "a", NOW - HOUR * 30)
        choice.refresh(now=NOW)

        (day,) = database.run(
            "days",
            lambda s: pool_reliability.list_reliability(s, client_id="a", pool_id=SHARED, limit=9),
        )
        assert (day["loss_count"], day["rebalance_count"], day["capacity_error_count"]) == (1, 1, 1)
        assert (day["point_count"], day["average_price_usd_per_hour"]) == (3, Decimal("0.2"))
        assert (day["lowest_price_usd_per_hour"], day["highest_price_usd_per_hour"]) == (
            Decimal("0.1"),
            Decimal("0.3"),
        )
        assert day["period_end"] - day["period_start"] == HOUR * 24
        assert day["period_start"] <= NOW < day["period_end"]

    def test_yesterday_is_completed_until_one_o_clock(self, choice, database):
        midnight = NOW + HOUR * 12
        query(database, "UPDATE pool_prices SET reported_at = %(at)s", at=midnight)
        choice.refresh(now=midnight + MINUTE * 59)
        choice.refresh(now=midnight + HOUR)

        starts = query(
            database,
            "SELECT DISTINCT period_start FROM pool_reliability_metrics ORDER BY period_start ASC",
        )
        assert [row["period_start"] for row in starts] == [midnight - HOUR * 24, midnight]

    def test_an_hour_is_one_row_however_often_it_is_refreshed(self, choice, database):
        counts = [choice.refresh(now=NOW + MINUTE * n) for n in (0, 15, 59, 60)]

        assert counts == [9, 9, 9, 9]
        assert query(database, "SELECT COUNT(*) AS n FROM pool_risk_analysis") == [{"n": 18}]
        assert risks(database)[SHARED]["computed_at"] == NOW + HOUR

    def test_pools_nobody_heard_of_for_a_day_are_left_out(self, choice, database):
        assert choice.refresh(now=NOW + HOUR * 24) == 0

    def test_one_client_cannot_talk_a_pool_down(self, choice, database):
        for hours in range(1, 20):
            trouble(database, "b", NOW - HOUR * hours)
        choice.refresh(now=NOW)

        assert risks(database, "a")[SHARED]["loss_count"] == 0
        assert risks(database, "b")[SHARED]["loss_count"] == 19
        assert risks(database, "a")[SHARED]["recommendation"] == "safe"


class TestRest:
    def cooling(self, database, client="a", now=NOW):
        return database.run("cooling", lambda s: cooldowns.list_cooling_pools(s, client, now))

    def test_own_trouble_cools_a_pool_for_its_time(self, choice, database):
        trouble(database, "a", NOW)
        trouble(database, "a", NOW, pool=PRIVATE, reason=CooldownReason.CAPACITY)
        trouble(database, "a", NOW, pool=OTHER_SHARED, reason=CooldownReason.REBALANCE)

        assert self.cooling(database) == {
            SHARED: NOW + MINUTE * 30,
            PRIVATE: NOW + MINUTE * 3,
        }
        assert self.cooling(database, now=NOW + MINUTE * 30) == {}

    def test_interruption_of_another_client_counts_when_two_met_it(self, choice, database):
        trouble(database, "b", NOW - MINUTE)
        assert self.cooling(database) == {}
        trouble(database, "c", NOW)

        assert self.cooling(database) == {SHARED: NOW + MINUTE * 30}

    def test_capacity_errors_of_others_never_count(self, choice, database):
        for client in "bcd":
            trouble(database, client, NOW, reason=CooldownReason.CAPACITY)

        assert self.cooling(database) == {}

    def test_same_trouble_again_is_the_same_row(self, choice, database):
        def work(session):
            return record_trouble(
                session,
                client_id="a",
                instance_type=TYPE,
                az="eu-west-1a",
                reason=CooldownReason.INTERRUPTION,
                source_key="notice-1",
                occurred_at=NOW,
            )

        assert [database.run("trouble", work) for _ in range(3)] == [True] * 3
        assert query(database, "SELECT pool_id FROM pool_cooldowns") == [{"pool_id": SHARED}]

    def test_pool_that_nobody_reported_has_no_rest(self, choice, database):
        known = database.run(
            "trouble",
            lambda s: record_trouble(
                s,
                client_id="a",
                instance_type="x1.large",
                az="eu-west-1a",
                reason=CooldownReason.CAPACITY,
                source_key="1",
                occurred_at=NOW,
            ),
        )

        assert known is False


class TestChoice:
    def order(self, choice, **over) -> list[str]:
        return [pool.az for pool in choice.rank("a", need(**over), now=NOW).spot]

    def test_pool_with_a_fresh_loss_comes_after_a_quiet_one(self, choice, database):
        trouble(database, "a", NOW - HOUR * 5)
        choice.refresh(now=NOW)

        assert self.order(choice) == ["eu-west-1b", "eu-west-1c", "eu-west-1a"]

    def test_cooling_pool_is_refused_by_name(self, choice, database):
        trouble(database, "a", NOW - MINUTE * 2, reason=CooldownReason.CAPACITY)
        ranking = choice.rank("a", need(), now=NOW)

        ((refused, why),) = ranking.refused
        assert (refused.pool_number, why) == (SHARED, "cooling_down")

    def test_other_client_knows_only_its_own_pools(self, choice):
        ranking = choice.rank("b", need(), now=NOW)

        assert {pool.pool_number for pool in ranking.spot} == {SHARED, OTHER_SHARED}

    def test_unknown_type_leaves_ondemand(self, choice):
        ranking = choice.rank("a", need(instance_types=("x1.large",)), now=NOW)

        assert [c.pool for c in ranking.choices] == [None]

    def test_agreed_price_stands_in_for_an_old_one(self, choice, database):
        old = NOW - PRICE_FRESH * 2
        query(database, "UPDATE pool_prices SET observed_at = %(at)s", at=old)
        number = 24 * 12 * 5 - 1
        report(database, [raw(client, number, "0.07") for client in "bc"], at=NOW)
        PriceQuality(database).deduplicate(now=NOW, since=NOW - MINUTE)

        (pool,) = choice.rank("a", need(), now=NOW).spot
        assert (pool.pool_number, pool.price) == (SHARED, Decimal("0.07"))

    def test_two_pools_of_one_name_are_one_option(self, choice, database):
        know_pool_again = {"az": "eu-west-1c", "reported_at": NOW, "observed_at": NOW}
        insert(
            database,
            "spot_pools",
            id=9,
            region=REGION,
            zone="euw1-az9",
            instance_type=TYPE,
            created_at=NOW,
        )
        insert(
            database,
            "pool_prices",
            client_id="a",
            pool_id=9,
            price_usd_per_hour=Decimal("0.03"),
            **know_pool_again,
        )

        numbers = [pool.pool_number for pool in choice.rank("a", need(), now=NOW).spot]
        assert sorted(numbers) == [SHARED, OTHER_SHARED, 9]

    def test_risk_of_the_moment_is_newer_than_its_table(self, choice, database):
        trouble(database, "a", NOW - HOUR)
        choice.refresh(now=NOW)
        later = choice.rank("a", need(is_emergency=True), now=NOW + HOUR * 20)
        before = choice.rank("a", need(is_emergency=True), now=NOW)

        def risk(ranking):
            return next(p.risk for p in ranking.spot if p.pool_number == SHARED)

        assert risk(later) < risk(before) / 4
