"""What happens around every request: id, guard, one log line, metrics.

Measured in microseconds, because agents call often: the hooks hold their collaborators and the
request itself, since every look through Flask's proxies costs half a microsecond.
"""

import logging
import random
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import flask
from flask.typing import ResponseReturnValue

from backend.api.context import api_request
from backend.api.guards import Guard, authenticate
from backend.api.requests import ApiRequest
from backend.api.responses import ApiResponse
from backend.api.viewer import VIEWER_PATH, VIEWER_POLICY
from backend.errors import Forbidden, Unauthenticated
from backend.observability.context import request_id as current_request_id
from backend.services.callers import OperatorCaller

if TYPE_CHECKING:
    from backend.bootstrap import Container

access = logging.getLogger("backend.access")

LOGIN_PATH = "/login"

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNROUTED = "(none)"


class Frame:
    """The hooks of one app. Thread-safe: what belongs to a request is kept on the request."""

    def __init__(self, services: "Container", guards: Mapping[str, Guard]) -> None:
        """Remember the collaborators.

        Args:
            services: What authentication and metrics need.
            guards: The guard of each endpoint; an endpoint without one answers 403.
        """
        self._services = services
        self._clock = services.clock
        self._metrics = services.metrics
        self._guards = guards

    def before(self) -> ResponseReturnValue | None:
        """Give the request an id, find its route's guard, and authenticate the caller.

        Visitors of a page who are not signed in are sent to the login page.

        Raises:
            Forbidden: the route has no guard, or its guard does not admit the caller.
            Unauthenticated: credentials are missing or not valid.
        """
        request = api_request()
        request.started = self._clock.monotonic()
        offered: str = request.environ.get("HTTP_X_REQUEST_ID", "")
        is_sane = _SANE_ID.fullmatch(offered)
        request.request_id = offered if is_sane else _new_id()
        current_request_id.set(request.request_id)
        if request.url_rule is None:
            return None  # Flask answers 404 or 405
        guard = self._guards.get(request.url_rule.endpoint)
        if guard is None:
            raise Forbidden("This route has no guard, so nobody may call it")
        try:
            request.caller = authenticate(guard, request, self._services)
        except Unauthenticated:
            if guard.is_page and request.method == "GET":
                return flask.redirect(LOGIN_PATH)
            raise  # a page that was sent a form keeps what was typed
        return None

    def after(self, response: flask.Response) -> flask.Response:
        """Mark the answer with its request's id, count it, and write its one log line."""
        request = api_request()
        if isinstance(response, ApiResponse):
            response.request_id = request.request_id
        if request.path.startswith(VIEWER_PATH):
            response.headers["Content-Security-Policy"] = VIEWER_POLICY
        rule = request.url_rule
        route = rule.rule if rule else _UNROUTED
        method = request.method if rule else _UNROUTED  # a stranger may invent methods
        seconds = self._clock.monotonic() - request.started
        self._metrics.observe_request(method, route, response.status_code, seconds)
        if access.isEnabledFor(logging.INFO):
            access.handle(_access_record(request, route, response.status_code, seconds))
        return response


def _new_id() -> str:
    """Return a name for a request: unique, no secret. The system's generator costs a thread switch."""
    return f"{random.getrandbits(64):016x}"


def _access_record(
    request: ApiRequest, route: str, status: int, seconds: float
) -> logging.LogRecord:
    """Return the log record of an answered request.

    Made by hand: ``Logger.info`` walks the stack to find its caller, which is always this line.
    """
    record = logging.LogRecord(
        access.name,
        logging.INFO,
        __file__,
        0,
        "%s %s %d",
        (request.method, request.path, status),
        None,
    )
    facts = record.__dict__
    facts["action"] = "request_served"
    facts["route"] = route
    facts["status"] = status
    facts["duration_ms"] = round(seconds * 1000, 2)
    if isinstance(request.caller, OperatorCaller):
        facts["operator"] = request.caller.username
    elif request.caller is not None:
        facts["client_id"] = request.caller.client_id
    return record
