"""The page of one agent: what it shows, what its forms do, and what they refuse."""

import re

import pytest

from backend.domain.agent_settings import SettingsWish
from backend.domain.price_lines import Extremes, line_of
from backend.services.callers import Role
from tests.api.agent_rooms import AGENT, make_agent, make_prices
from tests.api.people import ACTOR, PASSWORD
from tests.api.rows import rows

COOKIE = "spot_optimizer_session"
PAGE = f"/agents/{AGENT}"


@pytest.fixture
def room(http, door, database, clock):
    """A browser in which an operator is signed in, and an agent with a ready replica."""
    client_id, _ = door.client()
    make_agent(database, client_id, clock.now())
    http.set_cookie(COOKIE, door.session_cookie(Role.OPERATOR))
    return http


def _send(http, **form):
    token = re.search(r'name="form_token" value="(\w+)"', http.get("/login").text)[1]
    return http.post(PAGE, data={"form_token": token, **form})


def _settings(page: str, **changes) -> dict[str, str]:
    """The settings form as a browser sends it back."""
    form = page[page.index('class="settings"') :]
    sent = dict(re.findall(r'<input type="number" name="(\w+)" value="([^"]*)"', form))
    sent["version"] = re.search(r'name="version" value="(\d+)"', form)[1]
    flags = re.findall(r'<input type="checkbox" name="(\w+)" checked>', form)
    return {"action": "settings", **sent, **dict.fromkeys(flags, "on"), **changes}


def test_page_shows_what_is_known_of_the_agent(room):
    page = room.get(PAGE)

    assert page.status_code == 200
    for text in (
        "web &lt;b onmouseover=", "m5.large.eu-west-1a", "$0.0345", "64 %", "rank 1",
        "The pool is cheaper by a tenth.", "The agent moved less than 2 h ago.", "refused",
        "i-2", "first move", "The agent has registered", "Switches only when a person says so.",
    ):  # fmt: skip
        assert text in page.text
    assert "<b onmouseover" not in page.text
    assert " style=" not in page.text


def test_viewer_sees_no_form_and_may_send_none(room, door):
    room.set_cookie(COOKIE, door.session_cookie(Role.VIEWER))

    page = room.get(PAGE).text

    assert 'name="action"' not in page
    assert _send(room, action="pause").status_code == 403


def test_unknown_agent_is_404(room):
    assert room.get("/agents/nobody").status_code == 404
    assert room.get("/agents/nobody/prices").status_code == 404


def test_form_orders_a_switch_once_and_the_page_shows_it(room, database):
    form = {"action": "switch", "target": "m5.large.eu-west-1b", "reason": "drill", "key": "k1"}

    first = _send(room, **form)
    again = _send(room, **form)

    assert (first.status_code, again.status_code) == (302, 302)
    page = room.get(first.headers["Location"]).text
    assert "The switch is ordered." in page
    assert ">pending<" in page
    found = rows(database, "SELECT COUNT(*) AS n FROM commands WHERE command_type = 'switch'")
    assert found[0]["n"] == 1
    audited = rows(database, "SELECT actor_type FROM audit_logs WHERE action LIKE '%switch%'")
    assert [row["actor_type"] for row in audited] == ["operator"]


def test_refused_switch_keeps_what_was_typed(room):
    _send(room, action="switch", target="m5.large.eu-west-1b", reason="", key="k1")

    answer = _send(room, action="switch", target="ondemand", reason='not "lost"', key="k2")

    assert answer.status_code == 409
    assert "Not done." in answer.text
    assert 'value="not &#34;lost&#34;"' in answer.text
    assert re.search(r'value="ondemand"[^>]* checked>', answer.text)


def test_settings_are_saved_with_the_resulting_state(room):
    page = room.get(PAGE).text

    answer = _send(room, **_settings(page, auto_switch_enabled="on", min_savings_percent="25.5"))
    after = room.get(answer.headers["Location"]).text

    assert "The settings are saved." in after
    assert "Switches by itself, for at least 25.50 % less" in after
    assert "No replica is kept outside emergencies." in after  # automatic excludes manual


def test_stale_settings_tell_the_newer_values_and_keep_the_typed(room, container):
    page = room.get(PAGE).text
    container.operating.agent_settings.update(
        None, AGENT, SettingsWish(max_switches_per_day=9), ACTOR
    )

    answer = _send(room, **_settings(page, risk_threshold="0.55"))

    assert answer.status_code == 409
    assert "Somebody else changed the settings" in answer.text
    assert 'name="risk_threshold" value="0.55"' in answer.text
    assert "stored now: 0.30" in answer.text
    assert "stored now: 9" in answer.text
    assert _send(room, **_settings(answer.text)).status_code == 302


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"risk_threshold": "2"}, "risk_threshold"),
        ({"replica_count": ""}, "replica count needs a number"),
        ({"max_switches_per_day": "many"}, "max_switches_per_day"),
    ],
)
def test_bad_setting_is_refused_with_its_range(room, changes, sentence):
    answer = _send(room, **_settings(room.get(PAGE).text, **changes))

    assert answer.status_code == 400
    assert sentence in answer.text


def test_agent_is_paused_and_resumed(room, container):
    _send(room, action="pause")
    paused = container.operating.agent_settings.get(None, AGENT).enabled
    page = room.get(PAGE).text
    _send(room, action="resume")

    assert paused is False
    assert "Paused: nothing moves it." in page
    assert container.operating.agent_settings.get(None, AGENT).enabled is True


def test_replica_is_ordered_promoted_and_ended(room, database):
    ordered = _send(room, action="replica", pool_id="m5.large.eu-west-1c")
    new = rows(database, "SELECT id FROM replica_instances WHERE id <> 'r1'")
    ended = _send(room, action="end-replica", replica_id=new[0]["id"])
    promoted = _send(room, action="promote", replica_id="r1")

    said = [
        answer.headers["Location"].partition("said=")[2] for answer in (ordered, ended, promoted)
    ]
    assert said == ["replica_ordered", "replica_ended", "promoted"]
    assert ">i-2</code>" in room.get(PAGE).text


def test_rehearsal_tells_what_would_happen(room):
    answer = _send(room, action="rehearse", signal="termination-notice")

    assert answer.status_code == 200
    assert "What would happen:" in answer.text
    assert ">drill<" in answer.text


@pytest.mark.parametrize("form", [{"action": "delete"}, {"action": "rehearse", "execute": "on"}])
def test_destructive_action_asks_for_the_name(room, container, form):
    answer = _send(room, **form, name="something else")

    assert answer.status_code == 400
    assert "Type the agent&#39;s name to confirm" in answer.text
    assert 'value="something else"' in answer.text


def test_agent_is_deleted_by_its_name(room, container):
    name = container.fleet.get_agent(None, AGENT)["logical_agent_id"]

    answer = _send(room, action="delete", name=name)
    page = room.get(answer.headers["Location"]).text

    assert "The agent is deleted." in page
    assert 'name="action"' not in page


def test_form_of_another_site_changes_nothing(room, container):
    answer = room.post(PAGE, data={"action": "pause", "form_token": "0" * 64})

    assert answer.status_code == 403
    assert "The form is out of date" in answer.text
    assert container.operating.agent_settings.get(None, AGENT).enabled is True


def test_ended_session_keeps_what_was_typed(room, door):
    _, name = door.operator(Role.OPERATOR)
    room.delete_cookie(COOKIE)

    asked = _send(room, action="switch", target="ondemand", reason="keep me")
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text))
    fields = {key: value.replace("&#34;", '"') for key, value in fields.items()}
    signed_in = room.post("/login", data={"username": name, "password": PASSWORD, **fields})

    assert asked.status_code == 401
    assert "what you typed is kept" in asked.text
    assert "Nothing has been done yet" in signed_in.text
    assert f'action="{PAGE}"' in signed_in.text
    assert "keep me" in signed_in.text


@pytest.mark.parametrize(
    "place", ["//evil.example", "https://evil.example", "javascript:1", "/a b"]
)
def test_kept_form_leads_to_our_own_pages_only(http, door, place):
    _, name = door.operator(Role.OPERATOR)
    token = re.search(r'name="form_token" value="(\w+)"', http.get("/login").text)[1]
    form = {"username": name, "password": PASSWORD, "form_token": token}

    answer = http.post("/login", data={**form, "kept_place": place, "kept_typed": '{"a": "b"}'})

    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize("days", ["1", "7"])
def test_chart_has_lines_gaps_and_marks(room, database, clock, days):
    client = rows(database, "SELECT client_id FROM agents")[0]["client_id"]
    make_prices(database, client, clock.now(), days=7)

    chart = room.get(f"{PAGE}/prices?days={days}").json

    assert chart["pools"][0]["name"] == "m5.large.eu-west-1a"
    assert len(chart["pools"]) == 3
    assert all(len(pool["prices"]) == len(chart["times"]) <= 1154 for pool in chart["pools"])
    assert chart["ondemand"] == 0.096
    if days == "7":
        assert None in chart["pools"][1]["prices"]
        assert chart["pools"][0]["filled"]
        assert chart["pools"][0]["discrepant"]
        assert chart["switches"][0]["text"] == "manual: m5.large.eu-west-1a"


def test_chart_refuses_another_range(room):
    assert room.get(f"{PAGE}/prices?days=5000").status_code == 400


def test_line_keeps_extremes_and_gaps():
    def at(low, high, *, discrepant=False):
        return Extremes(least=low, greatest=high, is_discrepant=discrepant)

    line = line_of(
        4,
        own={0: at(2, 3), 3: at(1, 9, discrepant=True)},
        filled={1: at(4, 4)},
        agreed={0: at(7, 7)},
    )

    assert line.prices == [2.0, 3.0, 4.0, 4.0, None, None, 1.0, 9.0]
    assert (line.filled, line.discrepant) == ([2], [6])
