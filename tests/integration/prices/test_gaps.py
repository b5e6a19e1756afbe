"""Gaps in the tables: filled, withdrawn, recorded, asked for, answered, given up."""

from datetime import timedelta
from decimal import Decimal

import pytest

from backend.config import Settings
from backend.errors import InvalidRequest, NotFound
from backend.sef.gaps import GapStatus
from backend.sef.quality import FillMethod
from backend.services.price_gaps import HistoryAnswer, PriceGaps
from backend.services.price_quality import PriceQuality
from tests.fakes.clock import FakeClock
from tests.integration.jobs.rows import query
from tests.integration.prices.rows import (
    MINUTE,
    PRIVATE,
    REGION,
    SHARED,
    TYPE,
    bucket,
    fills,
    make_market,
    raw,
    report,
)

pytestmark = pytest.mark.db

HOUR = timedelta(hours=1)
NOW = bucket(100)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def gaps(database, clock) -> PriceGaps:
    make_market(database)
    return PriceGaps(database, clock, Settings())


def observe(database, *numbers, clients="a", price="0.1", pool=SHARED, at=NOW):
    """Reports of these buckets arrive, and both jobs run."""
    report(database, [raw(c, n, price, pool=pool) for c in clients for n in numbers], at=at)
    quality = PriceQuality(database)
    quality.deduplicate(now=at, since=at - MINUTE)
    quality.interpolate(now=at, since=at - MINUTE)


def filled(database, client="a", pool=SHARED) -> list[int]:
    return [(f.at - bucket(0)) // (MINUTE * 5) for f in fills(database).get((client, pool), [])]


def the_gap(database) -> dict:
    (row,) = query(database, "SELECT * FROM pricing_data_gaps")
    return row


def answer(gap_id, history, first=0, last=40) -> HistoryAnswer:
    return HistoryAnswer(
        gap_id=gap_id,
        answered_from=bucket(first),
        answered_until=bucket(last),
        history=[(bucket(0) + MINUTE * m, Decimal(price)) for m, price in history],
    )


class TestFills:
    def test_short_gap_is_filled_with_its_neighbours_named(self, gaps, database):
        observe(database, 0, price="0.05")
        observe(database, 4, price="0.06", at=NOW + MINUTE)

        first, *_ = fills(database)["a", SHARED]
        assert filled(database) == [1, 2, 3]
        assert (first.price, first.method) == (Decimal("0.052500"), FillMethod.LINEAR)
        assert (first.before.at, first.after.at) == (bucket(0), bucket(4))

    def test_fill_is_withdrawn_when_real_data_arrives(self, gaps, database):
        observe(database, 0, 6)
        assert filled(database) == [1, 2, 3, 4, 5]
        observe(database, 3, at=NOW + MINUTE * 5)

        assert filled(database) == [1, 2, 4, 5]
        assert {(f.before.at, f.after.at) for f in fills(database)["a", SHARED]} == {
            (bucket(0), bucket(3)),
            (bucket(3), bucket(6)),
        }

    def test_fill_follows_a_neighbour_whose_price_changes(self, gaps, database):
        observe(database, 0, 3, price="0.1")
        observe(database, 3, price="0.1004", at=NOW + MINUTE)

        assert [f.price for f in fills(database)["a", SHARED]] == [
            Decimal("0.100067"),
            Decimal("0.100133"),
        ]

    def test_what_others_agree_on_is_no_gap(self, gaps, database):
        observe(database, 1, 2, 3, clients="bc")
        observe(database, 0, 4, at=NOW + MINUTE)

        assert filled(database) == []

    def test_one_other_client_fills_nothing(self, gaps, database):
        observe(database, 1, 2, 3, clients="b", price="9")
        observe(database, 0, 4, at=NOW + MINUTE)

        assert [f.price for f in fills(database)["a", SHARED]] == [Decimal("0.1")] * 3

    def test_gap_opens_when_an_agreement_falls(self, gaps, database):
        observe(database, 1, 2, 3, clients="bc")
        observe(database, 0, 4, at=NOW + MINUTE)
        observe(database, 1, 2, 3, clients="bc", price="9", at=NOW + MINUTE * 2)

        assert filled(database) == [1, 2, 3]

    def test_silence_until_now_is_not_filled(self, gaps, database):
        observe(database, 0)

        assert fills(database) == {}


class TestRecords:
    def test_long_gap_is_recorded_and_nothing_invented(self, gaps, database):
        observe(database, 0, 7)

        gap = the_gap(database)
        assert filled(database) == []
        assert (gap["status"], gap["last_point_at"], gap["next_point_at"]) == (
            "open",
            bucket(0),
            bucket(7),
        )

    def test_gap_that_data_closes_is_closed_and_its_rest_handled(self, gaps, database):
        observe(database, 0, 9)
        observe(database, 5, at=NOW + MINUTE)

        gap = the_gap(database)
        assert (gap["status"], gap["outcome"], gap["ended_at"]) == ("closed", "data", NOW + MINUTE)
        assert filled(database) == [1, 2, 3, 4, 6, 7, 8]

    def test_gap_opens_again_when_that_data_loses_its_credit(self, gaps, database):
        observe(database, 0, 7)
        observe(database, 1, 2, 3, 4, 5, 6, clients="bc", at=NOW + MINUTE)
        assert the_gap(database)["status"] == "closed"
        observe(database, *range(1, 7), clients="b", price="9", at=NOW + MINUTE * 2)
        gap = the_gap(database)

        assert (gap["status"], gap["outcome"], gap["ended_at"]) == ("open", None, None)


class TestAsking:
    def test_agent_is_asked_in_its_own_words(self, gaps, database):
        observe(database, 0, 20, pool=PRIVATE)

        (request,) = gaps.ask("a", "agent-1", REGION)
        assert (request.instance_type, request.az) == (TYPE, "eu-west-1c")
        assert (request.since, request.until) == (bucket(0), bucket(20))
        assert the_gap(database)["asked_agent_id"] == "agent-1"

    def test_nobody_is_asked_twice_before_the_wait_is_over(self, gaps, database, clock):
        observe(database, 0, 20)

        assert len(gaps.ask("a", "agent-1", REGION)) == 1
        assert gaps.ask("a", "agent-2", REGION) == []
        clock.advance(MINUTE * 15)
        assert len(gaps.ask("a", "agent-2", REGION)) == 1
        clock.advance(MINUTE * 59)
        assert gaps.ask("a", "agent-2", REGION) == []

    def test_other_clients_and_regions_are_not_asked(self, gaps, database):
        observe(database, 0, 20)

        assert gaps.ask("b", "agent-1", REGION) == []
        assert gaps.ask("a", "agent-1", "us-east-1") == []

    def test_gap_is_given_up_after_four_asks(self, gaps, database, clock):
        observe(database, 0, 20)
        for _ in range(4):
            assert len(gaps.ask("a", "agent-1", REGION)) == 1
            assert gaps.give_up(clock.now()) == 0
            clock.advance(HOUR * 16)

        assert gaps.ask("a", "agent-1", REGION) == []
        assert gaps.give_up(clock.now()) == 1
        gap = the_gap(database)
        assert (gap["status"], gap["outcome"]) == ("abandoned", "no_answer")

    def test_gap_beyond_the_history_of_ec2_is_given_up(self, gaps, database):
        observe(database, 0, 20)

        assert gaps.give_up(NOW + timedelta(days=91)) == 1
        assert the_gap(database)["outcome"] == "too_old"


class TestAnswers:
    @pytest.fixture
    def gap_id(self, gaps, database) -> int:
        observe(database, 0, 20)
        return gaps.ask("a", "agent-1", REGION)[0].gap_id

    def test_history_closes_the_gap_as_a_step_function(self, gaps, database, gap_id):
        count = gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(-90, "0.2"), (52, "0.3")]))

        points = fills(database)["a", SHARED]
        gap = the_gap(database)
        assert count == len(points) == 19
        assert [p.price for p in points] == [Decimal("0.2")] * 10 + [Decimal("0.3")] * 9
        assert {p.method for p in points} == {FillMethod.HISTORY}
        assert (gap["status"], gap["outcome"]) == ("closed", "history")
        assert query(
            database, "SELECT COUNT(*) AS n FROM spot_price_snapshots WHERE source = 'history'"
        ) == [{"n": 2}]

    def test_answer_again_is_the_same_answer(self, gaps, database, gap_id):
        gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(0, "0.2")]))

        assert gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(0, "0.9")])) == 0
        assert {f.price for f in fills(database)["a", SHARED]} == {Decimal("0.2")}

    def test_part_of_an_answer_fills_its_part_and_leaves_the_gap(self, gaps, database, gap_id):
        gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(0, "0.2")], last=5))

        assert filled(database) == [1, 2, 3, 4, 5]
        assert the_gap(database)["status"] == GapStatus.ASKED

    def test_answer_without_any_price_ends_the_gap(self, gaps, database, gap_id):
        gaps.answer("a", "agent-1", "i-1", answer(gap_id, []))

        gap = the_gap(database)
        assert (gap["status"], gap["outcome"]) == ("abandoned", "no_history")
        assert fills(database) == {}

    def test_history_is_no_observation(self, gaps, database, gap_id):
        gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(12, "0.2")]))
        PriceQuality(database).deduplicate(now=NOW + MINUTE, since=NOW - MINUTE)

        assert query(database, "SELECT COUNT(*) AS n FROM pricing_snapshots_clean") == [{"n": 2}]

    def test_real_data_replaces_history_where_it_comes(self, gaps, database, gap_id):
        gaps.answer("a", "agent-1", "i-1", answer(gap_id, [(0, "0.2")]))
        observe(database, 10, at=NOW + MINUTE)

        assert filled(database) == [n for n in range(1, 20) if n != 10]
        assert {f.method for f in fills(database)["a", SHARED]} == {FillMethod.HISTORY}
        assert {
            row["status"] for row in query(database, "SELECT status FROM pricing_data_gaps")
        } == {"closed"}

    def test_foreign_client_cannot_answer(self, gaps, database, gap_id):
        with pytest.raises(NotFound):
            gaps.answer("b", "agent-1", "i-1", answer(gap_id, [(0, "0.2")]))
        assert fills(database) == {}

    @pytest.mark.parametrize(
        ("history", "first", "last"),
        [
            ([(0, "0.2")], 20, 20),
            ([(0, "0.2")], 0, 999),
            ([(0, "101")], 0, 40),
            ([(0, "0")], 0, 40),
            ([(999, "0.2")], 0, 40),
            ([(0, "0.2")] * 10_001, 0, 40),
        ],
        ids=["no span", "future", "too dear", "for nothing", "after the span", "too many"],
    )
    def test_bad_answer_is_refused_and_keeps_nothing(
        self, gaps, database, gap_id, history, first, last
    ):
        with pytest.raises(InvalidRequest):
            gaps.answer("a", "agent-1", "i-1", answer(gap_id, history, first, last))

        assert fills(database) == {}
        assert the_gap(database)["status"] == "asked"
