"""Who this instance is; read once, because EC2 never changes it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace

from agent.errors import ImdsUnavailable
from agent.imds import Imds

logger = logging.getLogger(__name__)

LAUNCH_TAGS = (
    "ClientId", "LogicalAgentId", "CommandId", "ReplicaId", "LaunchedBy", "EventKey"
)  # fmt: skip
_MODES = {
    "spot": "spot",
    "on-demand": "ondemand",
    "scheduled": "ondemand",
    "capacity-block": "ondemand",
}


@dataclass(frozen=True)
class Identity:
    """The facts of one instance. ``mode`` is spot, ondemand or unknown; ``pool_id`` its pool.

    ``tags`` is None while the metadata service does not offer them.
    """

    instance_id: str
    instance_type: str
    az: str
    region: str
    ami_id: str | None
    az_id: str | None
    account_id: str | None
    mode: str
    private_ip: str | None
    public_ip: str | None
    hostname: str
    tags: Mapping[str, str] | None
    logical_agent_id: str

    @property
    def pool_id(self) -> str:
        """The pool's name on the wire."""
        return f"{self.instance_type}.{self.az}"

    @property
    def launch_tags(self) -> dict[str, str]:
        """The tags that one of our launches put on this instance."""
        tags = self.tags or {}
        return {name: tags[name] for name in LAUNCH_TAGS if tags.get(name)}

    def with_tags(self, tags: Mapping[str, str], logical_agent_id: str | None) -> Identity:
        """Return this identity with tags that were learned from EC2 itself."""
        name = logical_agent_id or tags.get("LogicalAgentId") or self.instance_id
        return replace(self, tags=dict(tags), logical_agent_id=name)


def read_identity(imds: Imds, logical_agent_id: str | None, region: str | None) -> Identity:
    """Read the identity from instance metadata.

    Args:
        imds: The metadata service.
        logical_agent_id: The configured name; without it the launch tag, then the instance id.
        region: The configured region, used only where the metadata does not tell.

    Raises:
        ImdsUnavailable: this is no EC2 instance, or the service does not answer.
    """
    document = imds.get_json("dynamic/instance-identity/document") or {}
    instance_id = _required(imds, "instance-id")
    az = _required(imds, "placement/availability-zone")
    tags = imds.tags()
    return Identity(
        instance_id=instance_id,
        instance_type=_required(imds, "instance-type"),
        az=az,
        region=_region(imds, document.get("region"), region),
        ami_id=imds.get("meta-data/ami-id"),
        az_id=imds.get("meta-data/placement/availability-zone-id"),
        account_id=document.get("accountId"),
        mode=_MODES.get(imds.get("meta-data/instance-life-cycle") or "", "unknown"),
        private_ip=imds.get("meta-data/local-ipv4"),
        public_ip=imds.get("meta-data/public-ipv4"),
        hostname=socket.gethostname(),
        tags=tags,
        logical_agent_id=logical_agent_id or (tags or {}).get("LogicalAgentId") or instance_id,
    )


def _required(imds: Imds, item: str) -> str:
    value = imds.get(f"meta-data/{item}")
    if not value:
        raise ImdsUnavailable(f"Metadata has no {item}")
    return value


def _region(imds: Imds, documented: str | None, configured: str | None) -> str:
    """The instance knows better than a file that was copied from another region's host."""
    real = imds.get("meta-data/placement/region") or documented or configured
    if not real:
        raise ImdsUnavailable("Metadata has no region, and AWS_REGION is not set")
    if configured and configured != real:
        logger.warning(
            "AWS_REGION says %s, this instance is in %s: the instance is right",
            configured,
            real,
            extra={"action": "region_corrected", "configured": configured, "region": real},
        )
    return real
