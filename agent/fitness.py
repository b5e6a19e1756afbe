"""Is this host itself fit to take over? EC2's checks, then whatever the user configured."""

from __future__ import annotations

from collections.abc import Callable

from agent import probes
from agent.aws.ec2 import Ec2
from agent.config import Settings
from agent.identity import Identity

_COMMAND_SECONDS = 30.0


class Fitness:
    """Looks at this host as a launcher looks at a new one; EC2's checks need to pass only once."""

    def __init__(self, settings: Settings, identity: Identity, ec2: Ec2) -> None:
        self._settings = settings
        self._identity = identity
        self._ec2 = ec2
        self._has_passed = False

    def is_given(self, wait: Callable[[float], None]) -> bool:
        """Tell whether everything that is configured says yes; ``wait`` is for the user's program.

        Raises:
            AwsError: EC2 cannot be asked.
        """
        settings, own = self._settings, self._identity
        if not self._has_passed:
            self._has_passed = self._ec2.passes_status_checks(own.instance_id)
        address = own.private_ip or "127.0.0.1"
        if not self._has_passed:
            return False
        if settings.readiness_tcp_port and not probes.accepts_connections(
            address, settings.readiness_tcp_port
        ):
            return False
        url, command = settings.readiness_http_url, settings.readiness_command
        if url is not None and not probes.answers_well(url.replace("{ip}", address)):
            return False
        facts = {"NEW_INSTANCE_ID": own.instance_id, "NEW_PRIVATE_IP": address}
        return command is None or probes.succeeds(command, facts, _COMMAND_SECONDS, wait)
