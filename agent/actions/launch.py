"""Launching the successor: once per command, whatever crashes in between."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from agent.actions.assignment import Assignment, ownership
from agent.actions.launch_parameters import launch_parameters
from agent.actions.plans import Attempt, plan_attempts
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
_EC2_RESOLUTION = timedelta(seconds=1)


class Launcher:
    """Makes launches, and plans those of switches."""

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

    def launch(
        self, entry: Entry, checkpoint: Checkpoint, assignment: Assignment | None = None
    ) -> dict[str, Any]:
        """Return the facts of the command's one instance, launching it if there is none yet.

        The attempts are in the entry. Without an assignment it is a copy of this host.

        Raises:
            ActionFailed: no pool has capacity, EC2 refuses, or the instance has ended already.
            Interrupted: the checkpoint says so.
        """
        attempts = [Attempt(**data) for data in entry.facts["attempts"]]
        job = assignment or self._own(entry)
        found = self._search.find_by(job.found_by, checkpoint)
        if found is not None:
            return self._facts(found, found.mode, entry.begun_at)
        spec = persist(job.read_spec, wait=checkpoint.wait, clock=self._clock)
        full: list[str] = []
        spent = list(entry.facts.get("full_pools", ()))
        for number in range(int(entry.facts.get("attempt", 0)), len(attempts)):
            attempt = attempts[number]
            self._note(entry, attempt=number, full_pools=spent)
            checkpoint.check()
            asked_at = self._clock.now()
            try:
                launched = self._run(job, spec, attempt, checkpoint)
            except InsufficientCapacity as error:
                full.append(f"{attempt.pool_id} {attempt.mode} ({error.code})")
                spent += [attempt.pool_id] if attempt.mode == "spot" else []
                logger.warning(
                    "No capacity in %s", full[-1],
                    extra={"action": "pool_was_full", "pool_id": attempt.pool_id},
                )  # fmt: skip
                continue
            return self._facts(launched, attempt.mode, asked_at)
        self._note(entry, full_pools=spent)
        raise ActionFailed("launch", f"no capacity in {', '.join(full) or 'any pool'}")

    def _run(
        self, job: Assignment, spec: LaunchSpec, attempt: Attempt, checkpoint: Checkpoint
    ) -> Instance:
        parameters = launch_parameters(spec, attempt, job.tags)
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
            found = self._search.find_by(job.found_by, checkpoint)
            if found is None:
                raise
            return found

    def _note(self, entry: Entry, **facts: Any) -> None:
        self._journal.step(entry.command.id, "launch", "doing", **facts)

    def _own(self, entry: Entry) -> Assignment:
        own, mark = self._identity, {"CommandId": entry.command.id}
        tags = ownership(self._state.current.client_id, own.logical_agent_id, own.instance_id)
        found_by = {**mark, "LogicalAgentId": own.logical_agent_id}
        return Assignment(found_by, {**tags, **mark}, self._read_spec)

    def _facts(self, instance: Instance, mode: str, asked_at: datetime) -> dict[str, Any]:
        return {
            "new_instance_id": instance.instance_id,
            "new_type": instance.instance_type,
            "new_az": instance.az,
            "new_mode": mode,
            "new_ami_id": instance.ami_id,
            "pool_id": f"{instance.instance_type}.{instance.az}",
            "launched_at": _launch_instant(instance.launched_at, asked_at).isoformat(),
        }


def _launch_instant(told: datetime | None, asked_at: datetime) -> datetime:
    """Return when it was launched, at the earliest: EC2 tells whole seconds, cut off.

    Within the second that EC2 tells, nothing was launched before it was asked for.
    """
    if told is None or told <= asked_at < told + _EC2_RESOLUTION:
        return asked_at
    return told
