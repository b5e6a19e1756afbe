"""Notifications, search and health, as they are answered."""

from typing import Any

from pydantic import AwareDatetime

from backend.api.answers.base import UNSET, Answer
from backend.api.answers.parts import Done, Part


class Notification(Answer):
    """A notification."""

    id: int
    clientId: str | None
    type: str
    message: str
    severity: str
    isRead: bool
    time: AwareDatetime


class AllMarked(Answer):
    """Note that everything up to now was seen."""

    success: bool
    count: int


class FoundClient(Answer):
    """A client that was found."""

    id: str
    name: str
    status: str


class FoundAgent(Answer):
    """An agent that was found."""

    id: str
    name: str
    client: str | None
    status: str


class FoundInstance(Answer):
    """An instance that was found."""

    id: str
    name: str
    client: str | None


class SearchResult(Answer):
    """Find by name: at most ten of each kind."""

    clients: list[FoundClient]
    agents: list[FoundAgent]
    instances: list[FoundInstance]


class HealthReport(Answer):
    """Health with all parts; 503 when not ready."""

    status: str
    timestamp: AwareDatetime
    database: str
    decision_engine_loaded: bool
    live: bool
    ready: bool
    parts: dict[str, Part]
    error: str = UNSET


class Liveness(Answer):
    """This process answers."""

    live: bool


class Readiness(Answer):
    """This node should get traffic."""

    ready: bool


ANSWERS: dict[str, dict[int, Any]] = {
    "notifications.list_notifications": {200: list[Notification]},
    "notifications.mark_all_read": {200: AllMarked},
    "notifications.mark_read": {200: Done},
    "search.search": {200: SearchResult},
    "health.show_health": {200: HealthReport, 503: HealthReport},
    "health.show_live": {200: Liveness},
    "health.show_ready": {200: Readiness, 503: Readiness},
}
