"""Promotions: the one write that makes a standby the primary."""

from backend.db.session import Params, Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def find_promotion_facts(
    session: Session, *, client_id: str, agent_id: str, replica_id: str, event_id: str | None
) -> Row | None:
    """Return what a promotion is judged on; None when the client has no such agent.

    ``replica_id`` and ``event_id`` of the row are None when the agent has no such thing.
    """
    return session.row(
        _SQL["find_promotion_facts"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "replica_id": replica_id,
            "event_id": event_id,
        },
    )


def find_switch_to(session: Session, agent_id: str, instance_id: str) -> str | None:
    """Return the id of the switch that made this instance the primary."""
    row = session.row(_SQL["find_switch_to"], {"agent_id": agent_id, "instance_id": instance_id})
    return row["id"] if row else None


def promote_replica(session: Session, params: Params) -> bool:
    """Move the primary; False when what it was judged on has changed.

    The parameters are those of the procedure. Needs an autocommit session: it is sealed.
    """
    row = session.row(_SQL["promote_replica"], params)
    return bool(row and row["applied"])
