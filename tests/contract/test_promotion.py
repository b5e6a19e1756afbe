"""Promotion: one transaction moves the primary, closes what was open and tells everybody."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest

from backend.domain.switches import SwitchCause
from backend.errors import Conflict, IllegalTransition, NotFound, StaleVersion
from backend.services.promotion import Promoted, Promotion
from tests.contract import standbys
from tests.contract.orders import native, order_switch
from tests.contract.serving import World


def promote(world: World, agent_id: str, replica_id: str, **changes: Any) -> Promoted:
    arguments: dict[str, Any] = {
        "cause": SwitchCause.TERMINATION,
        "event_id": None,
        "expected_epoch": None,
        "deadline_at": None,
        "now": world.clock.now(),
    }
    return Promotion(world.database).promote(
        world.alpha.client_id, agent_id, replica_id, **(arguments | changes)
    )


def test_request_tells_the_executor_when_it_is_ours(world: World):
    agent = native(world, "i-old")

    serving = standbys.request(world, agent.agent_id, standbys.order())

    assert serving is not None
    assert serving.is_new
    (command,) = agent.sync()
    assert command["command_type"] == "create_replica"
    assert command["payload"]["replica_id"] == serving.replica_id
    assert command["payload"]["pools"] == list(standbys.POOLS)


def test_request_answers_the_serving_replica_when_there_is_one(world: World):
    agent = native(world, "i-old")
    first = standbys.request(world, agent.agent_id, standbys.order())

    second = standbys.request(world, agent.agent_id, standbys.order(promotes=True, priority=100))

    assert first is not None
    assert second is not None
    assert (second.replica_id, second.is_new) == (first.replica_id, False)
    assert second.status == "promoting"
    (command,) = agent.sync()
    assert command["priority"] == 100


def test_request_takes_the_second_slot_when_the_first_replica_is_doomed(world: World):
    agent = native(world, "i-old")
    doomed = standbys.standby(world, agent.agent_id, doomed_at=world.clock.now())

    second = standbys.request(world, agent.agent_id, standbys.order())
    third = standbys.request(world, agent.agent_id, standbys.order())

    assert second is not None
    assert second.is_new
    assert third is not None
    assert third.replica_id == second.replica_id != doomed
    assert standbys.replica(world, second.replica_id)["standby_slot"] == 2


def test_request_is_refused_when_the_epoch_moved(world: World):
    agent = native(world, "i-old")

    assert standbys.request(world, agent.agent_id, standbys.order(expected_epoch=7)) is None


def test_request_leaves_the_row_to_be_handed_out_when_the_agent_is_installed(world: World):
    agent = native(world, "i-old")

    serving = standbys.request(world, agent.agent_id, standbys.order(None, protocol=4))

    assert serving is not None
    assert serving.command_id is None
    assert standbys.commands(world, agent.agent_id) == []


def test_one_replica_is_ordered_when_many_ask_at_once(world: World):
    agent = native(world, "i-old")

    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(lambda _: standbys.request(world, agent.agent_id, standbys.order()), range(16))
        )

    assert len({serving.replica_id for serving in found if serving}) == 1
    assert sum(serving.is_new for serving in found if serving) == 1


def test_promotion_moves_the_primary(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)
    heir = native_heir(world, agent.agent_id)

    promoted = promote(world, agent.agent_id, replica_id)

    assert promoted == Promoted(
        switch_id=promoted.switch_id,
        epoch=2,
        old_instance_id="i-old",
        new_instance_id="i-standby",
        is_repeat=False,
    )
    row = world.agent(agent.agent_id)
    assert (row["primary_instance_id"], row["epoch"]) == ("i-standby", 2)
    assert row["last_failover_at"] == world.clock.now()
    assert world.roles(agent.agent_id) == {"i-old": "superseded", "i-standby": "primary"}
    assert standbys.replica(world, replica_id)["status"] == "promoted"
    (switch,) = world.switches(agent.agent_id)
    assert (switch["status"], switch["cause"]) == ("ready", "termination")
    assert (switch["old_pool_id"], switch["new_pool_id"]) == (
        "m5.large.us-east-1a",
        "m5.large.us-east-1b",
    )
    command = heir.sync()[0]
    assert command["command_type"] == "promote"
    assert command["payload"]["old_instance_id"] == "i-old"
    assert command["payload"]["epoch"] == 2
    assert agent.sync() == []
    assert (agent.role, agent.epoch) == ("superseded", 2)


def native_heir(world: World, agent_id: str, instance_id: str = "i-standby"):
    heir = native(world, instance_id, az="us-east-1b")
    assert heir.agent_id == agent_id
    return heir


def test_promotion_is_answered_again_when_it_has_happened(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)
    first = promote(world, agent.agent_id, replica_id)

    second = promote(world, agent.agent_id, replica_id)

    assert second.is_repeat
    assert (second.switch_id, second.epoch) == (first.switch_id, first.epoch)
    assert len(world.switches(agent.agent_id)) == 1


def test_one_promotion_happens_when_many_ask_at_once(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: promote(world, agent.agent_id, replica_id), range(16)))

    assert sum(not promoted.is_repeat for promoted in found) == 1
    assert {promoted.epoch for promoted in found} == {2}
    assert world.agent(agent.agent_id)["epoch"] == 2


@pytest.mark.parametrize("status", ["failed", "terminating", "terminated"])
def test_promotion_is_refused_when_the_replica_has_ended(world: World, status: str):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id, status=status)

    with pytest.raises(IllegalTransition, match=status):
        promote(world, agent.agent_id, replica_id)

    assert world.agent(agent.agent_id)["epoch"] == 1


def test_promotion_is_refused_when_the_replica_is_doomed_or_unborn(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id, doomed_at=world.clock.now())
    unborn = standbys.standby(world, agent.agent_id, None, "launching")

    with pytest.raises(Conflict, match="interrupted"):
        promote(world, agent.agent_id, replica_id)
    with pytest.raises(Conflict, match="no instance"):
        promote(world, agent.agent_id, unborn)


def test_promotion_is_refused_when_the_epoch_is_another(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)

    with pytest.raises(StaleVersion):
        promote(world, agent.agent_id, replica_id, expected_epoch=4)


def test_promotion_is_refused_when_agent_or_replica_are_somebody_elses(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)

    with pytest.raises(NotFound, match="replica"):
        promote(world, agent.agent_id, "0" * 36)
    with pytest.raises(NotFound, match="agent"):
        Promotion(world.database).promote(
            world.beta.client_id,
            agent.agent_id,
            replica_id,
            cause=SwitchCause.MANUAL,
            event_id=None,
            expected_epoch=None,
            deadline_at=None,
            now=world.clock.now(),
        )


def test_promotion_preempts_a_planned_switch(world: World):
    agent = native(world, "i-old")
    command_id = order_switch(world.alpha, agent.agent_id)
    replica_id = standbys.standby(world, agent.agent_id)

    promote(world, agent.agent_id, replica_id)

    planned, promotion = sorted(
        world.switches(agent.agent_id), key=lambda row: row["cause"] == "termination"
    )
    assert (planned["status"], planned["failed_step"]) == ("failed", "preempted")
    assert promotion["status"] == "ready"
    assert world.command(command_id)["status"] == "cancelled"


def test_the_new_primary_ends_the_successor_of_a_preempted_switch(world: World):
    agent = native(world, "i-old")
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.sync()
    successor = native(world, "i-next", az="us-east-1b", launch_tags={"CommandId": command_id})
    assert successor.role == "successor"
    replica_id = standbys.standby(world, agent.agent_id)

    promote(world, agent.agent_id, replica_id)

    assert world.roles(agent.agent_id)["i-next"] == "candidate"
    undone = [
        orjson.loads(row["payload"])["instance_id"]
        for row in world.rows("SELECT payload FROM commands WHERE command_type = 'retire_instance'")
    ]
    assert sorted(undone) == ["i-next", "i-old"]
    assert world.alpha.get(
        f"agents/{agent.agent_id}/instances/i-next/retirement", instance="i-standby"
    ).json()["may_retire"]


def test_the_old_host_is_kept_until_five_minutes_past_its_deadline(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)
    deadline = world.clock.now() + timedelta(seconds=90)

    promote(world, agent.agent_id, replica_id, deadline_at=deadline)

    row = world.row("SELECT payload FROM commands WHERE command_type = 'retire_instance'")
    not_before = orjson.loads(row["payload"])["not_before"]
    assert not_before == (deadline + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("is_on", [True, False])
def test_the_old_host_is_kept_after_a_manual_promotion_as_the_settings_say(
    world: World, is_on: bool
):
    agent = native(world, "i-old")
    world.write(
        "UPDATE agent_configs SET terminate_wait_seconds = 60, auto_terminate_enabled = %(on)s",
        on=is_on,
    )
    replica_id = standbys.standby(world, agent.agent_id)

    promote(world, agent.agent_id, replica_id, cause=SwitchCause.MANUAL)

    rows = world.rows("SELECT payload FROM commands WHERE command_type = 'retire_instance'")
    expected = world.clock.now() + timedelta(seconds=60)
    stamps = [orjson.loads(row["payload"])["not_before"] for row in rows]
    assert stamps == ([expected.isoformat().replace("+00:00", "Z")] if is_on else [])


def test_the_instance_is_created_when_the_replica_never_registered(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id, is_running=False, protocol=4)

    promote(world, agent.agent_id, replica_id)

    assert world.roles(agent.agent_id) == {"i-old": "superseded", "i-standby": "primary"}
    (switch,) = world.switches(agent.agent_id)
    assert switch["status"] == "completed"
    assert standbys.commands(world, agent.agent_id)[1:] == []


def test_everybody_is_told_of_a_promotion(world: World):
    agent = native(world, "i-old")
    replica_id = standbys.standby(world, agent.agent_id)

    promote(world, agent.agent_id, replica_id)

    told = world.row("SELECT * FROM notifications WHERE notification_type = 'primary_promoted'")
    assert told["message"] == "i-standby is web-1 now, instead of i-old (termination)"
    event = world.row("SELECT * FROM system_events WHERE event_type = 'primary_promoted'")
    assert orjson.loads(event["details"])["epoch"] == 2
