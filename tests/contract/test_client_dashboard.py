"""The dashboard that signs in with a client token, unmodified: snake_case lists in objects."""

import pytest

from backend.services.callers import Scope
from tests.contract.dashboards import Story, is_number, make_story
from tests.contract.orders import order_switch
from tests.contract.serving import Tenant, World


@pytest.fixture
def story(world: World) -> Story:
    return make_story(world)


@pytest.fixture
def me(story: Story) -> Tenant:
    """The one who looks at the dashboard."""
    return story.world.alpha


def _read(tenant: Tenant, path: str = ""):
    answer = tenant.get(f"client/{tenant.client_id}{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_first_page_has_its_numbers(me: Tenant):
    stats = _read(me)

    for name in (
        "total_agents", "online_agents", "active_instances", "spot_instances", "total_switches",
        "switches_today", "total_savings", "monthly_savings",
    ):  # fmt: skip
        assert is_number(stats[name]), name
    assert (stats["total_agents"], stats["online_agents"]) == (1, 1)
    assert (stats["active_instances"], stats["spot_instances"]) == (2, 2)
    assert (stats["total_switches"], stats["switches_today"]) == (1, 1)


def test_the_first_page_has_its_lists(me: Tenant, story: Story):
    stats = _read(me)

    (switch,) = stats["recent_switches"]
    assert (switch["old_instance_id"], switch["new_instance_id"]) == ("i-0aaa", "i-0bbb")
    assert (switch["old_mode"], switch["new_mode"]) == ("spot", "spot")
    assert is_number(switch["savings_impact"])
    assert switch["initiated_at"]
    (agent,) = stats["active_agents"]
    assert (agent["id"], agent["status"]) == (story.agent_id, "online")
    assert {"hostname", "instance_id", "instance_type", "region", "current_mode"} <= {*agent}


def test_agents_have_every_column(me: Tenant, story: Story):
    (agent,) = _read(me, "/agents")["agents"]

    assert {
        "id", "hostname", "logical_agent_id", "instance_id", "instance_type", "az", "current_mode",
        "status", "last_heartbeat_at", "enabled", "auto_switch_enabled", "auto_terminate_enabled",
        "manual_replica_enabled", "replica_count",
    } <= {*agent}  # fmt: skip
    assert (agent["id"], agent["status"]) == (story.agent_id, "online")


def test_agents_show_an_open_switch_and_being_disabled(me: Tenant, story: Story):
    order_switch(me, story.agent_id, "m5.large.us-east-1a")
    assert _read(me, "/agents")["agents"][0]["status"] == "switching"

    me.post(f"client/agents/{story.agent_id}/toggle-enabled", {"enabled": False})
    assert _read(me, "/agents")["agents"][0]["status"] == "disabled"


def test_instances_have_every_column(me: Tenant):
    instances = _read(me, "/instances")["instances"]

    assert {i["id"] for i in instances} == {"i-0aaa", "i-0bbb"}
    for instance in instances:
        assert is_number(instance["spot_price"])
        assert is_number(instance["ondemand_price"])
        assert {"instance_type", "region", "az", "current_mode", "is_active"} <= {*instance}


def test_switches_have_every_column(me: Tenant):
    answer = _read(me, "/switches")

    assert (answer["total"], answer["limit"], answer["offset"]) == (1, 50, 0)
    (switch,) = answer["switches"]
    assert {
        "id", "initiated_at", "old_instance_id", "old_mode", "old_az", "new_instance_id",
        "new_mode", "new_az", "trigger_type", "savings_impact",
    } <= {*switch}  # fmt: skip
    assert (switch["old_az"], switch["new_az"]) == ("us-east-1a", "us-east-1b")
    assert switch["trigger_type"] == "manual"
    assert is_number(switch["savings_impact"])


def test_switches_are_pages_and_their_status_is_a_filter(me: Tenant, story: Story):
    order_switch(me, story.agent_id, "m5.large.us-east-1a")

    assert _read(me, "/switches")["total"] == 1
    assert _read(me, "/switches?status=open")["total"] == 1
    newest = _read(me, "/switches?status=all&limit=1")
    oldest = _read(me, "/switches?status=all&limit=1&offset=1")
    assert (newest["total"], oldest["total"]) == (2, 2)
    assert [newest["switches"][0]["status"], oldest["switches"][0]["status"]] == [
        "requested",
        "completed",
    ]
    assert _read(me, "/switches?status=all&offset=2")["switches"] == []


def test_shape_overrides_what_the_caller_would_get(me: Tenant, story: Story):
    assert "agentsOnline" in _read(me, "?shape=camel")
    assert isinstance(_read(me, "/agents?shape=camel"), list)
    assert isinstance(_read(me, "/instances?shape=camel"), list)
    assert isinstance(_read(me, "/switches?shape=camel"), list)
    path = f"client/{me.client_id}"
    assert "agents" in story.read(f"{path}/agents?shape=snake")
    assert "instances" in story.read(f"{path}/instances?shape=snake")
    assert "switches" in story.read(f"{path}/switches?shape=snake")
    assert "recent_switches" in story.read(f"{path}?shape=snake")


def test_an_agents_token_reads_no_dashboard(story: Story):
    agent_only = story.world.new_tenant("Gamma", Scope.AGENT)

    assert agent_only.get(f"client/{agent_only.client_id}").status_code == 403


def test_another_client_is_not_told_to_exist(story: Story):
    beta, alpha = story.world.beta, story.world.alpha

    foreign = beta.get(f"client/{alpha.client_id}/agents")
    unknown = beta.get("client/no-such-client/agents")

    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.json()["error"] == unknown.json()["error"]
    assert _read(beta, "/agents") == {"agents": [], "total": 0}
    assert _read(beta, "/switches")["switches"] == []


def test_a_client_cannot_borrow_another_clients_instance(story: Story):
    beta, alpha = story.world.beta, story.world.alpha

    answer = beta.get(f"client/instances/i-0bbb/metrics?client_id={alpha.client_id}")

    assert answer.status_code == 404


def test_search_finds_only_ones_own(story: Story):
    alpha, beta = story.world.alpha, story.world.beta

    mine = alpha.get("search?q=I-0").json()
    theirs = beta.get("search?q=i-0").json()
    everybodys = story.read("search?q=WEB")

    assert {i["id"] for i in mine["instances"]} == {"i-0aaa", "i-0bbb"}
    assert {"id", "name", "client"} == {*mine["instances"][0]}
    assert theirs == {"clients": [], "instances": [], "agents": []}
    (agent,) = everybodys["agents"]
    assert agent == {
        "id": story.agent_id, "name": "web-1", "client": "Alpha", "status": "online",
    }  # fmt: skip
    assert story.read("search?q=alp")["clients"][0]["name"] == "Alpha"
    assert story.read("search?q=%25%25") == {"clients": [], "instances": [], "agents": []}


def test_notifications_are_ones_own(story: Story):
    alpha, beta = story.world.alpha, story.world.beta
    mine = alpha.get("notifications?limit=50").json()

    assert {n["clientId"] for n in mine} == {alpha.client_id}
    foreign = beta.post(f"notifications/{mine[0]['id']}/mark-read")
    beta.post("notifications/mark-all-read", {"client_id": alpha.client_id})
    assert foreign.status_code == 404
    assert not any(n["isRead"] for n in alpha.get("notifications?limit=50").json())

    assert alpha.post(f"notifications/{mine[0]['id']}/mark-read").json() == {"success": True}
    assert [n["id"] for n in alpha.get("notifications?limit=50").json() if n["isRead"]] == [
        mine[0]["id"]
    ]
    marked = alpha.post("notifications/mark-all-read", {"client_id": None}).json()
    assert marked == {"success": True, "count": len(mine) - 1}
    assert alpha.get("notifications?unread=true").json() == []
