"""Keep the children alive, and end them in order."""

import logging
from collections.abc import Callable, Sequence

from backend.clock import Clock
from backend.errors import SpotOptimizerError
from backend.serve.children import Child, ChildSpec
from backend.serve.guardian_link import Guardian
from backend.stopping import StopRequest

logger = logging.getLogger(__name__)

TICK_SECONDS = 0.2
DEATHS_BEFORE_READY = 3  # then it is no accident: tell the operator instead of trying on


class ServeFailed(SpotOptimizerError):
    """The program could not be started."""

    code = "serve_failed"


class Supervisor:
    """Starts children in order, restarts those that die, stops them in reverse order."""

    def __init__(
        self,
        clock: Clock,
        guardian: Guardian,
        stop: StopRequest,
        look_after: Callable[[], None] = lambda: None,
    ) -> None:
        """Supervise nothing yet.

        Args:
            clock: For pauses.
            guardian: Ends the children should we vanish.
            stop: Ends ``watch``.
            look_after: Called at every look, for what is no child: the private database.
        """
        self._clock = clock
        self._guardian = guardian
        self._stop = stop
        self._look_after = look_after
        self._children: list[Child] = []

    def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start these children; the last one will be stopped first."""
        for spec in specs:
            child = Child(spec, self._guardian)
            child.start(self._clock.monotonic())
            self._children.append(child)
            logger.info(
                "Started %s",
                spec.name,
                extra={"action": "child_started", "child": spec.name, "pid": child.pid},
            )

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> bool:
        """Look after the children until ``is_ready``; False if a stop was asked for first.

        Raises:
            ServeFailed: a child keeps dying, or it took longer than ``seconds``.
        """
        deadline = self._clock.monotonic() + seconds
        while not is_ready():
            self.look()
            for child in self._children:
                if child.death_count >= DEATHS_BEFORE_READY:
                    raise ServeFailed(
                        f"The {child.spec.name} process does not stay alive; its messages are above"
                    )
            if self._clock.monotonic() >= deadline:
                raise ServeFailed(f"Not ready after {seconds:.0f} s; the messages above say why")
            if self._stop.wait(TICK_SECONDS):
                return False
        return True

    def watch(self) -> None:
        """Look after the children until a stop is asked for."""
        while not self._stop.wait(TICK_SECONDS):
            self.look()

    def look(self) -> None:
        """Note the children that have died, start again those whose pause is over."""
        self._guardian.check()
        self._look_after()
        for child in self._children:
            status = child.check(self._clock.monotonic())
            if status is not None:
                logger.error(
                    "The %s process has ended with status %d (death %d); it will be restarted",
                    child.spec.name,
                    status,
                    child.death_count,
                    extra={
                        "action": "child_died",
                        "child": child.spec.name,
                        "exit_status": status,
                        "death_count": child.death_count,
                    },
                )

    def stop(self) -> None:
        """Stop every child, the last started first. Idempotent."""
        while self._children:
            child = self._children.pop()
            is_clean = child.stop()
            logger.log(
                logging.INFO if is_clean else logging.WARNING,
                "Stopped %s" if is_clean else "%s did not stop in time and was killed",
                child.spec.name,
                extra={"action": "child_stopped", "child": child.spec.name, "is_clean": is_clean},
            )
