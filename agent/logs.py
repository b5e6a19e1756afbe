"""Logs: to standard output, or to agent.log and agent-error.log with rotation."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import datetime, timezone
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES_PER_FILE = 10_000_000
_KEPT_FILES = 5
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_activity: ContextVar[str] = ContextVar("activity", default="start")


@contextlib.contextmanager
def doing(activity: str) -> Iterator[None]:
    """Name what this thread does: in its log lines, and as the reason of its EC2 calls."""
    token = _activity.set(activity)
    try:
        yield
    finally:
        _activity.reset(token)


def current_activity() -> str:
    """Return what this thread does at the moment."""
    return _activity.get()


def configure_logging(
    log_dir: Path | None, log_format: str, level: str, *, name: str = "agent"
) -> None:
    """Send this program's logs where they belong. Call once, at start."""
    handlers = _handlers(log_dir, name)
    for handler in handlers:
        handler.setFormatter(_PlainFormatter() if log_format == "plain" else _JsonFormatter())
        handler.addFilter(_add_activity)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    for chatty in ("boto3", "botocore", "urllib3"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _handlers(log_dir: Path | None, name: str) -> list[logging.Handler]:
    if log_dir is None:
        return [logging.StreamHandler(sys.stdout)]
    log_dir.mkdir(parents=True, exist_ok=True)
    everything = _rotating(log_dir / f"{name}.log")
    errors = _rotating(log_dir / f"{name}-error.log")
    errors.setLevel(logging.ERROR)
    return [everything, errors]


def _rotating(path: Path) -> RotatingFileHandler:
    return RotatingFileHandler(
        path, maxBytes=_BYTES_PER_FILE, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
    )


def _add_activity(record: logging.LogRecord) -> bool:
    record.activity = current_activity()
    return True


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


def _stamp(record: logging.LogRecord) -> str:
    instant = datetime.fromtimestamp(record.created, timezone.utc)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class _JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": _stamp(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **_extras(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class _PlainFormatter(logging.Formatter):
    """For people: time, level, activity, sentence, facts."""

    def format(self, record: logging.LogRecord) -> str:
        facts = _extras(record)
        activity = facts.pop("activity", "")
        shown = " ".join(f"{name}={value}" for name, value in facts.items())
        text = f"{_stamp(record)} {record.levelname:<7} {activity:<10} {record.getMessage()}"
        if record.exc_info:
            shown = f"{shown}\n{self.formatException(record.exc_info)}"
        return f"{text}  {shown}".rstrip()
