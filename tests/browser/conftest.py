"""One site and one browser for all tests of this folder; each test has its own window."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright
from werkzeug.serving import make_server

from backend.app import create_app
from backend.bootstrap import Container, build_container
from backend.config import load_settings
from backend.db.local_server import LocalServer
from backend.services.callers import Role
from tests.api.people import Door
from tests.database import empty_tables, open_database
from tests.fakes.clock import FakeClock

COOKIE = "spot_optimizer_session"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
# As root there is no sandbox; a small /dev/shm must not matter.
OPTIONS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
PICTURES = Path(__file__).resolve().parents[2] / ".local" / "browser"
AXE = Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js"


@dataclass(frozen=True)
class Site:
    """The app behind a port of this machine, and a way in."""

    url: str
    container: Container
    door: Door


@dataclass
class Window:
    """A page of the browser, with everything that went wrong on it."""

    page: Page
    site: Site
    troubles: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        """Go to a path of the site and wait until it stands."""
        self.page.goto(self.site.url + path, wait_until="load")
        return self.page

    def picture(self, name: str) -> None:
        """Keep how it looks."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)

    def note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.troubles.append(message.text)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium of the system. A machine without it fails: a page nobody looked at is not tested."""
    program = next((found for name in PROGRAMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.fail(f"None of {', '.join(PROGRAMS)} is installed; run: make setup-dev")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def site(database_server: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole app over the test's database server, empty at first."""
    empty_tables(database_server.address)
    database = open_database(database_server.address)
    local = str(tmp_path_factory.mktemp("local"))
    settings = load_settings({"SECRET_KEY": "only-for-these-tests", "LOCAL_DIR": local}, None)
    container = build_container(settings, FakeClock(), database)
    server = make_server("127.0.0.1", 0, create_app(container), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Site(f"http://127.0.0.1:{server.server_port}", container, Door(container))
    server.shutdown()
    thread.join()
    server.server_close()
    database.close()
    empty_tables(database_server.address)


@pytest.fixture(scope="module")
def session_of(site: Site) -> dict[Role, str]:
    """Sessions by role: signing in costs a tenth of a second."""
    return {role: site.door.session_cookie(role) for role in (Role.VIEWER, Role.ADMIN)}


@pytest.fixture
def window(browser: Browser, site: Site, session_of: dict[Role, str]) -> Iterator[Window]:
    """A window in which an admin is signed in."""
    with _context(browser) as context:
        context.add_cookies([{"name": COOKIE, "value": session_of[Role.ADMIN], "url": site.url}])
        yield _window(context, site)


@pytest.fixture
def stranger(browser: Browser, site: Site) -> Iterator[Window]:
    """A window in which nobody is signed in."""
    with _context(browser) as context:
        yield _window(context, site)


def _context(browser: Browser) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(10_000)
    return context


def _window(context: BrowserContext, site: Site) -> Window:
    page = context.new_page()
    window = Window(page, site)
    page.on("console", window.note)
    page.on("pageerror", lambda error: window.troubles.append(str(error)))
    return window
