"""Which agent's instance is meant, when a call names an instance only."""

from backend.db.session import Row, Session
from backend.errors import Conflict, NotFound
from backend.repositories import instances


def find_owner(session: Session, client_id: str | None, instance_id: str) -> Row:
    """Return the ``agent_id`` and ``client_id`` of an instance; of several agents, its primary's.

    Args:
        session: Any session.
        client_id: The tenant; None for operators, who look through every tenant.
        instance_id: The instance.

    Raises:
        NotFound: it is nobody's, or another tenant's.
        Conflict: several tenants claim it, and which is meant only a person knows.
    """
    rows = instances.list_agents_of_instance(session, client_id, instance_id)
    if not rows:
        raise NotFound("Unknown instance", field="instance_id")
    claimants = sorted({row["client_id"] for row in rows})
    if len(claimants) > 1:
        raise Conflict(
            "Several clients claim this instance; name one with client_id",
            field="instance_id",
            client_ids=claimants,
        )
    return rows[0]
