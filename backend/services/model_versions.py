"""Which version is live: activation, the one-step return, sessions and history."""

from datetime import datetime
from typing import Any

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.models import MODEL_MACHINE, ModelStatus
from backend.engines.model_bytes import ModelBytes
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.errors import Conflict, NotFound, UniqueViolation
from backend.repositories import events, models
from backend.services import audit
from backend.services.callers import Actor


class ModelVersions:
    """Changes what is live, all kinds of an upload at once or none."""

    def __init__(
        self, database: Database, clock: Clock, content: ModelBytes, scorer: ScorerClient
    ) -> None:
        self._database = database
        self._clock = clock
        self._content = content
        self._scorer = scorer

    def activate(self, session_id: str, actor: Actor) -> list[Row]:
        """Make the models of an upload live; what was live becomes the fallback.

        The bytes are fetched, checked by their hash and scored once more before anything changes.
        Repeating it is no error.

        Raises:
            NotFound: there is no such upload.
            Conflict: it was rejected or archived, or somebody else is activating.
            ModelRefused: it no longer loads or repeats its golden values; nothing has changed.
            ScorerUnavailable: there is no scorer to try it with.
        """
        rows = self._database.run(
            "list_session_models", lambda s: models.list_session_models(s, session_id)
        )
        if not rows:
            raise NotFound("There is no such upload", session_id=session_id)
        if all(row["status"] == ModelStatus.LIVE for row in rows):
            return rows
        for row in rows:
            if row["status"] not in (ModelStatus.VERIFIED, ModelStatus.FALLBACK, ModelStatus.LIVE):
                MODEL_MACHINE.step(ModelStatus(row["status"]), ModelStatus.LIVE)
        self._try(rows)
        return self._change(rows, "ml_models_activated", "info", actor)

    def fall_back(self, actor: Actor) -> tuple[str, list[Row]]:
        """Return to the version before; the present one becomes the fallback.

        Returns:
            The upload that serves again, and its models.

        Raises:
            NotFound: there is nothing to return to.
            ModelRefused, ScorerUnavailable: as ``activate``.
        """
        rows = [
            row
            for row in self._database.run("list_serving_models", models.list_serving)
            if row["status"] == ModelStatus.FALLBACK
        ]
        if not rows:
            raise NotFound("There is no earlier version to return to")
        self._try(rows)
        newest = max(rows, key=lambda row: (row["activated_at"], row["id"]))
        return str(newest["session_id"]), self._change(rows, "ml_models_rollback", "warning", actor)

    def sessions(self, *, with_history: bool = False) -> list[Row]:
        """Return the uploads, newest first: at most 10, or 100 with rejected and archived ones."""
        return self._database.run(
            "list_model_sessions", lambda s: models.list_sessions(s, with_history=with_history)
        )

    def versions(self) -> list[Row]:
        """Return every version, newest first, at most 200."""
        return self._database.run("list_models", models.list_models)

    def _try(self, rows: list[Row]) -> None:
        for row in rows:
            content = self._content.fetch(str(row["scored_sha256"]))
            self._scorer.verify(str(row["scored_format"]), content, dict(row["manifest"]))

    def _change(self, rows: list[Row], event: str, severity: str, actor: Actor) -> list[Row]:
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            serving = models.list_serving(tx)
            for row in rows:
                _make_live(tx, row, serving, now)
            for session_id in sorted({str(row["session_id"]) for row in rows}):
                models.mark_activated(tx, session_id, now)
                change = audit.Change(event, "model_session", session_id)
                audit.record(tx, actor, change, now)
            names = ", ".join(f"{row['model_name']} {row['version']}" for row in rows)
            events.record_event(
                tx,
                event_type=event,
                severity=severity,
                message=f"Live model: {names}",
                details={row["id"]: row["scored_sha256"] for row in rows},
                now=now,
            )
            tx.commit()

        try:
            self._database.transact("change_live_model", work)
        except UniqueViolation as error:
            raise Conflict("Another activation came in between; look again") from error
        return rows


def _make_live(tx: Transaction, row: Row, serving: list[Row], now: datetime) -> None:
    """Move one version up and those before it down, in the order that the unique keys permit."""
    of_kind = {r["status"]: r for r in serving if r["engine_kind"] == row["engine_kind"]}
    live, spare = of_kind.get(ModelStatus.LIVE), of_kind.get(ModelStatus.FALLBACK)
    if live is not None and live["id"] == row["id"]:
        return
    before = ModelStatus(row["status"])
    MODEL_MACHINE.step(before, ModelStatus.LIVE)
    if spare is not None and spare["id"] == row["id"]:
        # Two versions change places: one steps aside, or the other could not take its place.
        _set(tx, row, before, ModelStatus.VERIFIED, now)
        before = ModelStatus.VERIFIED
    elif spare is not None and live is not None:
        MODEL_MACHINE.step(ModelStatus.FALLBACK, ModelStatus.ARCHIVED)
        _set(tx, spare, ModelStatus.FALLBACK, ModelStatus.ARCHIVED, now)
    if live is not None:
        MODEL_MACHINE.step(ModelStatus.LIVE, ModelStatus.FALLBACK)
        _set(tx, live, ModelStatus.LIVE, ModelStatus.FALLBACK, now)
    _set(tx, row, before, ModelStatus.LIVE, now)


def _set(tx: Transaction, row: Row, before: ModelStatus, after: ModelStatus, now: datetime) -> None:
    if not models.set_status(tx, str(row["id"]), before, after, now):
        raise Conflict("Another activation came in between; look again", model_id=row["id"])


def shown(row: Row) -> dict[str, Any]:
    """Return a version as the API shows it."""
    return {
        "id": row["id"],
        "sessionId": row["session_id"],
        "name": row["model_name"],
        "version": row["version"],
        "engineKind": row["engine_kind"],
        "status": row["status"],
        "file": row["file_name"],
        "format": row["file_format"],
        "sha256": row["file_sha256"],
        "scoredFormat": row["scored_format"],
        "scoredSha256": row["scored_sha256"],
        "features": row["manifest"].get("features"),
        "rejection": row["rejection"],
        "createdAt": row["created_at"],
        "activatedAt": row["activated_at"],
    }
