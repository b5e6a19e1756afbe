"""For whom a launch is made: what it copies, the tags it carries and is found again by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.actions.plans import MANAGED_BY
from agent.identity import Identity
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


def replica_marks(replica_id: str, logical_agent_id: str) -> dict[str, str]:
    """Return the tags by which a replica's one launch is found again, whoever made it."""
    return {"ReplicaId": replica_id, "LogicalAgentId": logical_agent_id}


def for_notice(
    facts: Mapping[str, Any],
    *,
    notice_key: str,
    client_id: str | None,
    identity: Identity,
    read_spec: Callable[[], LaunchSpec],
) -> Assignment:
    """Return what a noticed host launches; ``facts`` name the order that it launches for, if any.

    Such an order may have come as a command before, and that one have launched already: then it
    is found by the marks of its replica. Without an order only the notice is a mark.
    """
    own = identity.instance_id
    tags = {
        **(facts.get("tags") or {}),
        **ownership(client_id, identity.logical_agent_id, own),
        "EventKey": notice_key,
    }
    found_by = {"EventKey": notice_key, "LaunchedBy": own}
    if facts.get("replica_id"):
        found_by = replica_marks(str(facts["replica_id"]), identity.logical_agent_id)
    return Assignment(found_by, {**tags, **found_by}, read_spec)
