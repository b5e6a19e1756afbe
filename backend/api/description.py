"""Complete the API's description: who may call an operation, what it answers, and an example.

The library describes bodies and parameters. What it says of refusals is not true here (an array of
errors), and of callers and answers it knows nothing: the guards and the models of answers do.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from werkzeug.routing import Map

from backend.api.answers.catalogue import TEXTS, Example, answers, examples
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
_REFERENCE = "#/components/schemas/{model}"
_JSON = "application/json"
_ERROR = {_JSON: {"schema": {"$ref": "#/components/schemas/ErrorBody"}}}
_FILES = {
    "multipart/form-data": {
        "schema": {
            "type": "object",
            "properties": {
                "files": {"type": "array", "items": {"type": "string", "format": "binary"}}
            },
            "required": ["files"],
        }
    }
}
_MEANING = {
    200: "Done",
    201: "Made",
    401: "The token is missing or not valid",
    403: "The client is suspended",
    503: "Not ready",
}
_LIMITED = frozenset({"auth.login"})
# Public routes that look at credentials all the same.
_CHECKS_FOR_ITSELF = frozenset(
    {"auth.login", "client_validate.validate_token", "metrics.show_metrics"}
)
_NEEDS_NO_DATABASE = frozenset({"health.show_live"})


def complete(spec: dict[str, Any], routes: Map, guards: Mapping[str, Guard]) -> None:
    """Add to every operation of ``spec`` its security, its answers and its example. Idempotent.

    Args:
        spec: The description, as JSON.
        routes: Which endpoint serves which path.
        guards: The guard of each endpoint.
    """
    endpoints = dict(_endpoints(routes))
    schemas = spec["components"]["schemas"]
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            endpoint = endpoints[path, method]
            guard = guards[endpoint]
            if guard.takes_files:
                operation["requestBody"] = {"required": True, "content": _FILES}
            operation["security"] = _security(guard)
            operation["responses"] = {
                **_refusals(endpoint, guard, method, operation),
                **_answers(endpoint, schemas),
            }
            _show(operation, examples().get(endpoint, Example()))


def _endpoints(routes: Map) -> Iterator[tuple[tuple[str, str], str]]:
    for rule in routes.iter_rules():
        path = _VARIABLE.sub(r"{\1}", rule.rule)
        for method in rule.methods or ():
            yield (path, method.lower()), rule.endpoint


def _security(guard: Guard) -> list[dict[str, list[str]]]:
    names = ["client_token"] if guard.scopes else []
    names += ["api_key", "session"] if guard.role else []
    return [{name: []} for name in names]


def _answers(endpoint: str, schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    shown = examples().get(endpoint, Example()).answers
    for status, kind in answers().get(endpoint, {}).items():
        schema = kind.json_schema(ref_template=_REFERENCE, mode="serialization")
        schemas.update(schema.pop("$defs", {}))
        content: dict[str, Any] = {_JSON: {"schema": schema}}
        if str(status) in shown:
            content[_JSON]["example"] = shown[str(status)]
        found[str(status)] = {"description": _MEANING[status], "content": content}
    if endpoint in TEXTS:
        text = {TEXTS[endpoint]: {"schema": {"type": "string"}}}
        done = found.setdefault("200", {"description": _MEANING[200], "content": {}})
        done["content"].update(text)
    return found


def _refusals(
    endpoint: str, guard: Guard, method: str, operation: Mapping[str, Any]
) -> dict[str, Any]:
    """Say which refusals an operation knows. A fault of ours (500) is never one of them."""
    why = {"400": "Not valid: details names the fields"}
    if not guard.is_public or endpoint in _CHECKS_FOR_ITSELF:
        why["401"] = "Credentials are missing or not valid"
        why["403"] = f"Not permitted: this is for {guard.name}"
    if operation.get("parameters") or method != "get":
        why["404"] = "There is no such thing, or it is another tenant's"
        why["409"] = "In conflict with how things stand; code says with what"
    if method != "get":
        why["413"] = "The body is too large"
        why["415"] = "The body must be JSON"
    if endpoint in _LIMITED:
        why["429"] = "Too many attempts; Retry-After says how long to wait"
    if endpoint not in _NEEDS_NO_DATABASE:
        why["503"] = "The database is away; the call may be repeated"
    return {code: {"description": text, "content": _ERROR} for code, text in why.items()}


def _show(operation: dict[str, Any], example: Example) -> None:
    for parameter in operation.get("parameters", []):
        values = example.path if parameter["in"] == "path" else example.query
        if parameter["name"] in values:
            parameter["example"] = values[parameter["name"]]
    if example.body is not None and _JSON in operation.get("requestBody", {}).get("content", {}):
        operation["requestBody"]["content"][_JSON]["example"] = example.body
