"""Signing in: cookie, throttle, the end of sessions, and other sites' pages."""

from datetime import timedelta

import pytest

from backend.app import create_app
from backend.bootstrap import build_container
from backend.services.callers import Role
from backend.services.sign_in import SignIn
from tests.api.people import ACTOR, OWN_PAGE, PASSWORD
from tests.api.rows import rows

LOGIN = "/api/auth/login"
COOKIE = "spot_optimizer_session"


def _login(http, name, password=PASSWORD, **options):
    return http.post(LOGIN, json={"username": name, "password": password}, **options)


def test_cookie_is_unreadable_for_scripts_and_lax(http, door):
    _, name = door.operator()

    cookie = _login(http, name).headers["Set-Cookie"]

    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Max-Age=604800" in cookie
    assert "Secure" not in cookie


def test_cookie_is_secure_when_the_request_is_https(http, door):
    _, name = door.operator()

    cookie = _login(http, name, base_url="https://fleet.example").headers["Set-Cookie"]

    assert "Secure" in cookie


@pytest.mark.parametrize(("proxies", "is_secure"), [(0, False), (1, True)])
def test_forwarded_https_counts_only_from_trusted_proxies(
    settings, clock, database, door, proxies, is_secure
):
    _, name = door.operator()
    trusting = settings.model_copy(update={"trusted_proxies": proxies})
    http = create_app(build_container(trusting, clock, database)).test_client()

    answer = _login(http, name, headers={"X-Forwarded-Proto": "https"})

    assert ("Secure" in answer.headers["Set-Cookie"]) is is_secure


def test_session_and_password_are_stored_as_hashes(http, door, database):
    _, name = door.operator()
    _login(http, name)
    token = http.get_cookie(COOKIE).value

    assert token not in str(rows(database, "SELECT * FROM operator_sessions"))
    (operator,) = rows(database, "SELECT password_hash FROM operators")
    assert operator["password_hash"].startswith("scrypt:")


def test_logout_ends_the_session_for_good(http, door):
    http.set_cookie(COOKIE, token := door.session_cookie())

    answer = http.post("/api/auth/logout", json={}, headers=OWN_PAGE)

    assert answer.status_code == 200
    http.set_cookie(COOKIE, token)
    assert http.get("/api/auth/me").status_code == 401


@pytest.mark.parametrize(
    ("name", "password"), [("operator", "wrong"), ("nobody", PASSWORD), ("", ""), ("a\x00b", "x")]
)
def test_wrong_login_does_not_tell_what_was_wrong(http, door, name, password):
    door.operator(username="operator")

    answer = _login(http, name, password)

    assert answer.status_code == 401
    assert answer.json["error"].startswith("The name or the password is wrong")


def test_disabled_operator_cannot_sign_in(http, door):
    _, name = door.operator(Role.VIEWER)
    door.container.operators.update(door.container.operators.resolve(name), ACTOR, is_active=False)

    assert _login(http, name).status_code == 401


def test_fifth_failure_locks_the_account_for_a_quarter_of_an_hour(http, door, clock):
    _, name = door.operator()
    failures = [_login(http, name, "wrong").status_code for _ in range(5)]

    locked = _login(http, name)
    clock.advance(timedelta(minutes=15))
    later = _login(http, name)

    assert failures == [401] * 5
    assert (locked.status_code, locked.json["code"]) == (429, "limit_reached")
    assert 0 < int(locked.headers["Retry-After"]) <= 901
    assert later.status_code == 200


def test_lock_holds_on_every_node(door, database, clock, http):
    _, name = door.operator()
    for _ in range(5):
        _login(http, name, "wrong")

    other_node = create_app(build_container(door.container.settings, clock, database))
    refused = _login(other_node.test_client(), name)
    clock.advance(timedelta(minutes=15))

    assert refused.status_code == 401
    assert _login(other_node.test_client(), name).status_code == 200


def test_success_forgets_earlier_failures(http, door):
    _, name = door.operator()
    for _ in range(4):
        _login(http, name, "wrong")
    _login(http, name)

    failures = [_login(http, name, "wrong").status_code for _ in range(4)]

    assert failures == [401] * 4
    assert _login(http, name).status_code == 200


def test_lock_does_not_tell_which_names_exist_when_there_are_two_workers(
    http, door, database, clock
):
    _, name = door.operator()
    other = create_app(build_container(door.container.settings, clock, database)).test_client()

    def answers(username):
        return [_login(worker, username, "wrong").status_code for worker in (http, other) * 6]

    known, unknown = answers(name), answers("nobody")

    assert known == unknown == [401] * 10 + [429] * 2


def test_lock_is_not_prolonged_when_it_is_tried_again(http, door, database, clock):
    _, name = door.operator()
    other = create_app(build_container(door.container.settings, clock, database)).test_client()
    for _ in range(5):
        _login(http, name, "wrong")
    clock.advance(timedelta(minutes=14))
    for _ in range(5):
        _login(other, name, "wrong")
    clock.advance(timedelta(minutes=1))

    assert _login(http, name).status_code == 200


def test_address_that_tries_many_names_is_slowed_down(http, door, clock):
    _, name = door.operator()
    answers = [_login(http, f"name{i}").status_code for i in range(20)]

    blocked = _login(http, name)
    elsewhere = _login(http, name, environ_overrides={"REMOTE_ADDR": "198.51.100.7"})
    clock.advance(timedelta(minutes=15))

    assert answers == [401] * 20
    assert blocked.status_code == 429
    assert elsewhere.status_code == 200
    assert _login(http, name).status_code == 200


def test_unknown_name_costs_as_much_work_as_a_known_one(container, door, monkeypatch):
    _, name = door.operator()
    checked: list[str] = []

    def remember(stored, password):
        checked.append(stored.split("$")[0])
        return False

    monkeypatch.setattr("backend.services.passwords.check_password_hash", remember)
    sign_in = SignIn(container.database, container.clock)
    for username in (name, "nobody"):
        with pytest.raises(Exception, match="wrong"):
            sign_in.sign_in(username, "x", address=None, user_agent=None)

    assert len(checked) == 2
    assert checked[0] == checked[1]


def test_idle_session_ends_after_eight_hours(http, door, clock):
    http.set_cookie(COOKIE, door.session_cookie())
    clock.advance(timedelta(hours=8))

    assert http.get("/api/auth/me").status_code == 401


def test_busy_session_ends_after_seven_days(http, door, clock):
    http.set_cookie(COOKIE, door.session_cookie())
    answers = []
    for _ in range(24):
        clock.advance(timedelta(hours=7))
        answers.append(http.get("/api/auth/me").status_code)

    assert answers == [200] * 23 + [401]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_session_write_is_forbidden_when_not_from_our_page(http, door, headers):
    http.set_cookie(COOKIE, door.session_cookie())

    answer = http.post("/api/admin/api-keys", json={"name": "x"}, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {"Origin": "http://localhost"}],
)
def test_session_write_is_admitted_from_our_page(http, door, headers):
    http.set_cookie(COOKIE, door.session_cookie())

    answer = http.post("/api/admin/api-keys", json={"name": "x"}, headers=headers)

    assert answer.status_code == 201


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_session_write_needs_json(http, door, kind):
    http.set_cookie(COOKIE, door.session_cookie())

    answer = http.post(
        "/api/admin/api-keys", data='{"name": "x"}', content_type=kind, headers=OWN_PAGE
    )

    assert answer.status_code == 415


def test_other_site_cannot_sign_an_operator_in(http, door):
    _, name = door.operator()

    answer = _login(http, name, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


def test_sign_in_is_audited(http, door, database):
    operator_id, name = door.operator()
    _login(http, name)

    (entry,) = rows(database, "SELECT actor_id FROM audit_logs WHERE action = 'signed_in'")
    assert entry["actor_id"] == operator_id
