"""What becomes of a replaced host that still runs and that nobody is told to end. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from backend.domain.commands import NATIVE_PROTOCOL

MOST_ATTEMPTS: Final = 5
# Its own agent speaks: it lives. An inventory closes what does not, within the hour.
HEARD_WITHIN: Final = timedelta(minutes=5)

Remedy = Literal["retire", "tell", "leave"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenHost:
    """A replaced host that the books show as running.

    Attributes:
        is_undone: It was launched for a switch that failed; else it was primary once.
        ends_old_hosts: The agent's setting ``auto_terminate_enabled``.
        is_noticed: EC2 gave notice of it, and should have ended it.
        heard_at: The last word of the agent on it.
        primary_protocol: What the present primary speaks; None without a primary.
        attempts: How often its end was ordered.
    """

    is_undone: bool
    ends_old_hosts: bool
    is_noticed: bool
    is_agent_deleted: bool
    heard_at: datetime | None
    primary_protocol: int | None
    attempts: int


def remedy_for(host: ForgottenHost, *, now: datetime) -> Remedy:
    """Say whether the host is to be ended, or an operator to be told, or neither.

    Old hosts stay where the user wants them to; only what EC2 announced to end, and did not, is
    worth a word then.
    """
    is_heard = host.heard_at is not None and now - host.heard_at <= HEARD_WITHIN
    if host.is_undone or host.ends_old_hosts:
        is_able = host.primary_protocol is not None and host.primary_protocol >= NATIVE_PROTOCOL
        if is_able and not host.is_agent_deleted and host.attempts < MOST_ATTEMPTS:
            return "retire"
        return "tell" if is_heard or host.attempts else "leave"
    return "tell" if host.is_noticed and is_heard else "leave"
