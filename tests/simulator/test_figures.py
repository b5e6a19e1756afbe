"""The drill's verdict: arithmetic on a hand-made world."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from simulator.drills.evidence import (
    AgentEntry,
    Books,
    CommandEntry,
    Evidence,
    InstanceEntry,
    Machine,
    SwitchEntry,
)
from simulator.drills.figures import judge, spread

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
OURS = {"ManagedBy": "SpotOptimizer", "ClientId": "c-1", "LogicalAgentId": "web-1"}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def machine(name: str, launched: float, **changes) -> Machine:
    return Machine(
        instance_id=name,
        pool="m5.large.eu-west-1a",
        launched_at=at(launched),
        **{"launched_by": "operator", "tags": {}, **changes},
    )


OLD = machine("i-old", 0, ended_at=at(70), ended_by="i-new")
NEW = machine("i-new", 52, launched_by="i-old", tags={**OURS, "CommandId": "k-1"})
SWITCH = SwitchEntry(
    switch_id="s-1",
    agent_id="a-1",
    command_id="k-1",
    cause="manual",
    status="completed",
    requested_at=at(50),
    old_instance_id="i-old",
    new_instance_id="i-new",
    ended_at=at(60),
)
BOOKS = Books(
    agents=[
        AgentEntry(agent_id="a-1", logical_agent_id="web-1", primary_instance_id="i-new", epoch=2)
    ],
    instances=[
        InstanceEntry(
            agent_id="a-1", instance_id="i-old", role="superseded", first_seen_at=at(2.5)
        ),
        InstanceEntry(agent_id="a-1", instance_id="i-new", role="primary", first_seen_at=at(54)),
    ],
    commands=[
        CommandEntry(command_id="k-1", agent_id="a-1", command_type="switch", status="completed")
    ],
    switches=[SWITCH],
)
GOOD = Evidence(
    machines=[OLD, NEW],
    books=BOOKS,
    issued=["k-1"],
    primaries={("a-1", 1): frozenset({"i-old"}), ("a-1", 2): frozenset({"i-new"})},
    calls={"DescribeInstances": 12, "RunInstances": 1},
    agent_hours=0.5,
    boot_seconds=1.0,
)


def books(**changes) -> Evidence:
    return replace(GOOD, books=replace(BOOKS, **changes))


def test_figures_of_a_world_in_order():
    verdict = judge(GOOD)

    assert verdict.broken == []
    assert verdict.figures == {
        "agents": 1,
        "switches": 1,
        "succeeded": 1,
        "failed": 0,
        "notices": 0,
        "promoted": 0,
        "launched": 1,
        "lost": 0,
        "duplicate_launches": 0,
        "orphan_instances": 0,
        "double_primaries": 0,
        "commands_lost": 0,
        "unclean_switches": 0,
        "ec2_calls": 13,
        "ec2_calls_per_agent_hour": 26.0,
        "ec2_calls_by_action": {"DescribeInstances": 12, "RunInstances": 1},
        "seconds": {"p50": 10.0, "p99": 10.0, "max": 10.0},
        "old_instance_gone_seconds": {"p50": 20.0, "p99": 20.0, "max": 20.0},
        "start_to_registered_seconds": {"p50": 1.0, "p99": 1.5, "max": 1.5},
        "failures": {},
    }


STRAY = machine("i-stray", 55, launched_by="i-old", tags={**OURS, "CommandId": "k-1"})
FAILED = replace(SWITCH, status="failed", failed_step="launch", reason="no capacity")


@pytest.mark.parametrize(
    ("evidence", "figure", "culprit"),
    [
        (replace(GOOD, machines=[OLD, NEW, STRAY]), "duplicate_launches", "i-stray"),
        (replace(GOOD, machines=[OLD, NEW, STRAY]), "orphan_instances", "i-stray"),
        (replace(GOOD, machines=[replace(OLD, ended_at=None), NEW]), "orphan_instances", "i-old"),
        (replace(GOOD, machines=[OLD, replace(NEW, ended_at=at(90))]), "lost", "i-new"),
        (
            replace(GOOD, primaries={("a-1", 2): frozenset({"i-new", "i-old"})}),
            "double_primaries",
            "i-old",
        ),
        (
            replace(
                books(instances=[replace(i, role="primary") for i in BOOKS.instances]),
                machines=[replace(OLD, ended_at=None), NEW],
            ),
            "double_primaries",
            "i-old",
        ),
        (
            replace(GOOD, machines=[replace(OLD, ended_at=None, believes="primary"), NEW]),
            "double_primaries",
            "i-old",
        ),
        (replace(GOOD, issued=["k-1", "k-2"]), "commands_lost", "k-2"),
        (
            books(commands=[replace(BOOKS.commands[0], status="leased")]),
            "commands_lost",
            "k-1",
        ),
        (books(switches=[replace(SWITCH, status="running")]), "unclean_switches", "s-1"),
        (books(switches=[replace(SWITCH, new_instance_id="i-x")]), "unclean_switches", "i-x"),
        (books(switches=[replace(FAILED, failed_step=None)]), "unclean_switches", "s-1"),
    ],
)
def test_broken_promise_is_counted_and_names_the_culprit(evidence, figure, culprit):
    verdict = judge(evidence)

    assert verdict.figures[figure] == 1
    assert any(culprit in sentence for sentence in verdict.broken)


def test_failed_switch_with_a_reason_breaks_nothing():
    evidence = books(switches=[FAILED])

    verdict = judge(evidence)

    assert (verdict.figures["failed"], verdict.broken) == (1, [])
    assert verdict.figures["failures"] == {"launch: no capacity": 1}


def test_second_launch_is_no_duplicate_when_the_first_instance_had_ended():
    ended = replace(NEW, instance_id="i-first", launched_at=at(51), ended_at=at(51.5))

    assert judge(replace(GOOD, machines=[OLD, ended, NEW])).figures["duplicate_launches"] == 0


def test_successor_of_an_open_switch_is_no_orphan():
    switching = books(
        switches=[replace(SWITCH, status="running")],
        instances=[replace(BOOKS.instances[1], role="successor")],
    )

    assert judge(switching).figures["orphan_instances"] == 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], {"p50": None, "p99": None, "max": None}),
        ([3.0], {"p50": 3.0, "p99": 3.0, "max": 3.0}),
        (range(1, 101), {"p50": 50, "p99": 99, "max": 100}),
    ],
)
def test_spread_takes_the_nearest_rank(values, expected):
    assert spread(values) == expected
