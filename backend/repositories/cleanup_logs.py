"""Clean-up logs: which snapshots and images an agent removed."""

from datetime import datetime

from backend.db.session import Session
from backend.db.statements import beside

_SQL = beside(__file__)


def record_cleanup(
    session: Session,
    *,
    client_id: str,
    agent_id: str,
    executed_at: datetime,
    deleted_snapshot_count: int,
    deleted_image_count: int,
    failed_count: int,
    report: str,
    now: datetime,
) -> bool:
    """Keep one run; False when this run (same agent, same time) is kept already.

    ``report`` is the JSON text of what the agent sent.
    """
    params = {
        "client_id": client_id,
        "agent_id": agent_id,
        "executed_at": executed_at,
        "deleted_snapshot_count": deleted_snapshot_count,
        "deleted_image_count": deleted_image_count,
        "failed_count": failed_count,
        "report": report,
        "now": now,
    }
    return session.run(_SQL["record_cleanup"], params) == 1
