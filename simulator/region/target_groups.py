"""Target groups of a load balancer: which instances it would send traffic to."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from simulator.errors import AwsError
from simulator.region.catalog import ACCOUNT_ID, APP_VPC
from simulator.region.region import Region

HEALTHY_AFTER = timedelta(seconds=1)  # from registration; a real one takes two health checks
DEFAULT_PORT = 80


class Target(NamedTuple):
    """An instance and a port of it."""

    instance_id: str
    port: int


@dataclass(slots=True, kw_only=True)
class TargetGroup:
    """A group and its targets, each with the instant of its registration."""

    arn: str
    name: str
    port: int = DEFAULT_PORT
    vpc_id: str = APP_VPC
    targets: dict[Target, datetime] = field(default_factory=dict)


class TargetGroups:
    """All groups of the region; it takes the region's lock."""

    def __init__(self, region: Region) -> None:
        self._region = region
        self._groups: dict[str, TargetGroup] = {}
        region.on_end(self._on_end)

    def create(self, name: str) -> TargetGroup:
        """Make an empty group, as a user does in the console."""
        with self._region.lock:
            digits = self._region.ids.make("tg").removeprefix("tg-0")
            home = f"arn:aws:elasticloadbalancing:{self._region.catalog.region}:{ACCOUNT_ID}"
            group = TargetGroup(arn=f"{home}:targetgroup/{name}/{digits}", name=name)
            self._groups[group.arn] = group
            return group

    def all(self) -> list[TargetGroup]:
        """Return every group, oldest first."""
        with self._region.lock:
            return list(self._groups.values())

    def get(self, arn: str) -> TargetGroup:
        """Return a group.

        Raises:
            AwsError: TargetGroupNotFound.
        """
        if arn not in self._groups:
            raise AwsError("TargetGroupNotFound", f"Target groups '{arn}' not found")
        return self._groups[arn]

    def register(self, arn: str, targets: list[Target]) -> None:
        """Send traffic to these too, all or none. Idempotent.

        Raises:
            AwsError: TargetGroupNotFound, or InvalidTarget for an instance that does not run.
        """
        with self._region.lock:
            group, now = self.get(arn), self._region.clock.now()
            for target in targets:
                instance = self._region.instances.get(target.instance_id)
                if instance is None or instance.state(now) != "running":
                    raise AwsError(
                        "InvalidTarget",
                        "The following targets are not in a running state and cannot be "
                        f"registered: '{target.instance_id}'",
                    )
            for target in targets:
                group.targets.setdefault(target, now)
            self._note(group, now)

    def deregister(self, arn: str, targets: list[Target]) -> None:
        """Send no traffic to these any more. Idempotent; without port all ports were meant.

        Raises:
            AwsError: TargetGroupNotFound.
        """
        with self._region.lock:
            group = self.get(arn)
            for target in targets:
                group.targets.pop(target, None)
            self._note(group, self._region.clock.now())

    def health(self, arn: str, target: Target) -> tuple[str, str | None]:
        """Return a target's state and the reason of it, None when it is healthy.

        Raises:
            AwsError: TargetGroupNotFound.
        """
        with self._region.lock:
            since = self.get(arn).targets.get(target)
            now = self._region.clock.now()
            if since is None:
                return "unused", "Target.NotRegistered"
            if not self._region.instances[target.instance_id].is_live:
                return "unused", "Target.InvalidState"
            if now < since + HEALTHY_AFTER:
                return "initial", "Elb.RegistrationInProgress"
            return "healthy", None

    def _note(self, group: TargetGroup, now: datetime) -> None:
        live = (
            t.instance_id for t in group.targets if self._region.instances[t.instance_id].is_live
        )
        self._region.traffic.note(now, group.arn, frozenset(live))

    def _on_end(self, instance_id: str) -> None:
        """Note that traffic to an ended instance goes nowhere; it stays registered, as in AWS."""
        for group in self._groups.values():
            if any(target.instance_id == instance_id for target in group.targets):
                self._note(group, self._region.clock.now())
