"""Callers that ask the same at the same time are answered together.

Dashboards of a large fleet ask for long lists, often several at once. Each answer costs the database
and the encoder tens of milliseconds. So whoever asks while the same question is being answered
waits for the next answer, which all who wait then share. Every answer is read after its caller had
asked: nobody sees less than what was true at that moment, and nothing is kept for later.
"""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Response, current_app, make_response
from pydantic import BaseModel

from backend.api.context import tenant

SHARED_READS_KEY: Final = "shared_reads"
PATIENCE_SECONDS: Final = 5.0  # then a caller asks for itself
T = TypeVar("T")
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Told:
    """An answer as every caller gets it."""

    body: bytes
    status: int
    headers: tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class _Round:
    """One reading, and those who wait for it; ``found`` stays empty when it failed."""

    over: threading.Event = field(default_factory=threading.Event)
    found: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    """One question: the reading under way, and the one after it."""

    running: _Round
    following: _Round | None = None


class SharedReads:
    """Joins equal questions. Thread-safe; knows only those that are open at this moment."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Remember how long a caller waits for another's reading, in seconds."""
        self._patience = patience_seconds
        self._lock = threading.Lock()
        self._lines: dict[Hashable, _Line] = {}

    def share(self, question: Hashable, read: Callable[[], T]) -> T:
        """Return the result of a reading that starts after this call. Nobody may change it.

        Args:
            question: What is asked, and for whom; equal questions have equal results.
            read: Reads it.

        Raises:
            Exception: what the caller's own reading raised; never what befell another's.
        """
        with self._lock:
            line = self._lines.get(question)
            own, before, others = _Round(), None, None
            if line is None:
                line = self._lines[question] = _Line(own)
            elif line.following is None:
                line.following, before = own, line.running
            else:
                others = line.following
        if others is not None:
            others.over.wait(self._patience)
            return cast("T", others.found[0]) if others.found else read()
        if before is not None:
            before.over.wait(self._patience)
            with self._lock:
                line.running, line.following = own, None
        return self._lead(question, line, own, read)

    def _lead(self, question: Hashable, line: _Line, own: _Round, read: Callable[[], T]) -> T:
        try:
            own.found.append(read())
        finally:
            with self._lock:
                if line.running is own and line.following is None:
                    self._lines.pop(question, None)
            own.over.set()
        return cast("T", own.found[0])


def read_once(question: Hashable, read: Callable[[], T]) -> T:
    """Return what ``read`` returns, shared with all who ask the same of this process meanwhile.

    Args:
        question: What is asked; the caller's tenant is added here.
        read: Reads it; the result is shared, so nobody may change it.
    """
    reads = cast("SharedReads", current_app.extensions[SHARED_READS_KEY])
    return reads.share((tenant(), question), read)


def read_together(view: View) -> View:
    """Share the answers of a route that only reads. Goes below the route decorator."""

    @wraps(view)
    def shared(**values: BaseModel) -> Response:
        def read() -> Told:
            answer = make_response(view(**values))
            return Told(answer.get_data(), answer.status_code, tuple(answer.headers.items()))

        asked = tuple(repr(values[name]) for name in sorted(values))
        told = read_once((view.__module__, view.__qualname__, asked), read)
        return current_app.response_class(told.body, told.status, list(told.headers))

    return cast("View", shared)
