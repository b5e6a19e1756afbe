"""Complete the API's description: who may call an operation, and how every refusal looks.

The library describes bodies and parameters. What it says of refusals is not true here (an array of
errors), and of callers it knows nothing: the guards do.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.routing import Map

from backend.api.guards import SESSION_COOKIE, Guard

SECURITY_SCHEMES = {
    "client_token": {"type": "http", "scheme": "bearer", "description": "A client token"},
    "api_key": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An operator's API key; Authorization: Bearer takes it too",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "An operator's browser session; writes must come from our own pages",
    },
}
_VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}


def complete(spec: dict[str, Any], routes: Map, guards: Mapping[str, Guard]) -> None:
    """Add to every operation of ``spec`` its security and its answers. Idempotent.

    Args:
        spec: The description, as JSON.
        routes: Which endpoint serves which path.
        guards: The guard of each endpoint.
    """
    endpoints = dict(_endpoints(routes))
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            guard = guards[endpoints[path, method]]
            operation["security"] = _security(guard)
            operation["responses"] = _responses(guard)


def _endpoints(routes: Map) -> Iterator[tuple[tuple[str, str], str]]:
    for rule in routes.iter_rules():
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            yield (path, method.lower()), rule.endpoint


def _security(guard: Guard) -> list[dict[str, list[str]]]:
    names = ["client_token"] if guard.scopes else []
    names += ["api_key", "session"] if guard.role else []
    return [{name: []} for name in names]


def _responses(guard: Guard) -> dict[str, Any]:
    refusals = {"400": "Not valid: details names the fields"}
    if not guard.is_public:
        refusals["401"] = "Credentials are missing or not valid"
        refusals["403"] = f"Not permitted: this is for {guard.name}"
    refusals["default"] = "Refused or failed; code says why"
    return {
        "2XX": {"description": "Done, as the summary says"},
        **{code: {"description": why, "content": _ERROR} for code, why in refusals.items()},
    }
