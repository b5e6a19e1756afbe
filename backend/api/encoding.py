"""JSON on the way out: orjson, instants with ``Z``, decimals as numbers."""

from decimal import Decimal
from typing import Any

import flask
import orjson
from flask.json.provider import JSONProvider
from pydantic import BaseModel

from backend.api.responses import ApiResponse

_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def dump(value: Any) -> bytes:
    """Return ``value`` as JSON. NaN and infinity become null; dataclasses and models are objects.

    Raises:
        TypeError: a value has no JSON form.
    """
    return orjson.dumps(value, default=_other, option=_OPTIONS)


def _other(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, BaseModel):
        return value.model_dump(mode="python", by_alias=True)
    if isinstance(value, set | frozenset):
        return sorted(value)
    msg = f"{type(value).__name__} has no JSON form"
    raise TypeError(msg)


class OrjsonProvider(JSONProvider):
    """Flask's JSON provider over orjson."""

    def dumps(self, obj: Any, **_kwargs: Any) -> str:
        """Return JSON text."""
        return dump(obj).decode()

    def loads(self, s: str | bytes, **_kwargs: Any) -> Any:
        """Parse JSON text."""
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> flask.Response:
        """Return a JSON answer."""
        body = self._prepare_response_obj(args, kwargs)
        return ApiResponse(dump(body), mimetype="application/json")
