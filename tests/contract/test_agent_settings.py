"""Changing agents: what holds afterwards, who did it, and what late messages hear."""

import orjson
import pytest

from backend.services.callers import Role
from tests.contract.dashboards import operator_headers
from tests.contract.orders import native, order_switch, registered
from tests.contract.serving import World, blamed, in_parallel
from tests.fakes.installed_agents import InstalledAgent


@pytest.fixture
def agent(world: World) -> InstalledAgent:
    return registered(world)


def _post(world: World, agent: InstalledAgent, what: str, body=None, **options):
    return world.alpha.post(f"client/agents/{agent.agent_id}/{what}", body, **options)


def _stored(world: World, agent_id: str | None):
    return world.row("SELECT * FROM agent_configs WHERE agent_id = %(a)s", a=agent_id)


def _audit(world: World, action: str):
    return [
        orjson.loads(row["details"])
        for row in world.rows(
            "SELECT details FROM audit_logs WHERE action = %(action)s ORDER BY id", action=action
        )
    ]


def test_toggle_sets_what_it_is_told(world: World, agent: InstalledAgent):
    answers = [_post(world, agent, "toggle-enabled", {"enabled": False}).json() for _ in "12"]

    assert [(a["success"], a["enabled"], a["version"]) for a in answers] == [(True, False, 2)] * 2
    assert _audit(world, "agent_toggled") == [{"enabled": {"before": True, "after": False}}]


def test_toggle_without_a_body_turns_it_over(world: World, agent: InstalledAgent):
    states = [_post(world, agent, "toggle-enabled", data=b"").json()["enabled"] for _ in range(3)]

    assert states == [False, True, False]


def test_toggled_agents_hear_it(world: World, agent: InstalledAgent):
    _post(world, agent, "toggle-enabled", {"enabled": False})

    agent.refresh_config()

    assert agent.enabled is False


def test_settings_of_the_client_dashboard_are_taken(world: World, agent: InstalledAgent):
    body = {
        "auto_switch_enabled": False,
        "auto_terminate_enabled": False,
        "manual_replica_enabled": True,
        "replica_count": "2",  # a text after somebody edited it
    }

    answer = _post(world, agent, "settings", body).json()

    assert answer["success"] is True
    stored = _stored(world, agent.agent_id)
    for name in ("auto_switch_enabled", "auto_terminate_enabled", "manual_replica_enabled"):
        assert bool(stored[name]) is answer[name] is body[name], name
    assert stored["replica_count"] == answer["replica_count"] == 2


def test_config_of_the_operator_dashboard_is_taken(world: World, agent: InstalledAgent):
    body = {
        "terminateWaitMinutes": 7,
        "autoSwitchEnabled": True,
        "manualReplicaEnabled": False,
        "autoTerminateEnabled": True,
    }

    answer = _post(world, agent, "config", body).json()

    assert (answer["terminateWaitMinutes"], answer["terminate_wait_seconds"]) == (7, 420)
    assert _stored(world, agent.agent_id)["terminate_wait_seconds"] == 420


def test_a_save_that_repeats_the_minutes_keeps_the_seconds(world: World, agent: InstalledAgent):
    _post(world, agent, "settings", {"terminate_wait_seconds": 90})

    answer = _post(world, agent, "config", {"terminateWaitMinutes": 1}).json()

    assert (answer["terminate_wait_seconds"], answer["version"]) == (90, 2)


def test_auto_and_manual_exclude_each_other(world: World, agent: InstalledAgent):
    """The dashboard sends both flags, also the one that nobody touched."""

    def modes(**flags: bool):
        answer = _post(world, agent, "config", flags).json()
        stored = _stored(world, agent.agent_id)
        told = (answer["auto_switch_enabled"], answer["manual_replica_enabled"])
        kept = (bool(stored["auto_switch_enabled"]), bool(stored["manual_replica_enabled"]))
        assert told == kept
        return told

    assert modes(autoSwitchEnabled=True, manualReplicaEnabled=True) == (False, True)
    assert modes(autoSwitchEnabled=True, manualReplicaEnabled=True) == (True, False)
    assert modes(manualReplicaEnabled=True) == (False, True)
    assert modes(autoSwitchEnabled=False, manualReplicaEnabled=False) == (False, False)
    assert modes(autoSwitchEnabled=True) == (True, False)


def test_thresholds_are_set_and_bounded(world: World, agent: InstalledAgent):
    good = {"minSavingsPercent": 22.5, "risk_threshold": 0.15, "max_switches_per_week": 4}
    answer = _post(world, agent, "config", good).json()
    assert (answer["min_savings_percent"], answer["risk_threshold"]) == (22.5, 0.15)
    assert answer["max_switches_per_week"] == 4


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("min_savings_percent", 101),
        ("min_savings_percent", -1),
        ("risk_threshold", 1.01),
        ("risk_threshold", "high"),
        ("terminate_wait_seconds", 86401),
        ("terminate_wait_seconds", -1),
        ("terminate_wait_minutes", 1441),
        ("replica_count", 6),
        ("replica_count", "many"),
        ("max_switches_per_day", 101),
        ("min_pool_duration_hours", 721),
        ("enabled", "perhaps"),
        ("auto_switch_enabled", 7),
        ("version", 0),
        ("version", [1]),
    ],
)
def test_bad_settings_are_refused_by_name(
    world: World, agent: InstalledAgent, field: str, value: object
):
    before = _stored(world, agent.agent_id)

    answer = _post(world, agent, "config", {field: value})

    assert answer.status_code == 400
    assert blamed(answer) == {field}
    assert _stored(world, agent.agent_id) == before


def test_an_outdated_version_changes_nothing(world: World, agent: InstalledAgent):
    _post(world, agent, "config", {"version": 1, "riskThreshold": 0.2})

    answer = _post(world, agent, "config", {"version": 1, "riskThreshold": 0.9})

    assert (answer.status_code, answer.json()["code"]) == (409, "stale_version")
    assert answer.json()["details"]["version"] == 2
    assert float(_stored(world, agent.agent_id)["risk_threshold"]) == 0.2


def test_of_concurrent_changes_of_one_version_one_holds(world: World, agent: InstalledAgent):
    answers = in_parallel(
        8, lambda n: _post(world, agent, "config", {"version": 1, "maxSwitchesPerDay": 10 + n})
    )

    assert sorted(a.status_code for a in answers) == [200] + [409] * 7
    assert _stored(world, agent.agent_id)["version"] == 2
    assert len(world.rows("SELECT id FROM agent_config_history")) == 1


def test_a_change_tells_the_news_to_a_native_agent(world: World):
    agent = native(world)
    first = world.alpha.post(
        f"agents/{agent.agent_id}/sync", {"instance_id": "i-0aaa"}, instance="i-0aaa"
    ).json()

    world.alpha.post(f"client/agents/{agent.agent_id}/settings", {"terminate_wait_seconds": 45})
    second = world.alpha.post(
        f"agents/{agent.agent_id}/sync", {"instance_id": "i-0aaa"}, instance="i-0aaa"
    ).json()

    assert first["config"]["terminate_wait_seconds"] == 300
    assert second["config"]["terminate_wait_seconds"] == 45


def test_history_tells_who_changed_what(world: World, agent: InstalledAgent):
    _post(world, agent, "config", {"riskThreshold": 0.2})
    world.http.post(
        f"{world.url}/api/client/agents/{agent.agent_id}/config",
        json={"riskThreshold": 0.4},
        headers=operator_headers(world, Role.OPERATOR),
        timeout=20,
    )

    path = f"client/agents/{agent.agent_id}/config/history"
    page = world.alpha.get(path).json()

    assert page["total"] == 2
    newest, oldest = page["changes"]
    assert (newest["actor_type"], oldest["actor_type"]) == ("operator", "client")
    assert newest["changes"] == {"risk_threshold": {"before": 0.2, "after": 0.4}}
    assert (newest["version"], oldest["version"]) == (3, 2)
    assert [c["id"] for c in world.alpha.get(f"{path}?limit=1&offset=1").json()["changes"]] == [
        oldest["id"]
    ]
    assert len(_audit(world, "agent_config_changed")) == 2


def test_the_settings_can_be_read(world: World, agent: InstalledAgent):
    config = world.alpha.get(f"client/agents/{agent.agent_id}/config").json()

    assert (config["version"], config["risk_threshold"]) == (1, 0.3)
    assert config["terminateWaitMinutes"] == 5


def test_viewers_may_read_settings_but_not_change_them(world: World, agent: InstalledAgent):
    url = f"{world.url}/api/client/agents/{agent.agent_id}/config"
    viewer = operator_headers(world, Role.VIEWER)

    assert world.http.get(url, headers=viewer, timeout=20).status_code == 200
    assert world.http.post(url, json={}, headers=viewer, timeout=20).status_code == 403


def test_a_deleted_agent_is_steered_no_more(world: World, agent: InstalledAgent):
    command_id = order_switch(world.alpha, str(agent.agent_id))
    path = f"client/agents/{agent.agent_id}"

    answers = [world.alpha.call("DELETE", path) for _ in range(2)]

    assert [a.status_code for a in answers] == [200, 200]
    assert answers[0].json()["agent_id"] == agent.agent_id
    assert answers[0].json() == answers[1].json()
    stored = _stored(world, agent.agent_id)
    assert (stored["enabled"], stored["auto_switch_enabled"]) == (0, 0)
    assert world.command(command_id)["status"] == "cancelled"
    (switch,) = world.switches(str(agent.agent_id))
    assert (switch["status"], switch["failed_step"]) == ("failed", "agent_deleted")
    (entry,) = _audit(world, "agent_deleted")
    assert entry["status"] == {"before": "online", "after": "deleted"}
    assert world.alpha.get("agents").json()["total"] == 0


def test_late_messages_of_a_deleted_agent_are_answered_honestly(
    world: World, agent: InstalledAgent
):
    assert agent.beat()  # so that the next one would take the hot path
    world.alpha.call("DELETE", f"client/agents/{agent.agent_id}")

    beat = world.alpha.post(
        f"agents/{agent.agent_id}/heartbeat", {"status": "online", "instance_id": "i-0aaa"}
    )
    agent.refresh_config()

    assert beat.status_code == 200
    assert beat.json()["code"] == "agent_deleted"
    assert agent.enabled is False
    assert world.agent(str(agent.agent_id))["status"] == "deleted"


def test_a_native_agent_hears_of_its_deletion_at_once(world: World):
    agent = native(world)
    sync = f"agents/{agent.agent_id}/sync"
    world.alpha.post(sync, {"instance_id": "i-0aaa"}, instance="i-0aaa")

    world.alpha.call("DELETE", f"client/agents/{agent.agent_id}")
    answers = [world.alpha.post(sync, {"instance_id": "i-0aaa"}, instance="i-0aaa") for _ in "12"]

    assert [a.status_code for a in answers] == [200, 200]
    assert [a.json()["enabled"] for a in answers] == [False, False]
    assert world.agent(agent.agent_id)["status"] == "deleted"


def test_a_deleted_agent_cannot_be_changed_and_comes_back_fresh(
    world: World, agent: InstalledAgent
):
    _post(world, agent, "config", {"riskThreshold": 0.9})
    world.alpha.call("DELETE", f"client/agents/{agent.agent_id}")

    assert _post(world, agent, "config", {"riskThreshold": 0.5}).status_code == 409
    assert _post(world, agent, "toggle-enabled", data=b"").status_code == 409
    assert agent.register()
    assert float(_stored(world, agent.agent_id)["risk_threshold"]) == 0.3
    assert agent.enabled is True


def test_an_order_leaves_an_audit_entry(world: World, agent: InstalledAgent):
    world.alpha.post("client/instances/i-0aaa/force-switch", {"target": "ondemand"})

    (entry,) = _audit(world, "switch_requested")
    assert entry["target"] == {"before": "m5.large.us-east-1a", "after": "ondemand"}
