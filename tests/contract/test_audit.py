"""Whatever an operator changes is in the audit log: who, from where, what, before and after."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from backend.app import guards_of
from backend.services.callers import Role
from backend.services.channel_senders import Attempt
from tests.api.people import PASSWORD
from tests.contract.dashboards import operator_headers
from tests.contract.orders import native, registered
from tests.contract.replica_calls import ready_for_replicas, running
from tests.contract.serving import TIMEOUT_SECONDS, World

READS = {"GET", "HEAD", "OPTIONS"}
ELSEWHERE = {
    "auth.login": "public; signing in is audited, see tests/api/test_sign_in.py",
    "auth.logout": "ends the caller's own session and changes nothing else",
    "dashboard.submit_login": "as auth.login",
    "dashboard.submit_logout": "as auth.logout",
    "agent_decisions.decide": "an agent's question; the answer is in the log of decisions",
    "agent_pages.change_agent": "a form over the services of the routes below",
    "admin_models.upload_engine": "403 unless it is permitted; see tests/api/test_models.py",
    "admin_models.upload_models": "needs a scorer; see tests/api/test_models.py",
    "admin_models.activate_models": "as above",
    "admin_models.fall_back": "as above",
}


class Silent:
    """A sender that reaches nobody."""

    def send(self, target: Any, message: Any) -> Attempt:
        return Attempt("nobody is there")


@dataclass
class Walk:
    """An admin who calls one route after the other, and what earlier calls have made."""

    world: World
    agent_id: str
    replica_id: str
    headers: dict[str, str]
    made: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.world.http.request(
            method,
            f"{self.world.url}/api/{path}",
            json=body,
            headers=self.headers,
            timeout=TIMEOUT_SECONDS,
        )

    def make(self, name: str, place: str, path: str, body: Any) -> requests.Response:
        """Make something whose id later calls need."""
        answer = self.call("POST", path, body)
        assert answer.ok, answer.text
        found = answer.json()
        for part in place.split("."):
            found = found[part]
        self.made[name] = found
        return answer


MOVES = {"replica_promoted", "replica_requested", "replica_ended", "switch_requested"}
CHANNEL = {"name": "ops", "target": {"kind": "webhook", "url": "http://192.0.2.1/secret"}}
CLIENTS, OPERATORS = "admin/clients", "admin/operators"
# In this order: endpoint, the action that is to be found, the call.
STEPS: list[tuple[str, str, Callable[[Walk], requests.Response]]] = [
    ("admin_clients.create_client", "client_created",
     lambda w: w.make("client", "client.id", f"{CLIENTS}/create", {"name": "New"})),
    ("admin_clients.create_token", "token_created",
     lambda w: w.make("token", "id", f"{CLIENTS}/{w.made['client']}/tokens", {"name": "t"})),
    ("admin_clients.revoke_token", "token_revoked",
     lambda w: w.call("DELETE", f"{CLIENTS}/{w.made['client']}/tokens/{w.made['token']}")),
    ("admin_clients.regenerate_token", "token_regenerated",
     lambda w: w.call("POST", f"{CLIENTS}/{w.made['client']}/regenerate-token", {})),
    ("admin_clients.suspend_client", "client_suspended",
     lambda w: w.call("POST", f"{CLIENTS}/{w.made['client']}/suspend", {})),
    ("admin_clients.resume_client", "client_resumed",
     lambda w: w.call("POST", f"{CLIENTS}/{w.made['client']}/resume", {})),
    ("admin_clients.delete_client", "client_deleted",
     lambda w: w.call("DELETE", f"{CLIENTS}/{w.made['client']}")),
    ("admin_api_keys.create_api_key", "api_key_created",
     lambda w: w.make("key", "id", "admin/api-keys", {"name": "k"})),
    ("admin_api_keys.revoke_api_key", "api_key_revoked",
     lambda w: w.call("DELETE", f"admin/api-keys/{w.made['key']}")),
    ("admin_operators.create_operator", "operator_created",
     lambda w: w.make("operator", "operator.id", OPERATORS,
                      {"username": "newcomer", "password": PASSWORD, "role": "viewer"})),
    ("admin_operators.change_operator", "operator_changed",
     lambda w: w.call("PATCH", f"{OPERATORS}/{w.made['operator']}", {"role": "operator"})),
    ("admin_operators.delete_operator", "operator_deleted",
     lambda w: w.call("DELETE", f"{OPERATORS}/{w.made['operator']}")),
    ("admin_channels.create_channel", "channel_created",
     lambda w: w.make("channel", "channel.id", "admin/channels", CHANNEL)),
    ("admin_channels.change_channel", "channel_changed",
     lambda w: w.call("PATCH", f"admin/channels/{w.made['channel']}",
                      {"min_severity": "error"})),
    ("admin_channels.test_channel", "channel_tested",
     lambda w: w.call("POST", f"admin/channels/{w.made['channel']}/test", {})),
    ("admin_channels.delete_channel", "channel_deleted",
     lambda w: w.call("DELETE", f"admin/channels/{w.made['channel']}")),
    ("admin_fallback.freeze", "freeze_changed",
     lambda w: w.call("PUT", "admin/freeze", {"scope": "global", "level": "voluntary"})),
    ("admin_fallback.freeze", "freeze_changed",
     lambda w: w.call("PUT", "admin/freeze", {"scope": "global", "level": "none"})),
    ("admin_fallback.rehearse", "interruption_rehearsed",
     lambda w: w.call("POST", f"admin/agents/{w.agent_id}/rehearse", {})),
    ("decision_limits.change_limits", "limits_changed",
     lambda w: w.call("PUT", f"agents/{w.agent_id}/decision-limits", {"risk_threshold": 0.31})),
    ("agent_replicas.promote_replica", "replica_promoted",
     lambda w: w.call("POST", f"agents/{w.agent_id}/replicas/{w.replica_id}/promote", {})),
    ("agent_replicas.create_replica", "replica_requested",
     lambda w: w.make("replica", "replica_id", f"agents/{w.agent_id}/replicas", {})),
    ("agent_replicas.delete_replica", "replica_ended",
     lambda w: w.call("DELETE", f"agents/{w.agent_id}/replicas/{w.made['replica']}")),
    ("client_agents.toggle_enabled", "agent_toggled",
     lambda w: w.call("POST", f"client/agents/{w.agent_id}/toggle-enabled", {"enabled": False})),
    ("client_agents.change_settings", "agent_config_changed",
     lambda w: w.call("POST", f"client/agents/{w.agent_id}/settings", {"enabled": True, "auto_switch_enabled": True})),
    ("client_agents.change_config", "agent_config_changed",
     lambda w: w.call("POST", f"client/agents/{w.agent_id}/config", {"terminateWaitMinutes": 9})),
    ("agents.issue_switch_command", "switch_requested",
     lambda w: w.call("POST", f"agents/{w.made['other']}/issue-switch-command",
                      {"target_mode": "ondemand"})),
    ("client_instances.force_switch", "switch_requested",
     lambda w: w.call("POST", "client/instances/i-0third/force-switch", {"target": "ondemand"})),
    ("notifications.mark_read", "notification_read",
     lambda w: w.call("POST", f"notifications/{_unread(w.world)}/mark-read", {})),
    ("notifications.mark_all_read", "notifications_read",
     lambda w: w.call("POST", "notifications/mark-all-read", {})),
    ("client_agents.delete_agent", "agent_deleted",
     lambda w: w.call("DELETE", f"client/agents/{w.agent_id}")),
]  # fmt: skip


def _unread(world: World) -> int:
    rows = world.rows("SELECT MIN(id) AS id FROM notifications WHERE is_read = 0")
    return int(rows[0]["id"])


@pytest.fixture
def walk(world: World) -> Walk:
    agent = ready_for_replicas(world, native(world))
    replica_id = running(world, agent)
    other = registered(world, "i-0other", logical_agent_id="web-2").agent_id
    registered(world, "i-0third", logical_agent_id="web-3")
    assert agent.agent_id is not None
    assert other is not None
    world.container.operating.channels._sender = Silent()
    return Walk(
        world, agent.agent_id, replica_id, operator_headers(world, Role.ADMIN), {"other": other}
    )


def test_every_route_that_lets_operators_change_something_is_walked(world: World):
    guards = guards_of(world.app)
    changing = {
        rule.endpoint
        for rule in world.app.url_map.iter_rules()
        if (rule.methods or set()) - READS
        and (guards[rule.endpoint].role or guards[rule.endpoint].is_public)
    }

    assert changing == {endpoint for endpoint, _, _ in STEPS} | set(ELSEWHERE)


def test_every_change_of_an_operator_is_audited(walk: Walk):
    world = walk.world
    for endpoint, action, step in STEPS:
        seen = int(world.row("SELECT COALESCE(MAX(id), 0) AS id FROM audit_logs")["id"])
        answer = step(walk)
        assert answer.ok, f"{endpoint}: {answer.text}"
        rows = world.rows("SELECT * FROM audit_logs WHERE id > %(seen)s", seen=seen)
        row = next((row for row in rows if row["action"] == action), None)
        assert row is not None, (endpoint, [row["action"] for row in rows])
        assert row["actor_type"] == "operator", endpoint
        assert row["actor_name"].startswith("operator"), endpoint
        assert row["remote_address"] == "127.0.0.1", endpoint
        assert row["request_id"] == answer.headers["X-Request-Id"], endpoint
        if "chang" in action or action in MOVES:
            details = json.loads(row["details"])
            changed = [v for v in details.values() if isinstance(v, dict)]
            assert all(set(v) == {"before", "after"} for v in changed), (endpoint, details)
            assert changed, endpoint
            assert all(v["before"] != v["after"] for v in changed), (endpoint, details)


def test_audit_log_survives_what_it_speaks_of(walk: Walk):
    world = walk.world
    walk.call("PUT", f"agents/{walk.agent_id}/decision-limits", {"risk_threshold": 0.31})
    before = world.rows("SELECT id FROM audit_logs ORDER BY id ASC")

    assert walk.call("DELETE", f"{CLIENTS}/{world.alpha.client_id}").ok

    after = world.rows("SELECT id FROM audit_logs ORDER BY id ASC")
    assert after[: len(before)] == before
    assert world.rows("SELECT id FROM agents WHERE id = %(id)s", id=walk.agent_id) == []
