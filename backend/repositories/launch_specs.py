"""Launch specs: how to launch another instance of an agent."""

from datetime import datetime

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def save_launch_spec(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    instance_id: str,
    spec: str,
    user_data_encrypted: str | None,
    spec_hash: str,
    now: datetime,
) -> None:
    """Keep the newest description; ``spec`` is JSON text without user data, the hash is hex."""
    session.run(
        _SQL["save_launch_spec"],
        {
            "client_id": client_id,
            "agent_id": agent_id,
            "instance_id": instance_id,
            "spec": spec,
            "user_data_encrypted": user_data_encrypted,
            "spec_hash": spec_hash,
            "now": now,
        },
    )


def find_launch_spec(session: Session, client_id: str, agent_id: str) -> Row | None:
    """Return the agent's launch spec; its user data is encrypted."""
    return session.row(_SQL["find_launch_spec"], {"client_id": client_id, "agent_id": agent_id})
