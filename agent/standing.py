"""What an instance is to its agent, as the backend last said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RETIRED = frozenset({"superseded", "terminated"})
_REPORTERS = frozenset({"primary", "successor", "replica"})


@dataclass(frozen=True)
class Standing:
    """What the backend last said. ``is_classic`` marks a backend without roles and epochs."""

    agent_id: str | None = None
    client_id: str | None = None
    role: str = "candidate"
    epoch: int = 0
    enabled: bool = False
    is_classic: bool = False
    config_version: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    primary_instance_id: str | None = None
    gave_way_at: int | None = None  # the epoch in which this host fenced itself

    @property
    def has_given_way(self) -> bool:
        """Whether this host has handed over by itself, and the backend has yet to follow."""
        return self.gave_way_at == self.epoch

    @property
    def is_retired(self) -> bool:
        """Whether another instance has taken this one's place: it must not act."""
        return self.role in RETIRED or self.has_given_way

    @property
    def may_report(self) -> bool:
        """Whether prices of this instance are wanted."""
        return self.enabled and self.role in _REPORTERS

    @property
    def is_acting_primary(self) -> bool:
        """Whether this instance acts for its agent."""
        return self.enabled and self.role == "primary"
