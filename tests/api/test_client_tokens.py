"""Tokens at the door: what is stored, cached, noted, and when it ends."""

from datetime import timedelta

import pytest

from backend.errors import Unauthenticated
from backend.services.callers import Scope
from backend.services.tokens import TokenAuthenticator
from tests.api.people import ACTOR, bearer
from tests.api.rows import rows


class CountingDatabase:
    """Hands everything on and counts the calls."""

    def __init__(self, database) -> None:
        self._database = database
        self.names: list[str] = []

    def run(self, name, work):
        self.names.append(name)
        return self._database.run(name, work)


@pytest.fixture
def counted(database):
    return CountingDatabase(database)


@pytest.fixture
def authenticator(counted, clock):
    return TokenAuthenticator(counted, clock, cache_seconds=5.0)


def test_token_is_stored_only_as_its_hash(door, database):
    _, token = door.client()

    (stored,) = rows(database, "SELECT HEX(token_hash) AS hash, token_hint FROM client_tokens")
    assert len(stored["hash"]) == 64
    assert stored["token_hint"] == token[-4:]
    dump = str(rows(database, "SELECT * FROM client_tokens"))
    dump += str(rows(database, "SELECT * FROM audit_logs"))
    dump += str(rows(database, "SELECT * FROM system_events"))
    assert token not in dump


def test_token_has_the_installed_form(door):
    _, token = door.client()

    prefix, _, random = token.partition("-")
    assert (prefix, len(random), random.isalnum()) == ("token", 32, True)


def test_hot_call_asks_no_database(door, authenticator, counted):
    _, token = door.client()
    authenticator.authenticate(token)
    counted.names.clear()

    caller = authenticator.authenticate(token)

    assert counted.names == []
    assert caller.scope is Scope.BOTH


def test_revocation_holds_everywhere_once_the_cache_has_expired(
    door, authenticator, container, clock
):
    client_id, token = door.client()
    authenticator.authenticate(token)
    token_id = container.client_tokens.list(client_id)[0]["id"]
    container.client_tokens.revoke(client_id, token_id, ACTOR)  # by another process, so to say

    clock.advance(timedelta(seconds=5))

    with pytest.raises(Unauthenticated, match="revoked"):
        authenticator.authenticate(token)


def test_revocation_holds_at_once_in_the_process_that_did_it(http, door, container):
    client_id, token = door.client()
    http.get("/api/client/validate", headers=bearer(token))
    token_id = container.client_tokens.list(client_id)[0]["id"]

    container.client_tokens.revoke(client_id, token_id, ACTOR)

    assert http.get("/api/client/validate", headers=bearer(token)).status_code == 401


def test_token_ends_at_its_instant_although_it_is_cached(door, authenticator, container, clock):
    client_id, _ = door.client()
    expires_at = clock.now() + timedelta(seconds=3)
    token = container.client_tokens.create(client_id, "x", Scope.AGENT, expires_at, ACTOR)["token"]
    authenticator.authenticate(token)

    clock.advance(timedelta(seconds=3))

    with pytest.raises(Unauthenticated, match="expired"):
        authenticator.authenticate(token)


def test_unknown_token_is_asked_for_once_a_second(authenticator, counted, clock):
    for step in (0, 0.5, 1):
        clock.advance(timedelta(seconds=step))
        with pytest.raises(Unauthenticated):
            authenticator.authenticate("token-nobody-has")

    assert counted.names == ["find_token", "find_token"]


@pytest.mark.parametrize("token", ["x" * 201, "\ud800", "token-é", "'; --", "\x00"])
def test_absurd_token_is_refused(authenticator, token):
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(token)


def test_use_is_noted_at_most_once_a_minute(door, authenticator, counted, clock):
    _, token = door.client()
    for _ in range(20):
        authenticator.authenticate(token)
        clock.advance(timedelta(seconds=6))

    assert counted.names.count("touch_token") == 2


def test_token_comparison_knows_case(door, http):
    _, token = door.client()

    answer = http.get("/api/client/validate", headers=bearer(token.swapcase()))

    assert answer.status_code == 401


def test_body_token_counts_when_no_header_is_sent(http, door):
    _, token = door.client()

    answer = http.post("/api/agents/a/heartbeat", json={"client_token": token, "status": "online"})

    assert answer.status_code != 401


def test_header_wins_over_the_body(http, door):
    _, token = door.client()

    answer = http.post(
        "/api/agents/a/heartbeat", json={"client_token": token}, headers=bearer("token-wrong")
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("body", ["{broken", "[]", '{"client_token": 3}', '{"client_token": null}'])
def test_authentication_comes_before_validation(http, body):
    answer = http.post("/api/agents/a/heartbeat", data=body, content_type="application/json")

    assert answer.status_code == 401
