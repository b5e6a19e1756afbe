"""Route 31: the shape that installed dashboards read."""

import pytest

from backend.services.callers import Scope
from tests.api.people import ACTOR, bearer


@pytest.mark.parametrize("scope", list(Scope))
def test_good_token_answers_its_client(http, door, scope):
    client_id, token = door.client(scope)

    answer = http.get("/api/client/validate", headers=bearer(token))

    assert answer.status_code == 200
    assert answer.json["valid"] is True
    assert answer.json["client_id"] == client_id
    assert set(answer.json) >= {"valid", "client_id", "name", "email"}


@pytest.mark.parametrize("headers", [{}, bearer(""), bearer("token-unknown"), bearer("sok_x")])
def test_bad_token_is_401_and_says_invalid(http, headers):
    answer = http.get("/api/client/validate", headers=headers)

    assert answer.status_code == 401
    assert answer.json["valid"] is False
    assert answer.json["error"]


def test_suspended_client_is_403_and_says_invalid(http, door, container):
    client_id, token = door.client()
    container.clients.suspend(client_id, ACTOR)

    answer = http.get("/api/client/validate", headers=bearer(token))

    assert (answer.status_code, answer.json["valid"]) == (403, False)


def test_json_type_with_empty_body_is_fine(http, door):
    headers = {**door.client_headers(), "Content-Type": "application/json"}

    assert http.get("/api/client/validate", headers=headers).status_code == 200
