"""Models: upload, activation, the return to the version before, sessions, versions."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field

from backend.api.blueprints import guarded_blueprint, guarded_by
from backend.api.context import actor, api_request, container
from backend.api.guards import OPERATOR_ADMIN, OPERATOR_ADMIN_FILES, OPERATOR_VIEW
from backend.errors import Forbidden, InvalidRequest
from backend.services import model_predictions
from backend.services.model_uploads import File
from backend.services.model_versions import shown

LARGEST_UPLOAD_BYTES = 100 * 1024 * 1024
PART = "files"

routes = guarded_blueprint(
    "admin_models", guard=OPERATOR_ADMIN, url_prefix="/api/admin", tag="models"
)


class ActivationBody(BaseModel):
    """Which upload to make live."""

    session_id: str = Field(alias="sessionId", min_length=1, max_length=36)


class SessionsQuery(BaseModel):
    """Whether archived and rejected uploads are wanted too."""

    history: bool = False


@routes.post("/decision-engine/upload", summary="Upload a decision engine; off unless allowed")
@guarded_by(OPERATOR_ADMIN_FILES)
def upload_engine() -> dict[str, Any]:
    """Refuse: an engine is code, and this version runs installed engines only."""
    if not container().settings.allow_engine_upload:
        raise Forbidden(
            "Engines are code: uploading them is off. Set ALLOW_ENGINE_UPLOAD=true to permit it,"
            " or install the engine and name it in DECISION_ENGINE_CLASS"
        )
    raise InvalidRequest(
        "This version runs installed engines only: name yours in DECISION_ENGINE_CLASS",
        field=PART,
    )


@routes.post("/ml-models/upload", summary="Upload models (part name files), at most 100 MB")
@guarded_by(OPERATOR_ADMIN_FILES)
def upload_models() -> dict[str, Any]:
    """Verify in the sandbox and keep; what is live stays live until it is activated."""
    files = _files()
    found = container().modelling.uploads.upload(files, actor())
    return {
        "success": True,
        "message": f"{len(files)} file(s) verified; activate the session to use them",
        "files": [file.name for file in files],
        "sessionId": found["id"],
        "requiresRestart": True,
        "model_status": {
            "filesUploaded": len(files),
            "totalSize": sum(len(file.content) for file in files),
            "sessionType": "pending_activation",
        },
        "models": found["models"],
        "notes": found["notes"],
    }


@routes.post("/ml-models/activate", summary="Make an upload live, on every node within 5 s")
def activate_models(body: ActivationBody) -> dict[str, Any]:
    """Answer the recorded shape; nothing restarts."""
    rows = container().modelling.versions.activate(body.session_id, actor())
    return {
        "success": True,
        "message": "The models are live; every node takes them over within 5 s",
        "sessionId": body.session_id,
        "restarting": False,
        "model_status": {"loaded": True, "type": rows[0]["scored_format"]},
    }


@routes.post("/ml-models/fallback", summary="Return to the version before, byte for byte")
def fall_back() -> dict[str, Any]:
    """Answer the recorded shape; 404 when there is nothing to return to."""
    session_id, _ = container().modelling.versions.fall_back(actor())
    return {
        "success": True,
        "message": "The version before is live again; every node takes it over within 5 s",
        "fallbackSessionId": session_id,
        "restarting": False,
    }


@routes.get("/ml-models/sessions", summary="Uploads, newest first")
@guarded_by(OPERATOR_VIEW)
def list_sessions(query: SessionsQuery) -> list[dict[str, Any]]:
    """Answer at most 10 that serve or wait; with history at most 100."""
    rows = container().modelling.versions.sessions(with_history=query.history)
    return [_session(row) for row in rows]


@routes.get("/ml-models", summary="Every version with its hashes, newest first")
@guarded_by(OPERATOR_VIEW)
def list_models() -> dict[str, Any]:
    """Answer at most 200."""
    rows = container().modelling.versions.versions()
    return {"models": [shown(row) for row in rows], "total": len(rows)}


@routes.get("/ml-models/calibration", summary="What live models said, against what happened")
@guarded_by(OPERATOR_VIEW)
def show_calibration() -> dict[str, Any]:
    """Answer Brier score, that of the base rate, and counts by tenth, over seven days."""
    found = container().modelling.outcomes.calibration()
    return {"models": [model_predictions.shown(item) for item in found]}


def _files() -> list[File]:
    request = api_request()
    request.max_content_length = LARGEST_UPLOAD_BYTES
    found = [part for part in request.files.getlist(PART) if part.filename]
    if not found:
        raise InvalidRequest("files: no file was sent", field=PART)
    files = [File(_bare(str(part.filename)), part.read()) for part in found]
    for part in found:
        part.close()  # a large one is a temporary file
    return files


def _bare(name: str) -> str:
    """Return the last part of a path, as some browsers send one."""
    return name.replace("\\", "/").rsplit("/", 1)[-1][:255] or "model"


def _session(row: Mapping[str, Any]) -> dict[str, Any]:
    is_live, is_fallback = bool(row["is_live"]), bool(row["is_fallback"])
    is_over = is_fallback or bool(row["is_archived"])
    status = "active" if is_live else "archived" if is_over else "uploaded"
    return {
        "id": row["id"],
        "status": "rejected" if row["is_rejected"] else status,
        "isLive": is_live,
        "isFallback": is_fallback,
        "fileCount": row["file_count"],
        "files": row["file_names"],
        "totalSize": row["total_size_bytes"],
        "createdAt": row["created_at"],
        "activatedAt": row["activated_at"],
        "uploadedBy": row["uploaded_by"],
        "rejection": row["rejection"],
    }
