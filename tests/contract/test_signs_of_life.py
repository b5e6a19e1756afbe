"""Heartbeats: whose they are, and what they may change."""

from datetime import timedelta

import pytest

from backend.services.housekeeping import Housekeeping
from tests.contract.orders import A_MINUTE, SILENCE, native, registered, registration
from tests.contract.serving import World, blamed


def _beat(world: World, agent_id: str, body: dict, **options):
    answer = world.alpha.post(f"agents/{agent_id}/heartbeat", body, **options)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _mark_stale(world: World) -> int:
    return Housekeeping(world.database).mark_stale_agents(
        now=world.clock.now(),
        timeout=timedelta(seconds=120),
        offline_confirm=timedelta(seconds=60),
    )


def _two(world: World) -> str:
    """An agent whose primary is i-0bbb and whose superseded instance i-0aaa is still alive."""
    agent_id = registered(world).agent_id
    world.clock.advance(SILENCE)
    registered(world, "i-0bbb")
    return agent_id


def test_a_heartbeat_of_the_primary_is_noted(world: World):
    agent = registered(world)
    world.clock.advance(A_MINUTE)

    agent.beat()

    assert world.instance(agent.agent_id, "i-0aaa")["last_seen_at"] == world.clock.now()


def test_a_heartbeat_of_a_superseded_instance_updates_only_its_own_row(world: World):
    agent_id = _two(world)
    before = (world.agent(agent_id), world.instance(agent_id, "i-0bbb"))
    world.clock.advance(A_MINUTE)

    body = {
        "status": "online",
        "instance_id": "i-0aaa",
        "instance_type": "c5.xlarge",
        "az": "us-east-1f",
        "mode": "ondemand",
    }
    assert _beat(world, agent_id, body)["success"] is True

    assert (world.agent(agent_id), world.instance(agent_id, "i-0bbb")) == before
    old = world.instance(agent_id, "i-0aaa")
    assert old["last_seen_at"] == world.clock.now()
    assert (old["instance_type"], old["az"]) == ("m5.large", "us-east-1a")


def test_offline_from_a_superseded_instance_does_not_touch_the_agent(world: World):
    agent_id = _two(world)

    _beat(world, agent_id, {"status": "offline", "instance_id": "i-0aaa"})
    world.clock.advance(A_MINUTE * 2)

    agent = world.agent(agent_id)
    assert (agent["status"], agent["offline_announced_at"]) == ("online", None)


def test_offline_from_the_primary_counts_at_once(world: World):
    agent = registered(world)

    _beat(world, agent.agent_id, {"status": "offline", "instance_id": "i-0aaa"})

    assert world.agent(agent.agent_id)["status"] == "offline"
    sql = "SELECT * FROM notifications WHERE notification_type = 'agent_stopped'"
    assert len(world.rows(sql)) == 1


def test_offline_twice_is_told_once(world: World):
    agent = registered(world)

    for _ in range(2):
        _beat(world, agent.agent_id, {"status": "offline", "instance_id": "i-0aaa"})

    sql = "SELECT * FROM notifications WHERE notification_type = 'agent_stopped'"
    assert len(world.rows(sql)) == 1


def test_an_online_heartbeat_after_offline_brings_the_agent_back(world: World):
    agent = registered(world)
    _beat(world, agent.agent_id, {"status": "offline", "instance_id": "i-0aaa"})

    agent.beat()

    assert world.agent(agent.agent_id)["status"] == "online"


def test_a_superseded_instance_does_not_bring_an_offline_agent_back(world: World):
    agent_id = _two(world)
    _beat(world, agent_id, {"status": "offline", "instance_id": "i-0bbb"})

    _beat(world, agent_id, {"status": "online", "instance_id": "i-0aaa"})

    assert world.agent(agent_id)["status"] == "offline"


def test_an_anonymous_offline_changes_nothing_by_itself(world: World):
    agent = registered(world)

    agent.say_goodbye()

    stored = world.agent(agent.agent_id)
    assert (stored["status"], stored["offline_announced_at"]) == ("online", world.clock.now())


def test_an_anonymous_offline_counts_when_the_primary_then_stays_silent(world: World):
    agent = registered(world)
    agent.say_goodbye()
    world.clock.advance(timedelta(seconds=59))
    assert _mark_stale(world) == 0
    world.clock.advance(timedelta(seconds=2))

    assert _mark_stale(world) == 1

    assert world.agent(agent.agent_id)["status"] == "offline"


def test_an_anonymous_offline_does_not_count_when_the_primary_beats_on(world: World):
    agent = registered(world)
    agent.say_goodbye()
    world.clock.advance(timedelta(seconds=30))
    agent.beat()
    world.clock.advance(timedelta(seconds=45))

    assert _mark_stale(world) == 0

    assert world.agent(agent.agent_id)["status"] == "online"


@pytest.mark.parametrize("status", ["online", "disabled", "switching", "error", "anything"])
def test_any_status_but_offline_means_alive(world: World, status: str):
    agent = registered(world)
    world.clock.advance(A_MINUTE)

    _beat(world, agent.agent_id, {"status": status, "instance_id": "i-0aaa"})

    assert world.agent(agent.agent_id)["status"] == "online"
    assert world.instance(agent.agent_id, "i-0aaa")["last_seen_at"] == world.clock.now()


def test_an_empty_heartbeat_changes_nothing(world: World):
    agent = registered(world)
    before = world.fingerprint()
    world.clock.advance(A_MINUTE)

    assert _beat(world, agent.agent_id, {}) == {"success": True}

    assert world.fingerprint() == before


@pytest.mark.parametrize(
    ("body", "header", "expected"),
    [
        ({"instance_id": "i-0aaa", "monitored_instances": ["i-0bbb"]}, None, "i-0aaa"),
        ({"monitored_instances": ["i-0bbb"]}, "i-0aaa", "i-0aaa"),
        ({"monitored_instances": ["i-0bbb", "i-0aaa"]}, None, "i-0bbb"),
        ({"instance_id": "unknown", "monitored_instances": ["i-0bbb"]}, None, "i-0bbb"),
        ({"instance_id": None, "monitored_instances": [None]}, None, None),
    ],
)
def test_the_sender_is_taken_from_body_then_header_then_monitored(
    world: World, body: dict, header: str | None, expected: str | None
):
    agent_id = _two(world)
    world.clock.advance(A_MINUTE)

    _beat(world, agent_id, body, instance=header)

    heard = [
        row["instance_id"]
        for row in world.rows("SELECT * FROM instances")
        if row["last_seen_at"] == world.clock.now()
    ]
    assert heard == ([expected] if expected else [])


def test_an_installed_agent_that_the_database_forgot_is_registered_by_its_heartbeat(world: World):
    agent = registered(world)
    world.write("DELETE FROM instances")

    assert agent.beat()

    assert world.roles(agent.agent_id) == {"i-0aaa": "primary"}
    assert world.instance(agent.agent_id, "i-0aaa")["region"] == "us-east-1"


def test_a_forgotten_instance_that_tells_too_little_is_asked_to_register(world: World):
    agent = registered(world, dialect="agent_3_2_0")
    world.write("DELETE FROM instances")

    assert not agent.beat()

    assert agent.answers[-1].status_code == 404
    assert agent.answers[-1].json()["details"] == {"field": "instance_id"}


def test_an_unknown_instance_of_ours_is_asked_to_register(world: World):
    agent = native(world)

    answer = world.alpha.post(
        f"agents/{agent.agent_id}/heartbeat",
        {"instance_id": "i-0zzz", "instance_type": "m5.large", "az": "us-east-1a"},
        instance="i-0zzz",
    )

    assert answer.status_code == 404
    assert world.roles(agent.agent_id) == {"i-0aaa": "primary"}


def test_a_clone_that_only_beats_becomes_a_candidate_and_not_the_primary(world: World):
    agent = registered(world)

    body = {"instance_id": "i-0bbb", "instance_type": "m5.large", "az": "us-east-1a"}
    _beat(world, agent.agent_id, body)

    assert world.roles(agent.agent_id) == {"i-0aaa": "primary", "i-0bbb": "candidate"}


def test_heartbeats_in_any_order_leave_the_same_picture(world: World):
    old = registered(world)
    world.clock.advance(SILENCE)
    new = registered(world, "i-0bbb")

    for agent in (new, old, new, old, old, new):
        agent.beat()

    assert world.roles(old.agent_id) == {"i-0aaa": "superseded", "i-0bbb": "primary"}
    assert world.agent(old.agent_id)["epoch"] == 2


def test_an_agent_marked_stale_is_back_with_its_next_heartbeat(world: World):
    agent = registered(world)
    world.clock.advance(SILENCE)
    assert _mark_stale(world) == 1

    agent.beat()

    assert world.agent(agent.agent_id)["status"] == "online"
    world.clock.advance(timedelta(seconds=30))
    agent.beat()
    assert _mark_stale(world) == 0


@pytest.mark.parametrize(
    "strange",
    [
        {"instance_id": "i 0", "instance_type": "m5.large", "az": "us-east-1a"},
        {"instance_id": "i-\u0000", "instance_type": "m5.large", "az": "us-east-1a"},
        {"instance_id": "é", "instance_type": "m5.large", "az": "us-east-1a"},
        {"monitored_instances": ["x" * 65], "instance_type": "m5.large", "az": "us-east-1a"},
    ],
)
def test_an_impossible_instance_id_is_refused(world: World, strange: dict):
    agent_id = world.alpha.post("agents/register", registration("i-0aaa")).json()["agent_id"]
    before = world.fingerprint()

    answer = world.alpha.post(f"agents/{agent_id}/heartbeat", strange)

    assert (answer.status_code, blamed(answer)) == (400, {"instance_id"})
    assert world.fingerprint() == before
