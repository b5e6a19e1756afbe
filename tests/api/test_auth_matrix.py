"""Every guarded route against every kind of credential."""

from datetime import timedelta

import pytest

from backend.api.guards import Guard
from backend.app import guards_of
from backend.services.callers import Role, Scope
from tests.api.people import ACTOR, bearer

PAGE_FOR_STRANGERS = 302


def _guarded_calls(app):
    """(guard, method, path) of every route that is not public."""
    guards = guards_of(app)
    for rule in app.url_map.iter_rules():
        guard = guards[rule.endpoint]
        if guard.is_public:
            continue
        path = rule.build(dict.fromkeys(rule.arguments, "unknown-id"), append_unknown=False)[1]
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield guard, method, path


# Off by a setting: 403 for everybody, admins too (tests/api/test_models.py).
SWITCHED_OFF = "/api/admin/decision-engine/upload"


def _statuses(app, headers):
    http = app.test_client(use_cookies=False)
    return [
        (guard, f"{method} {path}", http.open(path, method=method, headers=headers).status_code)
        for guard, method, path in _guarded_calls(app)
        if path != SWITCHED_OFF or not headers
    ]


def _expect(app, headers, expected) -> None:
    """Every route must answer one of the codes that ``expected(guard)`` gives."""
    answers = _statuses(app, headers)
    wrong = [(call, code) for guard, call, code in answers if code not in expected(guard)]
    assert answers
    assert wrong == []


def _unauthenticated(guard: Guard):
    return {PAGE_FOR_STRANGERS} if guard.is_page else {401}


def _forbidden(_guard: Guard):
    return {403}


def _admitted():
    return set(range(200, 600)) - {401, 403, 500, 503}


def test_routes_refuse_when_nothing_is_shown(app):
    _expect(app, {}, _unauthenticated)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_routes_refuse_when_the_token_is_unknown(app, scheme):
    _expect(app, {"Authorization": f"{scheme} token-{'x' * 32}"}, _unauthenticated)


def test_routes_refuse_when_the_api_key_is_unknown(app):
    _expect(app, {"X-Api-Key": f"sok_{'x' * 32}"}, _unauthenticated)


def test_routes_refuse_when_the_scheme_is_not_bearer(app, door):
    _expect(app, {"Authorization": f"Basic {door.client()[1]}"}, _unauthenticated)


def test_routes_refuse_when_the_token_is_revoked(app, door, container):
    client_id, token = door.client()
    token_id = container.client_tokens.list(client_id)[0]["id"]
    container.client_tokens.revoke(client_id, token_id, ACTOR)

    _expect(app, bearer(token), _unauthenticated)


def test_routes_refuse_when_the_token_has_expired(app, door, container, clock):
    client_id, _ = door.client()
    expires_at = clock.now() + timedelta(days=1)
    token = container.client_tokens.create(client_id, "short", Scope.BOTH, expires_at, ACTOR)
    clock.advance(timedelta(days=1))

    _expect(app, bearer(token["token"]), _unauthenticated)


def test_routes_forbid_when_the_client_is_suspended(app, door, container):
    client_id, token = door.client()
    container.clients.suspend(client_id, ACTOR)

    _expect(app, bearer(token), _forbidden)


@pytest.mark.parametrize("scope", list(Scope))
def test_routes_admit_exactly_the_scopes_of_their_guard(app, door, scope):
    headers = door.client_headers(scope)

    _expect(app, headers, lambda guard: _admitted() if scope in guard.scopes else {403})


@pytest.mark.parametrize("role", list(Role))
def test_routes_admit_exactly_the_roles_of_their_guard(app, door, role):
    door.operator(Role.ADMIN)
    headers = door.operator_headers(role)

    def expected(guard: Guard):
        form = {403} if guard.is_page else set()  # forms need their token too
        return _admitted() | form if guard.role and role.includes(guard.role) else {403}

    _expect(app, headers, expected)


def test_routes_refuse_a_session_when_the_operator_was_disabled(app, door, container):
    door.operator(Role.ADMIN)
    operator_id, _ = door.operator(Role.ADMIN)
    key = door.api_key(operator_id)
    container.operators.update(operator_id, ACTOR, is_active=False)

    _expect(app, {"X-Api-Key": key}, _forbidden)
