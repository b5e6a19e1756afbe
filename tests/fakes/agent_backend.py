"""A backend of one agent: the wire contract's rules in memory, over real HTTP."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.agent_fallback import FakeFallback
from tests.fakes.agent_http import Answer, LoopbackServer, Seen

AGENT = "agent-1"
CLIENT = "client-1"
_PATH = ["requested", "launching", "running", "ready", "cut_over", "completed"]


@dataclass
class FakeCommand:
    """A command that one instance holds; ``status`` is open, completed or failed."""

    row: dict[str, Any]
    holder: str
    status: str = "open"
    message: str | None = None


@dataclass
class Trouble:
    """What goes wrong, for requests whose path contains ``where``."""

    where: str
    answer: Answer
    times: int
    after: bool = False  # the request is served, only its answer is lost


@dataclass
class FakeBackend:
    """Holds one agent. ``is_classic`` makes it an old one, without roles and sync."""

    is_classic: bool = False
    primary: str | None = None
    epoch: int = 0
    enabled: bool = True
    auto_terminate: bool = True
    roles: dict[str, str] = field(default_factory=dict)
    commands: dict[str, FakeCommand] = field(default_factory=dict)
    switches: dict[str, str] = field(default_factory=dict)
    terminated: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    config_version: int = 1
    emergency_plan: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        self.fallback = FakeFallback(self)
        self.server = LoopbackServer(self._respond)

    def calls(self, ending: str) -> list[Seen]:
        """Every request whose path ends so."""
        return [seen for seen in self.server.seen if seen.path.endswith(ending)]

    def break_on(self, where: str, answer: Answer, *, times: int = 1, after: bool = False) -> None:
        """Let the next requests to such a path fail."""
        self.troubles.append(Trouble(where, answer, times, after))

    def order_switch(self, command_id: str, pools: list[str], **more: Any) -> None:
        """Give the primary a switch command."""
        payload = {"pools": pools, "allow_ondemand": more.pop("allow_ondemand", False)}
        row = {
            "id": command_id,
            "command_type": "switch",
            "target_mode": "spot" if pools else "ondemand",
            "target_pool_id": pools[0] if pools else None,
            "priority": 75,
            "terminate_wait_seconds": 0,
            "payload": payload,
            **more,
        }
        self.commands[command_id] = FakeCommand(row, self.primary or "i-old")
        if row["command_type"] == "switch":
            self.switches[command_id] = "requested"

    def order(self, command_id: str, kind: str, holder: str, payload: dict[str, Any]) -> None:
        """Give an instance a command of any kind."""
        row = {"id": command_id, "command_type": kind, "priority": 75, "payload": payload}
        self.commands[command_id] = FakeCommand(row, holder)

    def promote(self, instance_id: str) -> None:
        """Make an instance the primary."""
        if self.primary is not None:
            self.roles[self.primary] = "superseded"
        self.primary = instance_id
        self.roles[instance_id] = "primary"
        self.epoch += 1

    def _respond(self, seen: Seen) -> Answer:
        trouble = next((t for t in self.troubles if t.where in seen.path), None)
        if trouble is not None:
            trouble.times -= 1
            if trouble.times <= 0:
                self.troubles.remove(trouble)
            if trouble.after:
                self._serve(seen)
            return trouble.answer
        return self._serve(seen)

    def _serve(self, seen: Seen) -> Answer:  # noqa: C901 - one case a route
        if seen.headers.get("Authorization") != "Bearer token-1":
            return _error(401, "unauthenticated")
        parts = seen.path.removeprefix("/api/agents/").split("/")
        caller = seen.headers["X-Instance-Id"]
        if parts == ["register"]:
            return self._register(seen.body)
        if parts[0] != AGENT:
            return _error(404, "not_found")
        match parts[1:]:
            case ["sync"] if not self.is_classic:
                return self._sync(caller)
            case ["pending-commands"] if self.is_classic:
                return Answer(body=[c.row for c in self.commands.values() if c.status == "open"])
            case ["config"] if self.is_classic:
                return Answer(body={"enabled": self.enabled})
            case ["commands", command_id, "executed"]:
                return self._executed(command_id, seen.body)
            case ["commands", command_id, "progress"] if not self.is_classic:
                return self._progress(command_id, seen.body)
            case ["switch-report"]:
                return self._switch_report(seen.body)
            case ["instances", instance_id, "retirement"]:
                return self._retirement(instance_id, caller)
            case ["instances", instance_id, "terminated"]:
                return self._terminated(instance_id)
            case ["interruption" | "replicas" | "interruptions", *_]:
                return self.fallback.serve(seen, parts[1:])
            case ["heartbeat"] | ["inventory"] | ["launch-spec"] | ["pricing-report"]:
                return Answer(body={"success": True})
        return Answer(404, "<h1>Not Found</h1>")

    def _register(self, body: dict[str, Any]) -> Answer:
        if self.is_classic:
            config = {"enabled": self.enabled}
            return Answer(body={"agent_id": AGENT, "client_id": CLIENT, "config": config})
        instance_id = body["instance_id"]
        if self.primary is None:
            self.promote(instance_id)
        elif instance_id not in self.roles and self.fallback.knows(instance_id, body):
            self.roles[instance_id] = "replica"
        elif instance_id not in self.roles:
            is_successor = body["launch_tags"].get("CommandId") in self.switches
            self.roles[instance_id] = "successor" if is_successor else "candidate"
        answer = {"agent_id": AGENT, "client_id": CLIENT, "role": self.roles[instance_id]}
        return Answer(body={**answer, "epoch": self.epoch, "config": self._config()})

    def _config(self) -> dict[str, Any]:
        return {
            "version": self.config_version,
            "enabled": self.enabled,
            "auto_terminate_enabled": self.auto_terminate,
        }

    def _sync(self, caller: str) -> Answer:
        if caller not in self.roles:
            return _error(404, "not_found")
        role = self.roles[caller]
        held = [c.row for c in self.commands.values() if (c.holder, c.status) == (caller, "open")]
        return Answer(
            body={
                "role": role,
                "epoch": self.epoch,
                "primary_instance_id": self.primary,
                "enabled": self.enabled and role != "superseded",
                "config_version": self.config_version,
                "config": self._config(),
                "commands": held,
                "replica_orders": [],
                "emergency_plan": self.emergency_plan,
                "server_time": None,
            }
        )

    def _progress(self, command_id: str, body: dict[str, Any]) -> Answer:
        present = self.switches.get(command_id)
        if present is None:
            return _error(404, "not_found")
        if present == "failed" or _PATH.index(body["status"]) < _PATH.index(present):
            facts = {"present": present, "requested": body["status"]}
            return _error(409, "illegal_transition", facts)
        self.switches[command_id] = body["status"]
        return Answer(body={"success": True, "status": body["status"]})

    def _switch_report(self, body: dict[str, Any]) -> Answer:
        old, new = body["old_instance"]["instance_id"], body["new_instance"]["instance_id"]
        command_id = body.get("command_id")
        if self.primary == new:
            return Answer(body={"success": True, "is_primary_moved": False, "reason": "repeated"})
        if self.primary != old:
            return Answer(body={"success": True, "is_primary_moved": False, "reason": "superseded"})
        self.promote(new)
        self.switches[command_id] = "completed"
        return Answer(body={"success": True, "is_primary_moved": True, "reason": "reported"})

    def _executed(self, command_id: str, body: dict[str, Any]) -> Answer:
        command = self.commands.get(command_id)
        if command is None:
            return _error(404, "not_found")
        status = "completed" if body["success"] else "failed"
        if command.status not in {"open", status}:
            return _error(409, "illegal_transition", {"present": command.status})
        command.status, command.message = status, body["message"]
        if status == "failed" and self.switches.get(command_id) not in {None, "completed"}:
            self.switches[command_id] = "failed"
        return Answer(body={"success": True})

    def _retirement(self, instance_id: str, caller: str) -> Answer:
        role = self.roles.get(instance_id)
        may = role == "superseded" and self.roles.get(caller) == "primary"
        reason = "is_primary" if role == "primary" else "superseded" if may else "not_superseded"
        facts = {"may_retire": may, "reason": reason, "role": role, "epoch": self.epoch}
        return Answer(body={**facts, "checked_at": "2026-03-02T12:00:00Z"})

    def _terminated(self, instance_id: str) -> Answer:
        if instance_id not in self.roles:
            return _error(404, "not_found")
        if instance_id == self.primary:
            return _error(409, "conflict")
        self.roles[instance_id] = "terminated"
        self.terminated.append(instance_id)
        return Answer(body={"success": True})


def _error(status: int, code: str, details: dict[str, Any] | None = None) -> Answer:
    body = {"error": code, "code": code, "request_id": "r-1", "details": details or {}}
    return Answer(status, body)
