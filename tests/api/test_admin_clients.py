"""Routes 43 to 46 in the recorded shapes, and the scoped tokens."""

from datetime import timedelta

import pytest

from backend.services.callers import Scope
from tests.api.people import bearer
from tests.api.rows import rows

CLIENTS = "/api/admin/clients"


def _create(http, admin, **body):
    return http.post(f"{CLIENTS}/create", json={"name": "Acme", **body}, headers=admin)


def _is_good(http, token) -> int:
    return http.get("/api/client/validate", headers=bearer(token)).status_code


def test_create_answers_the_recorded_shape(http, admin):
    answer = _create(http, admin, name="  Acme  ", email="ops@acme.example")

    assert answer.status_code == 200
    assert answer.json["success"] is True
    client = answer.json["client"]
    assert set(client) == {"id", "name", "token", "status"}
    assert (client["name"], client["status"], len(client["id"])) == ("Acme", "active", 36)
    assert _is_good(http, client["token"]) == 200


def test_create_refuses_a_taken_name(http, admin, database):
    _create(http, admin)

    answer = _create(http, admin)

    assert (answer.status_code, answer.json["code"]) == (409, "already_exists")
    assert len(rows(database, "SELECT id FROM clients")) == 1
    assert len(rows(database, "SELECT id FROM audit_logs WHERE action = 'client_created'")) == 1


@pytest.mark.parametrize("name", ["", "   ", None, 3, "x" * 256, "a\nb", "\u0000"])
def test_create_refuses_an_unusable_name(http, admin, name):
    answer = _create(http, admin, name=name)

    assert answer.status_code == 400
    assert "name" in answer.json["details"]


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "x" * 250 + "@example.com"])
def test_create_refuses_an_unusable_address(http, admin, email):
    assert "email" in _create(http, admin, email=email).json["details"]


def test_delete_takes_everything_but_the_audit_log(http, admin, database):
    client = _create(http, admin).json["client"]

    answer = http.delete(f"{CLIENTS}/{client['id']}", headers=admin)

    assert answer.status_code == 200
    assert answer.json["success"] is True
    assert "Acme" in answer.json["message"]
    assert rows(database, "SELECT id FROM client_tokens") == []
    audited = [r["action"] for r in rows(database, "SELECT action FROM audit_logs ORDER BY id")]
    assert audited[-2:] == ["client_created", "client_deleted"]
    assert _is_good(http, client["token"]) == 401


def test_regenerated_token_leaves_the_old_one_a_day(http, admin, clock, container):
    client = _create(http, admin).json["client"]

    answer = http.post(f"{CLIENTS}/{client['id']}/regenerate-token", headers=admin)

    assert answer.status_code == 200
    assert set(answer.json) == {"success", "token", "message"}
    assert _is_good(http, answer.json["token"]) == 200
    clock.advance(timedelta(hours=24) - timedelta(milliseconds=1))
    assert _is_good(http, client["token"]) == 200
    clock.advance(timedelta(milliseconds=1))
    assert _is_good(http, client["token"]) == 401
    assert _is_good(http, answer.json["token"]) == 200


def test_regenerated_token_ends_the_old_one_at_once_when_told(http, admin):
    client = _create(http, admin).json["client"]

    answer = http.post(
        f"{CLIENTS}/{client['id']}/regenerate-token", json={"revoke_now": True}, headers=admin
    )

    assert _is_good(http, client["token"]) == 401
    assert _is_good(http, answer.json["token"]) == 200


def test_regenerating_keeps_tokens_of_other_names(http, admin):
    client = _create(http, admin).json["client"]
    url = f"{CLIENTS}/{client['id']}"
    other = http.post(f"{url}/tokens", json={"name": "web", "scope": "user"}, headers=admin)

    http.post(f"{url}/regenerate-token", json={"revoke_now": True}, headers=admin)

    assert _is_good(http, other.json["token"]) == 200


def test_shown_token_is_masked(http, admin):
    client = _create(http, admin).json["client"]

    answer = http.get(f"{CLIENTS}/{client['id']}/token", headers=admin)

    assert answer.status_code == 200
    assert answer.json["client_name"] == "Acme"
    assert answer.json["token"].startswith("token-****")
    assert client["token"] not in answer.text
    assert "once" in answer.json["message"]


def test_made_token_has_scope_and_life(http, admin, clock):
    client = _create(http, admin).json["client"]

    answer = http.post(
        f"{CLIENTS}/{client['id']}/tokens",
        json={"name": "web", "scope": "user", "expires_in_days": 30},
        headers=admin,
    )

    assert answer.status_code == 201
    listed = http.get(f"{CLIENTS}/{client['id']}/tokens", headers=admin).json
    assert listed["total"] == 2
    (web,) = [token for token in listed["tokens"] if token["name"] == "web"]
    assert (web["scope"], web["id"]) == ("user", answer.json["id"])
    assert web["expires_at"] == "2026-04-01T12:00:00Z"
    assert answer.json["token"] not in str(listed)


@pytest.mark.parametrize(
    "change", [{"scope": "all"}, {"name": ""}, {"expires_in_days": 0}, {"surprise": 1}]
)
def test_unusable_token_request_names_its_field(http, admin, change):
    client = _create(http, admin).json["client"]

    answer = http.post(
        f"{CLIENTS}/{client['id']}/tokens", json={"name": "web", **change}, headers=admin
    )

    assert answer.status_code == 400
    assert list(answer.json["details"]) == list(change)


def test_revoking_is_idempotent_and_bound_to_its_client(http, admin):
    one = _create(http, admin, name="One").json["client"]
    two = _create(http, admin, name="Two").json["client"]
    token_id = http.get(f"{CLIENTS}/{one['id']}/tokens", headers=admin).json["tokens"][0]["id"]

    foreign = http.delete(f"{CLIENTS}/{two['id']}/tokens/{token_id}", headers=admin)
    first = http.delete(f"{CLIENTS}/{one['id']}/tokens/{token_id}", headers=admin)
    again = http.delete(f"{CLIENTS}/{one['id']}/tokens/{token_id}", headers=admin)

    assert [r.status_code for r in (foreign, first, again)] == [404, 200, 200]
    assert _is_good(http, one["token"]) == 401


def test_suspended_client_is_refused_until_resumed(http, admin):
    client = _create(http, admin).json["client"]

    http.post(f"{CLIENTS}/{client['id']}/suspend", headers=admin)
    suspended = _is_good(http, client["token"])
    http.post(f"{CLIENTS}/{client['id']}/resume", headers=admin)

    assert (suspended, _is_good(http, client["token"])) == (403, 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", ""),
        ("POST", "/regenerate-token"),
        ("GET", "/token"),
        ("GET", "/tokens"),
        ("DELETE", "/tokens/t"),
        ("POST", "/suspend"),
        ("POST", "/resume"),
    ],
)
def test_unknown_client_is_404(http, admin, method, path):
    answer = http.open(f"{CLIENTS}/nobody{path}", method=method, headers=admin)

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_every_change_is_audited_with_its_author(http, admin, database):
    client = _create(http, admin).json["client"]
    url = f"{CLIENTS}/{client['id']}"
    token = http.post(f"{url}/tokens", json={"name": "x"}, headers=admin).json
    http.post(f"{url}/regenerate-token", headers=admin)
    http.delete(f"{url}/tokens/{token['id']}", headers=admin)
    http.post(f"{url}/suspend", headers=admin)
    http.post(f"{url}/resume", headers=admin)

    found = rows(
        database,
        "SELECT action, actor_type, actor_name, request_id, client_id FROM audit_logs"
        " WHERE client_id IS NOT NULL ORDER BY id",
    )
    assert [row["action"] for row in found] == [
        "client_created",
        "token_created",
        "token_regenerated",
        "token_revoked",
        "client_suspended",
        "client_resumed",
    ]
    assert {row["actor_type"] for row in found} == {"operator"}
    assert {row["client_id"] for row in found} == {client["id"]}
    assert all(row["actor_name"] and row["request_id"] for row in found)


def test_first_token_can_have_a_scope_of_its_own(door, http):
    answer = http.get("/api/client/validate", headers=door.client_headers(Scope.AGENT))

    assert answer.json["scope"] == "agent"
