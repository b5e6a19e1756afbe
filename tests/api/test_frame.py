"""What surrounds every request: id, headers, one log line, metrics."""

import json
import logging
import re

import pytest

from tests.api.people import bearer


def test_request_id_is_taken_over_when_sane(http):
    answer = http.get("/nothing", headers={"X-Request-Id": "trace-1.a_B"})

    assert answer.headers["X-Request-Id"] == "trace-1.a_B"
    assert answer.json["request_id"] == "trace-1.a_B"


@pytest.mark.parametrize("offered", ["", "a" * 65, "a b", "x\ty", 'quote"'])
def test_request_id_is_made_when_the_offered_one_is_not_sane(http, offered):
    answer = http.get("/nothing", headers={"X-Request-Id": offered})

    assert answer.headers["X-Request-Id"] != offered
    assert len(answer.headers["X-Request-Id"]) == 16


@pytest.mark.parametrize("path", ["/health/live", "/nothing", "/login", "/api/auth/me"])
def test_security_headers_are_on_every_answer(http, path):
    headers = http.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_every_request_leaves_one_line_with_its_caller(http, door, caplog):
    client_id, token = door.client()

    with caplog.at_level(logging.INFO, logger="backend.access"):
        http.get("/api/agents?secret=1", headers=bearer(token))

    (record,) = [r for r in caplog.records if r.name == "backend.access"]
    assert (record.status, record.route) == (200, "/api/agents")
    assert record.client_id == client_id
    assert record.duration_ms >= 0
    assert "secret" not in record.getMessage()


def test_metrics_count_by_route_template_and_never_by_path(http):
    http.get("/health/live")
    http.get("/nothing-1")
    http.open("/nothing-2", method="INVENTED")

    text = http.get("/metrics").text

    assert 'http_requests_total{method="GET",route="/health/live",status="200"} 1.0' in text
    assert 'http_requests_total{method="(none)",route="(none)",status="404"} 2.0' in text
    assert "nothing" not in text
    assert "INVENTED" not in text


def test_metrics_are_for_this_machine_or_operators(http, door, admin):
    far = {"REMOTE_ADDR": "203.0.113.9"}

    assert http.get("/metrics", environ_overrides=far).status_code == 401
    assert http.get("/metrics", environ_overrides=far, headers=admin).status_code == 200
    client = door.client_headers()
    assert http.get("/metrics", environ_overrides=far, headers=client).status_code == 403


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Real-IP", "203.0.113.9"),
        ("Forwarded", "for=203.0.113.9"),
        ("Via", "1.1 proxy"),
    ],
)
def test_metrics_behind_an_unknown_proxy_are_not_local(http, name, value):
    assert http.get("/metrics", headers={name: value}).status_code == 401


def test_description_of_the_api_is_complete_json(http):
    spec = http.get("/openapi/openapi.json").json

    assert spec["openapi"].startswith("3.1")
    assert set(spec["components"]["securitySchemes"]) == {"client_token", "api_key", "session"}
    assert "/api/admin/clients/create" in spec["paths"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(spec)))
    assert references <= set(spec["components"]["schemas"])


@pytest.mark.parametrize(
    ("path", "method", "callers"),
    [
        ("/api/agents/{agent_id}/heartbeat", "post", ["client_token"]),
        ("/api/agents/{agent_id}", "get", ["client_token", "api_key", "session"]),
        ("/api/admin/clients/create", "post", ["api_key", "session"]),
        ("/health", "get", []),
    ],
)
def test_description_tells_who_may_call(http, path, method, callers):
    operation = http.get("/openapi/openapi.json").json["paths"][path][method]

    assert [next(iter(scheme)) for scheme in operation["security"]] == callers
    assert ("401" in operation["responses"]) is bool(callers)


def test_description_shows_errors_as_they_are_answered(http):
    spec = http.get("/openapi/openapi.json").json
    answer = http.post("/api/client/validate")

    for methods in spec["paths"].values():
        for operation in methods.values():
            schema = operation["responses"]["400"]["content"]["application/json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/ErrorBody"}
    assert set(spec["components"]["schemas"]["ErrorBody"]["properties"]) == set(answer.json)


def test_viewer_of_the_description_works_offline(http):
    page = http.get("/openapi/swagger")

    assert page.status_code == 200
    assert "https://" not in page.text
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert re.findall(r"<script(?! src=)|<style| on\w+=", page.text) == []
    with http.get("/assets/viewer/viewer.js") as own:
        assert own.status_code == 200
    with http.get("/openapi/swagger/js/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
