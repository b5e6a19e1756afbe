"""Secrets appear in the one answer that makes them, and nowhere else."""

import io
import logging

import pytest

from backend.observability.logging import configure_logging
from tests.api.people import PASSWORD, bearer


@pytest.fixture
def log():
    """Everything that is logged, as it would reach the file."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("DEBUG", "json", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_log_of_a_busy_day_holds_no_secret(log, http, door, admin):
    _, name = door.operator()
    client_id, token = door.client()
    made = http.post(
        f"/api/admin/clients/{client_id}/tokens", json={"name": "x"}, headers=admin
    ).json["token"]
    login = {"username": name, "password": PASSWORD}
    http.post("/api/auth/login", json=login)
    http.post("/api/auth/login", json={**login, "password": "almost " + PASSWORD})
    http.get("/api/agents", headers=bearer(made))
    http.get(f"/api/agents?client_token={token}")
    http.get("/api/agents", headers=bearer(token + "x"))
    http.post("/api/agents/register", json={"client_token": token, "logical_agent_id": 3})
    session = http.get_cookie("spot_optimizer_session").value

    text = log.getvalue()
    leaked = [s for s in (token, made, admin["X-Api-Key"], PASSWORD, session) if s in text]
    assert leaked == []
    assert text.count("request_served") == 7


def test_unexpected_failure_that_carries_a_token_is_masked(log, app, http, door, monkeypatch):
    _, token = door.client()

    def fail(_token):
        raise RuntimeError(f"while checking {_token}")

    monkeypatch.setattr(
        type(app.extensions["spot_optimizer"].tokens), "authenticate", _as_method(fail)
    )

    answer = http.get("/api/agents", headers=bearer(token))

    assert answer.status_code == 500
    assert token not in answer.text
    assert token not in log.getvalue()
    assert "request_crashed" in log.getvalue()


def _as_method(function):
    return lambda _self, token: function(token)


def test_containers_repr_holds_no_secret(container):
    shown = repr(container)

    assert container.settings.secret_key.get_secret_value() not in shown


@pytest.mark.parametrize("path", ["/api/agents", "/api/admin/operators", "/nothing"])
def test_error_does_not_repeat_the_credential(http, path):
    answer = http.get(path, headers=bearer("token-that-nobody-knows-0123456789ab"))

    assert "nobody-knows" not in answer.text
