"""Clean points, agreements, gaps and what fills them."""

import random
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.prices import BUCKET, PriceSource
from backend.sef.quality import (
    CleanPoint,
    CleanSource,
    FillMethod,
    Gap,
    Point,
    RawPrice,
    agree,
    backfill,
    deduplicate,
    fill_linearly,
    find_agreements,
    find_gaps,
    grid_between,
    series_of,
)
from tests.fakes.clock import START

MINUTE = timedelta(minutes=1)


def raw(client="a", pool=1, number=0, price="0.1", source=PriceSource.PRIMARY, count=1) -> RawPrice:
    return RawPrice(
        client_id=client,
        pool_id=pool,
        bucket_at=START + BUCKET * number,
        price=Decimal(price),
        source=source,
        report_count=count,
    )


def point(minutes: int, price: str = "0.1") -> Point:
    return Point(START + MINUTE * minutes, Decimal(price))


def agreed(*prices: str) -> Decimal | None:
    votes = deduplicate(raw(client=str(n), price=price) for n, price in enumerate(prices))
    found = find_agreements(votes)
    return found[0].price if found else None


raws = st.lists(
    st.builds(
        RawPrice,
        client_id=st.sampled_from("abc"),
        pool_id=st.integers(1, 2),
        bucket_at=st.integers(0, 12).map(lambda n: START + BUCKET * n),
        price=st.decimals("0.000001", "100", places=6)
        | st.sampled_from([Decimal("0.1"), Decimal("0.1005"), Decimal("0.1006")]),
        source=st.sampled_from(PriceSource),
        report_count=st.integers(1, 5),
    ),
    max_size=40,
)
series = st.dictionaries(
    st.integers(0, 60).map(lambda n: START + BUCKET * n),
    st.decimals("0.000001", "100", places=6),
).map(lambda prices: sorted(Point(at, price) for at, price in prices.items()))


class TestCleanPoints:
    def test_reports_within_half_a_percent_become_their_mean(self):
        (clean,) = deduplicate([raw(price="0.1"), raw(price="0.1005"), raw(price="0.100001")])

        assert clean.price == Decimal("0.100167")
        assert (clean.sample_count, clean.spread) == (3, Decimal("0.0005"))
        assert not clean.is_discrepant

    def test_reports_beyond_half_a_percent_are_averaged_and_flagged(self):
        (clean,) = deduplicate([raw(price="0.1"), raw(price="0.100501")])

        assert clean.is_discrepant
        assert clean.price == Decimal("0.100251")  # halves are rounded up

    @pytest.mark.parametrize(
        ("sources", "best"),
        [
            (["other", "replica", "primary"], CleanSource.PRIMARY),
            (["other", "replica"], CleanSource.REPLICA),
            (["other"], CleanSource.OTHER),
        ],
    )
    def test_source_is_the_best_of_the_samples(self, sources, best):
        (clean,) = deduplicate(raw(source=PriceSource(source)) for source in sources)

        assert clean.source is best

    def test_history_is_no_observation(self):
        assert deduplicate([raw(source=PriceSource.HISTORY)]) == []

    def test_counts_of_bounded_slots_are_kept(self):
        (clean,) = deduplicate([raw(count=7), raw(count=2)])

        assert (clean.sample_count, clean.report_count) == (2, 9)

    @given(raws)
    def test_each_client_pool_and_bucket_has_one_point(self, reports):
        points = deduplicate(reports)

        keys = [(p.client_id, p.pool_id, p.bucket_at) for p in points]
        observed = [r for r in reports if r.source is not PriceSource.HISTORY]
        assert sorted(keys) == sorted({(r.client_id, r.pool_id, r.bucket_at) for r in observed})
        assert sum(p.sample_count for p in points) == len(observed)

    @given(raws, st.randoms(use_true_random=False))
    def test_order_of_the_reports_does_not_matter(self, reports, chance: random.Random):
        shuffled = list(reports)
        chance.shuffle(shuffled)

        points, others = deduplicate(reports), deduplicate(shuffled)

        assert set(points) == set(others)
        assert set(find_agreements(points)) == set(find_agreements(others))

    @given(raws)
    def test_a_point_lies_between_its_own_samples_and_no_others(self, reports):
        for clean in deduplicate(reports):
            samples = [
                r.price
                for r in reports
                if (r.client_id, r.pool_id, r.bucket_at)
                == (clean.client_id, clean.pool_id, clean.bucket_at)
                and r.source is not PriceSource.HISTORY
            ]
            assert min(samples) <= clean.price <= max(samples)


class TestAgreements:
    def test_two_clients_that_say_the_same_are_believed(self):
        assert agreed("0.1", "0.1004") == Decimal("0.1002")

    def test_one_client_alone_is_not_believed(self):
        assert agreed("0.1") is None

    def test_two_that_differ_are_not_believed(self):
        assert agreed("0.1", "0.1006") is None

    def test_a_third_that_lies_is_left_out(self):
        assert agreed("0.1", "9", "0.1") == Decimal("0.1")

    def test_half_against_half_is_no_agreement(self):
        assert agreed("0.1", "0.1", "9", "9") is None

    def test_many_reports_of_one_client_are_one_vote(self):
        votes = deduplicate([*(raw(price="9") for _ in range(50)), raw(client="b", price="0.1")])

        assert find_agreements(votes) == []

    def test_client_at_odds_with_itself_has_no_vote(self):
        votes = deduplicate(
            [raw(price="0.1"), raw(price="0.2"), raw(client="b", price="0.15"), raw(client="c")]
        )

        assert find_agreements(votes) == []

    @given(
        st.lists(st.decimals("0.1", "0.1004", places=6), min_size=3, max_size=3),
        st.decimals("0.000001", "100", places=6),
    )
    def test_one_liar_among_honest_clients_moves_nothing(self, honest, lie):
        price = agreed(*(str(value) for value in honest), str(lie))

        assert price is not None
        assert min(honest) / Decimal("1.005") <= price <= max(honest) * Decimal("1.005")


class TestSeries:
    def test_own_points_come_before_agreed_ones(self):
        points = deduplicate([raw("a", price="0.3"), raw("b"), raw("c")])
        everything = [*points, *find_agreements(points)]

        assert series_of("a", 1, everything) == [Point(START, Decimal("0.3"))]
        assert series_of("d", 1, everything) == [Point(START, Decimal("0.1"))]

    @given(raws)
    def test_nothing_of_another_client_or_pool_is_seen(self, reports):
        points = [*deduplicate(reports)]
        everything = [*points, *find_agreements(points)]
        own = [p for p in points if (p.client_id, p.pool_id) == ("a", 1)]
        shared = [p for p in everything if p.client_id is None and p.pool_id == 1]
        allowed = {Point(p.bucket_at, p.price) for p in (*own, *shared)}

        assert set(series_of("a", 1, everything)) <= allowed

    @given(raws)
    def test_own_view_does_not_depend_on_others_where_one_has_points(self, reports):
        alone = deduplicate(r for r in reports if r.client_id == "a")
        points = deduplicate(reports)
        everything = [*points, *find_agreements(points)]
        view = {p.at: p.price for p in series_of("a", 1, everything)}

        assert all(view[p.at] == p.price for p in series_of("a", 1, alone))


class TestGaps:
    @pytest.mark.parametrize(("minutes", "count"), [(5, 0), (10, 0), (15, 1), (600, 1)])
    def test_gap_is_more_than_ten_minutes(self, minutes, count):
        assert len(find_gaps([point(0), point(minutes)])) == count

    def test_line_stands_strictly_inside_by_time(self):
        (gap,) = find_gaps([point(0, "0.050"), point(20, "0.060")])

        assert [(f.at, f.price) for f in fill_linearly(gap)] == [
            (START + MINUTE * 5, Decimal("0.052500")),
            (START + MINUTE * 10, Decimal("0.055000")),
            (START + MINUTE * 15, Decimal("0.057500")),
        ]

    def test_half_an_hour_is_filled_and_more_is_not(self):
        assert len(fill_linearly(Gap(point(0), point(30)))) == 5
        assert fill_linearly(Gap(point(0), point(35))) == []

    @given(series)
    def test_fills_are_on_the_grid_inside_and_between_their_neighbours(self, points):
        known = {p.at for p in points}
        for gap in find_gaps(points):
            fills = fill_linearly(gap)
            assert len(fills) in (0, gap.duration // BUCKET - 1)
            for fill in fills:
                assert gap.last.at < fill.at < gap.next.at
                assert (fill.at - START) % BUCKET == timedelta(0)
                assert fill.at not in known
                assert min(gap.last.price, gap.next.price) <= fill.price
                assert fill.price <= max(gap.last.price, gap.next.price)
                assert (fill.before, fill.after) == (gap.last, gap.next)
                assert fill.method is FillMethod.LINEAR

    @given(series)
    def test_gaps_and_points_together_cover_the_series_once(self, points):
        for gap in find_gaps(points):
            assert not any(gap.last.at < p.at < gap.next.at for p in points)
            assert gap.last in points
            assert gap.next in points


class TestBackfill:
    GRID = grid_between(START, START + MINUTE * 60)

    def fill(self, *history, start: datetime = START, minutes: int = 60):
        return backfill(
            self.GRID, history, answered_from=start, answered_until=START + MINUTE * minutes
        )

    def test_last_price_holds_until_the_next(self):
        fills = self.fill(point(-600, "0.1"), point(12, "0.2"))

        assert [f.price for f in fills] == [Decimal("0.1")] * 2 + [Decimal("0.2")] * 9
        assert fills[0].before == point(-600, "0.1")
        assert {f.method for f in fills} == {FillMethod.HISTORY}
        assert {f.after for f in fills} == {None}

    def test_nothing_is_carried_back_before_the_first_price(self):
        assert [f.at for f in self.fill(point(50))] == [START + MINUTE * 50, START + MINUTE * 55]

    def test_nothing_is_carried_beyond_the_span(self):
        assert [f.at for f in self.fill(point(0), minutes=12)] == [
            START + MINUTE * 5,
            START + MINUTE * 10,
        ]

    def test_span_that_begins_late_fills_from_there(self):
        assert len(self.fill(point(0), start=START + MINUTE * 50)) == 2

    def test_no_history_fills_nothing(self):
        assert self.fill() == []

    @given(series, st.integers(-20, 80), st.integers(-20, 80))
    def test_every_price_was_in_force(self, history, first, last):
        fills = backfill(
            self.GRID,
            reversed(history),
            answered_from=START + MINUTE * first,
            answered_until=START + MINUTE * last,
        )

        for fill in fills:
            assert fill.before in history
            assert fill.before.at <= fill.at
            assert not any(fill.before.at < p.at <= fill.at for p in history)
            assert START + MINUTE * first <= fill.at <= START + MINUTE * last


def test_agreement_includes_its_limit():
    assert agree(Decimal("0.1"), Decimal("0.1005"))
    assert not agree(Decimal("0.1005001"), Decimal("0.1"))


def test_points_are_values():
    first, second = deduplicate([raw()]), deduplicate([raw()])

    assert isinstance(first[0], CleanPoint)
    assert first == second
