import pytest

from backend.domain.switches import OPEN_STATUSES, SwitchStatus, completes_on_report
from backend.errors import IllegalTransition


@pytest.mark.parametrize("status", sorted(OPEN_STATUSES))
def test_report_completes_the_switch_when_it_is_open(status):
    assert completes_on_report(status, None) is True


def test_report_changes_nothing_when_the_switch_is_completed():
    assert completes_on_report(SwitchStatus.COMPLETED, None) is False


def test_late_report_completes_the_switch_when_only_its_lease_ran_out():
    assert completes_on_report(SwitchStatus.FAILED, "outcome_unknown") is True


@pytest.mark.parametrize("code", [None, "preempted"])
def test_report_is_refused_when_the_switch_failed_for_a_reason(code):
    with pytest.raises(IllegalTransition, match="failed cannot become completed"):
        completes_on_report(SwitchStatus.FAILED, code)
