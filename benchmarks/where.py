"""Where the time of one call goes, seen from inside one process, one request after the other."""

import cProfile
import logging
import pstats
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from mysql.connector.connection_cext import CMySQLConnection
from pydantic import BaseModel

from backend.api import guards
from backend.app import create_app
from backend.bootstrap import build_container
from backend.clock import Clock
from backend.db.session import Session
from backend.observability.logging import configure_logging
from backend.observability.metrics import Metrics
from benchmarks.samples import environ
from benchmarks.stage import Stage

CALLS = 400
# Part of the work, and the function whose whole time it is. The view contains those above it.
PARTS: dict[str, Callable[..., Any]] = {
    "database, and waiting for it": CMySQLConnection.cmd_query,
    "statement text and rows": Session.call,
    "validation": BaseModel.model_validate,
    "guard": guards.authenticate,
    "metrics": Metrics.observe_request,
    "log line": logging.Logger.handle,
}


def where_time_goes(stage: Stage, endpoint: str, clock: Clock) -> dict[str, float]:
    """Return the share of the time of each part of one call, and of the rest, which is Flask.

    The profiler makes Python look slower than it is: the order of parts is right, not the sizes.

    Raises:
        RuntimeError: a call was not answered with success.
    """
    with ExitStack() as stack:
        log = stack.enter_context((stage.settings.local_dir / "profile.log").open("w"))
        configure_logging("INFO", "json", log)
        stack.callback(configure_logging, "WARNING", "plain")
        app = create_app(build_container(stage.settings, clock, stage.database))
        now, token = clock.now(), stage.token.text
        requests = [environ(endpoint, number, token, now) for number in range(CALLS + 1)]
        _call(app, requests.pop())  # connects, and remembers the token
        profile = cProfile.Profile()
        profile.enable()
        for request in requests:
            _call(app, request)
        profile.disable()
    return _shares(pstats.Stats(profile))


def _call(app: Callable[..., Iterable[bytes]], request: dict[str, Any]) -> None:
    seen: list[str] = []
    body = b"".join(
        app({**request, "wsgi.errors": sys.stderr}, lambda status, _: seen.append(status))
    )
    if not seen[0].startswith("2"):
        raise RuntimeError(f"{request['PATH_INFO']} was answered {seen[0]}: {body[:200]!r}")


def _shares(stats: pstats.Stats) -> dict[str, float]:
    timed: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    whole = sum(own for _, _, own, _, _ in timed.values())
    seconds = {part: _cumulative(timed, function) for part, function in PARTS.items()}
    seconds["statement text and rows"] = max(
        0.0, seconds["statement text and rows"] - seconds["database, and waiting for it"]
    )
    seconds["everything else: Flask and the service"] = whole - sum(seconds.values())
    return {part: spent / whole for part, spent in seconds.items()}


def _cumulative(timed: dict[Any, Any], function: Callable[..., Any]) -> float:
    code = getattr(function, "__wrapped__", function).__code__
    found = timed.get((code.co_filename, code.co_firstlineno, code.co_name))
    return float(found[3]) if found else 0.0
