"""Default deny: every route has a guard, and what is public is public on purpose."""

import tempfile

import pytest
from flask import Flask

from backend.api.guards import PUBLIC
from backend.app import App, create_app, guards_of
from backend.bootstrap import build_container
from backend.config import load_settings
from backend.db.database import Database
from backend.db.pool import Pool
from tests.fakes.clock import FakeClock

# Endpoint: why everybody may call it.
PUBLIC_ENDPOINTS = {
    "assets.static": "style and script of the login page",
    "auth.login": "how one becomes somebody",
    "client_validate.validate_token": "checks the token itself: a refusal has its own shape",
    "dashboard.show_login": "how one becomes somebody",
    "dashboard.submit_login": "how one becomes somebody",
    "health.show_health": "load balancers have no credentials; it tells states only",
    "health.show_live": "as above",
    "health.show_ready": "as above",
    "metrics.show_metrics": "checks for itself: this machine, or an operator",
    "openapi.doc_url": "the description of the API is no secret",
    "openapi.openapi": "as above",
    "openapi.static": "as above",
    "swagger.oauth2-redirect": "as above",
    "swagger.static": "as above",
    "swagger.swagger": "as above",
}


def _no_database() -> Database:
    def refuse():
        raise AssertionError

    return Database(Pool(refuse, size=1, wait_seconds=0.1, clock=FakeClock()))


def bare_app() -> App:
    """An app without a database: its routes and its description are all that is looked at."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"SECRET_KEY": "x" * 20, "LOCAL_DIR": folder}, None)
        made = create_app(build_container(settings, FakeClock(), _no_database()))
    assert isinstance(made, App)
    return made


@pytest.fixture
def app() -> Flask:
    return bare_app()


def test_every_route_has_a_guard(app):
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}

    assert endpoints - set(guards_of(app)) == set()


def test_public_routes_are_the_listed_ones(app):
    public = {endpoint for endpoint, guard in guards_of(app).items() if guard is PUBLIC}

    assert public == set(PUBLIC_ENDPOINTS)


def test_route_without_guard_answers_403(app):
    app.add_url_rule("/forgotten", "forgotten", lambda: "secret")

    answer = app.test_client().get("/forgotten")

    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")
