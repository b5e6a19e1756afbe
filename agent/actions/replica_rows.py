"""The backend's rows of replicas: binding an instance to one, and saying that there will be none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from agent.aws.ec2 import Ec2
from agent.backend_client.client import BackendClient, encoded
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.errors import AgentError, AwsError, PermanentBackendError, TransientError

logger = logging.getLogger(__name__)

_FAILURE_SECONDS = 60.0
_LONGEST_MESSAGE = 500


class ReplicaRows:
    """Tells the backend which instance a replica is. Thread-safe."""

    def __init__(self, client: BackendClient, ec2: Ec2, clock: Clock) -> None:
        self._client = client
        self._ec2 = ec2
        self._clock = clock
        self._bound: set[str] = set()

    def has_bound(self, replica_id: str) -> bool:
        """Tell whether this process has bound an instance to this row, or was refused."""
        return replica_id in self._bound

    def bind(self, agent_id: str, replica_id: str, facts: Mapping[str, Any]) -> None:
        """Say which instance a replica is; repeatable. Raises as ``Transport.request`` does."""
        body = {**self.describe(facts), "status": "syncing", "failed_pools": _pools(facts)}
        self._client.send(agent_id, "PUT", encoded("replicas", replica_id), body)
        self._bound.add(replica_id)

    def try_to_bind(self, agent_id: str, replica_id: str, facts: Mapping[str, Any]) -> None:
        """Bind an instance that was launched without an order, and put the order's tag on it.

        A failure that may pass is left to the next try.
        """
        try:
            self.bind(agent_id, replica_id, facts)
            if replica_id != facts.get("replica_id"):
                self._ec2.tag(str(facts["new_instance_id"]), {"ReplicaId": replica_id})
        except AwsError as error:
            logger.warning("No tag: %s", error, extra={"action": "tag_failed"})
        except PermanentBackendError as error:
            self._bound.add(replica_id)
            logger.error(  # noqa: TRY400 - the reason says it all
                "%s is not bound: %s", replica_id, error, extra={"action": "bind_refused"}
            )
        except AgentError as error:
            logger.warning("%s is not bound yet: %s", replica_id, error,
                           extra={"action": "bind_failed"})  # fmt: skip

    def give_up(
        self,
        agent_id: str,
        replica_id: str,
        message: str,
        facts: Mapping[str, Any],
        wait: Callable[[float], None],
    ) -> None:
        """Say that a replica will not come, and which pools had no room; tries for a minute."""
        body = {
            "status": "failed",
            "error_message": message[:_LONGEST_MESSAGE],
            "failed_pools": _pools(facts),
        }
        path = encoded("replicas", replica_id, "status")
        try:
            persist(
                lambda: self._client.send(agent_id, "POST", path, body),
                wait=wait,
                clock=self._clock,
                budget=_FAILURE_SECONDS,
            )
        except (TransientError, PermanentBackendError) as error:
            logger.warning("The failure of %s is not told: %s", replica_id, error,
                           extra={"action": "failure_not_told"})  # fmt: skip

    @staticmethod
    def describe(facts: Mapping[str, Any]) -> dict[str, Any]:
        """Return a launched instance as the wire names its facts."""
        return {
            "instance_id": facts["new_instance_id"],
            "instance_type": facts["new_type"],
            "az": facts["new_az"],
            "mode": facts["new_mode"],
            "pool_id": facts["pool_id"] if facts["new_mode"] == "spot" else None,
            "launched_at": facts["launched_at"],
        }


def _pools(facts: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(facts.get("full_pools") or ()))
