"""Models, as operators read them."""

from typing import Any

from pydantic import AwareDatetime, Field

from backend.api.answers.base import Answer


class LiveModel(Answer):
    """The model that is live."""

    loaded: bool
    type: str


class ModelsActivated(Answer):
    """Make an upload live, on every node within 5 s."""

    success: bool
    message: str
    sessionId: str
    restarting: bool
    model_status: LiveModel


class FellBack(Answer):
    """Return to the version before, byte for byte."""

    success: bool
    message: str
    fallbackSessionId: str
    restarting: bool


class ModelRecord(Answer):
    """A model with its hashes."""

    id: str
    sessionId: str
    name: str
    version: str
    engineKind: str
    status: str
    file: str
    format: str
    sha256: str
    scoredFormat: str | None
    scoredSha256: str | None
    features: list[str]
    rejection: str | None
    createdAt: AwareDatetime
    activatedAt: AwareDatetime | None


class ModelList(Answer):
    """Every version with its hashes, newest first."""

    models: list[ModelRecord]
    total: int


class UploadSession(Answer):
    """An upload."""

    id: str
    status: str
    isLive: bool
    isFallback: bool
    fileCount: int
    files: list[str]
    totalSize: int
    createdAt: AwareDatetime
    activatedAt: AwareDatetime | None
    uploadedBy: str | None
    rejection: str | None


class UploadSummary(Answer):
    """How much was uploaded."""

    filesUploaded: int
    totalSize: int
    sessionType: str


class UploadedModel(Answer):
    """A model that was verified."""

    name: str
    version: str
    engine_kind: str
    format: str
    sha256: str


class ModelsUploaded(Answer):
    """Upload models (part name files), at most 100 MB."""

    success: bool
    message: str
    files: list[str]
    sessionId: str
    requiresRestart: bool
    model_status: UploadSummary
    models: list[UploadedModel]
    notes: list[str]


class ChanceBand(Answer):
    """A tenth of the chances: how many were said, their mean, and the share that was lost."""

    count: int
    meanProbability: float
    lostShare: float
    lower: float = Field(alias="from")


class ModelCalibration(Answer):
    """What a model said over seven days, against what happened; Brier scores are 0..1."""

    modelVersion: str
    horizonMinutes: int
    predictions: int
    losses: int
    brier: float
    climatologyBrier: float
    skillPercent: float | None
    bins: list[ChanceBand]


class ModelCalibrations(Answer):
    """What live models said, against what happened."""

    models: list[ModelCalibration]


ANSWERS: dict[str, dict[int, Any]] = {
    "admin_models.activate_models": {200: ModelsActivated},
    "admin_models.fall_back": {200: FellBack},
    "admin_models.list_models": {200: ModelList},
    "admin_models.list_sessions": {200: list[UploadSession]},
    "admin_models.show_calibration": {200: ModelCalibrations},
    "admin_models.upload_models": {200: ModelsUploaded},
}
