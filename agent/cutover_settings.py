"""What moves to the new primary when it takes over; each part is optional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.environment import Environment
from agent.errors import ConfigError

_ADDRESS, _GROUP = "eipalloc-", "arn:"


@dataclass(frozen=True)
class CutoverSettings:
    """An Elastic IP, target groups of load balancers, and a program of the user."""

    allocation_id: str | None = None
    target_group_arns: Sequence[str] = ()
    target_port: int | None = None
    command: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to move."""
        return not (self.allocation_id or self.target_group_arns or self.command)


def read_cutover(read: Environment) -> CutoverSettings:
    """Read the CUTOVER_ variables.

    Raises:
        ConfigError: names the variable, and what is allowed.
    """
    allocation_id = read.text("CUTOVER_ELASTIC_IP_ALLOCATION_ID")
    if allocation_id is not None and not allocation_id.startswith(_ADDRESS):
        raise ConfigError("CUTOVER_ELASTIC_IP_ALLOCATION_ID: must be an id such as eipalloc-0a1b")
    listed = (read.text("CUTOVER_TARGET_GROUP_ARNS") or "").split(",")
    groups = tuple(dict.fromkeys(arn.strip() for arn in listed if arn.strip()))
    if not all(arn.startswith(_GROUP) and ":targetgroup/" in arn for arn in groups):
        raise ConfigError("CUTOVER_TARGET_GROUP_ARNS: must be ARNs of target groups, with commas")
    return CutoverSettings(
        allocation_id=allocation_id,
        target_group_arns=groups,
        target_port=read.whole("CUTOVER_TARGET_PORT", 0, 65_535) or None,
        command=read.text("CUTOVER_COMMAND"),
    )
