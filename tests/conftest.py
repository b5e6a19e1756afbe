"""Fixtures that every kind of test may ask for. A test that asks for none of them stays pure."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.db.connect import DatabaseAddress
from backend.db.database import Database
from backend.db.local_server import LocalServer
from tests.database import empty_tables, migrated_server, open_database
from tests.fakes.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    """A clock that stands still until the test moves it."""
    return FakeClock()


@pytest.fixture(scope="session")
def database_server() -> Iterator[LocalServer]:
    """The test process's own database server, migrated. Tests must leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="spot-test-"))
    try:
        with migrated_server(folder / "mysql") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _shared_database(database_server: LocalServer) -> Iterator[Database]:
    database = open_database(database_server.address)
    yield database
    database.close()


@pytest.fixture
def address(database_server: LocalServer) -> Iterator[DatabaseAddress]:
    """The address of a database whose tables are empty; emptied again after the test."""
    yield database_server.address
    empty_tables(database_server.address)


@pytest.fixture
def database(_shared_database: Database, address: DatabaseAddress) -> Database:
    """The product's view of that database."""
    return _shared_database
