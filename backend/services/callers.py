"""Who is calling: the values that authentication hands to the rest of the program."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Scope(StrEnum):
    """What a client token may do: speak as an agent, as a client's user, or both."""

    AGENT = "agent"
    USER = "user"
    BOTH = "both"


class Role(StrEnum):
    """What an operator may do; each role includes the ones before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that ``other`` may do."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class ClientCaller:
    """An agent or a user of one client, known by a token."""

    client_id: str
    client_name: str
    token_id: str
    scope: Scope
    client_email: str | None = None


@dataclass(frozen=True, slots=True)
class OperatorCaller:
    """An operator, known by a browser session or by an API key."""

    operator_id: str
    username: str
    role: Role
    via: Literal["session", "api_key"]


Caller = ClientCaller | OperatorCaller


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of a change, as the audit log records it."""

    kind: Literal["operator", "client", "cli", "system"]
    name: str
    id: str | None = None
    remote_address: str | None = None
    request_id: str | None = None
