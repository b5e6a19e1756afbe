"""What agents send when their instance is in danger."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, ValidationInfo

from backend.api.agent.schemas import AgentPath, Fact64, Fact255, InstanceId, Tolerant, known
from backend.domain.instants import parse_instant


def _instant(value: object, info: ValidationInfo) -> object:
    if isinstance(value, str) and known(value) is not None:
        return parse_instant(value, field=info.field_name or "timestamp")
    return known(value)


# As elsewhere, and an unreadable one is refused by the name of its field.
Instant = Annotated[datetime | None, BeforeValidator(_instant)]

SignalName = Literal["rebalance-recommendation", "termination-notice"]


class EventPath(AgentPath):
    """An interruption event of an agent in a path."""

    event_id: str = Field(max_length=36)


class InterruptionBody(Tolerant):
    """POST /api/agents/{agent_id}/interruption (agents of ours)."""

    instance_id: InstanceId
    signal: SignalName
    notice_time: Instant = None
    action: Literal["terminate", "stop", "hibernate"] | None = None
    detected_at: Instant = None
    is_drill: StrictBool = False


class FindingsBody(Tolerant):
    """POST /api/agents/{agent_id}/interruptions/{event_id}/findings."""

    instance_id: InstanceId
    state: Literal["running", "stopped", "terminated", "missing", "unknown"]
    checked_at: Instant = None


class TerminationBody(Tolerant):
    """POST /api/agents/{agent_id}/termination; whatever else it says is kept."""

    model_config = ConfigDict(extra="allow")

    reason: Fact255 = None
    instance_id: Fact64 = None

    @property
    def details(self) -> dict[str, Any]:
        """What the host said besides."""
        said = self.model_extra or {}
        return {str(name)[:64]: str(value)[:500] for name, value in list(said.items())[:20]}


class RebalanceBody(Tolerant):
    """POST /api/agents/{agent_id}/rebalance-recommendation (installed agents)."""

    instance_id: Fact64 = None
    detected_at: Instant = None


class EmergencyReplicaBody(Tolerant):
    """POST /api/agents/{agent_id}/create-emergency-replica (installed agents)."""

    signal_type: SignalName
    instance_id: Fact64 = None
    termination_time: Instant = None


class TerminationImminentBody(Tolerant):
    """POST /api/agents/{agent_id}/termination-imminent (installed agents)."""

    instance_id: Fact64 = None
    termination_time: Instant = None
    time: Instant = None
    detected_at: Instant = None

    @property
    def deadline(self) -> datetime | None:
        """When EC2 takes the instance, in whichever field it was sent."""
        return self.termination_time or self.time
