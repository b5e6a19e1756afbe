"""Every route's answers: statuses with their models, further content types, worked examples."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from backend.api.answers import (
    administration,
    agents,
    clients,
    decisions,
    emergencies,
    fleet,
    general,
    instances,
    models,
    notifications,
    replicas,
    savings,
)

_AREAS = (
    agents,
    decisions,
    replicas,
    emergencies,
    clients,
    instances,
    fleet,
    administration,
    models,
    savings,
    notifications,
    general,
)
_EXAMPLES = Path(__file__).parent / "examples"

# Answers that are no JSON, beside the JSON or instead of it.
TEXTS: Mapping[str, str] = {
    "admin_exports.export_global_stats": "text/csv",
    "client_views.export_switch_history": "text/csv",
    "client_savings.export_savings": "text/csv",
    "metrics.show_metrics": "text/plain",
}
# Routes that never succeed, as this version stands.
REFUSING = frozenset({"admin_models.upload_engine"})


@dataclass(frozen=True, slots=True)
class Example:
    """A call that succeeds, and what it is answered."""

    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    answers: Mapping[str, Any] = field(default_factory=dict)


@cache
def answers() -> dict[str, dict[int, TypeAdapter[Any]]]:
    """Return endpoint -> status -> what a JSON answer with that status is."""
    return {
        endpoint: {status: TypeAdapter(kind) for status, kind in kinds.items()}
        for area in _AREAS
        for endpoint, kinds in area.ANSWERS.items()
    }


@cache
def examples() -> dict[str, Example]:
    """Return endpoint -> a worked example."""
    found: dict[str, Example] = {}
    for file in sorted(_EXAMPLES.glob("*.json")):
        for endpoint, parts in json.loads(file.read_text(encoding="utf-8")).items():
            found[endpoint] = Example(**parts)
    return found
