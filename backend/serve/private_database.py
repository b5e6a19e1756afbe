"""The private database under ``serve``: kept alive, and never left behind."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from backend.clock import Clock
from backend.config import Settings
from backend.db.connect import DatabaseAddress
from backend.db.local_server import LocalServer
from backend.db.open import local_server
from backend.errors import SpotOptimizerError

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
PAUSE_AFTER_FAILURE_SECONDS = 15.0


class PrivateDatabase:
    """Starts the server, restarts it when it dies, stops it last."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._server: LocalServer = local_server(settings)
        self._clock = clock
        self._next_look = 0.0

    def start(self) -> DatabaseAddress:
        """Start or adopt the server.

        Raises:
            ConfigError: no server program, or the folder is not usable.
            DatabaseUnavailable: it does not come up.
        """
        return self._server.start()

    def look_after(self) -> None:
        """Start the server again if it has died. Looks at most once a second; never raises."""
        now = self._clock.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + LOOK_SECONDS
        if self._server.folder.server_pid() is not None:
            return
        logger.error(
            "The private database has died; it is being restarted",
            extra={"action": "private_database_died"},
        )
        try:
            self._server.start()
        except SpotOptimizerError as error:
            self._next_look = now + PAUSE_AFTER_FAILURE_SECONDS
            logger.error(  # noqa: TRY400 - the sentence holds the server's own log
                "%s", error.message, extra={"action": "private_database_restart_failed"}
            )

    def stop(self) -> None:
        """Stop the server unless another process uses it. Idempotent."""
        self._server.stop()

    def stop_command(self) -> Sequence[str]:
        """Return the command with which the guardian does what ``stop`` would have done."""
        return (sys.executable, "-m", __name__, str(self._server.folder.path))


if __name__ == "__main__":
    LocalServer(Path(sys.argv[1])).stop()
