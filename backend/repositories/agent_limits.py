"""The limits of voluntary moves, agent by agent."""

from backend.db.database import Transaction
from backend.db.session import Params, Row, Session
from backend.db.statements import beside
from backend.repositories import news

_SQL = beside(__file__)


def find_limits(session: Session, client_id: str | None, agent_id: str) -> Row | None:
    """Return an agent's limits with the version of its settings; ``client_id`` None: anybody's."""
    return session.row(_SQL["find_limits"], {"client_id": client_id, "agent_id": agent_id})


def update_limits(tx: Transaction, params: Params) -> bool:
    """Write new limits and make the agent's next sync look; False when the version has moved on."""
    news.tell_news(tx, params["agent_id"])
    return tx.run(_SQL["update_limits"], params) == 1
