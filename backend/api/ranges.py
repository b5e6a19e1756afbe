"""Tell what a model allows at a place, for the sentence of a validation error."""

from functools import cache
from typing import Any

from pydantic import BaseModel

_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "minItems": "{} or more entries",
    "maxItems": "{} or fewer entries",
}


def allowed_text(model: type[BaseModel], place: tuple[int | str, ...]) -> str:
    """Return `` (allowed: ...)`` for the field at ``place``, or "" when nothing bounds it."""
    schema = _schema(model)
    node: dict[str, Any] | None = schema
    for part in place:
        node = _child(_resolved(node or {}, schema), part)
    limits = _limits(_resolved(node or {}, schema))
    return f" (allowed: {', '.join(limits)})" if limits else ""


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema(mode="validation")


def _child(node: dict[str, Any], part: int | str) -> dict[str, Any]:
    found: Any = (
        node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
    )
    return found if isinstance(found, dict) else {}


def _resolved(node: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and of a nullable field take the branch that is not null."""
    branches = [b for b in node.get("anyOf", []) if b.get("type") != "null"]
    if branches:
        node = branches[0]
    reference = str(node.get("$ref", ""))
    if reference:
        node = root.get("$defs", {}).get(reference.rpartition("/")[2], {})
    return node


def _limits(node: dict[str, Any]) -> list[str]:
    return [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
