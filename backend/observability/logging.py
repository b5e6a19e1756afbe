"""Logging: one JSON object per line for machines, plain lines for people; secrets are masked."""

import logging
import re
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TextIO

import orjson

from backend.observability.context import request_id

_STANDARD = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "request_id"}
)
_SECRET_VALUES = re.compile(
    r"(?i)\b(token-|sok_)[a-z0-9_-]{8,}|\b(bearer\s+)[^\s\"',]{8,}|(scrypt:)[^\s\"',]+"
)
_SECRET_NAMES = re.compile(r"(?i)password|secret|authorization|cookie|(^|_)token$|api_?key$")
_SIGNS = ("token-", "sok_", "bearer", "scrypt:")  # looking for these is quicker than the pattern
MASK = "***"
# What would end a line, or steer a terminal, in a text that a caller may have chosen.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {
    code: f"\\u{code:04x}" for code in (0x2028, 0x2029)
}


def redact(text: str) -> str:
    """Return ``text`` with client tokens, API keys and bearer credentials masked."""
    lowered = text.lower()
    if not any(sign in lowered for sign in _SIGNS):
        return text
    return _SECRET_VALUES.sub(lambda m: f"{m[1] or m[2] or m[3]}{MASK}", text)


@lru_cache(maxsize=1000)
def _is_secret_name(name: str) -> bool:
    return _SECRET_NAMES.search(name) is not None


class _Formatter(logging.Formatter):
    def extras(self, record: logging.LogRecord) -> dict[str, Any]:
        return {
            name: MASK if _is_secret_name(name) else value
            for name, value in record.__dict__.items()
            if name not in _STANDARD
        }

    def instant(self, record: logging.LogRecord) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return stamp.replace("+00:00", "Z")


class JsonFormatter(_Formatter):
    """One JSON object per record: time, level, logger, message, request_id, extras, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": self.instant(record),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        current = request_id.get()
        if current:
            line["request_id"] = current
        line.update(self.extras(record))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return redact(orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode())


class PlainFormatter(_Formatter):
    """One readable line per record, with the extras at its end."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        extras = " ".join(f"{name}={value}" for name, value in self.extras(record).items())
        current = request_id.get()
        line = f"{self.instant(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"
        line += f"  [{extras}]" if extras else ""
        line += f" ({current})" if current else ""
        line = line.translate(_CONTROLS)
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def configure_logging(
    level: str, style: Literal["json", "plain"], stream: TextIO | None = None
) -> None:
    """Send every record of at least ``level`` to ``stream`` (standard error). Idempotent."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if style == "json" else PlainFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Nothing prints these; the standard library documents both switches for speed.
    logging.logThreads = False
    logging.logProcesses = False
    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # our own access line says it all
