"""A foreign token sees nothing and changes nothing, whatever route it tries."""

import re

import pytest

from backend.domain.modes import Mode
from backend.errors import Conflict
from backend.services.callers import Scope
from backend.services.switch_requests import SwitchRequest
from tests.contract.orders import order_switch, registered
from tests.contract.serving import Tenant, World

MACHINE = {"instance_id": "i-0aaa", "instance_type": "m5.large", "region": "us-east-1"}
# What each route needs to get past the validation of its body.
BODIES = {
    "POST agents/<agent_id>/heartbeat": {"status": "offline", "instance_id": "i-0aaa"},
    "GET agents/<agent_id>/config": None,
    "GET agents/<agent_id>/replica-config": None,
    "GET agents/<agent_id>/pending-commands": None,
    "GET agents/<agent_id>/replicas": None,
    "POST agents/<agent_id>/replicas": {"pool_id": "m5.large.us-east-1b"},
    "PUT agents/<agent_id>/replicas/<replica_id>": {"instance_id": "i-0rep"},
    "DELETE agents/<agent_id>/replicas/<replica_id>": None,
    "POST agents/<agent_id>/replicas/<replica_id>/promote": {},
    "POST agents/<agent_id>/replicas/<replica_id>/status": {"status": "failed"},
    "POST agents/<agent_id>/replicas/<replica_id>/sync-status": {"state_transfer_progress": 1},
    "POST agents/<agent_id>/termination": {"reason": "gone"},
    "POST agents/<agent_id>/rebalance-recommendation": {"instance_id": "i-0aaa"},
    "POST agents/<agent_id>/create-emergency-replica": {
        "signal_type": "termination-notice",
        "instance_id": "i-0aaa",
    },
    "POST agents/<agent_id>/termination-imminent": {"instance_id": "i-0aaa"},
    "POST agents/<agent_id>/interruption": {
        "instance_id": "i-0aaa",
        "signal": "rebalance-recommendation",
    },
    "POST agents/<agent_id>/interruptions/<event_id>/findings": {
        "instance_id": "i-0aaa",
        "state": "terminated",
    },
    "GET agents/<agent_id>": None,
    "POST agents/<agent_id>/sync": {"instance_id": "i-0aaa", "cpu_percent": 99},
    "POST agents/<agent_id>/cleanup-report": {"snapshots": {"deleted": ["snap-1"]}},
    "POST agents/<agent_id>/commands/<command_id>/executed": {"success": False},
    "POST agents/<agent_id>/commands/<command_id>/progress": {"status": "running"},
    "POST agents/<agent_id>/mark-command-executed": {"command_id": "@command"},
    "POST agents/<agent_id>/pricing-report": {
        "instance": MACHINE,
        "pricing": {
            "on_demand_price": 1,
            "spot_pools": [{"pool_id": "m5.large.us-east-1a", "price": 1}],
        },
    },
    "POST agents/<agent_id>/switch-report": {
        "old_instance": MACHINE,
        "new_instance": {**MACHINE, "instance_id": "i-0bbb"},
    },
    "POST agents/<agent_id>/issue-switch-command": {"target_mode": "ondemand"},
    "GET agents/<agent_id>/instances/<instance_id>/retirement": None,
    "POST agents/<agent_id>/instances/<instance_id>/terminated": {},
    "POST agents/<agent_id>/inventory": {"instances": []},
    "POST agents/<agent_id>/decide": {"instance": {"instance_id": "i-0aaa"}, "pricing": {}},
    "GET agents/<agent_id>/switch-recommendation": None,
    "GET agents/<agent_id>/decision-limits": None,
    "PUT agents/<agent_id>/decision-limits": {"risk_threshold": 0.5},
    "PUT agents/<agent_id>/launch-spec": {"spec": {"image_id": "ami-1"}},
    "POST client/instances/<instance_id>/force-switch": {"target": "ondemand"},
    "GET client/instances/<instance_id>/pricing": None,
    "GET client/instances/<instance_id>/price-history": None,
    "GET client/instances/<instance_id>/available-options": None,
    "GET client/instances/<instance_id>/metrics": None,
    "GET client/instances/<instance_id>/logs": None,
    "POST client/agents/<agent_id>/toggle-enabled": {"enabled": False},
    "POST client/agents/<agent_id>/settings": {"risk_threshold": 0.5},
    "POST client/agents/<agent_id>/config": {"terminateWaitMinutes": 9},
    "GET client/agents/<agent_id>/config": None,
    "GET client/agents/<agent_id>/config/history": None,
    "GET client/agents/<agent_id>/statistics": None,
    "DELETE client/agents/<agent_id>": None,
    "GET client/<client_id>": None,
    "GET client/<client_id>/agents/decisions": None,
    "GET client/<client_id>/replicas": None,
    "GET client/<client_id>/agents": None,
    "GET client/<client_id>/agents/history": None,
    "GET client/<client_id>/instances": None,
    "GET client/<client_id>/switch-history": None,
    "GET client/<client_id>/switches": None,
    "GET client/<client_id>/export/switch-history": None,
    "GET client/<client_id>/savings": None,
    "GET client/<client_id>/stats/charts": None,
    "GET client/<client_id>/export/savings": None,
}
WALKED = re.compile(r"/api/(?P<path>(?:agents|client/instances|client/agents)/<.+|client/<.+)")
NO_CONTENT: tuple[object, ...] = ({"replicas": [], "total": 0}, [])


def _routes(world: World) -> set[str]:
    """Every route below an agent, an instance or a client that the app has."""
    found = set()
    for rule in world.app.url_map.iter_rules():
        match = WALKED.fullmatch(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"} if match else ():
            found.add(f"{method} {match['path']}")
    return found


def _call(
    tenant: Tenant,
    route: str,
    agent_id: str,
    command_id: str,
    instance: str | None,
    client_id: str = "c",
):
    method, path = route.split(" ")
    values = {
        "<agent_id>": agent_id,
        "<command_id>": command_id,
        "<instance_id>": "i-0aaa",
        "<replica_id>": "r-1",
        "<event_id>": "e-1",
        "<client_id>": client_id,
    }
    for name, value in values.items():
        path = path.replace(name, value)
    body = BODIES[route]
    if body and body.get("command_id") == "@command":
        body = {"command_id": command_id}
    return tenant.call(method, path, body, instance=instance)


def test_every_route_is_walked(world: World):
    assert _routes(world) == set(BODIES)


@pytest.mark.parametrize("route", sorted(BODIES))
def test_a_foreign_token_sees_and_changes_nothing(world: World, route: str):
    agent = registered(world)
    command_id = order_switch(world.alpha, agent.agent_id)
    agent.poll()
    before = world.fingerprint()

    owner = world.alpha.client_id
    answer = _call(world.beta, route, agent.agent_id, command_id, "i-0aaa", owner)

    is_empty_list = answer.status_code == 200 and answer.json() in NO_CONTENT
    assert answer.status_code == 404 or is_empty_list, answer.text
    assert world.fingerprint() == before


def test_a_foreign_tenant_with_the_same_names_has_a_world_of_its_own(world: World):
    ours = registered(world)
    theirs = world.beta.post(
        "agents/register", {**MACHINE, "logical_agent_id": "web-1", "az": "us-east-1a"}
    ).json()["agent_id"]
    before = world.agent(ours.agent_id)

    world.beta.post(f"agents/{theirs}/heartbeat", {"status": "offline", "instance_id": "i-0aaa"})
    forced = world.beta.post("client/instances/i-0aaa/force-switch", {"target": "ondemand"})

    assert forced.status_code == 200
    assert world.agent(ours.agent_id) == before
    assert world.switches(ours.agent_id) == []
    assert len(world.switches(theirs)) == 1


def test_the_list_of_agents_is_the_callers_own(world: World):
    ours = registered(world)

    assert [a["id"] for a in world.alpha.get("agents").json()["agents"]] == [ours.agent_id]
    assert world.beta.get("agents").json() == {"agents": [], "total": 0, "next": None}


@pytest.mark.parametrize("route", sorted(BODIES))
def test_every_route_needs_a_token(world: World, route: str):
    nobody = Tenant("", "no-such-token", world.url, world.http)

    answer = _call(nobody, route, "a", "c", None)

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@pytest.mark.parametrize(
    "route", ["POST agents/<agent_id>/issue-switch-command", "GET agents/<agent_id>"]
)
def test_an_agents_token_may_read_but_not_order(world: World, route: str):
    tenant = world.new_tenant("Gamma", Scope.AGENT)

    answer = _call(tenant, route, "a", "c", None)

    assert answer.status_code == (403 if route.startswith("POST") else 404)


def test_a_users_token_may_not_speak_as_an_agent(world: World):
    tenant = world.new_tenant("Gamma", Scope.USER)

    answer = tenant.post("agents/register", {**MACHINE, "logical_agent_id": "web-1"})

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_the_token_in_the_body_is_enough_to_register(world: World):
    body = {**MACHINE, "logical_agent_id": "web-1", "client_token": world.alpha.token}

    answer = world.alpha.post("agents/register", body, headers={"Authorization": None})

    assert answer.json()["client_id"] == world.alpha.client_id


def test_operator_cannot_move_an_instance_that_two_clients_claim(world, alpha, beta):
    """The newest claim must not win: it would be a way to steal another tenant's switches."""
    body = {
        "instance_id": "i-claimed",
        "logical_agent_id": "web",
        "instance_type": "m5.large",
        "region": "us-east-1",
        "az": "us-east-1a",
        "mode": "spot",
    }
    for tenant in (alpha, beta):
        assert tenant.post("agents/register", body).status_code == 200
    wish = SwitchRequest(
        target_mode=Mode.ONDEMAND, pool_id=None, priority=75, reason=None, requested_by="operator"
    )

    with pytest.raises(Conflict, match="Several clients"):
        world.container.switch_requests.request_by_instance(None, "i-claimed", wish)

    assert world.rows("SELECT id FROM commands") == []
