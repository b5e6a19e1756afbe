"""Versions of machine-learning models, from upload to retirement."""

from enum import StrEnum
from typing import Final

from backend.domain.state_machine import StateMachine


class ModelStatus(StrEnum):
    """Where a model version stands; exactly one per engine kind is live."""

    UPLOADED = "uploaded"
    VERIFIED = "verified"
    LIVE = "live"
    FALLBACK = "fallback"
    ARCHIVED = "archived"
    REJECTED = "rejected"


MODEL_MACHINE: Final[StateMachine[ModelStatus]] = StateMachine(
    name="model version",
    transitions={
        ModelStatus.UPLOADED: frozenset({ModelStatus.VERIFIED, ModelStatus.REJECTED}),
        ModelStatus.VERIFIED: frozenset({ModelStatus.LIVE, ModelStatus.REJECTED}),
        ModelStatus.LIVE: frozenset({ModelStatus.FALLBACK}),
        ModelStatus.FALLBACK: frozenset({ModelStatus.LIVE, ModelStatus.ARCHIVED}),
        ModelStatus.ARCHIVED: frozenset(),
        ModelStatus.REJECTED: frozenset(),
    },
)
