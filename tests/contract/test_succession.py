"""Who takes over when nobody says anything, and what ends the commands that nobody ends."""

from datetime import timedelta

from backend.services.lease_sweep import LeaseSweep
from backend.services.succession import Succession
from tests.contract.serving import Tenant, World
from tests.contract.test_takeover import order_switch, register, sync

SILENCE = timedelta(seconds=120)


def classic(tenant: Tenant, instance_id: str, az: str = "us-east-1a") -> dict:
    body = {
        "instance_id": instance_id,
        "logical_agent_id": "web",
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": az,
        "mode": "spot",
        "agent_version": "4.0.0",
    }
    return tenant.post("agents/register", body).json()


def beat(tenant: Tenant, agent_id: str, instance_id: str) -> None:
    body = {"status": "online", "instance_id": instance_id}
    assert tenant.post(f"agents/{agent_id}/heartbeat", body).json() == {"success": True}


def appoint(world: World) -> int:
    return Succession(world.database).appoint_waiting(now=world.clock.now(), silence=SILENCE)


def test_successor_takes_over_when_the_old_agent_died_before_its_report(
    world: World,
    alpha: Tenant,
):
    agent_id = classic(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    assert len(alpha.get(f"agents/{agent_id}/pending-commands").json()) == 1
    assert classic(alpha, "i-new", "us-east-1b")["role"] == "successor"
    assert appoint(world) == 0  # the old one may still report
    world.clock.advance(SILENCE + timedelta(seconds=1))
    beat(alpha, agent_id, "i-new")

    assert appoint(world) == 1
    assert appoint(world) == 0

    agent = world.agent(agent_id)
    assert (agent["primary_instance_id"], agent["epoch"], agent["status"]) == (
        "i-new",
        2,
        "online",
    )
    assert world.roles(agent_id) == {"i-old": "superseded", "i-new": "primary"}
    assert world.command(command_id)["status"] == "completed"
    switches = world.switches(agent_id)
    assert [(s["status"], s["new_instance_id"]) for s in switches] == [("completed", "i-new")]


def test_sole_candidate_takes_over_and_two_do_not(world: World, alpha: Tenant):
    agent_id = classic(alpha, "i-one")["agent_id"]
    classic(alpha, "i-two")
    world.clock.advance(SILENCE + timedelta(seconds=1))
    beat(alpha, agent_id, "i-two")

    assert appoint(world) == 1
    assert world.switches(agent_id)[0]["cause"] == "loss"

    classic(alpha, "i-three")
    classic(alpha, "i-four")
    world.clock.advance(SILENCE + timedelta(seconds=1))
    beat(alpha, agent_id, "i-three")
    beat(alpha, agent_id, "i-four")

    assert appoint(world) == 0
    assert world.agent(agent_id)["primary_instance_id"] == "i-two"


def test_overdue_lease_of_an_installed_agent_ends_as_unknown_and_may_be_resolved_late(
    world: World,
    alpha: Tenant,
):
    agent_id = classic(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    alpha.get(f"agents/{agent_id}/pending-commands")
    sweep = LeaseSweep(world.database)
    world.clock.advance(timedelta(minutes=19))
    assert sweep.sweep(world.clock.now()) == 0  # 15 minutes and the wait of 5 are not over
    world.clock.advance(timedelta(minutes=2))

    assert sweep.sweep(world.clock.now()) == 1
    assert sweep.sweep(world.clock.now()) == 0

    command = world.command(command_id)
    assert (command["status"], command["outcome_code"]) == ("failed", "outcome_unknown")
    assert world.switches(agent_id)[0]["status"] == "failed"
    assert alpha.get(f"agents/{agent_id}/pending-commands").json() == []
    late = alpha.post(f"agents/{agent_id}/commands/{command_id}/executed", {"success": True})
    assert late.json()["status"] == "completed"


def test_lease_of_a_living_agent_of_ours_is_kept(world: World, alpha: Tenant):
    agent_id = register(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    sync(alpha, agent_id, "i-old")
    world.clock.advance(timedelta(hours=2))

    assert LeaseSweep(world.database).sweep(world.clock.now()) == 0

    assert [c["id"] for c in sync(alpha, agent_id, "i-old")["commands"]] == [command_id]


def test_command_that_nobody_fetches_expires_with_its_switch(
    world: World,
    alpha: Tenant,
):
    agent_id = classic(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    world.clock.advance(timedelta(hours=1, seconds=1))

    assert LeaseSweep(world.database).sweep(world.clock.now()) == 1

    assert world.command(command_id)["status"] == "expired"
    assert world.switches(agent_id)[0]["failed_step"] == "delivery"
    order_switch(alpha, "i-old")  # the way is free again


def test_successor_of_a_failed_switch_waits_as_a_candidate(
    world: World,
    alpha: Tenant,
):
    agent_id = register(alpha, "i-old")["agent_id"]
    command_id = order_switch(alpha, "i-old")
    sync(alpha, agent_id, "i-old")
    register(alpha, "i-new", "us-east-1b", launch_tags={"CommandId": command_id})

    alpha.post(
        f"agents/{agent_id}/commands/{command_id}/executed",
        {"success": False, "message": "readiness: port 80 is closed"},
        instance="i-old",
    )

    assert world.roles(agent_id) == {"i-old": "primary", "i-new": "candidate"}
    switch = world.switches(agent_id)[0]
    assert (switch["status"], switch["failed_step"]) == ("failed", "readiness")
    assert switch["reason"] == "readiness: port 80 is closed"
