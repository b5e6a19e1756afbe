"""An app over the test's own database, and callers to use it with."""

from collections.abc import Iterator
from pathlib import Path

import flask
import pytest
from flask.testing import FlaskClient

from backend.app import create_app
from backend.bootstrap import Container, build_container
from backend.config import Settings, load_settings
from backend.db.database import Database
from backend.services.callers import Role
from tests.api.people import Door
from tests.conformity import Conformity
from tests.fakes.clock import FakeClock


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings as a fresh installation has them."""
    return load_settings(
        {"SECRET_KEY": "only-for-these-tests", "LOCAL_DIR": str(tmp_path / "local")}, None
    )


@pytest.fixture
def container(settings: Settings, clock: FakeClock, database: Database) -> Container:
    return build_container(settings, clock, database)


@pytest.fixture
def app(container: Container) -> Iterator[flask.Flask]:
    """The app; every answer that it gives has to be as the API's description says."""
    made = create_app(container)
    conformity = Conformity(made)
    yield made
    assert conformity.faults == []


@pytest.fixture
def http(app: flask.Flask) -> FlaskClient:
    """A browser or program that shows no credentials by itself."""
    return app.test_client()


@pytest.fixture
def door(container: Container) -> Door:
    """Makes callers."""
    return Door(container)


@pytest.fixture
def admin(door: Door) -> dict[str, str]:
    """Headers of an admin's API key."""
    return door.operator_headers(Role.ADMIN)
