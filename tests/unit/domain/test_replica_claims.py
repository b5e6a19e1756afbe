"""Which replica an instance is that registers."""

from typing import Any

import pytest

from backend.domain.replica_claims import BookedReplica, ClaimVerdict, ReplicaClaim, find_claim
from backend.domain.replicas import ReplicaStatus


def booked(replica_id: str = "r-1", **changes: Any) -> BookedReplica:
    fields: dict[str, Any] = {
        "id": replica_id,
        "status": ReplicaStatus.LAUNCHING,
        "protocol": 4,
        "instance_id": None,
        "instance_type": "m5.large",
        "azs": frozenset({"us-east-1b"}),
        "is_handed_out": True,
    }
    return BookedReplica(**fields | changes)


def claim(*orders: BookedReplica, **changes: Any) -> ReplicaClaim | None:
    newcomer: dict[str, Any] = {
        "instance_id": "i-new",
        "instance_type": "m5.large",
        "az": "us-east-1b",
        "protocol": 4,
        "replica_id": None,
        "is_known": False,
    }
    return find_claim(orders, **newcomer | changes)


def verdict(found: ReplicaClaim | None) -> tuple[str, ClaimVerdict] | None:
    return (found.replica.id, found.verdict) if found else None


def test_reported_instance_comes_before_tag_and_likeness():
    reported = booked("r-2", instance_id="i-new", azs=frozenset())

    found = claim(booked("r-1"), reported, replica_id="r-1")

    assert verdict(found) == ("r-2", ClaimVerdict.BOUND)


def test_tag_explains_an_agent_of_ours():
    found = claim(booked(protocol=5, azs=frozenset()), protocol=5, replica_id="r-1")

    assert verdict(found) == ("r-1", ClaimVerdict.BOUND)


def test_tag_of_a_replica_that_is_another_instance_is_taken():
    found = claim(booked(instance_id="i-first"), replica_id="r-1")

    assert verdict(found) == ("r-1", ClaimVerdict.TAKEN)


@pytest.mark.parametrize(
    "status", [ReplicaStatus.TERMINATING, ReplicaStatus.TERMINATED, ReplicaStatus.FAILED]
)
def test_replica_that_is_not_wanted_any_more_is_said_so(status: ReplicaStatus):
    assert verdict(claim(booked(status=status), replica_id="r-1")) == ("r-1", ClaimVerdict.ENDED)


def test_promoted_replica_is_judged_by_its_role():
    promoted = booked(status=ReplicaStatus.PROMOTED, instance_id="i-new")

    assert claim(promoted, replica_id="r-1") is None


def test_likeness_explains_an_installed_agent():
    assert verdict(claim(booked())) == ("r-1", ClaimVerdict.BOUND)


@pytest.mark.parametrize(
    ("order", "newcomer"),
    [
        ({"is_handed_out": False}, {}),
        ({"instance_id": "i-first"}, {}),
        ({"protocol": 5}, {}),
        ({"status": ReplicaStatus.FAILED}, {}),
        ({}, {"az": "us-east-1c"}),
        ({}, {"instance_type": "c5.large"}),
        ({}, {"protocol": 5}),
        ({}, {"is_known": True}),
    ],
)
def test_likeness_explains_nothing_when_anything_differs(
    order: dict[str, Any], newcomer: dict[str, Any]
):
    assert claim(booked(**order), **newcomer) is None


def test_likeness_of_two_orders_explains_nothing():
    assert claim(booked("r-1"), booked("r-2")) is None
