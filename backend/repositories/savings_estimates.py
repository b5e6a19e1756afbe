"""What switches have saved, estimated from the switches themselves."""

from datetime import datetime
from decimal import Decimal

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def sum_savings(
    session: Session,
    *,
    client_id: str | None = None,
    agent_id: str | None = None,
    instance_id: str | None = None,
    since: datetime,
) -> dict[str, Decimal]:
    """Return USD by client; a client without a switch of known price is absent.

    Args:
        session: Any session.
        client_id: Only this client.
        agent_id: Only this agent.
        instance_id: Only switches to this instance.
        since: Hours before this instant do not count.
    """
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "instance_id": instance_id,
        "since": since,
    }
    return {r["client_id"]: r["savings_usd"] for r in session.rows(_SQL["sum_savings"], params)}
