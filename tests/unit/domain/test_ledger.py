"""The ledger against a count by hand: every second of every instance, in exact fractions."""

from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.domain.ledger import CostMode, CostRole, Stay, add_up, cut
from backend.domain.ledger_prices import Price, PricePoint, PriceSteps, steps_of
from backend.domain.ledger_terms import Takeover, taken_at
from tests.fakes.clock import START

NOON = START.replace(minute=0, second=0, microsecond=0)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CENT = Decimal("0.01")
SPAN = 2 * 3600  # seconds: two hours cross a border and hold a free first hour


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def price(text: str, **over: bool) -> Price:
    return Price(Decimal(text), **over)


def always(text: str) -> PriceSteps:
    return steps_of([PricePoint(NOON - HOUR, price(text))])


def stay(name: str, start: float, end: float | None, **over: object) -> Stay:
    facts = {
        "instance_id": name,
        "mode": CostMode.SPOT,
        "pool_id": "m5.large.eu-west-1a",
        "is_replica": False,
        "launched_at": at(start),
        "ended_at": None if end is None else at(end),
        "prices": always("0.03"),
        "ondemand_prices": always("0.12"),
    }
    return Stay(**(facts | over))


def rows_of(*stays: Stay, takeovers=(), primary="i-a", hours=2):
    return cut(stays, takeovers, primary_id=primary, since=NOON, until=NOON + hours * HOUR)


def brief(rows):
    return [
        (r.instance_id, r.role.value, r.milliseconds // 1000, r.baseline_usd, r.cost_usd)
        for r in rows
    ]


def test_rows_are_cut_at_the_hour_and_where_a_price_changes():
    moving = steps_of([PricePoint(NOON, price("0.03")), PricePoint(at(75), price("0.06"))])

    rows = rows_of(stay("i-a", 30, 90, prices=moving))

    assert brief(rows) == [
        ("i-a", "primary", 1800, Decimal("0.06000000"), Decimal("0.01500000")),
        ("i-a", "primary", 900, Decimal("0.03000000"), Decimal("0.00750000")),
        ("i-a", "primary", 900, Decimal("0.03000000"), Decimal("0.01500000")),
    ]


def test_switch_costs_both_hosts_while_both_run():
    rows = rows_of(
        stay("i-a", 0, 40, mode=CostMode.ONDEMAND, prices=always("0.12")),
        stay("i-b", 20, None),
        takeovers=[Takeover(at(30), "i-b", "i-a")],
        primary="i-b",
        hours=1,
    )

    totals = add_up(rows)

    assert [(r.instance_id, r.role.value, r.milliseconds // 60_000) for r in rows] == [
        ("i-a", "primary", 30),
        ("i-b", "overlap", 10),
        ("i-a", "overlap", 10),
        ("i-b", "primary", 30),
    ]
    assert totals.baseline_usd == Decimal("0.12")  # one primary at every instant
    assert totals.overlap_usd == Decimal("0.005") + Decimal("0.02")
    assert totals.savings_usd == Decimal("0.12") - Decimal("0.12") / 2 - Decimal("0.04")


def test_standby_costs_and_saves_nothing_until_it_takes_over():
    rows = rows_of(
        stay("i-a", 0, 30),
        stay("i-r", 10, None, is_replica=True),
        takeovers=[Takeover(at(30), "i-r", "i-a")],
        primary="i-r",
        hours=1,
    )

    assert [(r.instance_id, r.role.value) for r in rows] == [
        ("i-a", "primary"),
        ("i-r", "replica"),
        ("i-r", "primary"),
    ]
    assert add_up(rows).replica_usd == Decimal("0.01")


@pytest.mark.parametrize(
    ("taken", "mode", "cost"),
    [
        (40, CostMode.SPOT, "0"),  # EC2 took it within its first hour
        (60, CostMode.SPOT, "0.03"),  # a full hour is charged
        (None, CostMode.SPOT, "0.02"),  # somebody else ended it
        (40, CostMode.ONDEMAND, "0.02"),  # on-demand is never free
    ],
)
def test_first_hour_is_free_only_when_ec2_took_a_spot_instance(taken, mode, cost):
    ended = taken or 40
    taken_instant = None if taken is None else at(taken)

    rows = rows_of(stay("i-a", 0, ended, mode=mode, interrupted_at=taken_instant))

    assert add_up(rows).cost_usd == Decimal(cost)
    assert add_up(rows).baseline_usd == Decimal("0.12") * ended / 60


def test_row_counts_on_no_side_when_a_price_is_missing():
    known_late = PriceSteps((at(30),), (price("0.03"),))

    rows = rows_of(stay("i-a", 0, 60, prices=known_late))
    totals = add_up(rows)

    assert [(r.cost_usd, r.is_estimated) for r in rows] == [
        (None, True),
        (Decimal("0.01500000"), False),
    ]
    assert totals.baseline_usd == Decimal("0.06")
    assert totals.unknown_milliseconds == 1_800_000


def test_guessed_price_counts_and_is_marked():
    guessed = PriceSteps((NOON,), (price("0.03", is_estimated=True),))

    (row,) = rows_of(stay("i-a", 0, 60, prices=guessed))

    assert (row.cost_usd, row.is_estimated) == (Decimal("0.03000000"), True)


def test_observation_holds_then_is_guessed_then_is_unknown():
    points = [PricePoint(at(60), price("0.03")), PricePoint(at(120), price("0.05"))]

    steps = steps_of(points, holds_for=10 * MINUTE, guessed_for=15 * MINUTE)

    seen = [steps.at(at(minutes)) for minutes in (44, 45, 60, 70, 85, 104, 105, 120, 130, 145)]
    low, high = price("0.03", is_estimated=True), price("0.05", is_estimated=True)
    assert seen == [None, low, price("0.03"), low, None, None, high, price("0.05"), high, None]


def test_late_report_moves_nobody_when_the_agent_had_moved_elsewhere():
    takeovers = [Takeover(at(10), "i-c", "i-a"), Takeover(at(20), "i-late", "i-a")]

    rows = rows_of(
        stay("i-c", 0, 60), stay("i-late", 0, 60), takeovers=takeovers, primary="i-c", hours=1
    )

    held = {r.instance_id: r.milliseconds for r in rows if r.role is CostRole.PRIMARY}
    assert held == {"i-c": 50 * 60_000}


def test_notice_took_nothing_when_somebody_ended_the_instance_first():
    assert taken_at(noticed_at=at(0), deadline_at=None, ended_at=at(1)) is None
    assert taken_at(noticed_at=at(0), deadline_at=None, ended_at=at(9)) == at(2)
    assert taken_at(noticed_at=at(0), deadline_at=at(3), ended_at=None) == at(3)


second = st.integers(0, SPAN)
amount = st.decimals("0.0001", "9", places=6)


@st.composite
def timelines(draw):
    """Instances that follow each other as primary, with launches and ends anywhere, and standbys."""
    names = [f"i-{n}" for n in range(draw(st.integers(1, 3)))]
    moves = sorted(draw(st.sets(second, min_size=len(names) - 1, max_size=len(names) - 1)))
    stays = []
    for name in names:
        start, length = draw(second), draw(second)
        taken = draw(st.booleans())
        end = start + length
        changes = sorted(draw(st.sets(second, max_size=3)))
        edges = [NOON - HOUR, *(NOON + c * SECOND for c in changes)]
        stays.append(
            stay(
                name,
                start / 60,
                end / 60,
                mode=draw(st.sampled_from([CostMode.SPOT, CostMode.ONDEMAND])),
                is_replica=draw(st.booleans()),
                interrupted_at=NOON + end * SECOND if taken else None,
                prices=PriceSteps(edges, [Price(draw(amount)) for _ in edges]),
                ondemand_prices=always(str(draw(amount))),
            )
        )
    pairs = zip(moves, names, names[1:], strict=False)
    takeovers = [Takeover(NOON + m * SECOND, new, old) for m, old, new in pairs]
    return stays, takeovers, names[-1]


def by_hand(stays, takeovers, first):
    """Baseline and cost, second by second."""
    baseline = cost = Fraction(0)
    for elapsed in range(SPAN):
        now = NOON + elapsed * SECOND
        primary = first
        for takeover in takeovers:
            if takeover.at <= now:
                primary = takeover.instance_id
        for each in stays:
            if not each.launched_at <= now < each.ended_at:
                continue
            if each.instance_id == primary:
                baseline += Fraction(each.ondemand_prices.prices[0].usd_per_hour) / 3600
            lived = (each.interrupted_at or now) - each.launched_at
            is_free = each.mode == "spot" and each.interrupted_at and lived < HOUR
            if not is_free:
                known = [
                    p
                    for e, p in zip(each.prices.edges, each.prices.prices, strict=True)
                    if e <= now
                ]
                cost += Fraction(known[-1].usd_per_hour) / 3600
    return baseline, cost


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(timelines())
def test_totals_agree_with_every_second_counted_by_hand(timeline):
    stays, takeovers, primary = timeline
    rows = rows_of(*stays, takeovers=takeovers, primary=primary)

    totals = add_up(rows)
    baseline, cost = by_hand(stays, takeovers, "i-0")

    most = Decimal("0.000000005") * len(rows)  # half a digit for each rounded row
    for program, hand in ((totals.baseline_usd, baseline), (totals.cost_usd, cost)):
        assert abs(Fraction(program) - hand) <= most
        assert most < CENT / 2
