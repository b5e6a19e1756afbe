"""Make the Flask app: blueprints, guards, error handlers, request ids. No business words."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flask
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.api.blueprints import GUARD_ATTRIBUTE, GuardedBlueprint
from backend.api.context import CONTAINER_KEY
from backend.api.description import SECURITY_SCHEMES, complete
from backend.api.encoding import OrjsonProvider
from backend.api.errors import ErrorBody, register_error_handlers
from backend.api.frame import Frame
from backend.api.guards import PUBLIC, Guard
from backend.api.requests import ApiRequest
from backend.api.responses import ApiResponse
from backend.api.routes import blueprints
from backend.api.shared_reads import SHARED_READS_KEY, SharedReads
from backend.api.viewer import START_PAGE, SWAGGER_PAGE
from backend.dashboard.agent_page import agent_pages
from backend.dashboard.legacy import legacy_pages
from backend.dashboard.pages import ASSETS_FOLDER, assets, pages
from backend.dashboard.rooms import rooms

if TYPE_CHECKING:
    from backend.bootstrap import Container

# Parts of the framework that have no blueprint of ours: the API's description and its viewer.
_PUBLIC_BLUEPRINTS = frozenset({"openapi", "swagger"})


class App(OpenAPI):
    """Flask with our request, our answer, our JSON, and no static folder of its own.

    It has no secret key: nothing uses Flask's own sessions, and with a key every request would
    pay for opening one.
    """

    request_class = ApiRequest
    response_class = ApiResponse
    json_provider_class = OrjsonProvider

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func``: no view or hook of ours is a coroutine, so nobody has to look."""
        return func

    def generate_spec_json(self) -> None:
        """Describe the API, with guards and errors as they are here."""
        super().generate_spec_json()  # type: ignore[no-untyped-call]
        complete(self.spec_json, self.url_map, guards_of(self))


def create_app(container: "Container") -> flask.Flask:
    """Return the WSGI app over the services in ``container``."""
    app = App(
        "backend",
        info=Info(title="Spot Optimizer", version="5.0.0"),
        security_schemes=SECURITY_SCHEMES,  # type: ignore[arg-type]
        validation_error_status=400,
        validation_error_model=ErrorBody,
        static_folder=None,
    )
    settings = container.settings
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["OPENAPI_HTML_STRING"] = START_PAGE
    app.config["SWAGGER_HTML_STRING"] = SWAGGER_PAGE
    app.extensions[CONTAINER_KEY] = container
    app.extensions[SHARED_READS_KEY] = SharedReads()
    for blueprint in (*blueprints(), pages, rooms, agent_pages, assets):
        app.register_api(blueprint)
    if settings.legacy_dashboard_dir is not None:
        app.register_api(legacy_pages(settings.legacy_dashboard_dir, ASSETS_FOLDER))
    frame = Frame(container, guards_of(app))
    app.before_request(frame.before)
    app.after_request(frame.after)
    register_error_handlers(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    return app


def guards_of(app: flask.Flask) -> dict[str, Guard]:
    """Return the guard of each endpoint. An endpoint that is missing here answers 403."""
    found: dict[str, Guard] = {}
    for endpoint, view in app.view_functions.items():
        guard = getattr(view, GUARD_ATTRIBUTE, None) or _blueprint_guard(app, endpoint)
        if guard is not None:
            found[endpoint] = guard
    return found


def _blueprint_guard(app: flask.Flask, endpoint: str) -> Guard | None:
    name = endpoint.rpartition(".")[0]
    if name in _PUBLIC_BLUEPRINTS:
        return PUBLIC
    blueprint = app.blueprints.get(name)
    return blueprint.guard if isinstance(blueprint, GuardedBlueprint) else None
