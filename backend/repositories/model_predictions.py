"""What the live model said of pools, and whether a loss followed."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from backend.db.session import Row, Session
from backend.db.statements import beside

_SQL = beside(__file__)


def insert_predictions(
    session: Session,
    predictions: Sequence[Row],
    *,
    model_version: str,
    horizon_minutes: int,
    now: datetime,
) -> None:
    """Write what one model said of pools at one instant. Idempotent by client, pool and instant."""
    session.run(
        _SQL["insert_predictions"],
        {
            "predictions": orjson.dumps(predictions).decode(),
            "model_version": model_version,
            "horizon_minutes": horizon_minutes,
            "now": now,
        },
    )


def label_predictions(session: Session, *, since: datetime, until: datetime) -> int:
    """Write the outcomes of predictions whose time ended in (since, until]; return how many.

    Idempotent: what has an outcome keeps it.
    """
    return session.run(_SQL["label_predictions"], {"since": since, "until": until})


def list_judged(session: Session, *, since: datetime) -> list[Row]:
    """Return counts and sums by model, horizon and tenth of the chance, of known outcomes."""
    return session.rows(_SQL["list_judged"], {"since": since})
