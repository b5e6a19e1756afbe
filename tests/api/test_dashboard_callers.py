"""The caller decides what a list looks like, and a session changes things only from our own pages."""

import pytest

from backend.api.guards import SESSION_COOKIE
from backend.services.callers import Role
from tests.api.people import OWN_PAGE, bearer


@pytest.fixture
def session(app, door):
    """A browser in which an operator is signed in."""

    def open_session(role: Role):
        browser = app.test_client()
        browser.set_cookie(SESSION_COOKIE, door.session_cookie(role))
        return browser

    return open_session


def test_sessions_get_arrays_and_tokens_get_objects(http, session, door):
    client_id, token = door.client()

    for name in ("agents", "instances", "switches"):
        path = f"/api/client/{client_id}/{name}"
        assert session(Role.VIEWER).get(path).json == []
        assert http.get(path, headers=bearer(token)).json[name] == []


def test_sessions_need_our_own_page_and_a_role_to_change_something(session, door):
    path = "/api/notifications/mark-all-read"
    operator, viewer = session(Role.OPERATOR), session(Role.VIEWER)

    assert operator.post(path, json={}).status_code == 403
    assert operator.post(path, json={}, headers=OWN_PAGE).status_code == 200
    assert viewer.post(path, json={}, headers=OWN_PAGE).status_code == 403


def test_marking_is_written_down_with_how_many(container, session, door, admin, http):
    door.client()
    session(Role.OPERATOR).post(
        "/api/notifications/mark-all-read", json={"client_id": None}, headers=OWN_PAGE
    )

    entries = http.get("/api/admin/audit-log?action=notifications_read", headers=admin).json

    (entry,) = entries["entries"]
    assert entry["actor_type"] == "operator"
    assert entry["details"]["count"] >= 1


def test_every_dashboard_route_is_described(http):
    paths = http.get("/openapi/openapi.json").json["paths"]

    assert {
        "/api/admin/stats",
        "/api/admin/clients/growth",
        "/api/client/{client_id}/switches",
        "/api/client/instances/{instance_id}/price-history",
        "/api/client/agents/{agent_id}/config",
        "/api/notifications/{notif_id}/mark-read",
        "/api/search",
    } <= set(paths)
