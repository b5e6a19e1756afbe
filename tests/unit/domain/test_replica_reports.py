"""What a report makes of a replica, transition by transition."""

import pytest

from backend.domain.replica_reports import ReplicaView, check_claim, check_speaker, next_status
from backend.domain.replicas import LIVE_STATUSES, REPLICA_MACHINE, ReplicaStatus
from backend.errors import Conflict, Forbidden, IllegalTransition

S = ReplicaStatus


def replica(
    status: ReplicaStatus, *, protocol: int = 5, instance_id: str | None = "i-rep"
) -> ReplicaView:
    return ReplicaView(id="r-1", status=status, protocol=protocol, instance_id=instance_id)


@pytest.mark.parametrize(
    ("present", "reported", "expected"),
    [
        (S.LAUNCHING, S.SYNCING, S.SYNCING),
        (S.LAUNCHING, S.READY, S.READY),
        (S.SYNCING, S.READY, S.READY),
        (S.SYNCING, S.LAUNCHING, S.SYNCING),
        (S.READY, S.SYNCING, S.READY),
        (S.READY, S.READY, S.READY),
        (S.PROMOTING, S.READY, S.PROMOTING),
        (S.PROMOTED, S.READY, S.PROMOTED),
        (S.LAUNCHING, S.FAILED, S.TERMINATING),
        (S.READY, S.FAILED, S.TERMINATING),
        (S.READY, S.TERMINATED, S.FAILED),
        (S.TERMINATING, S.TERMINATED, S.TERMINATED),
        (S.TERMINATED, S.TERMINATED, S.TERMINATED),
        (S.FAILED, S.FAILED, S.FAILED),
        (S.TERMINATED, S.FAILED, S.TERMINATED),
        (S.FAILED, S.TERMINATED, S.FAILED),
        (S.TERMINATING, S.FAILED, S.TERMINATING),
    ],
)
def test_report_leaves_a_replica_in_a_status(
    present: ReplicaStatus, reported: ReplicaStatus, expected: ReplicaStatus
):
    assert next_status(replica(present), reported) is expected


@pytest.mark.parametrize(
    ("present", "reported"),
    [
        (S.TERMINATING, S.SYNCING),
        (S.TERMINATED, S.READY),
        (S.FAILED, S.SYNCING),
        (S.PROMOTED, S.FAILED),
        (S.PROMOTED, S.TERMINATED),
    ],
)
def test_report_is_refused_when_the_replica_has_ended(
    present: ReplicaStatus, reported: ReplicaStatus
):
    with pytest.raises(IllegalTransition) as refused:
        next_status(replica(present), reported)

    assert refused.value.facts["present"] == present


@pytest.mark.parametrize("present", S)
@pytest.mark.parametrize("reported", [S.LAUNCHING, S.SYNCING, S.READY, S.FAILED, S.TERMINATED])
@pytest.mark.parametrize("protocol", [4, 5])
@pytest.mark.parametrize("instance_id", [None, "i-rep"])
def test_every_report_is_a_repeat_a_legal_step_or_refused(
    present: ReplicaStatus, reported: ReplicaStatus, protocol: int, instance_id: str | None
):
    try:
        after = next_status(replica(present, protocol=protocol, instance_id=instance_id), reported)
    except IllegalTransition:
        return

    assert after is present or REPLICA_MACHINE.can(present, after)
    again = next_status(replica(after, protocol=protocol, instance_id=instance_id), reported)
    # Told twice that its instance ended, a retired replica is over: nothing else changes twice.
    assert again is after or (after, again) == (S.TERMINATING, S.TERMINATED)


def test_failure_of_what_never_was_launched_needs_no_ending():
    assert next_status(replica(S.LAUNCHING, instance_id=None), S.FAILED) is S.FAILED
    assert next_status(replica(S.TERMINATING, instance_id=None), S.FAILED) is S.TERMINATED


def test_failure_of_an_installed_agents_replica_is_only_booked():
    assert next_status(replica(S.SYNCING, protocol=4), S.FAILED) is S.FAILED


def test_claim_is_refused_when_the_replica_is_another_instance():
    check_claim(replica(S.LAUNCHING, instance_id=None), "i-other")
    check_claim(replica(S.SYNCING), "i-rep")

    with pytest.raises(Conflict) as refused:
        check_claim(replica(S.SYNCING), "i-other")

    assert refused.value.facts["bound_instance_id"] == "i-rep"


def test_only_the_replica_says_that_it_is_ready_when_it_runs_an_agent_of_ours():
    check_speaker(replica(S.SYNCING), S.READY, "i-rep")
    check_speaker(replica(S.SYNCING, protocol=4), S.READY, None)
    check_speaker(replica(S.SYNCING), S.FAILED, "i-primary")

    for speaker in (None, "i-primary"):
        with pytest.raises(Forbidden):
            check_speaker(replica(S.SYNCING), S.READY, speaker)
    with pytest.raises(Forbidden):
        check_speaker(replica(S.LAUNCHING, instance_id=None), S.READY, None)


@pytest.mark.parametrize("status", S)
def test_live_is_what_may_still_serve(status: ReplicaStatus):
    assert replica(status).is_live is (status in LIVE_STATUSES)
