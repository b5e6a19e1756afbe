"""Filters: each name has one or more values; all names must match, any value does."""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, TypeVar

from simulator.errors import AwsError

MOST_VALUES = 200
T = TypeVar("T")
Getter = Callable[[T], "str | Sequence[str] | None"]


def filtered(
    things: Sequence[T],
    filters: Sequence[Mapping[str, Any]],
    getters: Mapping[str, Getter[T]],
    tags_of: Callable[[T], Mapping[str, str]] | None = None,
) -> list[T]:
    """Return the things that match every filter.

    Args:
        things: What to choose from.
        filters: As in the request: ``Name`` and ``Values``; ``*`` and ``?`` are wildcards.
        getters: Filter name to what it looks at; several values match if any of them does.
        tags_of: The tags of a thing, for ``tag:KEY``, ``tag-key`` and ``tag-value``.

    Raises:
        AwsError: InvalidParameterValue for a filter that does not exist or has no values.
    """
    kept = list(things)
    for entry in filters:
        name, values = entry.get("Name", ""), entry.get("Values", [])
        if not values or len(values) > MOST_VALUES:
            raise AwsError("InvalidParameterValue", f"The filter '{name}' needs 1 to 200 values")
        getter = _getter(name, getters, tags_of)
        kept = [thing for thing in kept if _matches(getter(thing), values)]
    return kept


def _getter(
    name: str,
    getters: Mapping[str, Getter[T]],
    tags_of: Callable[[T], Mapping[str, str]] | None,
) -> Getter[T]:
    if name in getters:
        return getters[name]
    if tags_of is not None and name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return lambda thing: tags_of(thing).get(key)
    if tags_of is not None and name == "tag-key":
        return lambda thing: list(tags_of(thing))
    if tags_of is not None and name == "tag-value":
        return lambda thing: list(tags_of(thing).values())
    raise AwsError("InvalidParameterValue", f"The filter '{name}' is invalid")


def _matches(found: str | Sequence[str] | None, wanted: Sequence[str]) -> bool:
    if found is None:
        return False
    present = [found] if isinstance(found, str) else found
    return any(fnmatchcase(value, pattern) for value in present for pattern in wanted)
