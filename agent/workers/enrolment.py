"""Enrolment: what the backend must know to launch and to retire this host."""

from __future__ import annotations

import hashlib
import json
import logging

from agent.actions.plans import ENROLMENT_TAG, MANAGED_BY, enrolment
from agent.aws.ec2 import Ec2
from agent.backend_client.client import BackendClient
from agent.clock import Clock
from agent.config import Settings
from agent.errors import AwsRejected
from agent.identity import Identity
from agent.launch_spec import LaunchSpec
from agent.own_host import OwnHost
from agent.state import AgentState
from agent.workers.base import Worker

logger = logging.getLogger(__name__)


class EnrolmentWorker(Worker):
    """Uploads the launch spec when it has changed, and marks a user's own first instance."""

    name = "enrolment"

    def __init__(
        self,
        *,
        settings: Settings,
        identity: Identity,
        state: AgentState,
        client: BackendClient,
        ec2: Ec2,
        own_host: OwnHost,
        clock: Clock,
    ) -> None:
        super().__init__(settings.inventory_interval, clock, starts_at_once=True)
        self._settings = settings
        self._identity = identity
        self._state = state
        self._client = client
        self._ec2 = ec2
        self._own_host = own_host
        self._uploaded: str | None = None
        self._unsent: LaunchSpec | None = None  # kept while the backend is away
        self._is_marked = False

    def tick(self) -> None:
        """Do what is missing, while this instance is the acting primary."""
        standing = self._state.current
        if not (self._state.is_registered and standing.is_acting_primary):
            return
        if standing.is_classic:
            return
        if self._unsent is None:
            self._unsent = self._own_host.read()
        spec = self._unsent
        digest = _digest(spec, standing.epoch)
        if digest != self._uploaded:
            self._client.put_launch_spec(self._state.agent_id, spec.to_wire())
            self._uploaded = digest
            logger.info("The launch spec is uploaded", extra={"action": "launch_spec_uploaded"})
        self._unsent = None
        self._mark()

    def _mark(self) -> None:
        """Without a tag of ours nobody may ever retire an instance that its user made."""
        standing = self._state.current
        if (
            self._is_marked
            or not standing.client_id
            or not self._settings.auto_terminate_old_instance
            or not standing.config.get("auto_terminate_enabled")
        ):
            return
        tags = self._own_host.tags()
        mark = enrolment(standing.client_id, self._identity.logical_agent_id)
        if tags.get("ManagedBy") != MANAGED_BY and tags.get(ENROLMENT_TAG) != mark:
            try:
                self._ec2.tag(self._identity.instance_id, {ENROLMENT_TAG: mark})
            except AwsRejected as error:
                logger.warning(
                    "This host cannot be marked, so it cannot be retired later: %s", error,
                    extra={"action": "enrolment_refused", "code": error.code},
                )  # fmt: skip
        self._is_marked = True


def _digest(spec: LaunchSpec, epoch: int) -> str:
    text = json.dumps([spec.to_wire(), epoch], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
