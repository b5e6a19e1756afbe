"""Replicas that register, that are promoted, and that are retired; in whatever order."""

from datetime import timedelta
from typing import Any

import pytest

from tests.contract import standbys
from tests.contract.orders import SILENCE, classic, native
from tests.contract.replica_calls import (
    boot,
    created,
    delete,
    events,
    promote,
    put,
    running,
    say,
    status_of,
)
from tests.contract.serving import World, in_parallel
from tests.fakes.installed_agents import InstalledAgent
from tests.fakes.light_agent import LightAgent


def ordered(world: World, agent: LightAgent, **changes: Any) -> str:
    """A replica that takes over as soon as it lives."""
    serving = standbys.request(
        world, agent.agent_id, standbys.order(agent.host.instance_id, promotes=True, **changes)
    )
    assert serving is not None
    return serving.replica_id


def test_launch_tag_makes_a_replica(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    replica = boot(world, replica_id)

    assert (replica.role, replica.epoch) == ("replica", 1)
    row = standbys.replica(world, replica_id)
    assert (row["instance_id"], row["status"], row["az"]) == ("i-0rep", "syncing", "us-east-1b")
    assert world.agent(ours.agent_id)["primary_instance_id"] == "i-0aaa"


def test_tag_of_another_client_explains_nothing(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    stranger = native(
        world, "i-0rep", launch_tags={"ReplicaId": replica_id, "ClientId": world.beta.client_id}
    )

    assert stranger.role == "candidate"
    assert standbys.replica(world, replica_id)["instance_id"] is None


def test_chosen_replica_takes_over_when_it_registers(world: World, ours: LightAgent):
    replica_id = ordered(world, ours)

    replica = native(
        world,
        "i-0rep",
        az="us-east-1b",
        launch_tags={"ReplicaId": replica_id, "ClientId": world.alpha.client_id},
    )

    assert (replica.role, replica.epoch) == ("primary", 2)
    assert status_of(world, replica_id) == "promoted"
    assert world.roles(ours.agent_id) == {"i-0aaa": "superseded", "i-0rep": "primary"}
    assert world.agent(ours.agent_id)["epoch"] == 2
    assert (boot(world, replica_id).role, world.agent(ours.agent_id)["epoch"]) == ("primary", 2)


def test_chosen_replica_takes_over_once_when_it_registers_many_times_at_once(
    world: World, ours: LightAgent
):
    replica_id = ordered(world, ours)

    epochs = in_parallel(4, lambda _: boot(world, replica_id).epoch)

    assert 2 in epochs
    assert world.agent(ours.agent_id)["epoch"] == 2
    assert len(world.switches(ours.agent_id)) == 1


def test_chosen_replica_of_an_installed_agent_takes_over_when_it_runs(
    world: World, installed: InstalledAgent
):
    agent_id = str(installed.agent_id)
    serving = standbys.request(
        world, agent_id, standbys.order(None, promotes=True, protocol=4, priority=100)
    )
    assert serving is not None
    (order,) = installed.replicas_to_launch()
    put(world.alpha, agent_id, order["id"], "i-0rep")
    assert status_of(world, order["id"]) == "promoting"

    answer = say(world.alpha, agent_id, order["id"], "ready")

    assert answer.json()["success"] is True
    assert world.agent(agent_id)["primary_instance_id"] == "i-0rep"
    assert status_of(world, order["id"]) == "promoted"


def test_installed_replica_is_known_by_what_was_reported_or_by_likeness(
    world: World, installed: InstalledAgent
):
    replica_id = created(world.alpha, installed.agent_id)
    (order,) = installed.replicas_to_launch()

    replica = classic(world, "i-0rep", logical_agent_id="web-2", az=order["az"])
    replica.register()

    assert world.roles(str(installed.agent_id))["i-0rep"] == "replica"
    assert standbys.replica(world, replica_id)["instance_id"] == "i-0rep"


def test_likeness_proves_nothing_before_the_order_was_handed_out(
    world: World, installed: InstalledAgent
):
    created(world.alpha, installed.agent_id)

    classic(world, "i-0rep", logical_agent_id="web-2", az="us-east-1b").register()

    assert world.roles(str(installed.agent_id))["i-0rep"] == "candidate"


def test_second_instance_with_the_same_tag_is_no_replica(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)
    boot(world, replica_id)

    twin = boot(world, replica_id, "i-0twin")

    assert twin.role == "candidate"
    assert standbys.replica(world, replica_id)["instance_id"] == "i-0rep"
    assert events(world, "replica_claimed_twice")[0]["instance_id"] == "i-0twin"


def test_replica_that_is_not_wanted_any_more_is_superseded_and_ended(
    world: World, ours: LightAgent
):
    replica_id = created(world.alpha, ours.agent_id)
    ours.sync()
    delete(world.alpha, ours.agent_id, replica_id)

    replica = boot(world, replica_id)

    assert (replica.role, replica.is_active) == ("superseded", False)
    (command,) = ours.sync()
    assert command["payload"]["instance_id"] == "i-0rep"
    verdict = world.alpha.get(
        f"agents/{ours.agent_id}/instances/i-0rep/retirement", instance="i-0aaa"
    ).json()
    assert verdict["may_retire"] is True


def test_replica_that_is_not_wanted_any_more_still_saves_a_lost_agent(
    world: World, ours: LightAgent
):
    replica_id = created(world.alpha, ours.agent_id)
    ours.sync()
    delete(world.alpha, ours.agent_id, replica_id)
    world.clock.advance(SILENCE)

    assert boot(world, replica_id).role == "primary"


def test_deletion_before_anybody_fetched_the_order_ends_at_once(world: World, ours: LightAgent):
    replica_id = created(world.alpha, ours.agent_id)

    answer = delete(world.alpha, ours.agent_id, replica_id)

    assert (answer.json()["state"], status_of(world, replica_id)) == ("terminated", "terminated")
    assert answer.json()["terminated_at"] == "2026-03-02T12:00:00Z"
    assert ours.sync() == []


def test_second_deletion_is_refused(world: World, ours: LightAgent):
    replica_id = running(world, ours)
    delete(world.alpha, ours.agent_id, replica_id)

    answer = delete(world.alpha, ours.agent_id, replica_id)

    assert answer.status_code == 400
    assert answer.json()["details"]["current_status"] == "terminating"


def test_replica_of_an_installed_agent_that_cannot_be_ended_is_told(
    world: World, installed: InstalledAgent
):
    replica_id = created(world.alpha, installed.agent_id)
    put(world.alpha, installed.agent_id, replica_id, "i-0rep")

    assert delete(world.alpha, installed.agent_id, replica_id).ok

    assert status_of(world, replica_id) == "terminating"
    (event,) = events(world, "replica_needs_ending")
    assert "i-0rep" in str(event["message"])


def test_promotion_is_answered_in_the_recorded_shape_and_repeatable(world: World, ours: LightAgent):
    replica_id = running(world, ours)

    answer = promote(world.alpha, ours.agent_id, replica_id).json()
    again = promote(world.alpha, ours.agent_id, replica_id).json()

    assert answer["success"] is True
    assert (answer["new_instance_id"], answer["old_instance_id"]) == ("i-0rep", "i-0aaa")
    assert (answer["demoted"], answer["switch_time"]) == (True, "2026-03-02T12:00:00Z")
    assert (again["epoch"], again["switch_id"]) == (2, answer["switch_id"])
    (switch,) = world.switches(ours.agent_id)
    assert switch["cause"] == "promotion"
    assert world.agent(ours.agent_id)["epoch"] == 2


def test_promotion_may_have_no_body(world: World, ours: LightAgent):
    replica_id = running(world, ours)

    answer = world.alpha.call(
        "POST", f"agents/{ours.agent_id}/replicas/{replica_id}/promote", data=b""
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("status", ["failed", "terminated", "launching", "terminating"])
def test_promotion_is_refused_when_the_replica_cannot_serve(
    world: World, ours: LightAgent, status: str
):
    replica_id = standbys.standby(world, ours.agent_id, "i-0rep", status=status)

    answer = promote(world.alpha, ours.agent_id, replica_id)

    assert answer.status_code == 400
    details = answer.json()["details"]
    assert details["current_status"] == status
    assert details["required_status"] == ["ready", "syncing"]
    assert world.agent(ours.agent_id)["epoch"] == 1


def test_doomed_replica_is_not_promoted(world: World, ours: LightAgent):
    replica_id = standbys.standby(world, ours.agent_id, "i-0rep", doomed_at=world.clock.now())

    assert promote(world.alpha, ours.agent_id, replica_id).status_code == 409
    assert world.agent(ours.agent_id)["epoch"] == 1


def test_promotion_and_deletion_at_once_leave_one_outcome(world: World, ours: LightAgent):
    replica_id = running(world, ours)

    codes = in_parallel(
        2,
        lambda n: (promote, delete)[n](world.alpha, ours.agent_id, replica_id).status_code,
    )

    status, agent = status_of(world, replica_id), world.agent(ours.agent_id)
    if status == "promoted":
        assert codes == [200, 400]
        assert (agent["primary_instance_id"], agent["epoch"]) == ("i-0rep", 2)
    else:
        assert status == "terminating"
        assert codes[0] in (400, 409)
        assert codes[1] == 200
        assert (agent["primary_instance_id"], agent["epoch"]) == ("i-0aaa", 1)
    roles = list(world.roles(ours.agent_id).values())
    assert roles.count("primary") == 1


def test_former_primary_is_not_promoted_again(world: World, ours: LightAgent):
    first = running(world, ours)
    promote(world.alpha, ours.agent_id, first)
    second = standbys.standby(world, ours.agent_id, "i-0two")
    promote(world.alpha, ours.agent_id, second)

    assert promote(world.alpha, ours.agent_id, first).status_code == 400
    assert world.agent(ours.agent_id)["epoch"] == 3


def test_late_replica_is_ended_when_its_event_was_answered_otherwise(
    world: World, ours: LightAgent
):
    replica_id = ordered(world, ours)
    ours.sync()
    event(world, ours, replica_id, status="stood_down")

    replica = boot(world, replica_id)

    assert world.agent(ours.agent_id)["primary_instance_id"] == "i-0aaa"
    assert status_of(world, replica_id) == "terminating"
    assert replica.role in ("replica", "superseded")
    assert [c["command_type"] for c in ours.sync()] == ["retire_instance"]


def test_plan_hands_over_to_the_replica_that_is_ready(world: World, ours: LightAgent):
    assert plan_of(world, ours)["action"] == "launch"
    replica_id = created(world.alpha, ours.agent_id)
    ours.acknowledge(ours.sync()[0])
    boot(world, replica_id)
    assert plan_of(world, ours)["action"] == "launch"
    assert plan_of(world, ours) is None  # nothing is new
    say(world.alpha, ours.agent_id, replica_id, "ready", sender="i-0rep")

    plan = plan_of(world, ours)

    assert plan["action"] == "hand_over"
    assert (plan["replica_id"], plan["new_instance_id"]) == (replica_id, "i-0rep")
    assert plan["epoch"] == 1


def test_plan_launches_where_it_is_safest(world: World, ours: LightAgent):
    plan = plan_of(world, ours)

    assert plan["pools"] == ["m5.large.us-east-1b", "m5.large.us-east-1c"]
    assert (plan["allow_ondemand"], plan["order_id"]) == (True, None)


def test_plan_is_to_do_nothing_when_emergencies_are_frozen(world: World, ours: LightAgent):
    world.write(
        "UPDATE agents SET freeze_level = 'all' WHERE id = %(a)s",
        a=ours.agent_id,
    )

    assert plan_of(world, ours)["action"] == "none"


def test_replica_is_sent_no_plan(world: World, ours: LightAgent):
    running(world, ours)

    assert plan_of(world, boot(world, "", "i-0rep")) is None


def plan_of(world: World, agent: LightAgent) -> Any:
    answer = world.alpha.post(
        f"agents/{agent.agent_id}/sync",
        {"instance_id": agent.host.instance_id},
        instance=agent.host.instance_id,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["emergency_plan"]


def event(world: World, agent: LightAgent, replica_id: str, *, status: str) -> None:
    now = world.clock.now()
    world.write(
        "INSERT INTO spot_interruption_events (id, client_id, agent_id, instance_id, signal_type,"
        " notice_key, status, subject_role, epoch, instance_type, region, az, mode, replica_id,"
        " noticed_at, received_at, ended_at) VALUES (UUID(), %(c)s, %(a)s, 'i-0aaa',"
        " 'termination-notice', 'key', %(s)s, 'primary', 1, 'm5.large', 'us-east-1',"
        " 'us-east-1a', 'spot', %(r)s, %(now)s, %(now)s, %(now)s)",
        c=world.alpha.client_id,
        a=agent.agent_id,
        s=status,
        r=replica_id,
        now=now - timedelta(minutes=1),
    )
