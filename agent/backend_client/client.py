"""The calls of the wire contract: one method a call, typed values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from agent.backend_client.commands import Command, parse_commands
from agent.backend_client.fallback import parse_interruption
from agent.backend_client.transport import Transport
from agent.backend_client.wire import (
    Registered,
    RetirementAnswer,
    Synced,
    parse_registered,
    parse_retirement,
    parse_synced,
)

_LAST_WORD_SECONDS = 2.0


class BackendClient:
    """Asks the backend. Every method is one request and raises as ``Transport.request`` does."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def register(self, body: Mapping[str, Any]) -> Registered:
        """Say who this is; repeatable."""
        return parse_registered(self._transport.request("POST", "/api/agents/register", body))

    def sync(self, agent_id: str, body: Mapping[str, Any]) -> Synced:
        """Exchange everything that is new."""
        return parse_synced(self._transport.request("POST", agent_path(agent_id, "sync"), body))

    def report_progress(self, agent_id: str, command_id: str, body: Mapping[str, Any]) -> None:
        """Say how far a switch has come; repeatable."""
        path = agent_path(agent_id, "commands", command_id, "progress")
        self._transport.request("POST", path, body)

    def ask_retirement(self, agent_id: str, instance_id: str) -> RetirementAnswer:
        """Ask whether an instance may be ended now."""
        path = agent_path(agent_id, "instances", instance_id, "retirement")
        return parse_retirement(self._transport.request("GET", path))

    def send_inventory(self, agent_id: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Say which instances with this agent's tags exist."""
        answer = self._transport.request("POST", agent_path(agent_id, "inventory"), body)
        return answer if isinstance(answer, dict) else {}

    def put_launch_spec(self, agent_id: str, spec: Mapping[str, Any]) -> None:
        """Say how another host would launch a copy of this one; repeatable."""
        self._transport.request("PUT", agent_path(agent_id, "launch-spec"), {"spec": spec})

    def send(self, agent_id: str, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Deliver a report whose path is ``name`` or ``name/name``, already percent-encoded."""
        return self._transport.request(method, f"{agent_path(agent_id)}/{path}", body)

    def report_interruption(
        self, agent_id: str, body: Mapping[str, Any], *, seconds: float
    ) -> Mapping[str, Any]:
        """Say that EC2 takes this host, and return the plan; repeatable, waits only so long."""
        path = agent_path(agent_id, "interruption")
        return parse_interruption(self._transport.request("POST", path, body, read_seconds=seconds))

    def report_finding(
        self, agent_id: str, event_id: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Say what EC2 knows of a silent instance; what follows, empty when nothing; repeatable."""
        path = agent_path(agent_id, "interruptions", event_id, "findings")
        answer = self._transport.request("POST", path, body)
        plan = answer.get("plan") if isinstance(answer, dict) else None
        return plan if isinstance(plan, dict) else {}

    def heartbeat(self, agent_id: str, body: Mapping[str, Any]) -> None:
        """Give a sign of life, as installed agents do."""
        self._transport.request("POST", agent_path(agent_id, "heartbeat"), body)

    def say_goodbye(self, agent_id: str, instance_id: str) -> None:
        """Say that this instance's agent stops; waits briefly, because the host may be going."""
        body = {"status": "offline", "instance_id": instance_id}
        path = agent_path(agent_id, "heartbeat")
        self._transport.request("POST", path, body, read_seconds=_LAST_WORD_SECONDS)

    def pending_commands(self, agent_id: str) -> list[Command]:
        """Ask an old backend for commands."""
        answer = self._transport.request("GET", agent_path(agent_id, "pending-commands"))
        return parse_commands(answer, is_classic=True)

    def fetch_config(self, agent_id: str) -> Mapping[str, Any]:
        """Ask an old backend for the agent's settings."""
        answer = self._transport.request("GET", agent_path(agent_id, "config"))
        return answer if isinstance(answer, dict) else {}


def agent_path(agent_id: str, *parts: str) -> str:
    """Return the path of something of an agent, every part percent-encoded."""
    return "/api/agents/" + encoded(agent_id, *parts)


def encoded(*parts: str) -> str:
    """Join path parts, percent-encoded, so that no id can leave its place."""
    return "/".join(quote(part, safe="") for part in parts)
