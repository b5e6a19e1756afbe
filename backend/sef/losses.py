"""What to do about an agent that is silent: who looks after it, or that nobody can. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Resort = Literal["verify", "rescue", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentAgent:
    """A silent agent, and who could look.

    Attributes:
        obstacle: Why nobody acts, by order (frozen, disabled); None when somebody may.
        standby_id: Its living replica of ours.
        has_spec: We know how to launch another one.
        asked_agent_id: Whose primary was asked to look before; None when nobody was.
    """

    agent_id: str
    client_id: str
    instance_id: str
    account_id: str | None
    region: str
    heard_at: datetime
    obstacle: str | None
    replica_id: str | None
    standby_id: str | None
    has_spec: bool
    asked_agent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescuer:
    """A living primary of ours that may be asked."""

    client_id: str
    agent_id: str
    instance_id: str
    account_id: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What is done about a silent agent, and why."""

    agent: SilentAgent
    resort: Resort
    reason: str
    rescuer: Rescuer | None = None


class Rescuers:
    """Hands out rescuers in turn: of the same client, account and region. Not thread-safe."""

    def __init__(self, rescuers: Iterable[Rescuer]) -> None:
        self._waiting: dict[tuple[str, str, str], deque[Rescuer]] = defaultdict(deque)
        for rescuer in rescuers:
            key = (rescuer.client_id, rescuer.account_id, rescuer.region)
            self._waiting[key].append(rescuer)

    def next_for(self, agent: SilentAgent) -> Rescuer | None:
        """Return the rescuer whose turn it is, None when there is none."""
        if agent.account_id is None:
            return None
        line = self._waiting.get((agent.client_id, agent.account_id, agent.region), deque())
        # Whoever was asked in vain is asked again only where there is nobody else.
        chosen = next(
            (r for r in line if r.agent_id not in {agent.agent_id, agent.asked_agent_id}), None
        ) or next((r for r in line if r.agent_id != agent.agent_id), None)
        if chosen is not None:
            line.remove(chosen)
            line.append(chosen)
        return chosen


def look_again(agent: SilentAgent, rescuers: Rescuers) -> Response:
    """Decide who looks at an instance that the first one who was asked has not seen."""
    rescuer = rescuers.next_for(agent) if agent.has_spec and agent.obstacle is None else None
    if rescuer is None:
        return Response(agent=agent, resort="none", reason=agent.obstacle or "no_rescuer")
    return Response(agent=agent, resort="rescue", reason="looked_again", rescuer=rescuer)


def respond(agent: SilentAgent, rescuers: Rescuers) -> Response:
    """Decide who looks after a silent agent."""
    if agent.obstacle is not None:
        return Response(agent=agent, resort="none", reason=agent.obstacle)
    if agent.standby_id is not None:
        return Response(agent=agent, resort="verify", reason="replica_looks")
    rescuer = rescuers.next_for(agent) if agent.has_spec else None
    if rescuer is None:
        return Response(agent=agent, resort="none", reason="no_rescuer")
    return Response(agent=agent, resort="rescue", reason="rescuer_looks", rescuer=rescuer)
