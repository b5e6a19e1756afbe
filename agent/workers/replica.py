"""Life as a replica: become fit, fetch the primary's data, say ready. Repeated after a restart."""

from __future__ import annotations

import logging
from typing import Any

from agent.backend_client.client import BackendClient, encoded
from agent.clock import Clock
from agent.config import Settings
from agent.documents import Documents
from agent.errors import ImdsUnavailable, PermanentBackendError
from agent.fitness import Fitness
from agent.identity import Identity
from agent.imds import Imds
from agent.state import AgentState
from agent.sync_program import Progress, SyncProgram
from agent.workers.base import Worker

logger = logging.getLogger(__name__)

_DOCUMENT = "replica"  # which replica's data are here: they are not fetched twice
_TRIES = 3


class ReplicaWorker(Worker):
    """Small steps that never wait; idle on hosts that are no replica."""

    name = "replica"

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        imds: Imds,
        fitness: Fitness,
        documents: Documents,
        clock: Clock,
    ) -> None:
        super().__init__(settings.ec2_poll_interval, clock, starts_at_once=True)
        self._settings = settings
        self._identity = identity
        self._state = state
        self._client = client
        self._imds = imds
        self._fitness = fitness
        self._documents = documents
        self._replica_id = identity.launch_tags.get("ReplicaId")
        self._program: SyncProgram | None = None
        self._told = Progress()
        self._failures = 0
        self._began_at: float | None = None
        self._is_done = False
        self._times: dict[str, str] = {}

    def tick(self) -> None:
        """Go one step on, while this host is a replica that is not ready."""
        standing = self._state.current
        if not (self._state.is_registered and standing.enabled and standing.role == "replica"):
            self._let_go()
            return
        replica_id = self._replica_id or self._read_id()
        if self._is_done or replica_id is None:
            return
        now = self._clock.monotonic()
        self._began_at = now if self._began_at is None else self._began_at
        if self._is_synced(replica_id):
            if self._fitness.is_given(self._pause):
                self._finish(replica_id, "ready")
            elif now - self._began_at > self._settings.readiness_timeout:
                self._finish(replica_id, "failed", f"not fit after {now - self._began_at:.0f} s")

    def _is_synced(self, replica_id: str) -> bool:
        command = self._settings.replica_sync_command
        if command is None or self._documents.load(_DOCUMENT) == replica_id:
            return True
        if self._program is None:
            self._times = {"sync_started_at": self._clock.now().isoformat()}
            facts = {"REPLICA_ID": replica_id, "REPLICA_INSTANCE_ID": self._identity.instance_id}
            primary = self._state.current.primary_instance_id
            self._program = SyncProgram(command, {**facts, "PRIMARY_INSTANCE_ID": primary or ""})
        code = self._program.look()
        self._tell_progress(replica_id, self._program.progress)
        if code is None:
            return False
        self._let_go()
        if code == 0:
            self._documents.save(_DOCUMENT, replica_id)
            self._times["sync_completed_at"] = self._clock.now().isoformat()
            self._began_at = self._clock.monotonic()
            return True
        self._failures += 1
        if self._failures >= _TRIES:
            self._finish(replica_id, "failed", f"REPLICA_SYNC_COMMAND ended with {code}")
        return False

    def _tell_progress(self, replica_id: str, progress: Progress) -> None:
        if progress == self._told:
            return
        body = {
            "sync_status": "syncing",
            "sync_latency_ms": progress.latency_ms,
            "state_transfer_progress": progress.percent,
        }
        said = {name: value for name, value in body.items() if value is not None}
        self._send(replica_id, "sync-status", said)
        self._told = progress

    def _finish(self, replica_id: str, status: str, error: str | None = None) -> None:
        body = {"status": status, **self._times, **({"error_message": error} if error else {})}
        self._send(replica_id, "status", body)
        self._is_done = True
        logger.info("Replica %s is %s", replica_id, status, extra={"action": "replica_finished"})

    def _send(self, replica_id: str, what: str, body: dict[str, Any]) -> None:
        """Report; a refusal means that the replica has become something else meanwhile."""
        path = encoded("replicas", replica_id, what)
        try:
            self._client.send(self._state.agent_id, "POST", path, body)
        except PermanentBackendError as error:
            logger.warning("%s: %s", what, error, extra={"action": "replica_report_refused"})

    def _read_id(self) -> str | None:
        """A launch that became a replica's only later carries its tag only later."""
        try:
            tags = self._imds.tags() or {}
        except ImdsUnavailable:
            return None
        self._replica_id = tags.get("ReplicaId")
        return self._replica_id

    def _pause(self, seconds: float) -> None:
        self._wake.wait(seconds)

    def _let_go(self) -> None:
        if self._program is not None:
            self._program.stop()
            self._program = None
