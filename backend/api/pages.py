"""Lists: how much of one is asked for, in which shape, and how a page is answered.

Two dashboards are installed. The one that signs in with a client token reads ``{"agents": [...]}``
with snake_case names; the one of operators reads bare arrays with camelCase names. So the caller
decides, and ``?shape=`` overrides.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

from flask import Response, jsonify
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from backend.api.context import ClientCaller, caller, tenant
from backend.errors import NotFound

TOTAL_HEADER = "X-Total-Count"
LONGEST_OFFSET = 1_000_000


class Shape(StrEnum):
    """How a list looks: an object with snake_case names, or an array with camelCase names."""

    SNAKE = "snake"
    CAMEL = "camel"


class Envelope(StrEnum):
    """How an operators' list looks: an object with its total, or the array alone."""

    OBJECT = "object"
    ARRAY = "array"


def _no_filter(value: Any) -> Any:
    """Read what dashboards send for "do not filter"."""
    return None if value in ("", "all") else value


def _clamped(low: int, high: int) -> BeforeValidator:
    """Bring a number into its range, as the recorded contract does; other text is refused."""

    def clamp(value: Any) -> Any:
        try:
            return min(max(int(value), low), high)
        except (TypeError, ValueError):
            return value

    return BeforeValidator(clamp)


Days90 = Annotated[int, _clamped(1, 90), Field(ge=1, le=90)]
Days365 = Annotated[int, _clamped(1, 365), Field(ge=1, le=365)]
NoFilter = BeforeValidator(_no_filter)
Filter64 = Annotated[Annotated[str, Field(max_length=64)] | None, NoFilter]


class Query(BaseModel):
    """A query string; names that we do not know are passed over."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class PageQuery(Query):
    """Which part of a long list."""

    limit: int = Field(500, ge=1, le=1000)
    offset: int = Field(0, ge=0, le=LONGEST_OFFSET)


class ShapedQuery(PageQuery):
    """Which part, and how it looks."""

    shape: Annotated[Shape | None, NoFilter] = None


def shape_of(query: ShapedQuery) -> Shape:
    """Return the shape that the caller wants."""
    return query.shape or (Shape.SNAKE if isinstance(caller(), ClientCaller) else Shape.CAMEL)


def array_page(items: Sequence[Any], total: int) -> Response:
    """Return a bare array; how many there are in all stands in a header."""
    answer = jsonify(list(items))
    answer.headers[TOTAL_HEADER] = str(total)
    return answer


def visible_client(client_id: str) -> str:
    """Return the client id of a path, if the caller may see that client.

    Raises:
        NotFound: a client asks for another one; whether that one exists is not told.
    """
    own = tenant()
    if own is not None and own != client_id:
        raise NotFound("There is no such client", field="client_id")
    return client_id
