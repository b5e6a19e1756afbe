"""Replaced hosts that nobody was told to end, over a real database."""

import json
from datetime import timedelta

import pytest

from backend.services.forgotten_hosts import PATIENCE, SAY_AGAIN_AFTER, ForgottenHosts
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    MINUTE,
    commands,
    make_agent,
    make_event,
    make_instance,
    notifications,
    query,
)

pytestmark = pytest.mark.db
WAIT = timedelta(seconds=300)
DUE = START + WAIT + PATIENCE + timedelta(milliseconds=1)


@pytest.fixture
def agent(database):
    """An agent whose first host was replaced at START, and still runs."""
    agent = make_agent(database)
    make_instance(
        database, agent, "i-old", role="superseded", role_reason="promotion", role_changed_at=START
    )
    query(
        database,
        "UPDATE agent_configs SET terminate_wait_seconds = 300 WHERE agent_id = %(id)s",
        id=agent["id"],
    )
    return agent


def settle(database, now=DUE) -> int:
    return ForgottenHosts(database).settle(now)


def end(database, status) -> None:
    query(database, "UPDATE commands SET status = %(status)s", status=status)


def test_its_end_is_ordered_once_its_time_is_over(database, agent):
    assert settle(database, DUE - MINUTE) == 0
    assert settle(database) == 1

    (command,) = commands(database, agent)
    assert (command["command_type"], command["status"]) == ("retire_instance", "pending")
    assert command["instance_id"] == agent["primary_instance_id"]
    assert json.loads(command["payload"])["instance_id"] == "i-old"
    assert settle(database, DUE + 30 * MINUTE) == 0, "while the order is open, no other is given"


def test_it_is_ordered_again_when_the_order_was_lost_and_told_in_the_end(database, agent):
    now = DUE
    for _ in range(7):
        settle(database, now)
        end(database, "failed")
        now += 11 * MINUTE

    assert len(commands(database, agent)) == 5
    (note,) = notifications(database, "replaced_host_runs")
    assert "i-old" in note["message"]
    settle(database, now + SAY_AGAIN_AFTER)
    assert len(notifications(database, "replaced_host_runs")) == 2


@pytest.mark.parametrize("is_noticed", [True, False])
def test_it_stays_where_old_hosts_are_kept_and_is_told_if_ec2_was_to_end_it(
    database, agent, is_noticed
):
    query(database, "UPDATE agent_configs SET auto_terminate_enabled = 0")
    query(
        database,
        "UPDATE instances SET last_seen_at = %(now)s WHERE instance_id = 'i-old'",
        now=DUE,
    )
    if is_noticed:
        make_event(database, agent, "termination-notice", status="failed_over", instance_id="i-old")

    settle(database)

    assert commands(database, agent) == []
    assert len(notifications(database, "replaced_host_runs")) == int(is_noticed)


def test_what_has_ended_or_is_primary_is_no_business_of_it(database, agent):
    query(
        database,
        "UPDATE instances SET terminated_at = %(now)s, role = 'terminated'"
        " WHERE instance_id = 'i-old'",
        now=START,
    )

    assert settle(database) == 0
