"""The fallback half of the agent's fake backend: notices, replicas and findings."""

from typing import Any

from tests.fakes.agent_http import Answer, Seen


class FakeFallback:
    """One event for each notice, one replica for each event; ``ready`` names a standby by its id.

    ``plan`` answers every notice as it is; ``finding_plan`` every finding.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.plan: dict[str, Any] | None = None
        self.finding_plan: dict[str, Any] | None = {"action": "none"}
        self.pools = ["m5.large.us-east-1b", "m5.large.us-east-1c"]
        self.ready: str | None = None
        self.events: dict[tuple[str, str | None], str] = {}
        self.launched: set[str] = set()
        self.bound: dict[str, str] = {}
        self.refuses_to_bind = False
        self.orders: list[str] = []

    def knows(self, instance_id: str, body: dict[str, Any]) -> bool:
        """Whether a replica row explains an instance that registers."""
        return "ReplicaId" in body["launch_tags"] or instance_id in self.bound.values()

    def serve(self, seen: Seen, parts: list[str]) -> Answer:
        """Answer a request whose path below the agent is given."""
        match parts:
            case ["interruption"]:
                return self._notice(seen.body)
            case ["interruptions", _, "findings"]:
                return _plan(self.finding_plan)
            case ["replicas", replica_id] if seen.method == "PUT":
                return self._bind(replica_id, seen.body)
        return Answer(body={"success": True})

    def _notice(self, body: dict[str, Any]) -> Answer:
        if self.plan is not None:
            return _plan(self.plan)
        if body["signal"] != "termination-notice":
            return _plan({"action": "monitor"})
        key = (body["instance_id"], body["notice_time"])
        event = self.events.setdefault(key, f"e-{len(self.events) + 1}")
        if body.get("launched"):
            self.launched.add(body["launched"]["instance_id"])
        replica_id = f"r-{event}"
        target = self.ready or self.bound.get(replica_id)
        if target is None and self.launched:
            return _plan({"action": "launch", "order": self._order(replica_id)})
        if target is None:
            self.orders.append(replica_id)
            return _plan({"action": "launch", "order": self._order(replica_id)})
        if self._backend.primary == body["instance_id"]:
            self._backend.promote(target)
        return _plan({"action": "hand_over", "new_instance_id": target})

    def _order(self, replica_id: str) -> dict[str, Any]:
        return {
            "replica_id": replica_id,
            "kind": "automatic-termination",
            "pools": self.pools,
            "allow_ondemand": True,
            "tags": {},
        }

    def _bind(self, replica_id: str, body: dict[str, Any]) -> Answer:
        present = self.bound.setdefault(replica_id, body["instance_id"])
        if self.refuses_to_bind or present != body["instance_id"]:
            return Answer(409, {"error": "conflict", "code": "conflict", "details": {}})
        return Answer(body={"success": True})


def _plan(plan: dict[str, Any] | None) -> Answer:
    if plan is None:
        return Answer(body={"success": True, "plan": None})
    return Answer(body={"success": True, "plan": {"event_id": "e-1", "epoch": 1, **plan}})
