"""Launching the successor: once per command, whatever crashes in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from agent.actions.launch_parameters import launch_parameters
from agent.actions.plans import MANAGED_BY, Attempt, plan_attempts
from agent.actions.queue import Checkpoint
from agent.actions.search import LaunchSearch
from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.errors import ActionFailed, AwsRejected, InsufficientCapacity
from agent.identity import Identity
from agent.journal import Entry, Journal
from agent.launch_spec import LaunchSpec
from agent.state import AgentState

logger = logging.getLogger(__name__)

_TOKEN_USED_OTHERWISE = "IdempotentParameterMismatch"  # noqa: S105 - an error code
_LAUNCH_BUDGET_SECONDS = 120.0


class Launcher:
    """Plans and makes the launch of a switch."""

    def __init__(
        self,
        *,
        identity: Identity,
        state: AgentState,
        ec2: Ec2,
        journal: Journal,
        read_spec: Callable[[], LaunchSpec],
        search: LaunchSearch,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._state = state
        self._ec2 = ec2
        self._journal = journal
        self._read_spec = read_spec
        self._clock = clock
        self._search = search

    def plan(self, entry: Entry, checkpoint: Checkpoint) -> Mapping[str, Any]:
        """Decide which launches to try, and write them down: a restart tries the same ones."""
        checkpoint.check()
        spec = persist(self._read_spec, wait=checkpoint.wait, clock=self._clock)
        attempts = plan_attempts(entry.command, spec)
        return {"attempts": [asdict(attempt) for attempt in attempts]}

    def launch(self, entry: Entry, checkpoint: Checkpoint) -> dict[str, Any]:
        """Return the facts of the command's one instance, launching it if there is none yet.

        Raises:
            ActionFailed: no pool has capacity, EC2 refuses, or the instance has ended already.
            Interrupted: the checkpoint says so.
        """
        attempts = [Attempt(**data) for data in entry.facts["attempts"]]
        found = self._search.find(entry.command.id, checkpoint)
        if found is not None:
            return self._facts(found, found.mode)
        spec = persist(self._read_spec, wait=checkpoint.wait, clock=self._clock)
        full: list[str] = []
        for number in range(int(entry.facts.get("attempt", 0)), len(attempts)):
            attempt = attempts[number]
            self._journal.step(entry.command.id, "launch", "doing", attempt=number)
            checkpoint.check()
            try:
                launched = self._run(entry, spec, attempt, checkpoint)
            except InsufficientCapacity as error:
                full.append(f"{attempt.pool_id} {attempt.mode} ({error.code})")
                logger.warning(
                    "No capacity in %s", full[-1],
                    extra={"action": "pool_was_full", "pool_id": attempt.pool_id},
                )  # fmt: skip
                continue
            return self._facts(launched, attempt.mode)
        raise ActionFailed("launch", f"no capacity in {', '.join(full) or 'any pool'}")

    def _run(
        self, entry: Entry, spec: LaunchSpec, attempt: Attempt, checkpoint: Checkpoint
    ) -> Instance:
        parameters = launch_parameters(spec, attempt, self._tags(entry.command.id))
        try:
            return persist(
                lambda: self._ec2.run(parameters),
                wait=checkpoint.wait,
                clock=self._clock,
                budget=_LAUNCH_BUDGET_SECONDS,
            )
        except AwsRejected as error:
            if error.code != _TOKEN_USED_OTHERWISE:
                raise
            # Launched before a crash, and this host's launch settings were changed since.
            found = self._search.find(entry.command.id, checkpoint)
            if found is None:
                raise
            return found

    def _tags(self, command_id: str) -> dict[str, str]:
        tags = {
            "ManagedBy": MANAGED_BY,
            "ClientId": self._state.current.client_id or "",
            "LogicalAgentId": self._identity.logical_agent_id,
            "CommandId": command_id,
            "LaunchedBy": self._identity.instance_id,
        }
        return {name: value for name, value in tags.items() if value}

    def _facts(self, instance: Instance, mode: str) -> dict[str, Any]:
        launched_at = instance.launched_at or self._clock.now()
        return {
            "new_instance_id": instance.instance_id,
            "new_type": instance.instance_type,
            "new_az": instance.az,
            "new_mode": mode,
            "new_ami_id": instance.ami_id,
            "pool_id": f"{instance.instance_type}.{instance.az}",
            "launched_at": launched_at.isoformat(),
        }
