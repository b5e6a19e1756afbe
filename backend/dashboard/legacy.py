"""An older dashboard, built elsewhere, served from this origin to signed-in operators.

Such a build is one page and its files. It asks for its files at ``/assets/...`` or next to its
page, and for data at ``/api`` of its own host, with the operator's session.
"""

from pathlib import Path

from flask import Response, make_response, redirect, send_file
from pydantic import BaseModel
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from backend.api.blueprints import GuardedBlueprint
from backend.dashboard.rendering import page_blueprint
from backend.errors import ConfigError

INDEX = "index.html"
PREFIX = "/legacy"
# The build's own style attributes need 'unsafe-inline' for styles; its scripts are files.
LEGACY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ASSETS = "assets"
_NAMED_BY_CONTENT = "private, max-age=31536000, immutable"
_ASK_EVERY_TIME = "private, no-cache"


class FilePath(BaseModel):
    """A file of the build."""

    filename: str


class LegacyDashboard:
    """The files of one build. Nothing outside of its folder is ever sent."""

    def __init__(self, folder: Path) -> None:
        """Check the folder.

        Raises:
            ConfigError: there is no ``index.html`` in it.
        """
        self._folder = folder.resolve()
        if not (self._folder / INDEX).is_file():
            raise ConfigError(
                f"LEGACY_DASHBOARD_DIR: {folder} holds no {INDEX}: name the folder of a built"
                " dashboard",
                variable="LEGACY_DASHBOARD_DIR",
            )

    def page(self) -> Response:
        """Return the one page, checked with the server every time."""
        return self._sent(self._folder / INDEX)

    def file(self, name: str) -> Response:
        """Return a file, or the page for an address that only the build's own router knows.

        Raises:
            NotFound: there is no such file, or it is hidden, or it lies outside of the folder.
        """
        found = self._found(name)
        if found is not None:
            return self._sent(found)
        if "." in name.rpartition("/")[2] or name.startswith(f"{ASSETS}/"):
            raise NotFound
        return self.page()

    def _found(self, name: str) -> Path | None:
        joined = safe_join(str(self._folder), name)
        if joined is None or "\0" in name or any(p.startswith(".") for p in name.split("/")):
            raise NotFound
        path = Path(joined).resolve()  # a link may lead out of the folder
        if not path.is_relative_to(self._folder):
            raise NotFound
        return path if path.is_file() else None

    def _sent(self, path: Path) -> Response:
        answer = send_file(path, conditional=True, etag=True)
        is_named_by_content = path.parent == self._folder / ASSETS
        answer.headers["Cache-Control"] = (
            _NAMED_BY_CONTENT if is_named_by_content else _ASK_EVERY_TIME
        )
        answer.headers["Content-Security-Policy"] = LEGACY_POLICY
        return answer


def legacy_pages(folder: Path, own_assets: Path) -> GuardedBlueprint:
    """Return the routes of an older dashboard.

    Args:
        folder: The build.
        own_assets: The folder of our own pages' files, which ``/assets`` serves too; files there
            win over files of the build with the same name.

    Raises:
        ConfigError: the folder holds no build.
    """
    dashboard = LegacyDashboard(folder)
    routes = page_blueprint("legacy")

    @routes.get(PREFIX)
    def show_page() -> Response:
        """Lead to the address that files next to the page are relative to."""
        return make_response(redirect(f"{PREFIX}/"))

    @routes.get(f"{PREFIX}/")
    def show_index() -> Response:
        """Show the page."""
        return dashboard.page()

    @routes.get(f"{PREFIX}/<path:filename>")
    def show_file(path: FilePath) -> Response:
        """Send a file of the build, or its page."""
        return dashboard.file(path.filename)

    for file in sorted((folder / ASSETS).glob("*")):
        if file.is_file() and not (own_assets / file.name).exists():
            _serve_asset(routes, dashboard, file.name)
    return routes


def _serve_asset(routes: GuardedBlueprint, dashboard: LegacyDashboard, name: str) -> None:
    """Serve one file at the absolute address that a build without a base asks for."""

    def show_asset() -> Response:
        return dashboard.file(f"{ASSETS}/{name}")

    routes.add_url_rule(f"/{ASSETS}/{name}", f"asset_{name.replace('.', '_')}", show_asset)
