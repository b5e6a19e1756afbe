"""Calls to a JSON API."""

import http.client
import json
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from simulator.errors import SimulatorError

SECONDS = 10.0


class JsonAnswer(NamedTuple):
    """Status and body; a body that is no JSON object becomes {}."""

    status: int
    body: dict[str, Any]


class ApiAway(SimulatorError):
    """Nobody answers, or the connection broke."""


def call(
    url: str,
    method: str = "GET",
    body: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> JsonAnswer:
    """Make one call.

    Raises:
        ApiAway: no answer came; whether the call was carried out is unknown.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=SECONDS)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request(
            method,
            path,
            body=None if body is None else json.dumps(body),
            headers={"Content-Type": "application/json", **(headers or {})},
        )
        response = connection.getresponse()
        return JsonAnswer(response.status, _json(response.read()))
    except (OSError, http.client.HTTPException) as error:
        msg = f"{method} {url}: {error}"
        raise ApiAway(msg) from error
    finally:
        connection.close()


def _json(payload: bytes) -> dict[str, Any]:
    try:
        value = json.loads(payload)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
