"""Filters, pages, dates, ranges and ids of every kind; foreign tenants; revoked tokens."""

import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend.app import guards_of
from backend.services.callers import Role
from tests.contract.dashboards import Story, make_story, operator_headers
from tests.contract.serving import TESTER, World

PARAMETERS = (
    "limit", "offset", "days", "interval", "status", "mode", "region", "search", "shape", "q",
    "client_id", "instance_id", "format", "before", "action", "subject_id", "after", "unread",
    "history", "include_terminated", "range",
)  # fmt: skip
HOSTILE = (
    "", "0", "-1", "1", "1e3", "1.5", "NaN", "99999999999999999999", "9223372036854775808", "null",
    "all", "true", "ALL", "snake", "csv", "hour", "day", "open", "%", "_", "!%", "\\", "'", "\"",
    "' OR 1=1 --", "%00", "a\x00b", "é", "\U0001f600", "\udcff".encode("utf-8", "surrogateescape"),
    "../..", "<script>", "2026-02-30", "0000-00-00", "2026-13-01T25:61:00Z", "x" * 63, "x" * 5000,
    "[]", "{}", "i-0bbb", "1,2", " ", "\t", "+", "-0",
)  # fmt: skip
NAMES = re.compile(r"<(?:[^:<>]+:)?(\w+)>")


@pytest.fixture
def story(world: World) -> Story:
    return make_story(world)


def _reads(story: Story) -> list[tuple[str, bool, bool]]:
    """Every GET route below /api that is no public one: path, for clients, for operators."""
    guards = guards_of(story.world.app)
    return sorted(
        (rule.rule, bool(guards[rule.endpoint].scopes), guards[rule.endpoint].role is not None)
        for rule in story.world.app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
        and "GET" in (rule.methods or ())
        and not guards[rule.endpoint].is_public
    )


def _filled(rule: str, values: dict[str, str]) -> str:
    return NAMES.sub(lambda found: values.get(found[1], "1"), rule)


@settings(
    max_examples=600,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_query_is_answered_or_refused_by_name(story: Story, data: st.DataObject):
    if not hasattr(story.world, "asked"):
        story.world.asked = (_reads(story), operator_headers(story.world, Role.ADMIN))  # type: ignore[attr-defined]
    routes, admin = story.world.asked  # type: ignore[attr-defined]
    rule, for_clients, for_operators = data.draw(st.sampled_from(routes))
    query = data.draw(
        st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(HOSTILE), max_size=3)
    )
    own = {"client_id": story.world.alpha.client_id, "agent_id": story.agent_id}
    hostile = st.sampled_from([value for value in HOSTILE if value and value not in ("../..",)])
    ids = {"instance_id": "i-0bbb", **own}
    if data.draw(st.booleans()):
        ids = {name: quote(data.draw(hostile), safe="") for name in (*ids, "event_id")}
    as_operator = for_operators and (not for_clients or data.draw(st.booleans()))
    headers = admin if as_operator else {"Authorization": f"Bearer {story.world.alpha.token}"}

    answer = story.world.app.test_client().get(
        _filled(rule, ids), query_string=query, headers={**headers, "X-Instance-Id": "i-0bbb"}
    )

    assert answer.status_code in (200, 308, 400, 404, 409), f"{rule} {query}: {answer.text}"
    if answer.status_code >= 400:
        assert set(answer.json) == {"error", "code", "request_id", "details"}
    if answer.status_code == 400:
        named = {*answer.json["details"], answer.json["details"].get("field")}
        assert named & {*query, *NAMES.findall(rule), "q"}, answer.text


def test_another_tenants_things_look_like_things_that_are_not(story: Story):
    stranger = {"Authorization": f"Bearer {story.world.beta.token}"}
    theirs = {
        "client_id": story.world.alpha.client_id,
        "agent_id": story.agent_id,
        "instance_id": "i-0bbb",
    }
    nobodys = {name: "0" * len(value) for name, value in theirs.items()}
    http = story.world.app.test_client()

    for rule, for_clients, _ in _reads(story):
        if not for_clients or "<" not in rule:
            continue
        seen = [
            http.get(_filled(rule, values), headers={**stranger, "X-Instance-Id": "i-0bbb"})
            for values in (theirs, nobodys)
        ]

        assert seen[0].status_code == seen[1].status_code, rule
        bodies = [_anonymous(answer.json) for answer in seen]
        assert bodies[0] == bodies[1], rule
        assert seen[0].status_code == 404 or not _has_content(bodies[0]), rule


def test_revoked_token_opens_nothing(story: Story):
    alpha = story.world.alpha
    tokens = story.world.container.client_tokens
    (known,) = [row for row in tokens.list(alpha.client_id) if row["revoked_at"] is None]
    tokens.revoke(alpha.client_id, known["id"], TESTER)
    http = story.world.app.test_client()

    for rule, _, _ in _reads(story):
        path = _filled(rule, {"client_id": alpha.client_id, "agent_id": story.agent_id})
        answer = http.get(path, headers={"Authorization": f"Bearer {alpha.token}"})

        assert (answer.status_code, answer.json["code"]) == (401, "unauthenticated"), rule


def _anonymous(body: Any) -> Any:
    return {k: v for k, v in body.items() if k != "request_id"} if isinstance(body, dict) else body


def _has_content(body: Any) -> bool:
    if isinstance(body, dict):
        return any(_has_content(value) for value in body.values())
    return bool(body)
