"""Replaced hosts that still run: ended, told of, or left in peace."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backend.sef.forgotten import HEARD_WITHIN, MOST_ATTEMPTS, ForgottenHost, remedy_for
from tests.fakes.clock import START

HOST = ForgottenHost(
    is_undone=False,
    ends_old_hosts=True,
    is_noticed=False,
    is_agent_deleted=False,
    heard_at=None,
    primary_protocol=5,
    attempts=0,
)
KEPT = replace(HOST, ends_old_hosts=False)


@pytest.mark.parametrize(
    ("host", "remedy"),
    [
        (HOST, "retire"),
        (replace(HOST, heard_at=START), "retire"),
        (replace(HOST, attempts=MOST_ATTEMPTS), "tell"),
        (replace(HOST, primary_protocol=None, heard_at=START), "tell"),
        (replace(HOST, primary_protocol=4, heard_at=START), "tell"),
        (replace(HOST, primary_protocol=4), "leave"),
        (replace(HOST, is_agent_deleted=True, heard_at=START), "tell"),
        (KEPT, "leave"),
        (replace(KEPT, heard_at=START), "leave"),
        (replace(KEPT, is_undone=True), "retire"),
        (replace(KEPT, is_noticed=True, heard_at=START), "tell"),
        (replace(KEPT, is_noticed=True), "leave"),
    ],
)
def test_host_gets_its_remedy(host, remedy):
    assert remedy_for(host, now=START + HEARD_WITHIN) == remedy


def test_host_that_was_last_heard_long_ago_is_not_told_of():
    late = START + HEARD_WITHIN + timedelta(milliseconds=1)

    assert remedy_for(replace(KEPT, is_noticed=True, heard_at=START), now=late) == "leave"
