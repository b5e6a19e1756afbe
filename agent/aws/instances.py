"""An instance as EC2 describes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ENDED = frozenset({"shutting-down", "terminated"})


@dataclass(frozen=True)
class Instance:
    """One instance as EC2 describes it; ``raw`` is the whole description."""

    instance_id: str
    state: str
    instance_type: str
    az: str
    mode: str
    ami_id: str | None
    launched_at: datetime | None
    private_ip: str | None
    tags: Mapping[str, str]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def has_ended(self) -> bool:
        """Whether it is gone or going, with no way back."""
        return self.state in ENDED


def tags_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags of anything that EC2 describes."""
    pairs: Sequence[Mapping[str, str]] = raw.get("Tags") or ()
    return {pair["Key"]: pair["Value"] for pair in pairs}


def parse_instance(raw: Mapping[str, Any]) -> Instance:
    """Read one instance of a DescribeInstances or RunInstances answer."""
    return Instance(
        instance_id=raw["InstanceId"],
        state=raw["State"]["Name"],
        instance_type=raw["InstanceType"],
        az=raw["Placement"]["AvailabilityZone"],
        mode="spot" if raw.get("InstanceLifecycle") == "spot" else "ondemand",
        ami_id=raw.get("ImageId"),
        launched_at=raw.get("LaunchTime"),
        private_ip=raw.get("PrivateIpAddress"),
        tags=tags_of(raw),
        raw=raw,
    )
