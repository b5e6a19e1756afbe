"""Reading and changing the limits of one agent."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.domain.decision_limits import (
    RANGES,
    DecisionLimits,
    limits_from,
    parse_windows,
    windows_to_wire,
)
from backend.errors import InvalidRequest, NotFound, StaleVersion
from backend.repositories import agent_limits, events
from backend.services import audit
from backend.services.callers import Actor


class AgentLimits:
    """The limits that no engine can override. ``client_id`` None is an operator."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, client_id: str | None, agent_id: str) -> DecisionLimits:
        """Return the limits of an agent.

        Raises:
            NotFound: there is no such agent.
        """
        row = self._database.run(
            "find_limits", lambda s: agent_limits.find_limits(s, client_id, agent_id)
        )
        if row is None:
            raise NotFound("Unknown agent", field="agent_id")
        return limits_from(row)

    def change(
        self, client_id: str | None, agent_id: str, changes: Mapping[str, Any], actor: Actor
    ) -> DecisionLimits:
        """Change some limits and return all of them. Idempotent.

        Args:
            client_id: The tenant, or None for an operator.
            agent_id: The agent.
            changes: New values by name; what is not named stays.
            actor: Who does it, for the audit log.

        Raises:
            NotFound: there is no such agent.
            InvalidRequest: a value is out of its range, which the message names.
            StaleVersion: somebody else changed the settings at the same moment.
        """
        _check(changes)
        now = self._clock.now()

        def write(tx: Transaction) -> DecisionLimits:
            row = agent_limits.find_limits(tx, client_id, agent_id)
            if row is None:
                raise NotFound("Unknown agent", field="agent_id")
            merged = {**row, **changes}
            if "maintenance_windows" in changes:
                windows = windows_to_wire(parse_windows(changes["maintenance_windows"] or []))
                merged["maintenance_windows"] = orjson.dumps(windows).decode() if windows else None
            if not agent_limits.update_limits(tx, {**merged, "agent_id": agent_id, "now": now}):
                raise StaleVersion("The settings were changed at the same moment; read them again")
            events.record_event(
                tx,
                event_type="limits_changed",
                message=f"Limits of moves changed by {actor.name}: {', '.join(sorted(changes))}",
                client_id=row["client_id"],
                agent_id=agent_id,
                now=now,
            )
            details = _differences(row, merged, changes)
            if details:
                change = audit.Change(
                    "limits_changed", "agent", agent_id, row["client_id"], details
                )
                audit.record(tx, actor, change, now)
            tx.commit()
            return limits_from(merged)

        return self._database.transact("change_limits", write)


def _differences(
    row: Mapping[str, Any], merged: Mapping[str, Any], names: Iterable[str]
) -> dict[str, Any]:
    return {
        name: {"before": _plain(row[name]), "after": _plain(merged[name])}
        for name in sorted(names)
        if _plain(row[name]) != _plain(merged[name])
    }


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _check(changes: Mapping[str, Any]) -> None:
    if not changes:
        raise InvalidRequest(
            f"Name at least one of {', '.join([*RANGES, 'maintenance_windows'])}", field="body"
        )
    for name, value in changes.items():
        least, most = RANGES.get(name, (None, None))
        if least is None or most is None:
            continue
        if not least <= value <= most:
            raise InvalidRequest(f"{name} must be between {least} and {most}", field=name)
