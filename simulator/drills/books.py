"""Reads the backend's books straight from its database."""

from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from backend.clock import SystemClock
from backend.config import load_settings
from backend.db.database import Database
from backend.db.open import address_of, local_server, open_database
from backend.db.session import Session
from backend.db.statements import beside
from simulator.drills.evidence import (
    AgentEntry,
    Books,
    CommandEntry,
    InstanceEntry,
    SwitchEntry,
)

_SQL = beside(__file__)


class BookReader:
    """Reads one client's books. A context manager; keeps a private database server running."""

    def __init__(self, environment: dict[str, str], client_id: str) -> None:
        """Open the database.

        Args:
            environment: The backend's: DB_HOST, or LOCAL_DIR of its private database.
            client_id: Whose books.
        """
        self._client_id = client_id
        self._stack = ExitStack()
        settings = load_settings(environment, env_file=None)
        clock = SystemClock()
        if settings.uses_private_database:
            address = self._stack.enter_context(local_server(settings).running())
        else:
            address = address_of(settings)
        self._database: Database = open_database(settings, clock, address)
        self._stack.callback(self._database.close)

    @property
    def database(self) -> Database:
        """The database, for those who read more of it."""
        return self._database

    def close(self) -> None:
        """Let go of the database. Idempotent."""
        self._stack.close()

    def read(self) -> Books:
        """Return the books as they are now."""

        def work(session: Session) -> Books:
            who = {"client_id": self._client_id}
            return Books(
                agents=[AgentEntry(**row) for row in session.rows(_SQL["list_agents"], who)],
                instances=[
                    InstanceEntry(**row) for row in session.rows(_SQL["list_instances"], who)
                ],
                commands=[CommandEntry(**row) for row in session.rows(_SQL["list_commands"], who)],
                switches=[SwitchEntry(**row) for row in session.rows(_SQL["list_switches"], who)],
            )

        return self._database.run("read_books", work)

    def knows_client(self) -> bool:
        """Whether the client is one of this database's."""
        params = {"client_id": self._client_id}
        found = self._database.run(
            "find_client", lambda session: session.row(_SQL["find_client"], params)
        )
        return found is not None

    def shorten_terminate_wait(self, seconds: int, now: datetime) -> None:
        """Let every agent's old instance go so soon after a switch."""
        params = {"client_id": self._client_id, "seconds": seconds, "now": now}
        self._database.run(
            "shorten_terminate_wait",
            lambda session: session.run(_SQL["shorten_terminate_wait"], params),
        )


def private_environment(folder: Path, port: int) -> dict[str, str]:
    """Return the settings of a backend that shares nothing with any other."""
    return {
        "LOCAL_DIR": str(folder),
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "LOG_FORMAT": "json",
        "LOG_LEVEL": "INFO",
    }
