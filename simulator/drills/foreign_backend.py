"""A backend that runs already. Its books are read from its database."""

import os
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from dotenv import dotenv_values

from backend.config import read_settings
from backend.db.open import local_server
from backend.errors import SpotOptimizerError
from simulator.drills.backend_process import ClientLogin
from simulator.drills.books import BookReader
from simulator.errors import SimulatorError
from simulator.json_http import call

OK = 200


class ForeignBackend:
    """Stands where a backend of our own would, but is neither started, killed nor stopped."""

    def __init__(self, url: str, token: str, environment: Mapping[str, str] = os.environ) -> None:
        """Know it; nothing is asked yet.

        Args:
            url: Where it answers.
            token: A client's, which has no agents yet.
            environment: With ``.env`` below it, names the backend's database as the backend's own
                settings do: DB_HOST and DB_*, or LOCAL_DIR of its private one.
        """
        self.url = url.rstrip("/")
        kept = {name: value for name, value in dotenv_values(Path(".env")).items() if value}
        self.settings = {**kept, **environment}
        self._token = token
        self._login: ClientLogin | None = None

    def start(self) -> None:
        """Find out whose token it is, and that the database is the backend's.

        Raises:
            SimulatorError: nobody answers, the token is refused, the client has agents already,
                or the database is away or another's.
        """
        answer = call(
            f"{self.url}/api/client/validate", headers={"Authorization": f"Bearer {self._token}"}
        )
        client_id = answer.body.get("client_id")
        if answer.status != OK or not isinstance(client_id, str):
            msg = f"{self.url} does not accept the token: status {answer.status}"
            raise SimulatorError(msg)
        self._check_books(client_id)
        self._login = ClientLogin(client_id, self._token)

    def _check_books(self, client_id: str) -> None:
        """A drill compares the region with the backend's books, which no route tells completely."""
        try:
            settings = read_settings(self.settings, None)
            if settings.uses_private_database and not local_server(settings).is_running():
                msg = (
                    f"a drill reads the backend's database, and none runs below "
                    f"{settings.local_dir.resolve()}: start the drill in the folder in which the "
                    "backend was started, or set LOCAL_DIR, or DB_HOST and DB_*, as it has them"
                )
                raise SimulatorError(msg)
            with closing(BookReader(self.settings, client_id)) as reader:
                is_known, books = reader.knows_client(), reader.read()
        except SpotOptimizerError as error:
            msg = f"the backend's database cannot be read: {error}"
            raise SimulatorError(msg) from error
        if not is_known:
            msg = f"the database is not that of {self.url}: it does not know the token's client"
            raise SimulatorError(msg)
        if books.agents:
            msg = (
                f"the token's client has {len(books.agents)} agents already, which the drill would "
                "count as lost: take a new client (python -m backend client create NAME)"
            )
            raise SimulatorError(msg)

    def stop(self) -> None:
        """Do nothing: it stays."""

    def create_client(self, _name: str) -> ClientLogin:
        """Return the client that was given.

        Raises:
            SimulatorError: it was not started.
        """
        if self._login is None:
            msg = "start it first"
            raise SimulatorError(msg)
        return self._login

    def kill_everything(self) -> None:
        """Refuse.

        Raises:
            SimulatorError: always.
        """
        msg = "this drill kills its backend, so it needs one of its own: leave --url out"
        raise SimulatorError(msg)

    def kill_a_child(self) -> bool:
        """Refuse, as ``kill_everything``."""
        self.kill_everything()
        return False
