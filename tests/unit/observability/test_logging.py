"""Log lines: one JSON object each, the request's id in it, no secret in it."""

import io
import json
import logging

import pytest

from backend.observability.context import request_id
from backend.observability.logging import JsonFormatter, PlainFormatter, configure_logging, redact

TOKEN = "token-abcdefghijklmnopqrstuvwxyz012345"
KEY = "sok_abcdefghijklmnopqrstuvwxyz012345"


def _record(message="done", **extra) -> logging.LogRecord:
    logger = logging.getLogger("tests.logging")
    return logger.makeRecord("tests.logging", 20, "f", 1, message, (), None, extra=extra)


def test_json_line_has_time_level_and_extras():
    line = json.loads(JsonFormatter().format(_record(action="tested", duration_ms=1.5)))

    assert line["level"] == "INFO"
    assert line["message"] == "done"
    assert (line["action"], line["duration_ms"]) == ("tested", 1.5)
    assert line["time"].endswith("Z")


@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter()])
def test_line_carries_the_request_id(formatter):
    token = request_id.set("req-1")

    line = formatter.format(_record())

    request_id.reset(token)
    assert "req-1" in line


@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter()])
@pytest.mark.parametrize("secret", [TOKEN, KEY, f"Bearer {TOKEN}", "scrypt:32768:8:1$salt$hash"])
def test_secret_in_a_text_is_masked(formatter, secret):
    line = formatter.format(_record(f"got {secret} here"))

    assert secret not in line
    assert "***" in line


@pytest.mark.parametrize(
    "name", ["password", "db_password", "secret_key", "client_token", "authorization", "api_key"]
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), PlainFormatter()])
def test_secret_under_a_telling_name_is_masked(formatter, name):
    assert "hunter2" not in formatter.format(_record(**{name: "hunter2"}))


@pytest.mark.parametrize("control", ["\n", "\r", "\x1b", "\x85", "\x9b", "\u2028"])
def test_text_of_a_caller_cannot_forge_a_line(control):
    record = _record(f"GET /a{control}forged", path=f"/a{control}forged")

    line = PlainFormatter().format(record)

    assert control not in line
    assert len(line.splitlines()) == 1
    assert line.count("forged") == 2


def test_secret_in_a_traceback_is_masked():
    error = ValueError(TOKEN)
    record = _record()
    record.exc_info = (type(error), error, None)

    assert TOKEN not in JsonFormatter().format(record)


@pytest.mark.parametrize(
    "innocent", ["token-bucket", "a token was made", "tokens 12", "sok_", "bearer of news"]
)
def test_innocent_text_stays(innocent):
    assert redact(innocent) == innocent


def test_value_without_json_form_does_not_break_the_line():
    assert "object" in JsonFormatter().format(_record(thing=object()))


def test_configuration_is_idempotent():
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        configure_logging("INFO", "json", stream)
        configure_logging("INFO", "json", stream)
        logging.getLogger("tests.once").info("once")
    finally:
        root.handlers[:] = before
        root.setLevel(level)

    assert len(stream.getvalue().splitlines()) == 1
