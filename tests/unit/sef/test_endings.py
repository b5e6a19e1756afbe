"""How an emergency ends that nobody brought to an end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.domain.interruptions import InterruptionStatus as Status
from backend.sef.endings import OverdueEvent, end_of
from tests.fakes.clock import START

OVERDUE = OverdueEvent(
    is_of_primary=True,
    is_drill=False,
    ends_at=START,
    heard_at=START - timedelta(seconds=5),
    replica_status=None,
    failure=None,
)


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        ({}, Status.LOST, "no_replacement"),
        ({"heard_at": None}, Status.LOST, "no_replacement"),
        ({"replica_status": "failed"}, Status.LOST, "replacement_failed"),
        ({"replica_status": "promoting"}, Status.LOST, "replacement_failed"),
        (
            {"heard_at": START + timedelta(minutes=6)},
            Status.STOOD_DOWN,
            "host_outlived_deadline",
        ),
        ({"replica_status": "promoted"}, Status.FAILED_OVER, "replaced"),
        ({"is_of_primary": False}, Status.STOOD_DOWN, "not_the_primary"),
        ({"is_drill": True}, Status.STOOD_DOWN, "rehearsal_timed_out"),
    ],
)
def test_overdue_event_ends_as_what_really_happened(change, status, reason):
    ending = end_of(replace(OVERDUE, **change))

    assert (ending.status, ending.reason) == (status, reason)
