"""May an instance be ended? One judgement for every destructive call."""

from dataclasses import dataclass
from typing import Final, Literal

from backend.domain.fencing import Role

SWITCH_FAILED: Final = "switch_failed"  # the role reason of a successor whose switch was undone

RetirementReason = Literal[
    "superseded",
    "switch_failed",
    "already_terminated",
    "unknown_instance",
    "is_primary",
    "not_superseded",
    "asker_is_not_primary",
    "auto_terminate_off",
    "agent_deleted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RetirementVerdict:
    """Whether an instance may be ended, and why."""

    may_retire: bool
    reason: RetirementReason


def judge_retirement(
    *,
    target_id: str,
    target_role: Role | None,
    target_role_reason: str | None,
    asker_role: Role | None,
    primary_id: str | None,
    auto_terminate_enabled: bool,
    is_deleted: bool,
) -> RetirementVerdict:
    """Judge whether the asker may end the target.

    Only the agent's present primary may, and only an instance that was superseded, or that it
    launched itself for a switch that failed. Everything that is not known to be dispensable is
    kept: an instance too many costs cents, one too few costs the workload.
    """
    is_undone = target_role is Role.CANDIDATE and target_role_reason == SWITCH_FAILED
    obstacles: tuple[tuple[bool, RetirementReason], ...] = (
        (target_role is None, "unknown_instance"),
        (target_id == primary_id or target_role is Role.PRIMARY, "is_primary"),
        (target_role is Role.TERMINATED, "already_terminated"),
        (target_role is not Role.SUPERSEDED and not is_undone, "not_superseded"),
        (asker_role is not Role.PRIMARY, "asker_is_not_primary"),
        (is_deleted, "agent_deleted"),
        (not auto_terminate_enabled and not is_undone, "auto_terminate_off"),
    )
    for is_in_the_way, reason in obstacles:
        if is_in_the_way:
            return RetirementVerdict(may_retire=False, reason=reason)
    return RetirementVerdict(may_retire=True, reason=SWITCH_FAILED if is_undone else "superseded")
