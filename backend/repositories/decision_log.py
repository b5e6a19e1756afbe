"""Decisions as they were made, with their grounds, and what really happened afterwards."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)
_SCORE = (
    "client_id",
    "agent_id",
    "instance_id",
    "present_pool_id",
    "risk_score",
    "action",
    "recommended_mode",
    "target_pool_id",
    "saving",
    "allowed",
    "reason",
    "model_version",
)


def insert_decisions(
    session: Session,
    decisions: Sequence[Row],
    *,
    trigger_source: str,
    execution_time_ms: int,
    now: datetime,
) -> None:
    """Write decisions and risk scores of one instant. Idempotent by agent and instant.

    Agents that are gone meanwhile are left out.
    """
    # JSON_TABLE walks the whole document for each column: the scores get a short one.
    scores = [{name: row[name] for name in _SCORE} for row in decisions]
    session.run(_SQL["insert_scores"], {"decisions": orjson.dumps(scores).decode(), "now": now})
    session.run(
        _SQL["insert_decisions"],
        {
            "decisions": orjson.dumps(decisions).decode(),
            "trigger_source": trigger_source,
            "execution_time_ms": execution_time_ms,
            "now": now,
        },
    )


def list_recent(session: Session, agent_ids: Sequence[str], *, since: datetime) -> list[Row]:
    """Return at most five decisions of each of these agents since an instant, newest first."""
    agents = orjson.dumps(list(agent_ids)).decode()
    return session.rows(_SQL["list_recent"], {"agents": agents, "since": since})


def label_outcomes(session: Session, *, since: datetime, until: datetime, now: datetime) -> int:
    """Write what became of the decisions made in (since, until]; return how many were labelled.

    Idempotent; what is still under way is left for a later call. ``until`` is at least an hour
    before ``now``.
    """
    span = {"since": since, "until": until}
    scores = session.run(_SQL["label_scores"], span)
    decisions = session.run(_SQL["label_decisions"], {**span, "now": now})
    session.run(_SQL["label_prices"], span)
    return scores + decisions


def list_calibration(session: Session, *, since: datetime) -> list[Row]:
    """Return, for each tenth of the risk score, how many there were and the share that was lost."""
    return session.rows(_SQL["list_calibration"], {"since": since})
