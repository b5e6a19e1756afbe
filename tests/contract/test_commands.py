"""Commands: who gets which, how often, and how they end."""

from datetime import timedelta

import pytest

from backend.domain.commands import CommandType
from tests.contract.orders import (
    A_MINUTE,
    SILENCE,
    native,
    order_switch,
    queue,
    registered,
)
from tests.contract.serving import World, in_parallel


def _poll(world: World, agent_id: str, instance: str | None = None) -> list[dict]:
    answer = world.alpha.get(f"agents/{agent_id}/pending-commands", instance=instance)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _executed(world: World, agent_id: str, command_id: str, **body):
    return world.alpha.post(f"agents/{agent_id}/commands/{command_id}/executed", body)


def test_an_installed_agent_never_gets_the_same_command_twice(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)

    assert [c["id"] for c in _poll(world, agent.agent_id)] == [command_id]
    world.clock.advance(timedelta(minutes=5))
    agent.beat()

    assert _poll(world, agent.agent_id) == []


def test_an_installed_agent_gets_it_not_even_after_its_lease_ran_out(world: World):
    agent = registered(world)
    order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)
    world.clock.advance(timedelta(hours=2))
    agent.beat()

    assert _poll(world, agent.agent_id) == []


def test_the_lease_of_an_installed_agent_is_15_minutes_and_the_wait(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)

    _poll(world, agent.agent_id)

    command = world.command(command_id)
    assert (command["status"], command["lease_instance_id"]) == ("leased", "i-0aaa")
    assert command["lease_expires_at"] == world.clock.now() + timedelta(minutes=15, seconds=300)
    assert world.switches(agent.agent_id)[0]["status"] == "launching"


def test_ours_gets_what_it_holds_again_and_its_lease_goes_on(world: World):
    agent = native(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.sync()
    first = world.command(command_id)["lease_expires_at"]
    world.clock.advance(A_MINUTE)

    assert [c["id"] for c in agent.poll()] == [command_id]

    command = world.command(command_id)
    assert command["lease_count"] == 1
    assert command["lease_expires_at"] == first + A_MINUTE


@pytest.mark.parametrize("command_type", [t for t in CommandType if t is not CommandType.SWITCH])
def test_no_type_but_switch_ever_reaches_an_installed_agent(
    world: World, command_type: CommandType
):
    agent = registered(world)
    command_id = queue(world, agent.agent_id, command_type=command_type, priority=100)

    assert _poll(world, agent.agent_id) == []

    command = world.command(command_id)
    assert (command["status"], command["outcome_code"]) == ("failed", "unsupported")
    sql = "SELECT * FROM notifications WHERE notification_type = 'command_unsupported'"
    assert len(world.rows(sql)) == 1


@pytest.mark.parametrize("command_type", list(CommandType))
def test_every_type_reaches_ours(world: World, command_type: CommandType):
    agent = native(world)
    command_id = queue(world, agent.agent_id, command_type=command_type, payload='{"a": 1}')

    (command,) = agent.sync()

    assert (command["id"], command["command_type"]) == (command_id, command_type)
    assert command["payload"] == {"a": 1}


@pytest.mark.parametrize("command_type", list(CommandType))
def test_no_type_reaches_an_anonymous_caller_when_the_primary_is_ours(
    world: World, command_type: CommandType
):
    agent = native(world)
    queue(world, agent.agent_id, command_type=command_type, priority=100)

    assert _poll(world, agent.agent_id) == []  # ours names itself: this is somebody else

    agent.sync()
    assert _poll(world, agent.agent_id) == []


def test_delivery_follows_capability_and_not_the_version_string(world: World):
    agent = registered(world)
    world.write("UPDATE instances SET agent_version = '5.0.0'")
    queue(world, agent.agent_id, command_type="snapshot")

    assert _poll(world, agent.agent_id) == []


def test_the_most_urgent_comes_first_then_the_oldest(world: World):
    agent = native(world)
    scheduled = queue(world, agent.agent_id, command_type="cleanup", priority=10)
    world.clock.advance(timedelta(seconds=1))
    later = queue(world, agent.agent_id, command_type="inventory", priority=10)
    urgent = queue(world, agent.agent_id, command_type="promote", priority=100)

    for _ in range(3):
        agent.sync()

    assert [command["id"] for command in agent.poll()] == [urgent, scheduled, later]


def test_an_installed_agent_gets_one_command_a_poll(world: World):
    agent = registered(world)
    for _ in range(3):
        queue(world, agent.agent_id)

    assert [len(_poll(world, agent.agent_id)) for _ in range(4)] == [1, 1, 1, 0]


def test_a_command_is_leased_to_one_of_20_concurrent_polls(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)

    answers = in_parallel(20, lambda _n: _poll(world, agent.agent_id))

    assert [c["id"] for answer in answers for c in answer] == [command_id]
    assert world.command(command_id)["lease_count"] == 1


def test_several_commands_under_concurrent_polls_are_handed_out_once_each(world: World):
    agent = registered(world)
    queued = {queue(world, agent.agent_id) for _ in range(5)}

    answers = in_parallel(20, lambda _n: _poll(world, agent.agent_id))
    while more := _poll(world, agent.agent_id):
        answers.append(more)

    handed_out = [c["id"] for answer in answers for c in answer]
    assert sorted(handed_out) == sorted(queued)


def test_while_two_instances_live_anonymous_polls_get_emergencies_only(world: World):
    primary = registered(world)
    registered(world, "i-0bbb")
    planned = queue(world, primary.agent_id, priority=75)

    assert _poll(world, primary.agent_id) == []

    emergency = queue(world, primary.agent_id, priority=100)
    assert [c["id"] for c in _poll(world, primary.agent_id)] == [emergency]
    assert world.command(planned)["status"] == "pending"


def test_when_the_other_instance_fell_silent_anonymous_polls_get_everything_again(world: World):
    primary = registered(world)
    registered(world, "i-0bbb")
    planned = queue(world, primary.agent_id, priority=75)
    world.clock.advance(timedelta(seconds=91))
    primary.beat()

    assert [c["id"] for c in _poll(world, primary.agent_id)] == [planned]


def test_a_named_poll_of_the_primary_is_served_while_two_instances_live(world: World):
    primary = native(world)
    native(world, "i-0bbb")
    order_switch(world.alpha, primary.agent_id)

    assert len(_poll(world, primary.agent_id, "i-0aaa")) == 1
    assert _poll(world, primary.agent_id, "i-0bbb") == []


def test_a_command_for_one_instance_is_not_given_to_another(world: World):
    primary = native(world)
    queue(world, primary.agent_id, command_type="snapshot", instance_id="i-0zzz")

    assert primary.sync() == []


def test_a_superseded_instance_gets_nothing_any_more(world: World):
    old = native(world)
    held = queue(world, old.agent_id, command_type="snapshot")
    old.sync()
    waiting = order_switch(world.alpha, old.agent_id)
    world.clock.advance(SILENCE)
    native(world, "i-0bbb")

    assert old.poll() == []
    assert old.sync() == []

    assert old.role == "superseded"
    assert world.command(waiting)["status"] == "pending"
    lease_end = world.command(held)["lease_expires_at"]
    assert lease_end < world.clock.now() + timedelta(minutes=10)  # it was not extended either


def test_a_disabled_agent_gets_nothing(world: World):
    agent = native(world)
    queue(world, agent.agent_id, command_type="snapshot")
    world.write("UPDATE agent_configs SET enabled = 0")

    assert agent.poll() == []
    assert agent.sync() == []


def test_an_overdue_command_is_not_handed_out(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    world.clock.advance(timedelta(hours=1))
    agent.beat()

    assert _poll(world, agent.agent_id) == []
    assert world.command(command_id)["status"] == "pending"  # the sweep ends it


def test_polls_of_an_unknown_agent_are_not_found(world: World):
    answer = world.alpha.get("agents/no-such-agent/pending-commands")

    assert (answer.status_code, answer.json()["details"]) == (404, {"field": "agent_id"})


@pytest.mark.parametrize("status", ["completed", "failed"])
def test_an_acknowledgement_is_repeatable(world: World, status: str):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)
    success = status == "completed"

    first = _executed(world, agent.agent_id, command_id, success=success, message="Done")
    ended_at = world.command(command_id)["ended_at"]
    world.clock.advance(A_MINUTE)
    again = _executed(world, agent.agent_id, command_id, success=success, message="Done again")

    assert first.json() == again.json()
    assert first.json()["status"] == status
    command = world.command(command_id)
    assert (command["ended_at"], command["message"]) == (ended_at, "Done")


def test_both_ways_to_acknowledge_are_one(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)

    first = world.alpha.post(
        f"agents/{agent.agent_id}/mark-command-executed", {"command_id": command_id}
    )
    second = _executed(world, agent.agent_id, command_id)

    assert first.json() == second.json()
    assert first.json()["success"] is True


def test_an_installed_agent_is_told_of_an_illegal_end_politely(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)
    _executed(world, agent.agent_id, command_id, success=True)

    answer = _executed(world, agent.agent_id, command_id, success=False)

    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["code"]) == (False, "illegal_transition")
    assert world.command(command_id)["status"] == "completed"


def test_a_command_that_was_never_handed_out_cannot_end(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)

    answer = _executed(world, agent.agent_id, command_id, success=True)

    assert answer.json()["success"] is False
    assert world.command(command_id)["status"] == "pending"


@pytest.mark.parametrize(("success", "status"), [(True, "completed"), (False, "failed")])
def test_a_late_acknowledgement_resolves_an_unknown_outcome(
    world: World, success: bool, status: str
):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)
    world.write("UPDATE commands SET status = 'failed', outcome_code = 'outcome_unknown'")

    answer = _executed(world, agent.agent_id, command_id, success=success, message="At last")

    assert answer.json()["status"] == status
    command = world.command(command_id)
    assert (command["outcome_code"], command["message"]) == ("acknowledged", "At last")


def test_concurrent_acknowledgements_are_one(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)

    answers = in_parallel(
        12, lambda n: _executed(world, agent.agent_id, command_id, success=n % 2 == 0).json()
    )

    verdicts = {answer["status"] for answer in answers if answer["success"]}
    assert len(verdicts) == 1
    assert world.command(command_id)["status"] in verdicts
    assert sum(answer["success"] for answer in answers) == 6


def test_acknowledging_an_unknown_command_is_not_found(world: World):
    agent = registered(world)

    answer = _executed(world, agent.agent_id, "cmd-0001")

    assert (answer.status_code, answer.json()["details"]) == (404, {"field": "command_id"})


def test_a_long_message_is_cut_and_kept(world: World):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    _poll(world, agent.agent_id)

    answer = _executed(world, agent.agent_id, command_id, success=False, message="é" * 10_000)

    assert answer.status_code == 200
    assert world.command(command_id)["message"] == "é" * 1000
    assert world.switches(agent.agent_id)[0]["reason"] == "é" * 255


def test_polls_at_once_announce_an_unsupported_command_once(world: World):
    agent = registered(world)
    queue(world, agent.agent_id, command_type="snapshot")

    in_parallel(12, lambda _n: _poll(world, agent.agent_id))

    sql = "SELECT * FROM notifications WHERE notification_type = 'command_unsupported'"
    assert len(world.rows(sql)) == 1
