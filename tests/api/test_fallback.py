"""Freezing and rehearsing: who may, what is kept, what is seen, and that nothing is touched."""

import pytest

from backend.services.callers import Role
from tests.integration.fallback.rows import (
    commands,
    event,
    make_agent,
    make_pools,
    make_replica,
    query,
    replicas,
)

COOKIE = "spot_optimizer_session"


@pytest.fixture
def operator(door):
    return door.operator_headers(Role.OPERATOR)


def freeze(http, headers, **body):
    return http.put("/api/admin/freeze", json=body, headers=headers)


@pytest.mark.parametrize("level", ["voluntary", "all"])
def test_freeze_is_kept_audited_seen_and_ended(http, operator, database, level):
    for _ in range(2):
        assert freeze(http, operator, scope="global", level=level).json["success"]

    (setting,) = query(database, "SELECT value FROM settings WHERE name = 'fallback.freeze'")
    assert setting["value"] == level
    (entry, _) = query(
        database, "SELECT action, subject_type FROM audit_logs WHERE action = 'freeze_changed'"
    )
    assert entry["subject_type"] == "global"
    part = http.get("/health").json["parts"]["freeze"]
    assert part == {"ok": False, "state": f"frozen (everything: {level})"}

    freeze(http, operator, scope="global", level="none")
    (setting,) = query(database, "SELECT value FROM settings WHERE name = 'fallback.freeze'")
    assert setting["value"] == "none"


def test_freeze_of_an_agent_is_news_to_it_and_shown_on_the_page(http, door, operator, database):
    agent = make_agent(database)

    answer = freeze(http, operator, scope="agent", id=agent["id"], level="all")

    assert answer.json == {"success": True, "scope": "agent", "id": agent["id"], "level": "all"}
    (row,) = query(database, "SELECT freeze_level FROM agents")
    assert row["freeze_level"] == "all"
    (instance,) = query(database, "SELECT news_count FROM instances")
    assert instance["news_count"] == 1
    http.set_cookie(COOKIE, door.session_cookie(Role.VIEWER))
    assert "frozen (1 agent)" in http.get("/").text


def test_freeze_of_a_client_and_its_end(http, operator, database):
    agent = make_agent(database)
    for level, kept in [("voluntary", "voluntary"), ("none", None)]:
        freeze(http, operator, scope="client", id=agent["client_id"], level=level)
        (row,) = query(
            database,
            "SELECT freeze_level FROM clients WHERE id = %(id)s",
            id=agent["client_id"],
        )
        assert row["freeze_level"] == kept


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"scope": "agent", "level": "all"}, 400),
        ({"scope": "global", "id": "x", "level": "all"}, 400),
        ({"scope": "planet", "level": "all"}, 400),
        ({"scope": "global", "level": "solid"}, 400),
        ({"scope": "agent", "id": "nobody", "level": "all"}, 404),
        ({"scope": "client", "id": "nobody", "level": "all"}, 404),
    ],
)
def test_bad_freeze_is_refused_by_name(http, operator, body, status):
    assert freeze(http, operator, **body).status_code == status


def test_only_operators_freeze_and_rehearse(http, door):
    viewer = door.operator_headers(Role.VIEWER)

    assert freeze(http, viewer, scope="global", level="all").status_code == 403
    assert freeze(http, door.client_headers(), scope="global", level="all").status_code == 403
    answer = http.post("/api/admin/agents/a/rehearse", json={}, headers=viewer)
    assert answer.status_code == 403


def rehearse(http, headers, agent, **body):
    path = f"/api/admin/agents/{agent['id']}/rehearse"
    return http.post(path, json=body, headers=headers)


def test_rehearsal_says_what_would_happen_and_touches_nothing(http, operator, database):
    agent = make_agent(database)

    answer = rehearse(http, operator, agent).json

    assert answer["would"] == "drill: order (no_replica)"
    assert answer["executed"] is None
    found = event(database, answer["event_id"])
    assert (found["is_drill"], found["status"]) == (1, "stood_down")
    assert replicas(database, agent) == commands(database, agent) == []
    assert query(database, "SELECT epoch FROM agents") == [{"epoch": 1}]
    assert len(query(database, "SELECT id FROM audit_logs WHERE action LIKE '%rehearsed'")) == 1


def test_rehearsal_as_if_a_replica_stood_ready(http, operator, database):
    agent = make_agent(database)

    assert rehearse(http, operator, agent, with_replica=True).json["would"] == (
        "drill: promote (replica_ready)"
    )
    rebalance = rehearse(
        http, operator, agent, with_replica=True, signal="rebalance-recommendation"
    )
    assert rebalance.json["would"] == "drill: monitor (replica_ready)"


def test_executed_rehearsal_orders_a_standby_that_will_take_over(http, operator, database):
    agent = make_agent(database)
    make_pools(database, agent["client_id"])

    executed = rehearse(http, operator, agent, execute=True).json["executed"]

    (replica,) = replicas(database, agent)
    assert (executed["action"], executed["replica_id"]) == ("ordered", replica["id"])
    assert replica["status"] == "promoting"
    assert [c["command_type"] for c in commands(database, agent)] == ["create_replica"]


def test_executed_rehearsal_promotes_a_ready_standby(http, operator, database, clock):
    agent = make_agent(database, manual=True)
    replica = make_replica(database, agent)

    executed = rehearse(http, operator, agent, execute=True).json["executed"]

    assert executed["action"] == "promoted"
    assert executed["new_instance_id"] == replica["instance_id"]
    (row,) = query(database, "SELECT epoch, primary_instance_id FROM agents")
    assert row == {"epoch": 2, "primary_instance_id": replica["instance_id"]}


@pytest.mark.parametrize("reason", ["frozen", "agent_disabled"])
def test_rehearsal_is_not_executed_where_emergencies_are_off(http, operator, database, reason):
    over = {"freeze_level": "all"} if reason == "frozen" else {"enabled": False}
    agent = make_agent(database, **over)

    assert rehearse(http, operator, agent, execute=True).status_code == 409
    assert rehearse(http, operator, agent).json["would"] == f"drill: nothing ({reason})"


def test_rehearsal_of_nobody_is_refused(http, operator):
    assert rehearse(http, operator, {"id": "nobody"}).status_code == 404
