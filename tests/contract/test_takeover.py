"""Around a switch of an agent of ours: progress, the order to retire, inventory, launch specs."""

from datetime import timedelta

import orjson
import pytest

from tests.contract.serving import Tenant, World

POOLS = [f"m5.large.us-east-1{zone}" for zone in "abc"]


def register(tenant: Tenant, instance_id: str, az: str = "us-east-1a", **more) -> dict:
    body = {
        "instance_id": instance_id,
        "logical_agent_id": "web",
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": az,
        "mode": "spot",
        "protocol": 5,
        **more,
    }
    answer = tenant.post("agents/register", body, instance=instance_id)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sync(tenant: Tenant, agent_id: str, instance_id: str) -> dict:
    answer = tenant.post(
        f"agents/{agent_id}/sync", {"instance_id": instance_id}, instance=instance_id
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def order_switch(tenant: Tenant, instance_id: str, pool: str = POOLS[1]) -> str:
    answer = tenant.post(
        f"client/instances/{instance_id}/force-switch", {"target": "pool", "pool_id": pool}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["command_id"]


def report(tenant: Tenant, agent_id: str, command_id: str, *, asker: str = "i-old") -> dict:
    answer = tenant.post(
        f"agents/{agent_id}/switch-report",
        {
            "command_id": command_id,
            "old_instance": {"instance_id": "i-old", "mode": "spot", "az": "us-east-1a"},
            "new_instance": {
                "instance_id": "i-new",
                "instance_type": "m5.large",
                "region": "us-east-1",
                "az": "us-east-1b",
                "mode": "spot",
            },
            "timing": {"switch_initiated_at": "2026-03-02T12:00:00Z"},
        },
        instance=asker,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def switched(world: World, tenant: Tenant) -> tuple[str, str]:
    """Return the agent and the switch command after a reported switch from i-old to i-new."""
    agent_id = register(tenant, "i-old")["agent_id"]
    command_id = order_switch(tenant, "i-old")
    assert [c["id"] for c in sync(tenant, agent_id, "i-old")["commands"]] == [command_id]
    assert (
        register(tenant, "i-new", "us-east-1b", launch_tags={"CommandId": command_id})["role"]
        == "successor"
    )
    assert report(tenant, agent_id, command_id)["is_primary_moved"]
    return agent_id, command_id


def test_switch_offers_the_asked_pool_first_then_others_by_price(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]
    alpha.post(
        f"agents/{agent_id}/pricing-report",
        {
            "instance": {
                "instance_id": "i-old",
                "instance_type": "m5.large",
                "region": "us-east-1",
                "az": "us-east-1a",
                "mode": "spot",
            },
            "pricing": {
                "spot_pools": [
                    {"pool_id": POOLS[0], "price": 0.01},
                    {"pool_id": POOLS[1], "price": 0.03},
                    {"pool_id": POOLS[2], "price": 0.02},
                    {"pool_id": "m5.large.us-east-1d", "price": 0.04},
                ]
            },
        },
        instance="i-old",
    )

    order_switch(alpha, "i-old", POOLS[1])
    payload = sync(alpha, agent_id, "i-old")["commands"][0]["payload"]

    assert payload == {
        "pools": [POOLS[1], POOLS[2], "m5.large.us-east-1d"],
        "allow_ondemand": False,
    }


def test_an_order_may_allow_ondemand_for_when_all_pools_are_full(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]

    ordered = alpha.post(
        "client/instances/i-old/force-switch",
        {"target": "pool", "pool_id": POOLS[1], "allow_ondemand": True},
    )
    payload = sync(alpha, agent_id, "i-old")["commands"][0]["payload"]

    assert ordered.status_code == 200
    assert payload["allow_ondemand"] is True


def test_progress_moves_the_switch_forward_and_repeats_are_the_same_answer(
    world: World, alpha: Tenant
):
    agent_id = register(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    sync(alpha, agent_id, "i-old")
    path = f"agents/{agent_id}/commands/{command_id}/progress"
    running = {"status": "running", "new_instance_id": "i-new", "pool_id": POOLS[2]}

    for _ in range(2):
        assert alpha.post(path, running, instance="i-old").json()["status"] == "running"
    assert alpha.post(path, {"status": "ready"}, instance="i-old").status_code == 200

    switch = world.switches(agent_id)[0]
    assert (switch["status"], switch["new_instance_id"], switch["new_az"]) == (
        "ready",
        "i-new",
        "us-east-1c",
    )
    assert switch["launched_at"] is not None
    assert switch["ready_at"] is not None
    backwards = alpha.post(path, {"status": "launching"}, instance="i-old")
    assert (backwards.status_code, backwards.json()["code"]) == (409, "illegal_transition")


def test_progress_of_a_closed_switch_tells_the_executor_to_undo(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    sync(alpha, agent_id, "i-old")
    world.write("UPDATE switches SET status = 'failed' WHERE command_id = %(c)s", c=command_id)

    answer = alpha.post(
        f"agents/{agent_id}/commands/{command_id}/progress", {"status": "ready"}, instance="i-old"
    )

    assert answer.status_code == 409


def test_successor_is_ordered_to_retire_its_predecessor_after_the_wait(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)

    command = sync(alpha, agent_id, "i-new")["commands"][0]

    assert command["command_type"] == "retire_instance"
    assert command["payload"]["instance_id"] == "i-old"
    assert command["payload"]["not_before"].startswith("2026-03-02T12:05:00")
    assert sync(alpha, agent_id, "i-old")["commands"] == []


def test_nobody_is_ordered_to_retire_when_auto_terminate_is_off(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]
    world.write("UPDATE agent_configs SET auto_terminate_enabled = 0")
    command_id = order_switch(alpha, "i-old")
    sync(alpha, agent_id, "i-old")
    register(alpha, "i-new", "us-east-1b", launch_tags={"CommandId": command_id})

    report(alpha, agent_id, command_id)

    assert sync(alpha, agent_id, "i-new")["commands"] == []
    assert not retirement(alpha, agent_id, "i-old", asker="i-new")["may_retire"]


def test_repeated_report_orders_one_retirement(world: World, alpha: Tenant):
    agent_id, command_id = switched(world, alpha)

    assert not report(alpha, agent_id, command_id)["is_primary_moved"]

    orders = world.rows("SELECT id FROM commands WHERE command_type = 'retire_instance'")
    assert len(orders) == 1
    assert world.agent(agent_id)["epoch"] == 2


def retirement(tenant: Tenant, agent_id: str, target: str, *, asker: str) -> dict:
    answer = tenant.get(f"agents/{agent_id}/instances/{target}/retirement", instance=asker)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("target", "asker", "reason"),
    [
        ("i-old", "i-new", "superseded"),
        ("i-old", "i-old", "asker_is_not_primary"),
        ("i-new", "i-new", "is_primary"),
        ("i-nobody", "i-new", "unknown_instance"),
    ],
)
def test_retirement_is_permitted_only_to_the_primary_and_only_of_the_superseded(
    world: World, alpha: Tenant, target: str, asker: str, reason: str
):
    agent_id, _ = switched(world, alpha)

    verdict = retirement(alpha, agent_id, target, asker=asker)

    assert (verdict["may_retire"], verdict["reason"]) == (reason == "superseded", reason)
    assert verdict["epoch"] == 2
    refused = world.rows("SELECT id FROM system_events WHERE event_type = 'retirement_refused'")
    assert len(refused) == (0 if reason in ("superseded", "unknown_instance") else 1)


def test_terminated_report_closes_the_instance_once(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)
    path = f"agents/{agent_id}/instances/i-old/terminated"
    body = {"terminated_at": "2026-03-02T12:06:00Z"}

    answers = [alpha.post(path, body, instance="i-new").json() for _ in range(2)]

    assert [answer["repeated"] for answer in answers] == [False, True]
    assert world.roles(agent_id) == {"i-old": "terminated", "i-new": "primary"}
    assert world.switches(agent_id)[0]["old_terminated_at"] is not None


def test_primary_cannot_be_closed_by_a_report(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)

    answer = alpha.post(f"agents/{agent_id}/instances/i-new/terminated", {}, instance="i-old")

    assert answer.status_code == 409
    assert world.roles(agent_id)["i-new"] == "primary"


def inventory(tenant: Tenant, agent_id: str, *running: str) -> dict:
    sightings = [
        {"instance_id": name, "state": "running", "launched_at": "2026-03-02T11:00:00Z"}
        for name in running
    ]
    answer = tenant.post(f"agents/{agent_id}/inventory", {"instances": sightings}, instance="i-new")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_inventory_closes_what_is_gone_and_names_strangers_once_a_day(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)
    assert inventory(alpha, agent_id, "i-new")["vanished"] == []  # EC2's lists may lag behind
    world.clock.advance(timedelta(minutes=6))

    first = inventory(alpha, agent_id, "i-new", "i-stranger")
    second = inventory(alpha, agent_id, "i-new", "i-stranger")

    assert first == {"success": True, "vanished": ["i-old"], "orphans": ["i-stranger"]}
    assert second == {"success": True, "vanished": [], "orphans": ["i-stranger"]}
    said = world.rows("SELECT id FROM notifications WHERE notification_type = 'orphan_instance'")
    assert len(said) == 1


def test_inventory_never_closes_the_primary(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)
    world.clock.advance(timedelta(hours=1))

    assert "i-new" not in inventory(alpha, agent_id)["vanished"]


def test_launch_spec_is_kept_without_readable_user_data(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]
    spec = {"ami_id": "ami-1", "user_data": "cGFzc3dvcmQ9aHVudGVyMg=="}
    path = f"agents/{agent_id}/launch-spec"

    answers = [alpha.call("PUT", path, {"spec": spec}, instance="i-old").json() for _ in range(2)]

    assert [answer["repeated"] for answer in answers] == [False, True]
    row = world.row("SELECT spec, user_data_encrypted FROM launch_specs")
    assert orjson.loads(row["spec"]) == {"ami_id": "ami-1"}
    assert "cGFzc3dvcmQ9aHVudGVyMg" not in row["user_data_encrypted"]


def test_launch_spec_of_another_instance_than_the_primary_is_refused(world: World, alpha: Tenant):
    agent_id, _ = switched(world, alpha)

    answer = alpha.call(
        "PUT", f"agents/{agent_id}/launch-spec", {"spec": {"ami_id": "x"}}, instance="i-old"
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "commands/{command}/progress", {"status": "ready"}),
        ("GET", "instances/i-old/retirement", None),
        ("POST", "instances/i-old/terminated", {}),
        ("POST", "inventory", {"instances": []}),
        ("PUT", "launch-spec", {"spec": {"ami_id": "x"}}),
    ],
)
def test_foreign_tenant_finds_nothing(
    world: World, alpha: Tenant, beta: Tenant, method: str, path: str, body: dict | None
):
    agent_id, command_id = switched(world, alpha)
    before = world.contents()

    answer = beta.call(
        method,
        f"agents/{agent_id}/{path.format(command=command_id)}",
        body,
        instance="i-new",
    )

    assert answer.status_code == 404
    assert world.contents() == before
