"""May an instance be ended? Every obstacle, and that nothing else permits it."""

import itertools

import pytest

from backend.domain.fencing import Role
from backend.domain.retirement import judge_retirement

GOOD = {
    "target_id": "i-old",
    "target_role": Role.SUPERSEDED,
    "target_role_reason": "switch_reported",
    "asker_role": Role.PRIMARY,
    "primary_id": "i-new",
    "auto_terminate_enabled": True,
    "is_deleted": False,
}


def test_superseded_instance_may_be_retired_by_the_primary():
    assert judge_retirement(**GOOD).may_retire


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"target_role": None}, "unknown_instance"),
        ({"target_id": "i-new"}, "is_primary"),
        ({"target_role": Role.PRIMARY}, "is_primary"),
        ({"target_role": Role.TERMINATED}, "already_terminated"),
        ({"target_role": Role.REPLICA}, "not_superseded"),
        ({"target_role": Role.CANDIDATE}, "not_superseded"),
        ({"target_role": Role.SUCCESSOR}, "not_superseded"),
        ({"asker_role": Role.SUPERSEDED}, "asker_is_not_primary"),
        ({"asker_role": None}, "asker_is_not_primary"),
        ({"is_deleted": True}, "agent_deleted"),
        ({"auto_terminate_enabled": False}, "auto_terminate_off"),
    ],
)
def test_retirement_is_refused_when_something_is_in_the_way(change, reason):
    verdict = judge_retirement(**{**GOOD, **change})

    assert (verdict.may_retire, verdict.reason) == (False, reason)


def test_only_one_combination_of_roles_permits_it():
    permitted = [
        (target, asker)
        for target, asker in itertools.product([*Role, None], repeat=2)
        if judge_retirement(**{**GOOD, "target_role": target, "asker_role": asker}).may_retire
    ]

    assert permitted == [(Role.SUPERSEDED, Role.PRIMARY)]


def test_successor_of_a_failed_switch_may_be_retired_whatever_auto_terminate_says():
    undone = {"target_role": Role.CANDIDATE, "target_role_reason": "switch_failed"}

    verdict = judge_retirement(**{**GOOD, **undone, "auto_terminate_enabled": False})

    assert (verdict.may_retire, verdict.reason) == (True, "switch_failed")


def test_successor_of_a_failed_switch_is_kept_when_the_asker_is_not_primary():
    undone = {"target_role": Role.CANDIDATE, "target_role_reason": "switch_failed"}

    assert not judge_retirement(**{**GOOD, **undone, "asker_role": Role.SUPERSEDED}).may_retire
