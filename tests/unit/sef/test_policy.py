"""Signals, transition by transition."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backend.domain.fencing import Role
from backend.domain.replicas import ReplicaStatus
from backend.sef.policy import (
    Act,
    Decision,
    Launches,
    Signal,
    Situation,
    Standby,
    Successor,
    budget_obstacle,
    decide,
    is_promotable,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
S = ReplicaStatus


def ago(**parts: float) -> datetime:
    return NOW - timedelta(**parts)


def standby(replica_id: str = "r-1", status: S = S.READY, **changes: Any) -> Standby:
    fields: dict[str, Any] = {
        "replica_id": replica_id,
        "status": status,
        "instance_id": f"i-{replica_id}",
        "protocol": 5,
        "is_doomed": False,
        "heard_at": ago(seconds=10),
        "confirmed_at": None,
        "created_at": ago(minutes=2),
    }
    return Standby(**fields | changes)


def booting(replica_id: str = "r-1", **changes: Any) -> Standby:
    return standby(replica_id, S.LAUNCHING, **{"instance_id": None, "heard_at": None} | changes)


def successor(**changes: Any) -> Successor:
    fields: dict[str, Any] = {
        "switch_id": "s-1",
        "instance_id": "i-next",
        "is_doomed": False,
        "heard_at": ago(seconds=5),
    }
    return Successor(**fields | changes)


def situation(**changes: Any) -> Situation:
    fields: dict[str, Any] = {
        "signal": Signal.TERMINATION,
        "subject_id": "i-old",
        "subject_role": Role.PRIMARY,
    }
    return Situation(**fields | changes)


def decided(**changes: Any) -> Decision:
    return decide(situation(**changes), now=NOW)


@pytest.mark.parametrize("signal", [Signal.TERMINATION, Signal.LOSS])
@pytest.mark.parametrize(
    ("standbys", "next_one", "act", "named"),
    [
        ([standby()], None, Act.PROMOTE, "r-1"),
        ([standby("r-1", S.SYNCING), standby("r-2")], None, Act.PROMOTE, "r-2"),
        ([standby("r-1", S.SYNCING)], None, Act.PROMOTE, "r-1"),
        ([standby("r-1", S.PROMOTING)], None, Act.PROMOTE, "r-1"),
        ([standby()], successor(), Act.PROMOTE, "r-1"),
        ([], successor(), Act.ADOPT, None),
        ([booting()], successor(), Act.ADOPT, None),
        ([standby(is_doomed=True)], successor(), Act.ADOPT, None),
        ([booting()], None, Act.AWAIT, "r-1"),
        ([booting(instance_id="i-r-1")], successor(is_doomed=True), Act.AWAIT, "r-1"),
        ([standby(is_doomed=True), booting("r-2")], None, Act.AWAIT, "r-2"),
        ([booting(created_at=ago(minutes=11))], None, Act.ORDER, None),
        ([], None, Act.ORDER, None),
        ([], successor(heard_at=ago(seconds=46)), Act.ORDER, None),
        ([], successor(instance_id="i-old"), Act.ORDER, None),
        ([standby(is_doomed=True)], None, Act.ORDER, None),
        ([standby(heard_at=ago(seconds=46))], None, Act.ORDER, None),
    ],
)
def test_ending_primary_gets_the_best_vehicle(
    signal: Signal,
    standbys: list[Standby],
    next_one: Successor | None,
    act: Act,
    named: str | None,
):
    decision = decided(signal=signal, standbys=standbys, successor=next_one)

    assert (decision.act, decision.replica_id) == (act, named)


def test_ordered_replacement_takes_over_as_soon_as_it_lives():
    assert decided() == Decision(act=Act.ORDER, reason="no_replica", promotes=True)


def test_replacement_is_ordered_beside_a_silent_replica():
    decision = decided(standbys=[standby(heard_at=ago(minutes=3))])

    assert (decision.reason, decision.besides) == ("replica_silent", "r-1")


@pytest.mark.parametrize(
    ("standbys", "act", "reason"),
    [
        ([], Act.ORDER, "replica_wanted"),
        ([standby()], Act.MONITOR, "replica_ready"),
        ([standby(status=S.SYNCING)], Act.MONITOR, "replica_on_its_way"),
        ([booting()], Act.MONITOR, "replica_on_its_way"),
        ([standby(is_doomed=True)], Act.ORDER, "replica_wanted"),
        ([standby(heard_at=ago(minutes=5))], Act.MONITOR, "replica_ready"),
    ],
)
def test_primary_at_risk_gets_one_replica_and_no_promotion(
    standbys: list[Standby], act: Act, reason: str
):
    decision = decided(signal=Signal.REBALANCE, standbys=standbys, successor=successor())

    assert (decision.act, decision.reason, decision.promotes) == (act, reason, False)


@pytest.mark.parametrize(
    ("count", "hours_ago", "act"),
    [
        (1, 1.9, Act.MONITOR),
        (1, 2, Act.ORDER),
        (2, 3.9, Act.MONITOR),
        (2, 4, Act.ORDER),
        (9, 23.9, Act.MONITOR),
        (9, 24, Act.ORDER),
    ],
)
def test_replica_is_not_ordered_again_so_soon_after_alarms_that_came_to_nothing(
    count: int, hours_ago: float, act: Act
):
    decision = decided(
        signal=Signal.REBALANCE, stood_down_count=count, last_stood_down_at=ago(hours=hours_ago)
    )

    assert decision.act is act


def test_back_off_does_not_hold_when_the_primary_ends():
    assert decided(stood_down_count=5, last_stood_down_at=ago(minutes=1)).act is Act.ORDER


@pytest.mark.parametrize("signal", [Signal.TERMINATION, Signal.REBALANCE])
@pytest.mark.parametrize(
    ("others", "is_noticed", "expected"),
    [
        ([], False, Decision(act=Act.ORDER, reason="replica_doomed")),
        ([], True, Decision(act=Act.ORDER, reason="replica_doomed", promotes=True)),
        (
            [booting("r-2")],
            False,
            Decision(act=Act.MONITOR, reason="replica_replaced_already", replica_id="r-2"),
        ),
    ],
)
def test_noticed_replica_is_replaced_and_the_primary_untouched(
    signal: Signal, others: list[Standby], is_noticed: bool, expected: Decision
):
    decision = decided(
        signal=signal,
        subject_id="i-r-1",
        subject_role=Role.REPLICA,
        primary_is_noticed=is_noticed,
        standbys=[standby(is_doomed=True), *others],
    )

    assert decision == expected


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SUCCESSOR])
def test_signal_of_a_bystander_is_only_recorded(role: Role):
    decision = decided(subject_role=role, standbys=[standby()])

    assert (decision.act, decision.reason) == (Act.RECORD, role.value)


@pytest.mark.parametrize("role", [Role.SUPERSEDED, Role.TERMINATED])
def test_signal_of_a_former_instance_is_only_recorded(role: Role):
    assert decided(subject_role=role, standbys=[standby()]).act is Act.RECORD


def test_committed_promotion_is_confirmed_whatever_has_changed():
    decision = decided(subject_role=Role.SUPERSEDED, is_committed=True, is_enabled=False)

    assert decision.act is Act.CONFIRM


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"is_sef_on": False}, "sef_disabled"),
        ({"is_enabled": False}, "agent_disabled"),
        ({"is_frozen": True}, "frozen"),
    ],
)
@pytest.mark.parametrize("role", [Role.PRIMARY, Role.REPLICA])
def test_nothing_is_done_when_emergencies_are_off(change: dict[str, bool], reason: str, role: Role):
    decision = decided(subject_role=role, standbys=[standby()], **change)

    assert (decision.act, decision.reason) == (Act.NOTHING, reason)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"heard_at": ago(seconds=45)}, True),
        ({"heard_at": ago(seconds=46)}, False),
        ({"heard_at": None}, False),
        ({"is_doomed": True}, False),
        ({"instance_id": None}, False),
        ({"heard_at": None, "protocol": 4, "confirmed_at": ago(minutes=10)}, True),
        ({"heard_at": None, "protocol": 4, "confirmed_at": ago(minutes=11)}, False),
        ({"heard_at": None, "protocol": 5, "confirmed_at": ago(minutes=1)}, False),
        ({"protocol": 4}, True),
    ],
)
def test_replica_is_promotable_when_it_lives_and_will_go_on_living(
    changes: dict[str, Any], expected: bool
):
    assert is_promotable(standby(**changes), now=NOW) is expected


@pytest.mark.parametrize(
    ("of_agent", "of_client", "fleet_size", "expected"),
    [
        (3, 9, 10, None),
        (4, 0, 10, "agent_launch_budget"),
        (0, 10, 10, "client_launch_budget"),
        (0, 10, 100, None),
        (0, 20, 100, "client_launch_budget"),
    ],
)
def test_launch_budget(of_agent: int, of_client: int, fleet_size: int, expected: str | None):
    launches = Launches(of_agent=of_agent, of_client=of_client, fleet_size=fleet_size)

    assert budget_obstacle(launches) == expected
