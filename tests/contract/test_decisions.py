"""What agents, people and dashboards are told of decisions: the recorded shapes, and more."""

from datetime import timedelta

import pytest

from backend.services.callers import Scope
from backend.services.decisions import Decisions
from backend.services.price_quality import PriceQuality
from tests.contract.orders import registered
from tests.contract.serving import World, blamed

ASK = {"instance": {"instance_id": "i-0aaa"}, "pricing": {"current_spot_price": 0.03}}
HOUR = timedelta(hours=1)


@pytest.fixture
def agent(world: World):
    """An agent on spot in us-east-1a for three hours, whose prices are known."""
    agent = registered(world)
    world.clock.advance(3 * HOUR)
    agent.beat()
    agent.report_prices()
    PriceQuality(world.database).unfold_reports()
    return agent


def make_dear(world: World) -> None:
    """The agent's own pool costs nearly as much as on-demand (0.096)."""
    world.write("UPDATE pool_prices SET price_usd_per_hour = 0.09 WHERE az = 'us-east-1a'")


def test_decide_answers_the_recorded_shape_and_is_written_down(world: World, agent):
    answer = world.alpha.post(f"agents/{agent.agent_id}/decide", ASK)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {
        "instance_id": "i-0aaa",
        "recommended_action": "stay",
        "recommended_mode": "spot",
        "recommended_pool_id": "m5.large.us-east-1a",
        "expected_savings_per_hour": 0.0,
        "allowed": False,
    }.items() <= body.items()
    assert 0 <= body["risk_score"] <= 1
    assert "not more than 80%" in body["reason"]
    assert (body["source"], body["fallback_cause"]) == ("fallback", "No hazard model is live")
    row = world.row("SELECT * FROM decision_engine_log")
    assert (row["trigger_source"], row["action"]) == ("request", "stay")
    assert world.row("SELECT COUNT(*) AS n FROM risk_scores")["n"] == 1


def test_decide_advises_a_move_and_orders_nothing_itself(world: World, agent):
    make_dear(world)

    body = world.alpha.post(f"agents/{agent.agent_id}/decide", ASK).json()

    assert (body["recommended_action"], body["recommended_mode"]) == ("switch_spot", "spot")
    assert body["recommended_pool_id"] == "m5.large.us-east-1d"
    assert body["allowed"] is True
    assert world.row("SELECT COUNT(*) AS n FROM commands")["n"] == 0


def test_decide_tells_every_limit_that_forbids_the_move(world: World, agent):
    make_dear(world)
    world.write("UPDATE agent_configs SET max_switches_per_day = 0, min_pool_duration_hours = 9")

    body = world.alpha.post(f"agents/{agent.agent_id}/decide", ASK).json()

    assert body["allowed"] is False
    assert {entry["code"] for entry in body["guard"]} == {"switches_per_day", "min_stay"}
    assert body["reason"] == body["guard"][0]["reason"]


def test_decide_says_stay_about_a_disabled_agent_and_writes_nothing(world: World, agent):
    world.write("UPDATE agent_configs SET enabled = 0")

    body = world.alpha.post(f"agents/{agent.agent_id}/decide", ASK).json()

    assert (body["recommended_action"], body["allowed"]) == ("stay", False)
    assert "disabled" in body["reason"]
    assert world.row("SELECT COUNT(*) AS n FROM decision_engine_log")["n"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pricing": {}}, "instance"),
        ({"instance": {}}, "pricing"),
        ({"instance": 1, "pricing": {}}, "instance"),
        ({"instance": {"instance_id": "x" * 65}, "pricing": {}}, "instance.instance_id"),
    ],
)
def test_decide_names_the_field_that_is_wrong(world: World, agent, body, field):
    answer = world.alpha.post(f"agents/{agent.agent_id}/decide", body)

    assert (answer.status_code, blamed(answer)) == (400, {field})


def test_recommendation_answers_the_recorded_shape_and_writes_nothing(world: World, agent):
    make_dear(world)
    before = world.fingerprint()

    answer = world.alpha.get(f"agents/{agent.agent_id}/switch-recommendation")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {
        "agent_id": agent.agent_id,
        "decision_type": "switch_to_spot",
        "recommended_pool_id": "m5.large.us-east-1d",
        "auto_switch_enabled": True,
        "will_auto_execute": True,
        "current_pool": {
            "id": "m5.large.us-east-1a", "name": "m5.large.us-east-1a", "az": "us-east-1a",
        },
    }.items() <= body.items()  # fmt: skip
    assert body["expected_savings"] == pytest.approx(0.09 - 0.0318)
    assert 0 <= body["confidence"] <= 1
    prices = [pool["spot_price"] for pool in body["alternative_pools"]]
    assert len(prices) == 5
    assert prices == sorted(prices)
    assert world.fingerprint() == before


def test_recommendation_executes_nothing_when_auto_switch_is_off(world: World, agent):
    make_dear(world)
    world.write("UPDATE agent_configs SET auto_switch_enabled = 0")

    body = world.alpha.get(f"agents/{agent.agent_id}/switch-recommendation").json()

    assert (body["auto_switch_enabled"], body["will_auto_execute"]) == (False, False)
    assert body["decision_type"] == "switch_to_spot"


def test_recommendation_says_why_when_prices_are_old(world: World, agent):
    world.clock.advance(HOUR)

    body = world.alpha.get(f"agents/{agent.agent_id}/switch-recommendation").json()

    assert body["decision_type"] == "stay_spot"
    assert "older than 15 minutes" in body["reason"]
    assert body["alternative_pools"] == []


def test_an_order_of_the_pass_is_one_that_installed_agents_can_read(world: World):
    agent = registered(world)
    world.clock.advance(3 * HOUR)
    agent.beat()
    agent.report_prices()
    PriceQuality(world.database).unfold_reports()
    make_dear(world)
    container = world.container

    result = Decisions(world.database, world.clock, container.deciding.host).decide_fleet(
        now=world.clock.now()
    )

    assert result.ordered == 1
    (command,) = world.alpha.get(
        f"agents/{agent.agent_id}/pending-commands", instance="i-0aaa"
    ).json()
    assert command["command_type"] == "switch"
    assert (command["target_mode"], command["target_pool_id"]) == ("spot", "m5.large.us-east-1d")
    assert (command["priority"], command["terminate_wait_seconds"]) == (25, 300)
    assert command["payload"]["allow_ondemand"] is False


def test_agents_with_their_decisions_in_the_names_of_both_dashboards(world: World, agent):
    world.alpha.post(f"agents/{agent.agent_id}/decide", ASK)
    world.clock.advance(timedelta(minutes=2))

    answer = world.alpha.get(f"client/{world.alpha.client_id}/agents/decisions")

    assert answer.status_code == 200, answer.text
    (item,) = answer.json()
    assert {
        "agentId": agent.agent_id,
        "agentName": "web-1",
        "status": "online",
        "currentMode": "spot",
        "currentPoolId": "m5.large.us-east-1a",
        "isHealthy": True,
        "lastHeartbeat": "2 min ago",
    }.items() <= item.items()
    assert item["lastDecision"]["type"] == "stay"
    assert item["lastDecision"]["elapsed"] == {
        "minutes": 2, "formatted": "2 min", "value": 2, "unit": "minutes",
    }  # fmt: skip
    (decision,) = item["decisionHistory"]
    assert decision["action"] == decision["type"] == "stay"
    assert decision["expectedSavings"] is None  # 0 is told as null
    assert item["healthStatus"] == {
        "overall": "healthy", "heartbeat": "active", "activity": "active",
        "recentReportsCount": 1, "decisionCount": 1,
    }  # fmt: skip
    assert item["pricingHealth"]["status"] == "healthy"
    (report,) = item["pricingHealth"]["recentReports"]
    assert (report["onDemandPrice"], report["spotPrice"]) == (0.096, 0.0351)
    assert item["recentActivity"]["pricingReports"] == [report]
    assert {"type", "severity", "message", "time"} == set(item["recentActivity"]["systemEvents"][0])


def test_five_decisions_are_shown_newest_first(world: World, agent):
    for _ in range(7):
        world.alpha.post(f"agents/{agent.agent_id}/decide", ASK)
        world.clock.advance(timedelta(minutes=1))

    (item,) = world.alpha.get(f"client/{world.alpha.client_id}/agents/decisions").json()

    times = [decision["time"] for decision in item["decisionHistory"]]
    assert len(times) == 5
    assert times == sorted(times, reverse=True)


def test_an_agent_without_decisions_and_reports_is_shown_as_unhealthy(world: World):
    registered(world)

    (item,) = world.alpha.get(f"client/{world.alpha.client_id}/agents/decisions").json()

    assert item["lastDecision"] == {"type": None, "time": None, "elapsed": None}
    assert item["decisionHistory"] == []
    assert (item["isHealthy"], item["healthStatus"]["activity"]) == (False, "inactive")


def test_another_tenant_sees_and_changes_nothing(world: World, agent):
    path = f"agents/{agent.agent_id}"
    answers = [
        world.beta.post(f"{path}/decide", ASK),
        world.beta.get(f"{path}/switch-recommendation"),
        world.beta.get(f"{path}/decision-limits"),
        world.beta.call("PUT", f"{path}/decision-limits", {"risk_threshold": 1}),
        world.beta.get(f"client/{world.alpha.client_id}/agents/decisions"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 5


def test_limits_are_shown_changed_and_heard_of(world: World, agent):
    path = f"agents/{agent.agent_id}/decision-limits"
    window = {"days": ["sat", "sun"], "from": "22:00", "to": "04:00"}

    answer = world.alpha.call(
        "PUT", path, {"min_savings_percent": 20.5, "maintenance_windows": [window]}
    )

    assert answer.status_code == 200, answer.text
    shown = world.alpha.get(path).json()
    assert {"success": True, **shown} == answer.json()
    assert shown == {
        "min_savings_percent": 20.5,
        "risk_threshold": 0.3,
        "max_switches_per_day": 3,
        "max_switches_per_week": 10,
        "min_pool_duration_hours": 2,
        "max_price_age_seconds": 900,
        "return_stable_minutes": 120,
        "max_pool_share_percent": 30,
        "max_moved_percent": 10,
        "maintenance_windows": [window],
    }
    config = world.alpha.get(f"agents/{agent.agent_id}/config").json()
    assert (config["min_savings_percent"], config["version"]) == (20.5, 2)
    assert (
        world.alpha.call("PUT", path, {"maintenance_windows": []}).json()["maintenance_windows"]
        == []
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"risk_threshold": 1.1}, "risk_threshold"),
        ({"max_switches_per_day": -1}, "max_switches_per_day"),
        ({"max_price_age_seconds": 59}, "max_price_age_seconds"),
        ({"max_pool_share_percent": 0}, "max_pool_share_percent"),
        ({"maintenance_windows": [{"from": "x", "to": "y"}]}, "maintenance_windows"),
        ({"minimum_saving": 3}, "minimum_saving"),
    ],
)
def test_limits_out_of_range_are_refused_by_name(world: World, agent, body, field):
    answer = world.alpha.call("PUT", f"agents/{agent.agent_id}/decision-limits", body)

    assert (answer.status_code, blamed(answer)) == (400, {field})


def test_an_agents_token_may_ask_but_not_change_limits(world: World):
    tenant = world.new_tenant("Gamma", Scope.AGENT)

    answer = tenant.call("PUT", "agents/any/decision-limits", {"risk_threshold": 1})

    assert answer.status_code == 403


def test_health_says_that_an_engine_is_loaded(world: World):
    body = world.http.get(f"{world.url}/health", timeout=20).json()

    assert body["decision_engine_loaded"] is True
