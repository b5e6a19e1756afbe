"""Keep a claim while its run lives."""

import logging
import threading
from datetime import timedelta
from types import TracebackType
from typing import Self

from backend.errors import DatabaseError
from backend.services.job_history import Claim, JobHistory

logger = logging.getLogger(__name__)

EXTENSIONS_PER_LEASE = 3  # two may be lost before another node takes over


class LeaseKeeper:
    """Extends one claim's lease from a thread of its own, from enter to exit.

    A database that cannot be reached is tried again at the next beat: nobody else can reach it
    either, or the lease runs out and the run's last word is refused.
    """

    def __init__(self, history: JobHistory, claim: Claim, lease: timedelta) -> None:
        self._history = history
        self._claim = claim
        self._lease = lease
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"lease-{claim.job}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        pause = self._lease.total_seconds() / EXTENSIONS_PER_LEASE
        while not self._ended.wait(pause):
            if not self._extend():
                return

    def _extend(self) -> bool:
        facts = {"job": self._claim.job, "slot": self._claim.slot}
        try:
            kept = self._history.extend(self._claim, lease=self._lease)
        except DatabaseError as error:
            logger.warning(
                "Cannot extend the lease of %s: %s",
                self._claim.job,
                error.message,
                extra={"action": "lease_extension_failed", **facts},
            )
            return True
        if not kept and not self._ended.is_set():
            logger.warning(
                "The run of %s was taken over by another node",
                self._claim.job,
                extra={"action": "lease_lost", **facts},
            )
        return kept
