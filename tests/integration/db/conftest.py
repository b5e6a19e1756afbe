"""Empty databases of a test's own, on the shared server."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from backend.db.connect import DatabaseAddress, connect
from backend.db.local_server import LocalServer
from backend.db.session import Session
from tests.integration.db.asking import ask

_numbers = itertools.count(1)


@pytest.fixture
def root(database_server: LocalServer) -> Iterator[Session]:
    """The shared server's administrator."""
    with closing(connect(database_server.root_address)) as connection:
        yield Session(connection)


@pytest.fixture
def new_database(
    root: Session, database_server: LocalServer
) -> Iterator[Callable[..., DatabaseAddress]]:
    """Make an empty database and an account that owns it, and nothing else."""
    made: list[str] = []

    def make(rights: str = "ALL PRIVILEGES") -> DatabaseAddress:
        name = f"scratch_{next(_numbers)}"
        made.append(name)
        ask(root, f"CREATE DATABASE `{name}`")
        ask(root, f"CREATE USER '{name}'@'localhost' IDENTIFIED BY 'scratch'")
        pattern = name.replace("_", r"\_")
        ask(root, f"GRANT {rights} ON `{pattern}`.* TO '{name}'@'localhost'")
        return replace(database_server.address, name=name, user=name, password="scratch")

    yield make
    for name in made:
        ask(root, f"DROP DATABASE `{name}`")
        ask(root, f"DROP USER '{name}'@'localhost'")


@pytest.fixture
def scratch(new_database: Callable[..., DatabaseAddress]) -> DatabaseAddress:
    """The address of such a database."""
    return new_database()
