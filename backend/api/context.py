"""What a route may ask about the request it serves.

How a query is scoped: a route that serves clients passes ``client_id()`` to its service, and the
statement has ``client_id = %(client_id)s`` in its WHERE, so a foreign id is simply not found (404).
A route that operators may call too passes ``tenant()``: the client's id, or None, which means every
client. The statement then reads ``(%(client_id)s IS NULL OR client_id = %(client_id)s)``, or the
service first looks up the record and goes on with the client id found there.
"""

from typing import TYPE_CHECKING, cast

from flask import current_app, request

from backend.api.requests import ApiRequest
from backend.errors import Forbidden, Unauthenticated
from backend.services.callers import Actor, Caller, ClientCaller, OperatorCaller

if TYPE_CHECKING:
    from backend.bootstrap import Container

__all__ = [
    "Actor",
    "Caller",
    "ClientCaller",
    "OperatorCaller",
    "actor",
    "api_request",
    "caller",
    "client_caller",
    "client_id",
    "container",
    "operator_caller",
    "tenant",
]

CONTAINER_KEY = "spot_optimizer"


def container() -> "Container":
    """Return the services of the app that serves this request."""
    return cast("Container", current_app.extensions[CONTAINER_KEY])


def api_request() -> ApiRequest:
    """Return this request itself, not Flask's proxy: every look through that one costs."""
    return cast("ApiRequest", request._get_current_object())  # type: ignore[attr-defined]  # noqa: SLF001 - documented by Flask


def caller() -> Caller:
    """Return who calls.

    Raises:
        Unauthenticated: the route is public and nobody was authenticated.
    """
    found = api_request().caller
    if found is None:
        raise Unauthenticated
    return found


def client_caller() -> ClientCaller:
    """Return the client that calls.

    Raises:
        Forbidden: an operator calls.
    """
    found = caller()
    if not isinstance(found, ClientCaller):
        raise Forbidden("This needs a client token")
    return found


def operator_caller() -> OperatorCaller:
    """Return the operator who calls.

    Raises:
        Forbidden: a client calls.
    """
    found = caller()
    if not isinstance(found, OperatorCaller):
        raise Forbidden("This needs an operator")
    return found


def client_id() -> str:
    """Return the id of the client that calls; see the module for how queries are scoped."""
    return client_caller().client_id


def tenant() -> str | None:
    """Return the client's id, or None for an operator, who sees every client."""
    found = caller()
    return found.client_id if isinstance(found, ClientCaller) else None


def actor() -> Actor:
    """Return the author of what this request changes, for the audit log."""
    http = api_request()
    found = caller()
    if isinstance(found, OperatorCaller):
        return Actor(
            "operator", found.username, found.operator_id, http.remote_addr, http.request_id
        )
    return Actor("client", found.client_name, found.token_id, http.remote_addr, http.request_id)
