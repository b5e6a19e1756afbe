"""What is known of an agent as a whole."""

from enum import StrEnum


class AgentStatus(StrEnum):
    """Whether an agent's primary is heard; a deleted agent is heard no more."""

    ONLINE = "online"
    OFFLINE = "offline"
    DELETED = "deleted"
