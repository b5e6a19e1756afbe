"""The backend as agents and people see it: a real app on a loopback port over a real database."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import requests
from flask import Flask
from werkzeug.serving import make_server

from backend.app import create_app
from backend.bootstrap import Container, build_container
from backend.config import Settings
from backend.db.database import Database
from backend.db.session import Row
from backend.db.statements import Statement
from backend.services.callers import Actor, Scope
from tests.conformity import Conformity
from tests.fakes.clock import FakeClock

TESTER = Actor("system", "tests")
TIMEOUT_SECONDS = 20


class Door:
    """One listening server for all tests; each test puts its own app behind it."""

    def __init__(self) -> None:
        self.app: Flask | None = None
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @contextmanager
    def open(self) -> Iterator["Door"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def _serve(self, environ: Any, start_response: Any) -> Any:
        assert self.app is not None
        return self.app(environ, start_response)


class Closable(Protocol):
    """Whatever holds connections."""

    def close(self) -> None: ...


@dataclass
class Tenant:
    """A client of the backend, and a way to call with its token."""

    client_id: str
    token: str
    url: str
    http: requests.Session = field(repr=False)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        instance: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
    ) -> requests.Response:
        """Call a path below /api; ``data`` is sent as it is instead of ``body`` as JSON."""
        named = {"X-Instance-Id": instance} if instance else {}
        return self.http.request(
            method,
            f"{self.url}/api/{path}",
            json=body if data is None else None,
            data=data,
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                **named,
                **(headers or {}),
            },
            timeout=TIMEOUT_SECONDS,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return self.call("POST", path, body, **options)


class World:
    """A served backend with two tenants, its clock and its database."""

    def __init__(self, door: Door, database: Database, clock: FakeClock) -> None:
        settings = Settings.model_validate({"SECRET_KEY": "k" * 32, "LOG_LEVEL": "WARNING"})
        self.container: Container = build_container(settings, clock, database)
        self.database = database
        self.clock = clock
        self.url = door.url
        self.http = requests.Session()
        self._lent: list[Closable] = [self.http]
        self.app = door.app = create_app(self.container)
        self.conformity = Conformity(self.app)
        self.alpha = self.new_tenant("Alpha")
        self.beta = self.new_tenant("Beta")

    def new_tenant(self, name: str, scope: Scope = Scope.BOTH) -> Tenant:
        row, token = self.container.clients.create(name, None, TESTER, scope)
        return Tenant(row["id"], token, self.url, self.http)

    def rows(self, sql: str, **params: Any) -> list[Row]:
        """Read with a statement of the test's own."""
        statement = Statement.compile("test", sql)
        return self.database.run("test", lambda session: session.rows(statement, params))

    def row(self, sql: str, **params: Any) -> Row:
        """Read exactly one row."""
        rows = self.rows(sql, **params)
        assert len(rows) == 1, rows
        return rows[0]

    def write(self, sql: str, **params: Any) -> int:
        """Write with a statement of the test's own."""
        statement = Statement.compile("test", sql)
        return self.database.run("test", lambda session: session.run(statement, params))

    def agent(self, agent_id: str) -> Row:
        return self.row("SELECT * FROM agents WHERE id = %(id)s", id=agent_id)

    def instance(self, agent_id: str, instance_id: str) -> Row:
        return self.row(
            "SELECT * FROM instances WHERE agent_id = %(a)s AND instance_id = %(i)s",
            a=agent_id,
            i=instance_id,
        )

    def roles(self, agent_id: str) -> dict[str, str]:
        """Instance id to role."""
        rows = self.rows(
            "SELECT instance_id, role FROM instances WHERE agent_id = %(a)s", a=agent_id
        )
        return {row["instance_id"]: row["role"] for row in rows}

    def command(self, command_id: str) -> Row:
        return self.row("SELECT * FROM commands WHERE id = %(id)s", id=command_id)

    def switches(self, agent_id: str) -> list[Row]:
        return self.rows(
            "SELECT * FROM switches WHERE agent_id = %(a)s ORDER BY requested_at, id", a=agent_id
        )

    def contents(self) -> dict[str, int]:
        """How many rows each table holds."""
        names = self.rows(
            "SELECT TABLE_NAME AS name FROM information_schema.TABLES"
            " WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'"
        )
        counts = " UNION ALL ".join(
            f"SELECT '{row['name']}' AS name, COUNT(*) AS size FROM `{row['name']}`"
            for row in names
        )
        return {row["name"]: row["size"] for row in self.rows(counts)}

    def fingerprint(self) -> dict[str, list[tuple[Any, ...]]]:
        """Everything in the database but the time of a token's last use, to compare later."""
        return {
            table: sorted(
                (tuple(row.values()) for row in self.rows(f"SELECT * FROM `{table}`")), key=repr
            )
            for table in self.contents()
            if table != "client_tokens"
        }

    def lend(self, connection: "Closable") -> None:
        """Close this too when the test is over."""
        self._lent.append(connection)

    def close(self) -> None:
        for connection in self._lent:
            connection.close()


def blamed(answer: requests.Response) -> set[str]:
    """The fields that an error answer names."""
    details = answer.json()["details"]
    return {details["field"]} if "field" in details else set(details)


def in_parallel(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run ``work(0)`` to ``work(count - 1)`` at once and return their results in order."""
    gate = threading.Barrier(count)

    def one(number: int) -> Any:
        gate.wait()
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))
