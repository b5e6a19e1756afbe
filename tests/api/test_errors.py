"""Every failure is JSON of one shape, and tells nothing that is ours."""

import logging

import pytest
from pydantic import BaseModel, Field

from backend import errors
from backend.api.blueprints import guarded_blueprint
from backend.api.guards import PUBLIC
from backend.app import create_app

SECRET = "SELECT secret FROM vault"


class Reading(BaseModel):
    cpu: float = Field(ge=0, le=100)
    tags: list[str] = Field(default=[], max_length=2)


@pytest.fixture
def http(container, monkeypatch):
    """An app with a route that raises what the test says, and one that validates."""
    raised: dict[str, Exception] = {}
    probe = guarded_blueprint("probe", guard=PUBLIC, url_prefix="/probe")

    @probe.get("/raise")
    def raise_it():
        raise raised["error"]

    @probe.post("/reading")
    def read(body: Reading):
        return {"cpu": body.cpu}

    monkeypatch.setattr("backend.app.blueprints", lambda: [probe])
    client = create_app(container).test_client()
    client.raised = raised
    return client


def _raise(http, error):
    http.raised["error"] = error
    return http.get("/probe/raise")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest(), 400, "invalid_request"),
        (errors.MalformedJson(), 400, "malformed_json"),
        (errors.Unauthenticated(), 401, "unauthenticated"),
        (errors.Forbidden(), 403, "forbidden"),
        (errors.NotFound(), 404, "not_found"),
        (errors.AlreadyExists(), 409, "already_exists"),
        (errors.IllegalTransition(), 409, "illegal_transition"),
        (errors.UniqueViolation(), 409, "unique_violation"),
        (errors.UnsupportedMediaType(), 415, "unsupported_media_type"),
        (errors.LimitReached(), 429, "limit_reached"),
        (errors.DatabaseUnavailable(), 503, "database_unavailable"),
        (errors.PoolExhausted(), 503, "database_busy"),
        (errors.Deadlock(), 503, "deadlock"),
    ],
)
def test_error_has_its_status_and_code(http, error, status, code):
    answer = _raise(http, error)

    assert answer.status_code == status
    assert answer.json["code"] == code
    assert set(answer.json) == {"error", "code", "request_id", "details"}


@pytest.mark.parametrize("error", [RuntimeError(SECRET), errors.DatabaseError(SECRET)])
def test_unexpected_error_is_500_without_its_text_and_logged_once(http, caplog, error):
    with caplog.at_level(logging.ERROR):
        answer = _raise(http, error)

    assert answer.status_code == 500
    assert answer.json["code"] == "internal_error"
    assert "vault" not in answer.text
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is not None


def test_facts_become_details(http):
    answer = _raise(http, errors.NotFound("No such agent", agent_id="a-1"))

    assert answer.json["error"] == "No such agent"
    assert answer.json["details"] == {"agent_id": "a-1"}


def test_database_facts_stay_inside(http):
    answer = _raise(http, errors.UniqueViolation(constraint="agents_logical_uq", errno=1062))

    assert answer.json["details"] == {}


def test_unauthenticated_names_the_scheme(http):
    answer = _raise(http, errors.Unauthenticated())

    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(errors.PoolExhausted(), "2"), (errors.LimitReached(retry_after_seconds=77), "77")],
)
def test_temporary_failure_says_when_to_come_back(http, error, seconds):
    assert _raise(http, error).headers["Retry-After"] == seconds


def test_unknown_address_is_404_json(http):
    answer = http.get("/api/nothing-here")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_wrong_method_is_405_json_and_names_the_right_ones(http):
    answer = http.delete("/probe/raise")

    assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_too_large_body_is_413_json(http, settings):
    answer = http.post("/probe/reading", json={"tags": ["x" * settings.max_body_bytes]})

    assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "image/png"])
def test_body_of_another_type_is_415_json(http, kind):
    answer = http.post("/probe/reading", data='{"cpu": 1}', content_type=kind)

    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body",
    [
        b'{"cpu": 1',
        b'{"cpu": NaN}',
        b'{"cpu": Infinity}',
        b'{"cpu": "\xff"}',
        b"[" * 5000,
        b"\x00",
        b"{'cpu': 1}",
    ],
)
def test_broken_json_is_malformed_and_not_missing_fields(http, body):
    answer = http.post("/probe/reading", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["code"]) == (400, "malformed_json")
    assert "cpu" not in answer.json["details"]


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "3", "true"])
def test_body_that_is_no_object_is_400(http, body):
    answer = http.post("/probe/reading", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json["error"] == "The body must be a JSON object"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", None])
def test_empty_body_is_an_empty_object(http, kind):
    answer = http.post("/probe/reading", data=b"", content_type=kind)

    assert answer.status_code == 400
    assert list(answer.json["details"]) == ["cpu"]


def test_body_without_a_type_is_read_as_json(http):
    answer = http.post("/probe/reading", data=b'{"cpu": 7}')

    assert answer.json == {"cpu": 7.0}


def test_invalid_field_is_named_with_its_range_but_not_its_value(http):
    answer = http.post("/probe/reading", json={"cpu": 12345})

    assert answer.status_code == 400
    assert "at least 0" in answer.json["details"]["cpu"][0]
    assert "at most 100" in answer.json["details"]["cpu"][0]
    assert answer.json["error"].startswith("Not valid: cpu")
    assert "12345" not in answer.text


def test_every_invalid_field_is_named(http):
    answer = http.post("/probe/reading", json={"cpu": "hot", "tags": ["a", 3]})

    assert set(answer.json["details"]) == {"cpu", "tags.1"}
