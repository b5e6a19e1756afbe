"""This host as EC2 sees it, read when it is needed and kept for a while."""

from __future__ import annotations

import threading

from agent.aws.ec2 import Ec2
from agent.clock import Clock
from agent.identity import Identity
from agent.launch_spec import LaunchSpec, read_launch_spec

_FRESH_SECONDS = 60.0


class OwnHost:
    """Knows the launch spec. Thread-safe; a reading is shared by whoever asks within a minute."""

    def __init__(self, identity: Identity, ec2: Ec2, clock: Clock) -> None:
        self._identity = identity
        self._ec2 = ec2
        self._clock = clock
        self._lock = threading.Lock()
        self._spec: LaunchSpec | None = None
        self._read_at = 0.0

    def read(self) -> LaunchSpec:
        """Return the launch spec, at most a minute old.

        Raises:
            AwsError: EC2 cannot be asked.
        """
        with self._lock:
            now = self._clock.monotonic()
            if self._spec is None or now - self._read_at > _FRESH_SECONDS:
                identity = self._identity
                self._spec = read_launch_spec(self._ec2, identity.instance_id, identity.region)
                self._read_at = now
            return self._spec

    def tags(self) -> dict[str, str]:
        """Return this host's tags as EC2 has them now.

        Raises:
            AwsError: EC2 cannot be asked.
        """
        own = self._ec2.find(self._identity.instance_id)
        return dict(own.tags) if own is not None else {}
