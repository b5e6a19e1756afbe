"""May an instance be ended? One judgement for every destructive call."""

from dataclasses import dataclass
from typing import Final, Literal

from backend.domain.fencing import Role

SWITCH_FAILED: Final = "switch_failed"  # the role reason of a successor whose switch was undone
REPLICA_RETIRED: Final = "replica_retired"  # that of a replica which is not wanted any more

RetirementReason = Literal[
    "superseded",
    "switch_failed",
    "replica_retired",
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

    Only the agent's present primary may, and only an instance that was superseded, or that was
    launched for a switch that failed or as a replica that is not wanted any more: these two are
    ended whatever the settings say about old primaries. Everything that is not known to be dispensable is
    kept: an instance too many costs cents, one too few costs the workload.
    """
    is_undone = target_role is Role.CANDIDATE and target_role_reason == SWITCH_FAILED
    is_spare = target_role is Role.SUPERSEDED and target_role_reason == REPLICA_RETIRED
    obstacles: tuple[tuple[bool, RetirementReason], ...] = (
        (target_role is None, "unknown_instance"),
        (target_id == primary_id or target_role is Role.PRIMARY, "is_primary"),
        (target_role is Role.TERMINATED, "already_terminated"),
        (target_role is not Role.SUPERSEDED and not is_undone, "not_superseded"),
        (asker_role is not Role.PRIMARY, "asker_is_not_primary"),
        (is_deleted, "agent_deleted"),
        (not (auto_terminate_enabled or is_undone or is_spare), "auto_terminate_off"),
    )
    for is_in_the_way, reason in obstacles:
        if is_in_the_way:
            return RetirementVerdict(may_retire=False, reason=reason)
    if is_undone:
        return RetirementVerdict(may_retire=True, reason=SWITCH_FAILED)
    return RetirementVerdict(may_retire=True, reason=REPLICA_RETIRED if is_spare else "superseded")
