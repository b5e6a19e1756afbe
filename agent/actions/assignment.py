"""For whom a launch is made: what it copies, the tags it carries and is found again by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.actions.plans import MANAGED_BY
from agent.launch_spec import LaunchSpec


@dataclass(frozen=True)
class Assignment:
    """One launch. ``found_by`` are those of the tags that no other launch carries."""

    found_by: Mapping[str, str]
    tags: Mapping[str, str] = field(repr=False)
    read_spec: Callable[[], LaunchSpec]


def ownership(client_id: str | None, logical_agent_id: str, launched_by: str) -> dict[str, str]:
    """Return the tags that say whose an instance is; what is not known is left out."""
    tags = {
        "ManagedBy": MANAGED_BY,
        "ClientId": client_id or "",
        "LogicalAgentId": logical_agent_id,
        "LaunchedBy": launched_by,
    }
    return {name: value for name, value in tags.items() if value}
