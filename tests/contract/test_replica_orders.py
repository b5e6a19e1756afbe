"""Ordering replicas: what is refused, and how installed agents are handed what to launch."""

from datetime import timedelta

import pytest

from backend.services.callers import Scope
from tests.contract import standbys
from tests.contract.orders import classic, native
from tests.contract.replica_calls import (
    POOL_A,
    POOL_B,
    POOL_C,
    allow_manual,
    create,
    created,
    delete,
    events,
    listed,
    promote,
    put,
    say,
)
from tests.contract.serving import TESTER, Tenant, World, in_parallel
from tests.fakes.installed_agents import InstalledAgent
from tests.fakes.light_agent import LightAgent


def test_order_reaches_our_agent_as_a_command(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id, tags={"Team": "web"})

    (command,) = ours.sync()
    assert (command["command_type"], command["priority"]) == ("create_replica", 75)
    assert command["payload"] == {
        "replica_id": replica_id,
        "kind": "manual",
        "event_id": None,
        "instance_type": "m5.large",
        "pools": [POOL_B, POOL_C],
        "allow_ondemand": False,
        "tags": {"Team": "web"},
    }


def test_order_is_answered_in_the_recorded_shape(world: World, ours: LightAgent):
    answer = create(world.alpha, ours.agent_id).json()

    assert answer["success"] is True
    assert answer["instance_id"] == f"replica-{answer['replica_id'][:8]}"
    assert answer["pool"] == {
        "id": POOL_B,
        "name": POOL_B,
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1b",
    }
    assert (answer["hourly_cost"], answer["status"]) == (0.032, "launching")


def test_list_has_the_recorded_names_and_the_top_level_ones(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id, created_by="ann")

    (replica,) = listed(world.alpha, ours.agent_id)

    assert (replica["id"], replica["type"], replica["status"]) == (
        replica_id,
        "manual",
        "launching",
    )
    assert (replica["pool_id"], replica["az"]) == (POOL_B, "us-east-1b")
    assert (replica["region"], replica["instance_type"]) == ("us-east-1", "m5.large")
    assert replica["pool"]["name"] == POOL_B
    assert replica["cost"] == {"hourly": None, "total": 0.0}
    assert (replica["created_by"], replica["is_active"]) == ("ann", True)
    assert (replica["sync_status"], replica["state_transfer_progress"]) == ("initializing", 0.0)
    assert (replica["age_seconds"], replica["tags"]) == (0, {})


def test_list_honours_status_and_leaves_out_what_ended(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    assert delete(world.alpha, ours.agent_id, replica_id).ok

    assert listed(world.alpha, ours.agent_id) == []
    assert [r["id"] for r in listed(world.alpha, ours.agent_id, "?include_terminated=true")]
    assert [r["id"] for r in listed(world.alpha, ours.agent_id, "?status=terminated")]
    assert listed(world.alpha, ours.agent_id, "?status=ready") == []
    assert world.alpha.get(f"agents/{ours.agent_id}/replicas?status=odd").status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"pool_id": POOL_A}, 400, "pool_id"),
        ({"pool_id": "nonsense"}, 400, "pool_id"),
        ({"pool_id": "c5.large.us-east-1b"}, 400, "pool_id"),
        ({"pool_id": "m5.large.us-east-1f"}, 404, "pool_id"),
        ({"max_hourly_cost": 0.001}, 400, "pool_id"),
        ({"max_hourly_cost": -1}, 400, "max_hourly_cost"),
        ({"exclude_zones": ["us-east-1b", "us-east-1c"]}, 400, "pool_id"),
        ({"tags": {"ReplicaId": "x"}}, 400, "tags.ReplicaId"),
        ({"tags": {"aws:x": "x"}}, 400, "tags.aws:x"),
    ],
)
def test_order_is_refused_by_name_when_it_does_not_fit(
    world: World, ours: LightAgent, body: dict[str, object], status: int, field: str
):
    answer = create(world.alpha, ours.agent_id, **body)

    assert answer.status_code == status, answer.text
    assert answer.json()["details"].get("field", field) == field
    assert listed(world.alpha, ours.agent_id) == []


def test_type_mismatch_names_both_types(world: World, ours: LightAgent):
    details = create(world.alpha, ours.agent_id, pool_id="c5.large.us-east-1b").json()["details"]

    assert (details["agent_type"], details["pool_type"]) == ("m5.large", "c5.large")


def test_order_keeps_to_its_limits(world: World, ours: LightAgent):
    created(world.alpha, ours.agent_id, exclude_zones=["us-east-1b"], max_hourly_cost=0.05)

    (command,) = ours.sync()
    assert command["payload"]["pools"] == [POOL_C]


def test_third_replica_is_refused(world: World, ours: LightAgent):
    created(world.alpha, ours.agent_id)
    created(world.alpha, ours.agent_id)

    answer = create(world.alpha, ours.agent_id)

    assert answer.status_code == 400
    details = answer.json()["details"]
    assert (details["current_count"], details["max_allowed"]) == (2, 2)


def test_orders_at_once_leave_no_more_than_two(world: World, ours: LightAgent):
    answers = in_parallel(6, lambda _: create(world.alpha, ours.agent_id).status_code)

    rows = world.rows(
        "SELECT standby_slot FROM replica_instances WHERE live_slot = %(a)s", a=ours.agent_id
    )
    assert 1 <= len(rows) <= 2
    assert answers.count(200) == len(rows)
    assert set(answers) <= {200, 400, 409}


def test_order_needs_manual_mode_and_a_live_agent(world: World, alpha: Tenant, beta: Tenant):
    agent = native(world, "i-0aaa")

    refused = create(alpha, agent.agent_id)
    assert refused.status_code == 400
    assert refused.json()["details"]["hint"]

    allow_manual(world, agent.agent_id)
    agent.say_goodbye()
    assert create(alpha, agent.agent_id).status_code == 404
    assert create(alpha, "nobody").status_code == 404
    assert create(beta, agent.agent_id).status_code == 404


def test_installed_agent_gets_each_order_once(world: World, installed: InstalledAgent):
    replica_id = created(world.alpha, installed.agent_id)

    (order,) = installed.replicas_to_launch()
    again = installed.replicas_to_launch()

    assert (order["id"], order["pool_id"], order["az"]) == (replica_id, POOL_B, "us-east-1b")
    assert order["status"] == "launching"
    assert again == []
    row = standbys.replica(world, replica_id)
    assert row["holder_instance_id"] == "i-0ccc"
    assert row["held_until"] == world.clock.now() + timedelta(minutes=10)


def test_two_polls_at_once_launch_once(world: World, installed: InstalledAgent):
    created(world.alpha, installed.agent_id)

    found = in_parallel(4, lambda _: listed(world.alpha, installed.agent_id, "?status=launching"))

    assert sum(len(orders) for orders in found) == 1


def test_order_is_never_handed_out_after_its_launch_was_reported(
    world: World, installed: InstalledAgent
):
    replica_id = created(world.alpha, installed.agent_id)
    assert put(world.alpha, installed.agent_id, replica_id, "i-0rep").json()["success"] is True

    assert installed.replicas_to_launch() == []


def test_order_is_not_handed_out_after_its_lease(world: World, installed: InstalledAgent):
    created(world.alpha, installed.agent_id)
    assert installed.replicas_to_launch()
    world.clock.advance(timedelta(minutes=11))
    installed.beat()

    assert installed.replicas_to_launch() == []


def test_order_is_not_handed_out_while_two_instances_live(world: World, installed: InstalledAgent):
    created(world.alpha, installed.agent_id)
    clone = classic(world, "i-0ddd", logical_agent_id="web-2", az="us-east-1c")
    clone.register()

    assert installed.replicas_to_launch() == []
    world.clock.advance(timedelta(seconds=91))
    installed.beat()
    assert len(installed.replicas_to_launch()) == 1


def test_order_for_our_agent_is_not_handed_out(world: World, ours: LightAgent):
    created(world.alpha, ours.agent_id)

    assert listed(world.alpha, ours.agent_id, "?status=launching") == []


def test_order_is_not_handed_to_another_tenant(
    world: World, installed: InstalledAgent, beta: Tenant
):
    created(world.alpha, installed.agent_id)

    assert listed(beta, installed.agent_id, "?status=launching") == []
    assert len(installed.replicas_to_launch()) == 1


def test_whole_life_of_a_replica_of_an_installed_agent(world: World, installed: InstalledAgent):
    replica_id = created(world.alpha, installed.agent_id)
    agent_id = installed.agent_id
    installed.replicas_to_launch()

    assert put(world.alpha, agent_id, replica_id, "i-0rep").json() == {
        "success": True,
        "replica_id": replica_id,
        "instance_id": "i-0rep",
        "status": "syncing",
    }
    began = {"sync_started_at": world.clock.now().isoformat()}
    assert say(world.alpha, agent_id, replica_id, "syncing", **began).json()["success"] is True
    ended = {"sync_completed_at": world.clock.now().isoformat()}
    assert say(world.alpha, agent_id, replica_id, "ready", **ended).json()["status"] == "ready"
    assert standbys.replica(world, replica_id)["confirmed_running_at"] == world.clock.now()


def test_instance_that_an_installed_agent_tells_of_is_adopted(
    world: World, installed: InstalledAgent
):
    replica_id = created(world.alpha, installed.agent_id)
    body = {
        "instance_id": "i-0rep",
        "replica_type": "manual",
        "parent_instance_id": "i-0ccc",
        "pool_id": POOL_C,
        "status": "launching",
    }

    answers = [create(world.alpha, installed.agent_id, **body).json() for _ in range(2)]

    assert [answer["replica_id"] for answer in answers] == [replica_id, replica_id]
    row = standbys.replica(world, replica_id)
    assert (row["instance_id"], row["pool_name"], row["status"]) == ("i-0rep", POOL_C, "syncing")


def test_instance_that_no_order_explains_is_refused_and_recorded(
    world: World, installed: InstalledAgent
):
    answer = create(world.alpha, installed.agent_id, instance_id="i-0rep", pool_id=POOL_B)

    assert answer.status_code == 200
    assert answer.json()["success"] is False
    assert events(world, "replica_refused")[0]["instance_id"] == "i-0rep"
    assert listed(world.alpha, installed.agent_id) == []


def scoped(world: World, scope: Scope) -> Tenant:
    """Alpha with a token of one scope."""
    made = world.container.client_tokens.create(world.alpha.client_id, "one", scope, None, TESTER)
    return Tenant(world.alpha.client_id, made["token"], world.url, world.http)


def test_list_of_a_user_hands_nothing_out(world: World, installed: InstalledAgent):
    replica_id = created(world.alpha, installed.agent_id)

    seen = listed(scoped(world, Scope.USER), installed.agent_id, "?status=launching")

    assert [replica["id"] for replica in seen] == [replica_id]
    assert len(installed.replicas_to_launch()) == 1


def test_agents_neither_promote_nor_delete_and_users_do_not_report(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    agent, user = scoped(world, Scope.AGENT), scoped(world, Scope.USER)

    assert promote(agent, ours.agent_id, replica_id).status_code == 403
    assert delete(agent, ours.agent_id, replica_id).status_code == 403
    assert put(user, ours.agent_id, replica_id, "i-0rep").status_code == 403
    assert say(user, ours.agent_id, replica_id, "failed").status_code == 403
    assert delete(user, ours.agent_id, replica_id).status_code == 200
