"""Look for clients, agents and instances by a part of their names."""

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def like_pattern(text: str) -> str:
    """Return the LIKE pattern (escape character ``!``) for texts that contain ``text``."""
    escaped = text.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def find_all(
    session: Session, *, client_id: str | None, text: str, limit: int
) -> tuple[list[Row], list[Row], list[Row]]:
    """Return clients, agents and instances that match, at most ``limit`` of each."""
    params = {"client_id": client_id, "pattern": like_pattern(text), "limit": limit}
    return (
        session.rows(_SQL["find_clients"], params),
        session.rows(_SQL["find_agents"], params),
        session.rows(_SQL["find_instances"], params),
    )
