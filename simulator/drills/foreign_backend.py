"""A backend that runs already. Its books are read from the database that DB_HOST names."""

import os

from simulator.drills.backend_process import ClientLogin
from simulator.errors import SimulatorError
from simulator.json_http import call

OK = 200


class ForeignBackend:
    """Stands where a backend of our own would, but is neither started, killed nor stopped."""

    def __init__(self, url: str, token: str) -> None:
        """Find out whose token it is.

        Raises:
            SimulatorError: the backend refuses the token, or DB_HOST is not set.
        """
        self.url = url.rstrip("/")
        self.settings = dict(os.environ)
        if not self.settings.get("DB_HOST"):
            msg = "a drill against --url compares with the backend's database: set DB_HOST and DB_*"
            raise SimulatorError(msg)
        answer = call(
            f"{self.url}/api/client/validate", headers={"Authorization": f"Bearer {token}"}
        )
        client_id = answer.body.get("client_id")
        if answer.status != OK or not isinstance(client_id, str):
            msg = f"{self.url} does not accept the token: status {answer.status}"
            raise SimulatorError(msg)
        self._login = ClientLogin(client_id, token)

    def start(self) -> None:
        """Do nothing: it runs."""

    def stop(self) -> None:
        """Do nothing: it stays."""

    def create_client(self, _name: str) -> ClientLogin:
        """Return the client that was given."""
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
