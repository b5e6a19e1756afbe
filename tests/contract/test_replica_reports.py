"""Reports about replicas: who may say what, in any order and any number of times."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.contract import standbys
from tests.contract.orders import native, registered
from tests.contract.replica_calls import (
    POOL_B,
    POOL_C,
    boot,
    create,
    created,
    delete,
    events,
    listed,
    promote,
    put,
    running,
    say,
    status_of,
)
from tests.contract.serving import Tenant, World, in_parallel
from tests.fakes.installed_agents import InstalledAgent
from tests.fakes.light_agent import LightAgent


def sync_status(
    tenant: Tenant, agent_id: str | None, replica_id: str, sender: str | None = None, **body: Any
) -> requests.Response:
    path = f"agents/{agent_id}/replicas/{replica_id}/sync-status"
    return tenant.post(path, body, instance=sender)


def test_launch_is_booked_with_pool_and_price(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    answer = put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa", pool_id=POOL_C)

    assert answer.status_code == 200
    row = standbys.replica(world, replica_id)
    assert (row["instance_id"], row["status"]) == ("i-0rep", "syncing")
    assert (row["pool_name"], row["az"]) == (POOL_C, "us-east-1c")
    assert float(row["price_usd_per_hour"]) == 0.035
    assert row["launched_at"] == world.clock.now()


def test_second_instance_is_refused_by_name_and_recorded(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")

    answer = put(world.alpha, ours.agent_id, replica_id, "i-0other", sender="i-0aaa")

    assert answer.status_code == 409
    details = answer.json()["details"]
    assert details["bound_instance_id"] == "i-0rep"
    assert details["claimed_instance_id"] == "i-0other"
    (event,) = events(world, "replica_claimed_twice")
    assert (event["instance_id"], event["severity"]) == ("i-0other", "error")
    assert standbys.replica(world, replica_id)["instance_id"] == "i-0rep"


def test_two_instances_at_once_leave_one(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    codes = in_parallel(
        4,
        lambda n: (
            put(world.alpha, ours.agent_id, replica_id, f"i-0rep{n}", sender="i-0aaa").status_code
        ),
    )

    assert sorted(codes) == [200, 409, 409, 409]
    assert len(events(world, "replica_claimed_twice")) == 3


def test_installed_agent_reads_the_refusal(world: World, installed: InstalledAgent):
    replica_id = created(world.alpha, installed.agent_id)
    put(world.alpha, installed.agent_id, replica_id, "i-0rep")

    answer = put(world.alpha, installed.agent_id, replica_id, "i-0other")

    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["code"]) == (False, "conflict")


def test_one_instance_is_not_two_replicas(world: World, ours: LightAgent):
    first = created(world.alpha, ours.agent_id)
    second = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, first, "i-0rep", sender="i-0aaa")

    answer = put(world.alpha, ours.agent_id, second, "i-0rep", sender="i-0aaa")

    assert answer.status_code == 409
    assert standbys.replica(world, second)["instance_id"] is None


def test_only_the_replica_itself_says_that_it_is_ready(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")

    refused = say(world.alpha, ours.agent_id, replica_id, "ready", sender="i-0aaa")
    anonymous = say(world.alpha, ours.agent_id, replica_id, "ready")
    by_progress = sync_status(
        world.alpha, ours.agent_id, replica_id, "i-0aaa", state_transfer_progress=100
    )

    assert refused.status_code == 403
    assert anonymous.json()["success"] is False
    assert by_progress.status_code == 200
    assert status_of(world, replica_id) == "syncing"
    assert say(world.alpha, ours.agent_id, replica_id, "ready", sender="i-0rep").ok
    assert status_of(world, replica_id) == "ready"


def test_late_messages_do_not_set_a_replica_back(world: World, ours: LightAgent):
    replica_id = running(world, ours)

    assert put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa").ok
    late = say(world.alpha, ours.agent_id, replica_id, "syncing", sender="i-0rep")

    assert late.json()["status"] == "ready"
    assert status_of(world, replica_id) == "ready"


def test_sync_progress_is_kept(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")

    answer = sync_status(
        world.alpha,
        ours.agent_id,
        replica_id,
        "i-0rep",
        sync_status="syncing",
        sync_latency_ms=120,
        state_transfer_progress=42.5,
    )

    assert answer.json()["success"] is True
    (shown,) = listed(world.alpha, ours.agent_id)
    assert (shown["sync_status"], shown["sync_latency_ms"]) == ("syncing", 120)
    assert shown["state_transfer_progress"] == 42.5
    assert standbys.replica(world, replica_id)["last_sync_at"] == world.clock.now()


def test_complete_progress_is_ready_where_an_installed_agent_launched(
    world: World, installed: InstalledAgent
):
    replica_id = created(world.alpha, installed.agent_id)
    put(world.alpha, installed.agent_id, replica_id, "i-0rep")

    sync_status(world.alpha, installed.agent_id, replica_id, state_transfer_progress=100)

    assert status_of(world, replica_id) == "ready"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"sync_status": "odd"},
        {"sync_latency_ms": -1},
        {"state_transfer_progress": 101},
        {"state_transfer_progress": "fast"},
        {"status": "promoted"},
    ],
)
def test_sync_report_is_refused_when_it_makes_no_sense(
    world: World, ours: LightAgent, body: dict[str, Any]
):
    replica_id = created(world.alpha, ours.agent_id)
    before = world.fingerprint()

    assert sync_status(world.alpha, ours.agent_id, replica_id, "i-0aaa", **body).status_code == 400
    assert world.fingerprint() == before


@pytest.mark.parametrize("status", ["promoted", "promoting", "odd", ""])
def test_status_is_refused_when_nobody_may_say_it(world: World, ours: LightAgent, status: str):
    replica_id = created(world.alpha, ours.agent_id)

    assert say(world.alpha, ours.agent_id, replica_id, status, sender="i-0aaa").status_code == 400


def test_failed_launch_fails_the_replica_and_lets_the_pools_rest(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    answer = say(
        world.alpha,
        ours.agent_id,
        replica_id,
        "failed",
        sender="i-0aaa",
        error_message="no capacity",
        failed_pools=[POOL_B, POOL_C],
    )

    assert answer.json()["status"] == "failed"
    row = standbys.replica(world, replica_id)
    assert (row["failure_reason"], row["ended_at"]) == ("no capacity", world.clock.now())
    resting = world.rows("SELECT pool_id FROM pool_cooldowns WHERE reason = 'capacity'")
    assert len(resting) == 2
    assert create(world.alpha, ours.agent_id).status_code == 400  # every pool rests


def test_failure_of_a_running_replica_has_it_ended(world: World, ours: LightAgent):
    replica_id = running(world, ours)
    ours.sync()

    say(world.alpha, ours.agent_id, replica_id, "failed", sender="i-0rep", error_message="sync")

    assert status_of(world, replica_id) == "terminating"
    assert world.roles(ours.agent_id)["i-0rep"] == "superseded"
    (command,) = ours.sync()
    assert command["command_type"] == "retire_instance"
    assert command["payload"]["instance_id"] == "i-0rep"
    verdict = world.alpha.get(
        f"agents/{ours.agent_id}/instances/i-0rep/retirement", instance="i-0aaa"
    ).json()
    assert (verdict["may_retire"], verdict["reason"]) == (True, "replica_retired")


@pytest.mark.parametrize("status", ["failed", "terminated"])
def test_ended_replica_stays_ended(world: World, ours: LightAgent, status: str):
    replica_id = created(world.alpha, ours.agent_id)
    say(world.alpha, ours.agent_id, replica_id, status, sender="i-0aaa")
    ended = status_of(world, replica_id)

    answer = say(world.alpha, ours.agent_id, replica_id, "syncing", sender="i-0aaa")

    assert answer.status_code == 409
    assert answer.json()["details"]["present"] == ended
    assert answer.json()["details"]["requested"] == "syncing"
    assert status_of(world, replica_id) == ended


def test_launch_that_is_heard_of_too_late_is_ended(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    ours.sync()  # holds the order to launch
    assert delete(world.alpha, ours.agent_id, replica_id).json()["state"] == "terminating"

    answer = put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")

    assert answer.status_code == 409
    assert standbys.replica(world, replica_id)["instance_id"] == "i-0rep"
    assert world.roles(ours.agent_id)["i-0rep"] == "superseded"
    (command,) = ours.sync()
    assert command["payload"]["instance_id"] == "i-0rep"


def test_report_that_a_retired_replica_has_ended_closes_it(world: World, ours: LightAgent):
    replica_id = running(world, ours)
    delete(world.alpha, ours.agent_id, replica_id)

    answer = world.alpha.post(
        f"agents/{ours.agent_id}/instances/i-0rep/terminated", {}, instance="i-0aaa"
    )

    assert answer.json()["success"] is True
    assert status_of(world, replica_id) == "terminated"
    assert world.roles(ours.agent_id)["i-0rep"] == "terminated"


def test_inventory_knows_replicas_and_closes_those_that_are_gone(world: World, ours: LightAgent):
    kept = running(world, ours)
    gone = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, gone, "i-0gone", sender="i-0aaa")
    launched_at = world.clock.now().isoformat()
    world.clock.advance(timedelta(minutes=10))
    ours.sync()
    native(world, "i-0rep", az="us-east-1b").sync()
    seen = [
        {"instance_id": name, "state": "running", "launched_at": launched_at}
        for name in ("i-0aaa", "i-0rep", "i-0stranger")
    ]

    answer = world.alpha.post(
        f"agents/{ours.agent_id}/inventory", {"instances": seen}, instance="i-0aaa"
    ).json()

    assert answer["orphans"] == ["i-0stranger"]
    assert answer["vanished"] == ["i-0gone"]
    assert (status_of(world, kept), status_of(world, gone)) == ("ready", "failed")
    assert [e["instance_id"] for e in events(world, "orphan_instance")] == ["i-0stranger"]


def test_unregistered_replica_is_no_orphan(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")
    launched_at = world.clock.now().isoformat()
    world.clock.advance(timedelta(minutes=10))
    seen = [{"instance_id": "i-0rep", "state": "running", "launched_at": launched_at}]

    answer = world.alpha.post(
        f"agents/{ours.agent_id}/inventory", {"instances": seen}, instance="i-0aaa"
    ).json()

    assert (answer["orphans"], answer["vanished"]) == ([], [])
    assert events(world, "orphan_instance") == []


Call = Callable[[Tenant, str, str], requests.Response]
CALLS: dict[str, Call] = {
    "put": lambda t, a, r: put(t, a, r, "i-0rep", sender="i-0aaa"),
    "status": lambda t, a, r: say(t, a, r, "syncing", sender="i-0aaa"),
    "sync-status": lambda t, a, r: sync_status(t, a, r, "i-0aaa", state_transfer_progress=1),
    "promote": promote,
    "delete": delete,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_replica_of_another_tenant_or_agent_is_not_found(
    world: World, ours: LightAgent, call: Call
):
    replica_id = running(world, ours)
    other = registered(world, "i-0bbb", logical_agent_id="web-9").agent_id
    assert other is not None
    before = world.fingerprint()

    assert call(world.beta, ours.agent_id, replica_id).status_code == 404
    assert call(world.alpha, other, replica_id).status_code == 404
    assert call(world.alpha, ours.agent_id, "no-such-replica").status_code == 404
    assert world.fingerprint() == before


def test_foreign_tenants_see_no_replicas(world: World, ours: LightAgent):
    running(world, ours)

    assert listed(world.beta, ours.agent_id) == []
    assert world.beta.get(f"client/{world.alpha.client_id}/replicas").json() == []
    assert len(world.alpha.get(f"client/{world.alpha.client_id}/replicas").json()) == 1


def test_client_page_has_the_recorded_shape(world: World, ours: LightAgent):
    replica_id = running(world, ours)

    (entry,) = world.alpha.get(f"client/{world.alpha.client_id}/replicas").json()

    assert entry["agentId"] == ours.agent_id
    assert entry["primary"] == {
        "instanceId": "i-0aaa",
        "instanceType": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    replica = entry["replica"]
    assert (replica["id"], replica["instanceId"]) == (replica_id, "i-0rep")
    assert (replica["type"], replica["status"], replica["sync_status"]) == (
        "manual",
        "ready",
        "synced",
    )
    assert replica["pool"]["az"] == "us-east-1b"
    assert replica["cost"]["hourly"] == 0.032
    assert replica["state_transfer_progress"] == 100.0
    assert replica["is_active"] is True


def test_registered_instance_becomes_the_replica_that_its_launcher_reports(
    world: World, ours: LightAgent
):
    replica_id = created(world.alpha, ours.agent_id)
    early = native(world, "i-0rep", az="us-east-1b")
    assert early.role == "candidate"

    put(world.alpha, ours.agent_id, replica_id, "i-0rep", sender="i-0aaa")

    assert world.roles(ours.agent_id)["i-0rep"] == "replica"
    assert boot(world, replica_id).role == "replica"
