"""Bring a model in: name it, store its bytes, have it verified. What is live is never touched."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final
from uuid import uuid4

import orjson

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.engines.errors import ModelRefused
from backend.engines.formats.kinds import format_of
from backend.engines.model_bytes import ModelBytes, sha256_of
from backend.engines.model_scoring import HAZARD
from backend.engines.sandbox.scorer_client import ScorerClient
from backend.errors import AlreadyExists, InvalidRequest, SpotOptimizerError, UniqueViolation
from backend.repositories import models
from backend.services import audit
from backend.services.callers import Actor

MANIFEST_NAME: Final = "manifest.json"
MOST_FILES: Final = 10
ABANDONED_AFTER: Final = timedelta(hours=1)
FORGET_AFTER: Final = timedelta(hours=1)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class File:
    """One uploaded file. Its name is only shown and looked at, never used as a path."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class _Draft:
    model_id: str
    file: File
    file_format: str
    name: str
    version: str
    kind: str
    manifest: dict[str, Any]


class ModelUploads:
    """Takes uploads. A rejected one leaves a row with the reason, and nothing else."""

    def __init__(
        self, database: Database, clock: Clock, content: ModelBytes, scorer: ScorerClient
    ) -> None:
        self._database = database
        self._clock = clock
        self._content = content
        self._scorer = scorer

    def upload(self, files: Sequence[File], actor: Actor) -> dict[str, Any]:
        """Store and verify the files of one upload; returns ``id``, ``models`` and ``notes``.

        Raises:
            InvalidRequest: no file, too many, or a manifest that cannot be used.
            ModelRefused: with the reason; it is recorded too.
            AlreadyExists: this version of the model is there already.
            ScorerUnavailable: there is nothing to verify with; nothing is recorded.
        """
        now = self._clock.now()
        drafts = _drafts(files, now)
        self._scorer.status()
        session_id = str(uuid4())
        self._open(session_id, files, drafts, actor, now)
        notes: list[str] = []
        try:
            for draft in drafts:
                notes += self._verify(draft, now)
        except (SpotOptimizerError, UnicodeError) as error:
            self._reject(session_id, str(error), actor)
            raise
        self._content.forget_unused(now - FORGET_AFTER)
        return {"id": session_id, "models": [_named(draft) for draft in drafts], "notes": notes}

    def _open(
        self,
        session_id: str,
        files: Sequence[File],
        drafts: Sequence[_Draft],
        actor: Actor,
        now: datetime,
    ) -> None:
        names = [file.name[:255] for file in files]
        upload = {
            "session_id": session_id,
            "session_type": "models",
            "file_count": len(files),
            "file_names": orjson.dumps(names).decode(),
            "total_size_bytes": sum(len(file.content) for file in files),
            "uploaded_by": actor.name,
            "notes": None,
            "now": now,
        }

        def work(tx: Transaction) -> None:
            models.reject_abandoned(tx, now - ABANDONED_AFTER, now)
            models.insert_session(tx, upload)
            for draft in drafts:
                models.insert_model(tx, _values(session_id, draft, now))
            change = audit.Change("model_uploaded", "model_session", session_id)
            audit.record(tx, actor, change, now)
            tx.commit()

        try:
            self._database.transact("open_model_upload", work)
        except UniqueViolation as error:
            raise AlreadyExists("This version of the model exists already") from error

    def _verify(self, draft: _Draft, now: datetime) -> list[str]:
        answer, converted = self._scorer.verify(
            draft.file_format, draft.file.content, draft.manifest
        )
        self._content.store(draft.file.content, now)
        scored = converted or draft.file.content
        values = {
            "model_id": draft.model_id,
            "scored_format": answer["format"],
            "scored_sha256": self._content.store(scored, now),
            "scored_size_bytes": len(scored),
            "manifest": orjson.dumps(answer["manifest"]).decode(),
            "now": self._clock.now(),
        }

        def work(tx: Transaction) -> None:
            if not models.set_verified(tx, values):
                raise ModelRefused("The upload took too long and was given up")
            tx.commit()

        self._database.transact("verify_model", work)
        return [f"{draft.file.name}: {note}" for note in answer.get("notes", ())]

    def _reject(self, session_id: str, reason: str, actor: Actor) -> None:
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            models.reject_session(tx, session_id, reason, now)
            change = audit.Change(
                "model_rejected", "model_session", session_id, details={"reason": reason[:300]}
            )
            audit.record(tx, actor, change, now)
            tx.commit()

        self._database.transact("reject_model", work)


def _drafts(files: Sequence[File], now: datetime) -> list[_Draft]:
    if not 1 <= len(files) <= MOST_FILES:
        raise InvalidRequest(f"files: 1 to {MOST_FILES} files", field="files")
    manifest = _manifest([file for file in files if file.name == MANIFEST_NAME])
    artifacts = [file for file in files if file.name != MANIFEST_NAME]
    if not artifacts:
        raise InvalidRequest("files: there is no model beside the manifest", field="files")
    drafts = [_draft(file, manifest, now) for file in artifacts]
    kinds = [draft.kind for draft in drafts]
    if len(set(kinds)) != len(kinds):
        raise InvalidRequest("files: two models of one engine kind in one upload", field="files")
    return drafts


def _manifest(found: Sequence[File]) -> dict[str, Any]:
    if not found:
        return {}
    try:
        manifest = orjson.loads(found[0].content)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"{MANIFEST_NAME}: not valid JSON: {error}") from error
    if not isinstance(manifest, dict):
        raise InvalidRequest(f"{MANIFEST_NAME}: must be an object")
    return manifest


def _draft(file: File, manifest: dict[str, Any], now: datetime) -> _Draft:
    """Return what a file claims to be; a manifest may have a part for each file under ``files``."""
    listed = manifest.get("files")
    own = listed.get(file.name) if isinstance(listed, dict) else manifest
    own = own if isinstance(own, dict) else {}
    stem = _UNSAFE.sub("-", PurePosixPath(file.name).stem).strip(".-_")[:64] or "model"
    digest = sha256_of(file.content)
    version = own.get("version", f"{now:%Y%m%dT%H%M%S}-{digest[:8]}")
    name, kind = own.get("name", stem), own.get("engine_kind", HAZARD)
    for field, value, pattern in (
        ("name", name, _WORD), ("version", version, _WORD), ("engine_kind", kind, _KIND),
    ):  # fmt: skip
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise InvalidRequest(
                f"{MANIFEST_NAME}: {field} must match {pattern.pattern}", field=field
            )
    file_format = format_of(file.name, file.content)
    return _Draft(str(uuid4()), file, file_format, name, version, kind, own)


def _values(session_id: str, draft: _Draft, now: datetime) -> dict[str, Any]:
    return {
        "model_id": draft.model_id,
        "session_id": session_id,
        "model_name": draft.name,
        "version": draft.version,
        "engine_kind": draft.kind,
        "file_name": draft.file.name[:255],
        "file_format": draft.file_format,
        "sha256": sha256_of(draft.file.content),
        "size_bytes": len(draft.file.content),
        "manifest": orjson.dumps(draft.manifest).decode(),
        "now": now,
    }


def _named(draft: _Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "version": draft.version,
        "engine_kind": draft.kind,
        "format": draft.file_format,
        "sha256": sha256_of(draft.file.content),
    }
