"""Is the new instance fit to take over? EC2's own checks, then whatever the user configured."""

from __future__ import annotations

from collections.abc import Callable

from agent import probes
from agent.actions.queue import Checkpoint
from agent.aws.ec2 import Ec2
from agent.aws.instances import Instance
from agent.backend_client.retry import persist
from agent.clock import Clock
from agent.config import Settings
from agent.errors import ActionFailed

_COMMAND_SECONDS = 30.0


class Readiness:
    """Waits for a new instance, step by step; every wait is bounded and can be interrupted."""

    def __init__(self, settings: Settings, ec2: Ec2, clock: Clock) -> None:
        self._settings = settings
        self._ec2 = ec2
        self._clock = clock

    def await_running(self, instance_id: str, checkpoint: Checkpoint) -> Instance:
        """Wait until EC2 says running, and return the instance.

        Raises:
            ActionFailed: it ends instead, or takes longer than LAUNCH_TIMEOUT.
        """
        found: list[Instance] = []

        def is_running() -> bool:
            instance = self._ec2.find(instance_id)
            if instance is not None and (instance.has_ended or instance.state.startswith("stop")):
                raise ActionFailed("running", f"{instance_id} is {instance.state}")
            found[:] = [instance] if instance is not None else []
            return instance is not None and instance.state == "running"

        self._await("running", is_running, self._settings.launch_timeout, checkpoint)
        return found[0]

    def await_status_checks(self, instance_id: str, checkpoint: Checkpoint) -> None:
        """Wait until EC2's status checks pass.

        Raises:
            ActionFailed: they take longer than READINESS_TIMEOUT, or the instance ends.
        """

        def is_ok() -> bool:
            if self._ec2.passes_status_checks(instance_id):
                return True
            instance = self._ec2.find(instance_id)
            if instance is None or instance.has_ended:
                raise ActionFailed("status_checks", f"{instance_id} has ended")
            return False

        self._await("status_checks", is_ok, self._settings.readiness_timeout, checkpoint)

    def await_program(self, instance_id: str, address: str, checkpoint: Checkpoint) -> None:
        """Wait until the configured probes succeed; at once when there are none.

        Raises:
            ActionFailed: they take longer than READINESS_TIMEOUT.
        """
        settings = self._settings

        def is_ready() -> bool:
            facts = {"NEW_INSTANCE_ID": instance_id, "NEW_PRIVATE_IP": address}
            return (
                (
                    not settings.readiness_tcp_port
                    or probes.accepts_connections(address, settings.readiness_tcp_port)
                )
                and (
                    settings.readiness_http_url is None
                    or probes.answers_well(settings.readiness_http_url.replace("{ip}", address))
                )
                and (
                    settings.readiness_command is None
                    or probes.succeeds(
                        settings.readiness_command, facts, _COMMAND_SECONDS, checkpoint.wait
                    )
                )
            )

        self._await("readiness", is_ready, settings.readiness_timeout, checkpoint)

    def _await(
        self, step: str, question: Callable[[], bool], seconds: float, checkpoint: Checkpoint
    ) -> None:
        until = self._clock.monotonic() + seconds
        while not persist(question, wait=checkpoint.wait, clock=self._clock, budget=seconds):
            if self._clock.monotonic() > until:
                raise ActionFailed(step, f"not after {seconds:g} s")
            checkpoint.wait(self._settings.ec2_poll_interval)
