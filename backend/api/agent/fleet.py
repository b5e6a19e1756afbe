"""The fleet as its owner sees it, and the wish to move an agent."""

import base64
import binascii
from typing import Any

import orjson

from backend.api.agent.schemas import AgentPath, AgentsQuery, IssueSwitchBody
from backend.api.agent.wire import agent_to_wire
from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, api_request, container, tenant
from backend.api.guards import CLIENT_ANY_OR_OPERATOR, CLIENT_USER_OR_OPERATOR
from backend.api.switches import idempotency_key, mode_of
from backend.errors import InvalidRequest
from backend.services.switch_requests import SwitchRequest

routes = guarded_blueprint(
    "agents", guard=CLIENT_ANY_OR_OPERATOR, url_prefix="/api/agents", tag="fleet"
)


@routes.get("", summary="The caller's agents, page by page")
def list_agents(query: AgentsQuery) -> dict[str, Any]:
    """Answer a page of agents; ``next`` is the value of ``after`` for the next one, or null."""
    page = container().fleet.list_agents(tenant(), limit=query.limit, after=_cursor(query.after))
    return {
        "agents": [agent_to_wire(row) for row in page.rows],
        "total": page.total,
        "next": _to_cursor(page.after),
    }


@routes.get("/<agent_id>", summary="One agent")
def show_agent(path: AgentPath) -> dict[str, Any]:
    """Answer one agent with its primary's state."""
    return agent_to_wire(container().fleet.get_agent(tenant(), path.agent_id))


@routes.post("/<agent_id>/issue-switch-command", summary="Move an agent")
@guarded_by(CLIENT_USER_OR_OPERATOR)
def issue_switch_command(path: AgentPath, body: IssueSwitchBody) -> dict[str, Any]:
    """Order a switch; 200 with ``success`` false when the agent is there already."""
    order = container().switch_requests.request(
        tenant(),
        path.agent_id,
        SwitchRequest(
            target_mode=mode_of(body.target_mode, field="target_mode"),
            pool_id=body.target_pool_id,
            allow_ondemand=body.allow_ondemand,
            priority=body.priority,
            reason=body.reason,
            requested_by=actor().name,
            actor=actor(),
            idempotency_key=idempotency_key(api_request()),
            needs_auto_switch=True,
        ),
    )
    if order.command_id is None:
        return {
            "success": False,
            "message": "The agent runs there already",
            "current_mode": order.current_mode,
            "current_pool_id": order.current_pool_id,
        }
    return {
        "success": True,
        "command_id": order.command_id,
        "agent_id": order.agent_id,
        "target_mode": order.target_mode,
        "target_pool_id": order.target_pool_id,
        "reason": body.reason,
        "message": "Switch requested",
        "auto_switch_enabled": True,
    }


def _to_cursor(after: tuple[str, str] | None) -> str | None:
    return base64.urlsafe_b64encode(orjson.dumps(after)).decode() if after else None


def _cursor(text: str | None) -> tuple[str, str] | None:
    if not text:
        return None
    try:
        logical_agent_id, agent_id = orjson.loads(base64.urlsafe_b64decode(text))
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidRequest(
            "after must be the value of next of an earlier page", field="after"
        ) from error
    return str(logical_agent_id), str(agent_id)
