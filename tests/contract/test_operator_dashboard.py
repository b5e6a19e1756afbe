"""The operators' dashboard, unmodified: every field that it reads, in the shape that it expects."""

from datetime import datetime, timedelta

import pytest

from tests.contract.dashboards import (
    POOL_A,
    Story,
    is_number,
    make_story,
    operator_headers,
    report_prices,
)
from tests.contract.orders import POOL_B, delete_agent, registered
from tests.contract.serving import TESTER, World


@pytest.fixture
def story(world: World) -> Story:
    return make_story(world)


def _instant(text: str) -> datetime:
    """Dashboards hand instants to the browser as they are: the zone must be in them."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return at


def test_stats_count_what_there_is(story: Story):
    stats = story.read("admin/stats")

    assert is_number(stats.pop("totalSavings"))
    assert stats == {
        "totalAccounts": 2,
        "agentsOnline": 1,
        "agentsTotal": 1,
        "poolsCovered": 0,  # the prices are more than an hour old
        "totalSwitches": 1,
        "manualSwitches": 1,
        "modelSwitches": 0,
        "backendHealth": "Degraded",  # the test's clock is far from the database's
        "decisionEngineLoaded": True,
        "mlModelsLoaded": False,
    }


def test_clients_come_newest_first_with_what_they_own(story: Story):
    story.world.clock.advance(timedelta(seconds=1))
    story.world.new_tenant("Gamma")

    clients = story.read("admin/clients")

    assert clients[0]["name"] == "Gamma"
    alpha = next(c for c in clients if c["name"] == "Alpha")
    assert (alpha["status"], alpha["agentsOnline"], alpha["agentsTotal"]) == ("active", 1, 1)
    assert alpha["instances"] == 2  # the old one runs until somebody says that it ended
    assert is_number(alpha["totalSavings"])
    _instant(alpha["lastSync"])
    assert clients[0]["lastSync"] is None


def test_lists_of_clients_are_pages_with_a_total(story: Story):
    answer = story.operator("admin/clients?limit=1&offset=1")

    assert len(answer.json()) == 1
    assert answer.headers["X-Total-Count"] == "2"


def test_growth_counts_clients_day_by_day(story: Story):
    story.world.clock.advance(timedelta(days=2))
    story.world.new_tenant("Gamma")
    story.world.container.clients.suspend(story.world.beta.client_id, TESTER)

    days = story.read("admin/clients/growth?days=4")

    assert [d["total"] for d in days] == [0, 2, 2, 3]
    assert [d["count"] for d in days] == [0, 2, 2, 3]
    assert [d["new"] for d in days] == [0, 2, 0, 1]
    assert [d["active"] for d in days] == [0, 2, 2, 2]
    assert {len(d["date"]) for d in days} == {10}


@pytest.mark.parametrize(("days", "expected"), [("0", 1), ("-3", 1), ("366", 365), ("5000", 365)])
def test_growth_brings_days_into_their_range(story: Story, days: str, expected: int):
    assert len(story.read(f"admin/clients/growth?days={days}")) == expected


def test_instances_of_all_clients_pass_the_filters(story: Story):
    listed = story.read("admin/instances")

    assert listed["total"] == 2
    assert listed["filters"] == {"status": None, "mode": None, "region": None}
    newest = next(i for i in listed["instances"] if i["id"] == "i-0bbb")
    assert newest["instanceId"] == "i-0bbb"
    assert newest["clientName"] == "Alpha"
    assert newest["agentId"] == story.agent_id
    assert newest["logicalAgentId"] == "web-1"
    assert newest["agentStatus"] == "online"
    assert (newest["instanceType"], newest["type"]) == ("m5.large", "m5.large")
    assert (newest["currentMode"], newest["mode"]) == ("spot", "spot")
    assert newest["currentPoolId"] == POOL_B
    assert newest["isActive"] is True
    assert {"spotPrice", "ondemandPrice", "onDemandPrice", "installedAt", "createdAt"} <= {*newest}

    def ids(query: str) -> set[str]:
        return {i["id"] for i in story.read(f"admin/instances?{query}")["instances"]}

    assert ids("search=0BB") == {"i-0bbb"}
    assert ids("search=alph") == {"i-0aaa", "i-0bbb"}
    assert ids("search=%25") == set()
    assert ids("mode=ondemand") == set()
    assert ids("mode=all&status=all&search=") == {"i-0aaa", "i-0bbb"}
    assert ids("region=eu-west-1") == set()
    assert ids("status=terminated") == set()


def test_agents_of_all_clients_include_deleted_ones(story: Story):
    other = registered(story.world, "i-0ccc", logical_agent_id="web-2")
    delete_agent(story.world, other.agent_id)

    listed = story.read("admin/agents")

    assert listed["total"] == 2
    by_status = {a["status"]: a for a in listed["agents"]}
    assert set(by_status) == {"online", "deleted"}
    agent = by_status["online"]
    assert agent["instanceId"] == "i-0bbb"
    assert agent["clientName"] == "Alpha"
    assert agent["version"] == agent["agentVersion"]
    assert agent["version"]
    assert agent["lastHeartbeatAt"] == agent["lastHeartbeat"]
    _instant(agent["lastHeartbeatAt"])
    assert (agent["enabled"], agent["autoSwitchEnabled"]) == (True, True)
    assert "hostname" in agent
    assert story.read("admin/agents?status=deleted")["total"] == 1


def test_the_older_dashboard_gets_bare_arrays(story: Story):
    agents = story.operator("admin/agents?shape=array")
    instances = story.operator("admin/instances?shape=array")

    assert {"lastHeartbeat", "agentVersion", "instanceCount"} <= {*agents.json()[0]}
    assert {"type", "mode", "onDemandPrice"} <= {*instances.json()[0]}
    assert (agents.headers["X-Total-Count"], instances.headers["X-Total-Count"]) == ("1", "2")


def test_activity_is_numbered_newest_first(story: Story):
    activity = story.read("admin/activity")

    assert [entry["id"] for entry in activity] == [*range(1, len(activity) + 1)]
    times = [_instant(entry["time"]) for entry in activity]
    assert times == sorted(times, reverse=True)
    assert {"switch", "agent"} <= {entry["type"] for entry in activity}
    assert all(entry["text"] for entry in activity)


def test_system_health_has_every_part_that_is_read(story: Story):
    health = story.read("admin/system-health")

    assert health["database"] == "Connected"
    assert health["apiStatus"] == "Degraded"  # the test's clock is far from the database's
    assert health["parts"]["clock"]["ok"] is False
    assert health["decisionEngine"] == "Loaded"
    idle, _, size = health["connectionPool"].partition("/")
    assert int(idle) <= int(size)
    _instant(health["timestamp"])
    model, engine = health["modelStatus"], health["decisionEngineStatus"]
    assert (model["loaded"], model["filesUploaded"], model["activeModels"]) == (False, 0, [])
    assert set(engine) == {"loaded", "type", "version", "filesUploaded", "files"}


def test_the_head_of_a_client_is_camel_case(story: Story):
    client = story.read(f"client/{story.world.alpha.client_id}")

    assert (client["name"], client["status"]) == ("Alpha", "active")
    assert (client["agentsOnline"], client["agentsTotal"], client["instances"]) == (1, 1, 2)
    assert is_number(client["totalSavings"])


def test_a_clients_agents_are_a_bare_array(story: Story):
    (agent,) = story.read(f"client/{story.world.alpha.client_id}/agents")

    assert agent["id"] == story.agent_id
    assert (agent["status"], agent["enabled"]) == ("online", True)
    assert (agent["autoSwitchEnabled"], agent["auto_switch_enabled"]) == (True, True)
    assert (agent["autoTerminateEnabled"], agent["auto_terminate_enabled"]) == (True, True)
    assert agent["manualReplicaEnabled"] is False
    assert agent["terminateWaitMinutes"] == 5
    assert agent["instanceCount"] == 2
    _instant(agent["lastHeartbeat"])


def test_a_clients_past_agents_end_with_the_deleted_ones(story: Story):
    other = registered(story.world, "i-0ccc", logical_agent_id="web-2")
    delete_agent(story.world, other.agent_id)

    agents = story.read(f"client/{story.world.alpha.client_id}/agents/history")

    assert [a["status"] for a in agents] == ["online", "deleted"]
    assert agents[1]["terminatedAt"]
    assert {
        "id", "logicalAgentId", "instanceId", "instanceType", "region", "az", "createdAt",
        "updatedAt", "lastHeartbeat", "installedAt", "terminatedAt", "autoSwitchEnabled",
        "manualReplicaEnabled", "currentMode", "enabled",
    } <= {*agents[0]}  # fmt: skip


def test_a_clients_instances_have_numbers_for_prices(story: Story):
    instances = story.read(f"client/{story.world.alpha.client_id}/instances?status=active")

    assert {i["id"] for i in instances} == {"i-0aaa", "i-0bbb"}
    for instance in instances:
        assert is_number(instance["spotPrice"])
        assert is_number(instance["onDemandPrice"])
        assert instance["isActive"] is True
    new = next(i for i in instances if i["id"] == "i-0bbb")
    assert (new["type"], new["az"], new["mode"]) == ("m5.large", "us-east-1b", "spot")
    assert new["poolId"] == POOL_B
    _instant(new["lastSwitch"])


def test_switch_history_tells_what_the_table_shows(story: Story):
    (switch,) = story.read(f"client/{story.world.alpha.client_id}/switch-history")

    assert switch["instanceId"] == switch["newInstanceId"] == "i-0bbb"
    assert switch["oldInstanceId"] == "i-0aaa"
    assert (switch["fromMode"], switch["toMode"]) == ("spot", "spot")
    assert (switch["fromPool"], switch["toPool"]) == (POOL_A, POOL_B)
    assert switch["trigger"] == "manual"
    assert is_number(switch["price"])
    assert is_number(switch["savingsImpact"])
    _instant(switch["timestamp"])
    path = f"client/{story.world.alpha.client_id}/switch-history?instance_id="
    assert len(story.read(path + "i-0aaa")) == 1
    assert story.read(path + "i-0zzz") == []


def test_pricing_lists_pools_cheapest_first(story: Story):
    pricing = story.read("client/instances/i-0bbb/pricing")

    assert pricing["currentMode"] == "spot"
    assert pricing["currentPool"]["id"] == POOL_B
    assert pricing["onDemand"] == {"name": "On-Demand", "price": 0.1}
    assert [p["price"] for p in pricing["pools"]] == [0, 0]  # more than an hour old


def test_pricing_shows_savings_while_prices_are_fresh(world: World):
    agent = registered(world)
    report_prices(world, agent.agent_id, {POOL_A: 0.04, POOL_B: 0.03})
    story = Story(world, agent, "", operator_headers(world))

    pools = story.read("client/instances/i-0aaa/pricing")["pools"]

    assert [(p["id"], p["price"], p["savings"]) for p in pools] == [
        (POOL_B, 0.03, 70.0),
        (POOL_A, 0.04, 60.0),
    ]


def test_price_history_has_a_point_for_each_hour_with_prices(story: Story):
    history = story.read("client/instances/i-0bbb/price-history?days=7&interval=hour")

    assert [p["key"] for p in history["pools"]] == [f"pool_{POOL_B}", f"pool_{POOL_A}"]
    assert {"id", "name", "az", "key"} == {*history["pools"][0]}
    assert history["data"] == [
        {
            "time": "2026-03-02 12:00",
            "onDemand": 0.1,
            f"pool_{POOL_A}": 0.04,
            f"pool_{POOL_B}": 0.03,
        }
    ]
    assert history["onDemandPrice"] == 0.1


def test_price_history_by_day_is_in_days(story: Story):
    (point,) = story.read("client/instances/i-0bbb/price-history?days=900&interval=day")["data"]

    assert point["time"] == "2026-03-02"
    assert point[f"pool_{POOL_B}"] == 0.03


def test_options_have_both_spellings(story: Story):
    options = story.read("client/instances/i-0bbb/available-options")

    assert options["pools"] == options["availablePools"]
    assert [p["id"] for p in options["pools"]] == [POOL_B, POOL_A]
    assert options["instanceTypes"] == options["availableTypes"] == ["m5.large"]
    assert (options["currentType"], options["currentRegion"], options["currentAz"]) == (
        "m5.large",
        "us-east-1",
        "us-east-1b",
    )


def test_metrics_are_numbers(story: Story):
    metrics = story.read("client/instances/i-0bbb/metrics")

    for name in (
        "uptimeHours", "totalSwitches", "switchesLast7Days", "switchesLast30Days", "totalSavings",
        "savingsLast30Days", "spotPrice", "onDemandPrice", "baselineOnDemandPrice",
        "hoursSinceLastSwitch",
    ):  # fmt: skip
        assert is_number(metrics[name]), name
    assert (metrics["totalSwitches"], metrics["switchesLast7Days"]) == (1, 1)
    assert metrics["hoursSinceLastSwitch"] == 1


def test_logs_of_an_instance_come_newest_first(story: Story):
    logs = story.read("client/instances/i-0bbb/logs?limit=2")

    assert 0 < len(logs) <= 2
    assert {"id", "time", "type", "severity", "message"} <= {*logs[0]}


def test_notifications_are_a_bare_array_newest_first(story: Story):
    listed = story.read("notifications?limit=50")

    assert {"id", "message", "severity", "isRead", "time"} <= {*listed[0]}
    times = [_instant(n["time"]) for n in listed]
    assert times == sorted(times, reverse=True)
    assert len(story.read("notifications")) <= 10
