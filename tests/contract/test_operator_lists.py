"""What dashboards asked for in vain, exports, the audit log; bad input; the work of one request."""

import csv
import io
from datetime import timedelta

import pytest

from backend.db.session import Session
from backend.services.callers import Role
from tests.contract.dashboards import POOL_A, Story, make_story, operator_headers, report_prices
from tests.contract.orders import POOL_B, registered
from tests.contract.serving import TESTER, World, blamed


@pytest.fixture
def story(world: World) -> Story:
    return make_story(world)


def _csv(answer):
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    return [*csv.DictReader(io.StringIO(answer.text))]


def test_pool_statistics_show_fresh_pools_cheapest_first(world: World):
    agent = registered(world)
    report_prices(world, agent.agent_id, {POOL_A: 0.04, POOL_B: 0.03})
    story = Story(world, agent, "", operator_headers(world))

    listed = story.read("admin/pool-statistics")

    assert [p["id"] for p in listed["pools"]] == [POOL_B, POOL_A]
    assert listed["total"] == 2
    assert (listed["summary"]["lowestPrice"], listed["summary"]["highestPrice"]) == (0.03, 0.04)
    assert listed["pools"][0]["riskScore"] is None  # nobody has computed it
    assert story.read("admin/pool-statistics?region=eu-west-1")["pools"] == []
    assert story.read("admin/pool-statistics?limit=1&offset=1")["pools"][0]["id"] == POOL_A
    assert story.read("admin/stats")["poolsCovered"] == 2


def test_agent_health_counts_and_lists(story: Story):
    health = story.read("admin/agent-health")

    assert health["summary"] == {
        "total": 1, "online": 1, "offline": 0, "disabled": 0, "conflicted": 0, "silent": 0,
    }  # fmt: skip
    (agent,) = health["agents"]
    assert (agent["name"], agent["client"], agent["status"]) == ("web-1", "Alpha", "online")
    assert agent["cpuPercent"] is None
    story.world.clock.advance(timedelta(hours=1))
    assert story.read("admin/agent-health")["summary"]["silent"] == 1


def test_statistics_of_an_agent(story: Story):
    statistics = story.read(f"client/agents/{story.agent_id}/statistics")

    assert (statistics["totalSwitches"], statistics["failedSwitches"]) == (1, 0)
    assert statistics["switchesByCause"] == {"manual": 1}
    assert statistics["lastSwitch"]
    assert statistics["last24Hours"]["samples"] == 0
    assert statistics["last24Hours"]["heardPercent"] is None
    assert statistics["recentReportsCount"] == 0


def test_switches_are_exported_as_csv_and_json(story: Story):
    path = f"client/{story.world.alpha.client_id}/export/switch-history"

    (row,) = _csv(story.operator(f"{path}?format=csv"))
    exported = story.read(f"{path}?format=json")

    assert (row["oldInstanceId"], row["newInstanceId"]) == ("i-0aaa", "i-0bbb")
    assert row["timestamp"].endswith("Z")
    assert exported["total"] == 1
    assert exported["switches"][0]["id"] == row["id"]
    assert story.world.alpha.get(path).json() == exported


def test_the_installation_is_exported_as_csv_and_json(story: Story):
    story.world.container.clients.create("=cmd|'/c calc'!A1", None, TESTER)

    rows = _csv(story.operator("admin/export/global-stats?format=csv"))
    exported = story.read("admin/export/global-stats")

    assert {r["name"] for r in rows} == {"Alpha", "Beta", "'=cmd|'/c calc'!A1"}
    assert exported["stats"]["totalAccounts"] == exported["total"] == 3
    assert len(exported["clients"]) == 3


def test_the_audit_log_is_for_admins_and_pages_backwards(story: Story):
    admin = operator_headers(story.world, Role.ADMIN)

    first = story.operator("admin/audit-log?limit=1", headers=admin).json()
    second = story.operator(f"admin/audit-log?limit=1&before={first['next']}", headers=admin).json()
    orders = story.operator("admin/audit-log?action=switch_requested", headers=admin).json()

    assert first["entries"][0]["id"] > second["entries"][0]["id"]
    assert orders["next"] is None
    (order,) = orders["entries"]
    assert (order["actor_name"], order["subject_id"]) == ("Alpha", story.agent_id)
    assert order["details"]["target"] == {"before": POOL_A, "after": POOL_B}
    assert order["remote_address"]
    assert story.operator("admin/audit-log").status_code == 403


def test_operators_must_name_the_client_when_two_claim_an_instance(story: Story):
    story.world.beta.post(
        "agents/register",
        {
            "instance_id": "i-0bbb",
            "logical_agent_id": "db-1",
            "instance_type": "c5.large",
            "region": "us-east-1",
            "az": "us-east-1c",
            "mode": "ondemand",
        },
    )
    path = "client/instances/i-0bbb/metrics"

    unclear = story.operator(path)
    named = story.read(f"{path}?client_id={story.world.beta.client_id}")

    assert unclear.status_code == 409
    assert len(unclear.json()["details"]["client_ids"]) == 2
    assert named["instanceType"] == "c5.large"


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("admin/clients?limit=0", "limit"),
        ("admin/clients?limit=ten", "limit"),
        ("admin/clients?offset=-1", "offset"),
        ("admin/clients/growth?days=week", "days"),
        ("admin/agents?status=sleeping", "status"),
        ("admin/agents?shape=round", "shape"),
        ("admin/agents?limit=501", "limit"),
        ("admin/instances?mode=on-demand", "mode"),
        ("admin/instances?search=" + "x" * 65, "search"),
        ("admin/activity?limit=201", "limit"),
        ("admin/export/global-stats?format=xls", "format"),
        ("client/@alpha/agents?shape=bare", "shape"),
        ("client/@alpha/instances?status=gone", "status"),
        ("client/@alpha/switches?limit=501", "limit"),
        ("client/@alpha/switches?offset=99999999999999999999", "offset"),
        ("client/@alpha/switch-history?status=maybe", "status"),
        ("client/instances/i-0bbb/price-history?days=soon", "days"),
        ("client/instances/i-0bbb/price-history?interval=minute", "interval"),
        ("client/instances/i-0bbb/logs?limit=-1", "limit"),
        ("notifications?limit=0", "limit"),
        ("search?q=a", "q"),
        ("search", "q"),
        ("search?q=" + "a" * 65, "q"),
    ],
)
def test_bad_questions_are_refused_by_name(story: Story, path: str, field: str):
    answer = story.operator(path.replace("@alpha", story.world.alpha.client_id))

    assert answer.status_code == 400, answer.text
    assert blamed(answer) == {field}


@pytest.mark.parametrize(
    "path",
    [
        "client/no-such-client",
        "client/" + "x" * 37,
        "client/agents/no-such-agent/statistics",
        "client/agents/no-such-agent/config",
        "client/instances/i-0zzz/pricing",
        "client/instances/i-0zzz/price-history",
        "client/instances/%27%20OR%201=1/logs",
        "notifications/1/unknown",
    ],
)
def test_what_is_not_there_is_not_found(story: Story, path: str):
    assert story.operator(path).status_code in {400, 404}


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "99999999999999999999"])
def test_notifications_have_numbers(world: World, number: str):
    answer = world.alpha.post(f"notifications/{number}/mark-read")

    assert answer.status_code == 400
    assert blamed(answer) == {"notif_id"}


def test_an_unknown_notification_is_not_found(world: World):
    assert world.alpha.post("notifications/999999/mark-read").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "admin/clients",
        "admin/agents",
        "admin/instances",
        "admin/agent-health",
        "client/@alpha/agents",
        "client/@alpha/instances",
        "client/@alpha/switches?status=all",
    ],
)
def test_the_work_does_not_grow_with_the_fleet(story: Story, path: str, monkeypatch):
    world = story.world
    sent: list[str] = []
    query = Session._query

    def counted(self, statement, params):
        sent.append(statement.name)
        return query(self, statement, params)

    monkeypatch.setattr(Session, "_query", counted)
    path = path.replace("@alpha", world.alpha.client_id)
    story.read(path)
    sent.clear()
    story.read(path)
    few = [*sent]
    for number in range(5):
        registered(world, f"i-1{number}", logical_agent_id=f"more-{number}")
    sent.clear()
    story.read(path)

    assert sent == few
