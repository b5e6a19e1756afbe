"""Every page in Chromium: no error, nothing against the policy, readable, and its journeys."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from backend.domain.agent_settings import SettingsWish
from backend.services.callers import Role
from tests.api.agent_rooms import AGENT, make_agent, make_prices
from tests.api.people import ACTOR, PASSWORD
from tests.api.rows import rows
from tests.browser.conftest import AXE, COOKIE

# A page that is left before its files came drops them in the test's own web server, unclosed.
pytestmark = pytest.mark.filterwarnings(
    r"ignore:Exception ignored in. <_io\.FileIO name=.*/static/:pytest.PytestUnraisableExceptionWarning"
)

PAGE = f"/agents/{AGENT}"
NAMES = {
    "fleet": "/", "agent": PAGE, "instances": "/instances", "pools": "/pools",
    "switches": "/switches", "models": "/models", "notifications": "/notifications",
    "audit": "/audit", "system": "/system",
}  # fmt: skip
HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
    "{{ 7 * 7 }} \u202eesrever\u202c שלום " + "very-long-name-" * 8
)
WIDTHS = (1280, 390)


@pytest.fixture(scope="module")
def fleet(site):
    """One agent with a hostile name and a week of prices; others around it."""
    container = site.container
    client_id, _ = site.door.client()
    make_agent(container.database, client_id, container.clock.now(), name=HOSTILE[:240])
    make_prices(container.database, client_id, container.clock.now(), days=7)
    return client_id


def test_empty_fleet_tells_what_to_do(window):
    for name, path in NAMES.items():
        if name != "agent":
            window.open(path)
    window.open("/").get_by_text("To connect the first one").wait_for()
    window.picture("empty-fleet-1280")

    assert window.troubles == []


@pytest.mark.parametrize("name", NAMES)
def test_page_is_sound_at_both_widths(window, fleet, name):
    page = window.open(NAMES[name])
    if name == "agent":
        expect(page.locator("#chart")).to_have_attribute("data-days", "7")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        window.picture(f"{name}-{width}")
        assert overflow <= 0, f"wider than {width}"
    assert _serious(page) == []
    assert page.title() != "taken"
    assert page.locator("img").count() == 0
    assert window.troubles == []


def test_dark_ground_is_readable_too(window, fleet):
    page = window.page
    page.emulate_media(color_scheme="dark")
    window.open(PAGE)
    expect(page.locator("#chart")).to_have_attribute("data-days", "7")
    window.picture("agent-dark-1280")

    assert _serious(page) == []


def test_form_signs_in_and_a_wrong_password_is_told(stranger):
    _, name = stranger.site.door.operator(Role.VIEWER)
    page = stranger.open("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert _serious(page) == []
    stranger.picture("login-1280")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("heading", name="Fleet").wait_for()


def test_hostile_name_is_only_a_name(window, fleet):
    page = window.open("/")
    link = page.locator("a.agent").first

    assert link.inner_text() == " ".join(HOSTILE[:240].split())
    link.click()
    assert page.locator("h1 bdi").inner_text() == " ".join(HOSTILE[:240].split())
    assert page.locator("script:not([src])").count() == 0
    assert page.title() != "taken"


def test_switch_is_forced_and_seen(window, fleet):
    page = window.open(PAGE)
    page.get_by_label("Switch to m5.large.eu-west-1b").check()
    page.get_by_label("Reason").fill("a person's wish")
    page.get_by_role("button", name="Switch now").click()

    page.get_by_text("The switch is ordered").wait_for()
    commands = page.get_by_role("region", name="Commands").last
    expect(commands).to_contain_text("pending")
    expect(commands).to_contain_text("m5.large.eu-west-1b")
    page.get_by_label("Switch to on demand").check()
    page.get_by_label("Reason").fill("keep these words")
    page.get_by_role("button", name="Switch now").click()
    expect(page.get_by_role("alert")).to_contain_text("Not done")
    assert page.get_by_label("Reason").input_value() == "keep these words"
    assert page.get_by_label("Switch to on demand").is_checked()
    window.picture("agent-refused-1280")


def test_settings_conflict_loses_nothing(window, fleet):
    settings = window.site.container.operating.agent_settings
    page = window.open(PAGE)
    page.get_by_label("Most risk").fill("0.55")
    settings.update(None, AGENT, SettingsWish(max_switches_per_day=9), ACTOR)
    page.get_by_role("button", name="Save the settings").click()

    expect(page.get_by_role("alert")).to_contain_text("Somebody else changed the settings")
    assert page.get_by_label("Most risk").input_value() == "0.55"
    expect(page.get_by_text("stored now: 9")).to_be_visible()
    window.picture("agent-conflict-1280")
    page.get_by_role("button", name="Save the settings").click()
    page.get_by_text("The settings are saved").wait_for()
    assert str(settings.get(None, AGENT).risk_threshold) == "0.55"


def test_ended_session_keeps_the_form(window, fleet, session_of):
    _, name = window.site.door.operator(Role.OPERATOR)
    page = window.open(PAGE)
    page.get_by_label("Most risk").fill("0.44")
    page.context.clear_cookies(name=COOKIE)
    page.evaluate("document.querySelector('form.settings').submit()")
    page.get_by_text("what you typed is kept").wait_for()
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    window.picture("signed-in-again-1280")
    page.get_by_role("button", name="Send it now").click()

    page.get_by_text("The settings are saved").wait_for()
    settings = window.site.container.operating.agent_settings
    assert str(settings.get(None, AGENT).risk_threshold) == "0.44"


def test_interruption_is_rehearsed(window, fleet):
    page = window.open(PAGE)
    page.get_by_role("button", name="Rehearse").click()

    expect(page.get_by_role("status").first).to_be_attached()
    page.get_by_text("What would happen:").wait_for()
    assert window.troubles == []


def test_page_follows_what_happens(window, fleet, site):
    page = window.open(PAGE)
    rows(
        site.container.database,
        "INSERT INTO system_events (event_type, severity, client_id, agent_id, message, created_at)"
        f" VALUES ('probe', 'info', '{fleet}', '{AGENT}', 'seen without a click', '2026-03-02')",
    )

    expect(page.get_by_text("seen without a click")).to_be_visible(timeout=4_000)


def test_ninety_days_of_five_pools_are_drawn_at_once(window, fleet, site):
    container = site.container
    rows(container.database, "DELETE FROM pricing_snapshots_clean")
    for number in (4, 5):
        rows(
            container.database,
            "INSERT INTO spot_pools (id, client_id, region, zone, instance_type, created_at) VALUES"
            f" ({number}, '{fleet}', 'eu-west-1', 'eu-west-1{'xyzde'[number - 1]}', 'm5.large',"
            " '2026-03-02')",
        )
        rows(
            container.database,
            "INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at,"
            f" reported_at) VALUES ('{fleet}', {number}, 'eu-west-1z', 0.04, '2026-03-02',"
            " '2026-03-02')",
        )
    now = container.clock.now() - timedelta(minutes=5)
    count = make_prices(container.database, fleet, now, days=90, pools=5)
    assert count == 129_600
    page = window.open(PAGE)
    page.get_by_role("button", name="90 days").click()
    expect(page.locator("#chart")).to_have_attribute("data-days", "90")
    window.picture("agent-90-days-1280")
    taken = page.evaluate(
        "performance.getEntriesByName(location.origin + document.getElementById('chart').dataset"
        ".source + '?days=90')[0].duration"
    )
    drawn = int(page.locator("#chart").get_attribute("data-drawn"))
    print(f"90 days of 5 pools: fetched in {taken:.0f} ms, drawn in {drawn} ms")

    assert taken + drawn < 1500  # 500 on a machine of its own; here others work beside
    assert window.troubles == []


def _serious(page) -> list[str]:
    """What axe finds serious or critical, with the first place of each."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['nodes'][0]['html'][:200]!r}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]
