"""Operators and their API keys; somebody can always sign in as admin."""

import threading

import pytest

from backend.errors import Conflict, InvalidRequest
from backend.services.callers import Role
from tests.api.people import ACTOR, OWN_PAGE, PASSWORD
from tests.api.rows import rows

OPERATORS = "/api/admin/operators"
KEYS = "/api/admin/api-keys"


@pytest.fixture
def only_admin(door):
    """The id and the headers of the only admin."""
    operator_id, _ = door.operator(Role.ADMIN)
    return operator_id, {"X-Api-Key": door.api_key(operator_id)}


def test_made_operator_can_sign_in_and_is_listed_without_hash(http, admin):
    body = {"username": "eve", "password": "long enough 1", "role": "viewer"}

    made = http.post(OPERATORS, json=body, headers=admin)

    assert made.status_code == 201
    listed = http.get(OPERATORS, headers=admin)
    assert "eve" in [operator["username"] for operator in listed.json["operators"]]
    assert "scrypt" not in listed.text
    login = http.post("/api/auth/login", json={"username": "eve", "password": "long enough 1"})
    assert login.json["operator"]["role"] == "viewer"


def test_name_with_a_line_break_at_its_end_is_refused(container):
    with pytest.raises(InvalidRequest) as refused:
        container.operators.create("eve\n", PASSWORD, Role.VIEWER, ACTOR)

    assert "username" in refused.value.facts["fields"]


def test_taken_name_is_409(http, admin, door):
    _, name = door.operator()

    body = {"username": name, "password": "long enough 1", "role": "viewer"}
    answer = http.post(OPERATORS, json=body, headers=admin)

    assert (answer.status_code, answer.json["code"]) == (409, "already_exists")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"username": "a b"}, "username"),
        ({"username": ""}, "username"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 201}, "password"),
        ({"role": "king"}, "role"),
        ({"extra": 1}, "extra"),
    ],
)
def test_unusable_operator_names_the_field_and_not_the_password(http, admin, change, field):
    body = {"username": "eve", "password": "long enough 1", "role": "viewer", **change}

    answer = http.post(OPERATORS, json=body, headers=admin)

    assert answer.status_code == 400
    assert list(answer.json["details"]) == [field]
    assert body["password"] not in answer.text


@pytest.mark.parametrize("body", [{"role": "operator"}, {"is_active": False}])
def test_last_admin_can_neither_be_demoted_nor_disabled(http, only_admin, body):
    operator_id, headers = only_admin

    answer = http.patch(f"{OPERATORS}/{operator_id}", json=body, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (409, "conflict")
    assert http.get(OPERATORS, headers=headers).json["operators"][0]["role"] == "admin"


def test_last_admin_cannot_be_deleted(http, only_admin):
    operator_id, headers = only_admin

    assert http.delete(f"{OPERATORS}/{operator_id}", headers=headers).status_code == 409


def test_disabled_admin_does_not_count_as_another(http, only_admin, door, container):
    operator_id, headers = only_admin
    other_id, _ = door.operator(Role.ADMIN)
    container.operators.update(other_id, ACTOR, is_active=False)

    assert http.delete(f"{OPERATORS}/{operator_id}", headers=headers).status_code == 409


def test_admin_may_go_when_another_remains(http, only_admin, door):
    operator_id, headers = only_admin
    door.operator(Role.ADMIN)

    assert http.delete(f"{OPERATORS}/{operator_id}", headers=headers).status_code == 200
    assert http.get(OPERATORS, headers=headers).status_code == 401


def test_two_admins_cannot_remove_each_other_at_the_same_moment(door, container, database):
    ids = [door.operator(Role.ADMIN)[0] for _ in range(2)]
    refused: list[str] = []

    def remove(operator_id):
        try:
            container.operators.delete(operator_id, ACTOR)
        except Conflict:
            refused.append(operator_id)

    threads = [threading.Thread(target=remove, args=(i,)) for i in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert [row["id"] for row in rows(database, "SELECT id FROM operators")] == refused


def test_changes_are_audited_without_secrets(http, admin, door, database):
    operator_id, _ = door.operator(Role.VIEWER)
    http.patch(
        f"{OPERATORS}/{operator_id}", json={"role": "operator", "password": "brand new 99"},
        headers=admin,
    )  # fmt: skip

    (entry,) = rows(database, "SELECT details FROM audit_logs WHERE action = 'operator_changed'")
    assert '"after":"operator"' in entry["details"].replace(" ", "")
    assert "brand new 99" not in entry["details"]


def test_new_password_ends_sessions(http, admin, door, container):
    operator_id, name = door.operator(Role.VIEWER)
    http.post("/api/auth/login", json={"username": name, "password": PASSWORD})
    before = http.get("/api/auth/me").status_code

    container.operators.update(operator_id, ACTOR, password="brand new 99")

    assert (before, http.get("/api/auth/me").status_code) == (200, 401)


def test_unknown_operator_is_404(http, admin):
    assert http.patch(f"{OPERATORS}/nobody", json={}, headers=admin).status_code == 404
    assert http.delete(f"{OPERATORS}/nobody", headers=admin).status_code == 404


def test_made_key_works_is_shown_once_and_stored_as_hash(http, admin, database):
    made = http.post(KEYS, json={"name": "ci", "expires_in_days": 1}, headers=admin)

    key = made.json["key"]
    assert made.status_code == 201
    assert key.startswith("sok_")
    assert http.get("/api/auth/me", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    assert key not in http.get(KEYS, headers=admin).text
    assert key not in str(rows(database, "SELECT * FROM operator_api_keys"))


def test_key_may_do_what_its_operator_may_do_now(http, door, container):
    operator_id, _ = door.operator(Role.VIEWER)
    headers = {"X-Api-Key": door.api_key(operator_id)}
    before = http.get(OPERATORS, headers=headers).status_code

    container.operators.update(operator_id, ACTOR, role=Role.ADMIN)

    assert (before, http.get(OPERATORS, headers=headers).status_code) == (403, 200)


def test_revoked_key_is_refused(http, admin, door):
    made = http.post(KEYS, json={"name": "ci"}, headers=admin).json

    answers = [http.delete(f"{KEYS}/{made['id']}", headers=admin).status_code for _ in range(2)]

    assert answers == [200, 200]
    assert http.get("/api/auth/me", headers={"X-Api-Key": made["key"]}).status_code == 401


def test_operator_sees_and_ends_own_keys_only(http, admin, door):
    foreign = http.post(KEYS, json={"name": "admins"}, headers=admin).json
    viewer = door.operator_headers(Role.VIEWER)

    listed = http.get(KEYS, headers=viewer).json
    answer = http.delete(f"{KEYS}/{foreign['id']}", headers=viewer)

    assert listed["total"] == 1
    assert answer.status_code == 404


def test_session_may_write_json_from_our_own_page(http, door):
    http.set_cookie("spot_optimizer_session", door.session_cookie(Role.ADMIN))

    answer = http.post(KEYS, json={"name": "mine"}, headers=OWN_PAGE)

    assert answer.status_code == 201
