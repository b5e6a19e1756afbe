"""Moving traffic from the old primary to the new one; each part optional, all repeatable.

The host that EC2 takes away begins it, the new primary repeats and verifies it. Order: the user's
program (begin), Elastic IP, target groups, reading back, the user's program (verify).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from agent import probes
from agent.actions.queue import Checkpoint
from agent.aws.addresses import Addresses
from agent.aws.target_groups import TargetGroups
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.config import Settings
from agent.errors import ActionFailed, AwsError

logger = logging.getLogger(__name__)

STEP = "cut_over"
_CALL_SECONDS = 60.0  # how long one call to AWS is repeated
_COMMAND_SECONDS = 60.0
_SERVING = frozenset({"healthy", "unused"})  # unused: no balancer asks this group
T = TypeVar("T")


class Cutover:
    """Moves addresses and targets. Without settings it has nothing to do, and succeeds."""

    def __init__(
        self, settings: Settings, addresses: Addresses, targets: TargetGroups, clock: Clock
    ) -> None:
        self._settings = settings
        self._addresses = addresses
        self._targets = targets
        self._clock = clock

    def begin(self, old_id: str, new_id: str, checkpoint: Checkpoint) -> None:
        """Send traffic to the new instance.

        Raises:
            ActionFailed: a part could not be moved; the parts before it have moved.
            Interrupted: the checkpoint says so.
        """
        wanted = self._settings.cutover
        self._run_program("begin", old_id, new_id, checkpoint)
        try:
            address = wanted.allocation_id
            if address and not self._ask(lambda: self._has_address(address, new_id), checkpoint):
                self._ask(lambda: self._addresses.associate(address, new_id), checkpoint)
            for arn in wanted.target_group_arns:
                self._move_target(arn, old_id, new_id, checkpoint)
        finally:
            self._targets.close()
        logger.info(
            "Traffic is sent to %s", new_id,
            extra={"action": "cut_over_begun", "old_id": old_id, "new_id": new_id},
        )  # fmt: skip

    def verify(self, old_id: str, new_id: str, checkpoint: Checkpoint) -> None:
        """Read back that the new instance has the traffic.

        Raises:
            ActionFailed: it has not, READINESS_TIMEOUT after it was asked for.
            Interrupted: the checkpoint says so.
        """
        wanted = self._settings.cutover
        try:
            if wanted.allocation_id:
                self._await(self._has_address, wanted.allocation_id, new_id, checkpoint)
            for arn in wanted.target_group_arns:
                self._await(self._is_served, arn, new_id, checkpoint)
        finally:
            self._targets.close()
        self._run_program("verify", old_id, new_id, checkpoint)

    def _move_target(self, arn: str, old_id: str, new_id: str, checkpoint: Checkpoint) -> None:
        port = self._settings.cutover.target_port
        self._ask(lambda: self._targets.register(arn, new_id, port), checkpoint)
        if old_id:
            self._ask(lambda: self._targets.deregister(arn, old_id, port), checkpoint)

    def _run_program(self, phase: str, old_id: str, new_id: str, checkpoint: Checkpoint) -> None:
        command = self._settings.cutover.command
        facts = {
            "CUTOVER_OLD_INSTANCE_ID": old_id,
            "CUTOVER_NEW_INSTANCE_ID": new_id,
            "CUTOVER_PHASE": phase,
        }
        if command and not probes.succeeds(command, facts, _COMMAND_SECONDS, checkpoint.wait):
            raise ActionFailed(STEP, f"CUTOVER_COMMAND failed at {phase}")

    def _ask(self, call: Callable[[], T], checkpoint: Checkpoint) -> T:
        try:
            return persist(call, wait=checkpoint.wait, clock=self._clock, budget=_CALL_SECONDS)
        except AwsError as error:
            raise ActionFailed(STEP, str(error)) from error

    def _has_address(self, allocation_id: str, instance_id: str) -> bool:
        return self._addresses.holder(allocation_id) == instance_id

    def _is_served(self, arn: str, instance_id: str) -> bool:
        return self._targets.health(arn, instance_id) in _SERVING

    def _await(
        self, question: Callable[[str, str], bool], what: str, new_id: str, checkpoint: Checkpoint
    ) -> None:
        until = self._clock.monotonic() + self._settings.readiness_timeout
        while not self._ask(lambda: question(what, new_id), checkpoint):
            if self._clock.monotonic() > until:
                raise ActionFailed(STEP, f"{what} does not lead to the new primary")
            checkpoint.wait(self._settings.ec2_poll_interval)
