"""The operators' pages: forms, policy, and what each room shows."""

import re

import pytest

from backend.domain.freezing import FreezeLevel
from backend.services.callers import Role
from tests.api.people import ACTOR, PASSWORD
from tests.api.rows import rows

COOKIE = "spot_optimizer_session"


def _token_of(page) -> str:
    return re.search(r'name="form_token" value="(\w+)"', page.text)[1]


def _sign_in(http, name, password=PASSWORD):
    token = _token_of(http.get("/login"))
    form = {"username": name, "password": password, "form_token": token}
    return http.post("/login", data=form)


@pytest.fixture
def viewer(http, door):
    """A browser in which a viewer is signed in."""
    http.set_cookie(COOKIE, door.session_cookie(Role.VIEWER))
    return http


@pytest.fixture
def fleet(door, database, clock):
    """One client with an agent, its instance, a price, a command, a switch and a job run."""
    client_id, _ = door.client()
    values = {"client": client_id, "now": clock.now().strftime("%Y-%m-%d %H:%M:%S")}
    for sql in _FLEET.split(";\n"):
        rows(database, sql.format(**values))
    return values


_FLEET = """
INSERT INTO agents (id, client_id, logical_agent_id, status, primary_instance_id, epoch, created_at,
 updated_at) VALUES ('a1', '{client}', 'web <script>', 'online', 'i-1', 7, '{now}', '{now}');
INSERT INTO agent_configs (agent_id, updated_at) VALUES ('a1', '{now}');
INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, mode, instance_type,
 region, az, spot_price_usd_per_hour, cpu_percent, last_seen_at, role_changed_at) VALUES
 ('a1', 'i-1', '{client}', 'primary', 'first', 'spot', 'm5.large', 'eu-west-1', 'eu-west-1a',
 0.0345, 12.5, '{now}', '{now}');
INSERT INTO spot_pools (id, client_id, region, zone, instance_type, created_at) VALUES
 (1, '{client}', 'eu-west-1', 'eu-west-1b', 'c5.large', '{now}');
INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
 VALUES ('{client}', 1, 'eu-west-1b', 0.0678, '{now}', '{now}');
INSERT INTO commands (id, client_id, agent_id, command_type, target_mode, priority, created_by,
 status, expires_at, created_at) VALUES ('c1', '{client}', 'a1', 'switch', 'ondemand', 75, 'eve',
 'pending', '{now}', '{now}');
INSERT INTO commands (id, client_id, agent_id, command_type, target_mode, priority, created_by,
 status, message, expires_at, created_at, ended_at) VALUES ('c2', '{client}', 'a1', 'switch',
 'ondemand', 75, 'eve', 'failed', 'no capacity', '{now}', '{now}', '{now}');
INSERT INTO switches (id, client_id, agent_id, cause, status, failed_step, old_pool_id, requested_at)
 VALUES ('s1', '{client}', 'a1', 'manual', 'failed', 'launching', 'r5.large.eu-west-1c', '{now}');
INSERT INTO job_runs (job, slot, status, node, lease_until, started_at) VALUES
 ('sweep_leases', 1, 'done', 'node-7', '{now}', '{now}')""".lstrip()


@pytest.mark.parametrize("path", ["/", "/?page=2"])
def test_stranger_is_sent_to_the_login_page(http, path):
    answer = http.get(path)

    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")


def test_form_signs_in_and_out(http, door):
    _, name = door.operator(Role.VIEWER)

    signed_in = _sign_in(http, name)
    page = http.get("/")
    signed_out = http.post("/logout", data={"form_token": _token_of(page)})

    assert (signed_in.status_code, signed_in.headers["Location"]) == (302, "/")
    assert name in page.text
    assert signed_out.headers["Location"] == "/login"
    assert http.get("/").status_code == 302


def test_wrong_password_shows_the_form_again(http, door):
    _, name = door.operator()

    answer = _sign_in(http, name, "wrong")

    assert answer.status_code == 401
    assert "The name or the password is wrong" in answer.text
    assert http.get_cookie(COOKIE) is None


def test_locked_account_is_told_on_the_page(http, door):
    _, name = door.operator()
    for _ in range(5):
        _sign_in(http, name, "wrong")

    assert _sign_in(http, name).status_code == 429


@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_form_without_its_token_is_refused(http, door, token):
    _, name = door.operator()
    http.get("/login")

    form = {"username": name, "password": PASSWORD, "form_token": token}
    answer = http.post("/login", data=form)

    assert answer.status_code == 403
    assert http.get_cookie(COOKIE) is None


def test_form_token_of_another_browser_is_refused(app, http, door):
    _, name = door.operator()
    stolen = _token_of(app.test_client().get("/login"))
    http.get("/login")

    form = {"username": name, "password": PASSWORD, "form_token": stolen}

    assert http.post("/login", data=form).status_code == 403


def test_logout_without_token_changes_nothing(viewer):
    assert viewer.post("/logout").status_code == 403
    assert viewer.get("/").status_code == 200


@pytest.mark.parametrize("path", ["/", "/login"])
def test_pages_run_only_our_own_files(viewer, path):
    answer = viewer.get(path)

    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "<style" not in answer.text
    assert " style=" not in answer.text
    assert not re.search(r"<script(?! src=\"/assets/)", answer.text)
    assert not re.search(r"(src|href)=\"(https?:)?//", answer.text)


@pytest.mark.parametrize("name", ["dashboard.css", "refresh.js", "icon.svg"])
def test_assets_are_served_to_everybody(http, name):
    with http.get(f"/assets/{name}") as answer:
        assert answer.status_code == 200


def test_empty_fleet_tells_how_to_connect_the_first_agent(viewer):
    page = viewer.get("/").text

    assert "python -m backend client create NAME" in page
    assert "SPOT_OPTIMIZER_SERVER_URL=http://localhost" in page


ROOMS = {
    "/": ["web &lt;script&gt;", "m5.large.eu-west-1a", "$0.0345", ">pending<"],
    "/instances": ["web &lt;script&gt;", "<code>i-1</code>", "m5.large"],
    "/pools": ["c5.large.eu-west-1b", "$0.0678"],
    "/switches": ["web &lt;script&gt;", "at launching", "r5.large.eu-west-1c"],
    "/models": ["No model was uploaded yet."],
    "/notifications": ["Notifications"],
    "/system": ["sweep leases", "node-7"],
}


@pytest.mark.parametrize(("path", "shown"), ROOMS.items())
def test_room_shows_its_part_of_the_fleet(viewer, fleet, path, shown):
    page = viewer.get(path)

    assert page.status_code == 200
    for text in shown:
        assert text in page.text
    assert "web <script>" not in page.text
    assert f'<a href="{path}" aria-current="page">' in page.text
    assert "SPOT_OPTIMIZER_SERVER_URL" not in page.text


@pytest.mark.parametrize("path", ROOMS)
def test_room_tells_what_to_do_when_nothing_is_there(viewer, path):
    page = viewer.get(path)

    assert page.status_code == 200
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert " style=" not in page.text


def test_audit_is_for_admins_only(viewer, door, app):
    admin = app.test_client()
    admin.set_cookie(COOKIE, door.session_cookie(Role.ADMIN))
    door.client()

    assert viewer.get("/audit").status_code == 403
    assert "/audit" not in viewer.get("/").text
    assert "client created" in admin.get("/audit").text


@pytest.mark.parametrize(
    ("query", "is_shown"),
    [
        ("search=WEB", True),
        ("search=i-1", True),
        ("search=%25", False),
        ("status=offline", False),
        ("status=online&sort=price", True),
        ("sort=seen", True),
        ("sort=status", True),
    ],
)
def test_fleet_is_filtered_and_sorted_by_the_url(viewer, fleet, query, is_shown):
    page = viewer.get(f"/?{query}").text
    agents = page[page.index('id="live-agents"') : page.index('id="live-news"')]

    assert ("web &lt;script&gt;" in agents) is is_shown
    assert ("No agent passes these filters." in agents) is not is_shown


@pytest.mark.parametrize("path", ROOMS)
def test_freeze_is_told_on_every_page(viewer, container, path):
    container.freezes.set_level("global", None, FreezeLevel.VOLUNTARY, ACTOR)

    assert "<b>Frozen.</b>" in viewer.get(path).text


def test_fleet_page_is_bounded_and_paged(viewer, fleet, database):
    rows(
        database,
        "INSERT INTO agents (id, client_id, logical_agent_id, status, created_at, updated_at)"
        f" SELECT CONCAT('n', seq), '{fleet['client']}', CONCAT('agent-', LPAD(seq, 3, '0')),"
        f" 'online', '{fleet['now']}', '{fleet['now']}' FROM ({_numbers(60)}) AS n",
    )

    first, second = viewer.get("/").text, viewer.get("/?page=2").text

    assert "agent-050" in first
    assert "agent-051" not in first
    assert 'href="?page=2"' in first
    assert "agent-051" in second
    assert "agent-050" not in second


def _numbers(count: int) -> str:
    return " UNION ALL ".join(f"SELECT {number} AS seq" for number in range(1, count + 1))


@pytest.mark.parametrize("query", ["page=0", "page=x", "page=10001", "sort=DROP"])
def test_absurd_page_is_400(viewer, query):
    assert viewer.get(f"/?{query}").status_code == 400
