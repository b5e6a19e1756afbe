"""When silence counts, when it is an outage, and how many launches there may be."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.sef.restraint import client_budget
from backend.sef.silence import (
    LaunchBudget,
    Silent,
    Watch,
    find_outages,
    is_armed,
    watch,
)
from tests.fakes.clock import START as NOW

TIMEOUT = timedelta(seconds=120)
SECOND = timedelta(seconds=1)


def silent(count: int, client: str = "c", *, after: float = 0, step: float = 0) -> list[Silent]:
    return [
        Silent(
            agent_id=f"{client}-{after}-{number}",
            client_id=client,
            heard_at=NOW + timedelta(seconds=after + step * number),
        )
        for number in range(count)
    ]


def test_watch_is_armed_two_timeouts_after_its_first_run():
    first = watch(None, now=NOW, timeout=TIMEOUT)

    assert first == Watch(watched_at=NOW, armed_at=NOW + 2 * TIMEOUT)
    assert not is_armed(first, now=NOW, timeout=TIMEOUT)


def test_watch_stays_armed_while_it_runs_and_starts_again_after_a_hole():
    armed = Watch(watched_at=NOW, armed_at=NOW - TIMEOUT)

    assert watch(armed, now=NOW + 15 * SECOND, timeout=TIMEOUT).armed_at == armed.armed_at
    assert watch(armed, now=NOW + TIMEOUT, timeout=TIMEOUT).armed_at == armed.armed_at
    late = NOW + TIMEOUT + SECOND
    assert watch(armed, now=late, timeout=TIMEOUT).armed_at == late + 2 * TIMEOUT


def test_watch_from_the_future_is_no_watch():
    wrong = Watch(watched_at=NOW + timedelta(days=1), armed_at=NOW)

    assert watch(wrong, now=NOW, timeout=TIMEOUT).armed_at == NOW + 2 * TIMEOUT


def test_short_timeout_does_not_make_every_run_a_hole():
    short = timedelta(seconds=5)
    armed = Watch(watched_at=NOW, armed_at=NOW)

    assert watch(armed, now=NOW + 15 * SECOND, timeout=short).armed_at == NOW


def test_others_count_silence_only_behind_a_living_armed_watch():
    armed = Watch(watched_at=NOW, armed_at=NOW - SECOND)

    assert is_armed(None, now=NOW, timeout=TIMEOUT)
    assert is_armed(armed, now=NOW + TIMEOUT, timeout=TIMEOUT)
    assert not is_armed(armed, now=NOW + TIMEOUT + SECOND, timeout=TIMEOUT)


@pytest.mark.parametrize(
    ("count", "fleet", "is_outage"),
    [(3, 14, True), (3, 15, False), (2, 3, False), (3, 3, True), (21, 100, True), (20, 100, False)],
)
def test_client_outage_is_more_than_a_fifth_and_at_least_three(count, fleet, is_outage):
    found = find_outages(silent(count), {"c": fleet, "others": 1000}, timeout=TIMEOUT)

    assert found.clients == (frozenset({"c"}) if is_outage else frozenset())
    assert len(found.agents) == (count if is_outage else 0)
    assert not found.is_fleetwide


@pytest.mark.parametrize(("count", "is_outage"), [(10, False), (11, True)])
def test_fleet_outage_is_more_than_a_tenth_and_at_least_ten(count, is_outage):
    lost = [one for number in range(count) for one in silent(1, f"c{number}")]

    found = find_outages(lost, {f"c{n}": 10 for n in range(10)} | {"c10": 0}, timeout=TIMEOUT)

    assert found.is_fleetwide is is_outage
    assert len(found.agents) == (count if is_outage else 0)


def test_agents_that_fall_silent_one_by_one_are_no_outage():
    lost = silent(9, step=TIMEOUT.total_seconds())  # two in any window of one timeout

    assert find_outages(lost, {"c": 10}, timeout=TIMEOUT).agents == frozenset()


def test_agent_that_was_lost_long_before_is_not_part_of_the_outage():
    early = silent(1, after=-3600)

    found = find_outages(early + silent(5), {"c": 20}, timeout=TIMEOUT)

    assert len(found.agents) == 5
    assert early[0].agent_id not in found.agents
    assert found.silent == {"c": 5}


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(1, 60))
def test_crowds_are_those_that_a_naive_search_finds(offsets, fleet):
    lost = [
        Silent(agent_id=str(n), client_id="c", heard_at=NOW + timedelta(seconds=offset))
        for n, offset in enumerate(offsets)
    ]
    naive = set()
    for start in lost:
        window = [one for one in lost if start.heard_at <= one.heard_at <= start.heard_at + TIMEOUT]
        if len(window) >= 3 and len(window) > 0.2 * fleet:
            naive |= {one.agent_id for one in window}

    found = find_outages(lost, {"c": fleet, "others": 10_000}, timeout=TIMEOUT)

    assert found.agents == naive


@pytest.mark.parametrize(("fleet", "budget"), [(0, 10), (50, 10), (51, 10), (55, 11), (1000, 200)])
def test_client_budget_grows_with_the_fleet(fleet, budget):
    assert client_budget(fleet) == budget


def test_launch_budget_stops_an_agent_and_a_client():
    budget = LaunchBudget(agents={"a": 3}, clients={"c": 3}, fleet={"c": 5})

    assert [budget.take("c", "a") for _ in range(2)] == [True, False]
    assert sum(budget.take("c", f"b{n}") for n in range(9)) == 6
    assert budget.exceeded == {"c": 4}
    assert budget.take("d", "x")


def test_first_wished_standby_is_ordered_when_the_clients_budget_is_used_up() -> None:
    budget = LaunchBudget(agents={}, clients={"c": 10}, fleet={"c": 5})

    assert budget.take("c", "a", is_wished=True)
    assert not budget.take("c", "a", is_wished=True)  # the second one is a replacement
    assert not budget.take("c", "b")
