"""Which engine decides: the configured one, or one that an operator chose at run time."""

import contextlib
import threading
from datetime import timedelta

from backend.clock import Clock
from backend.config import Settings
from backend.db.database import Database, Transaction
from backend.engines.host import EngineHost
from backend.engines.loader import EngineRefused, load_engine
from backend.errors import DatabaseError
from backend.repositories import events, runtime_settings
from decision_engines.contract import HazardModel

ENGINE_SETTING = "decisions.engine_class"
LOOK_EVERY = timedelta(seconds=5)


def build_host(
    settings: Settings, clock: Clock, hazard_model: HazardModel | None = None
) -> EngineHost:
    """Build the host of one process and load the configured engine into it.

    An engine that cannot be used is logged, and the rules answer until one is chosen that can.
    """
    host = EngineHost(
        clock,
        models_dir=settings.ml_models_dir,
        hazard_model=hazard_model,
        is_enabled=settings.enable_ml_decisions,
    )
    with contextlib.suppress(EngineRefused):  # logged there; every answer says so
        host.use(settings.decision_engine_class)
    return host


class EngineChoice:
    """Follows the operators' choice on this node, within five seconds and without a restart."""

    def __init__(
        self, database: Database, clock: Clock, settings: Settings, host: EngineHost
    ) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings
        self._host = host
        self._looking = threading.Lock()
        self._next_look = 0.0
        self._tried: str | None = settings.decision_engine_class

    def follow(self) -> None:
        """Put the chosen engine into the host if that is another one. One caller looks at a time.

        A choice that is refused is tried once; the present engine goes on deciding.
        """
        if self._clock.monotonic() < self._next_look or not self._looking.acquire(blocking=False):
            return
        try:
            self._next_look = self._clock.monotonic() + LOOK_EVERY.total_seconds()
            wanted = self.wanted()
            if wanted != self._tried:
                self._tried = wanted
                self._swap(wanted)
        except DatabaseError:
            return  # the present engine decides until the database is back
        finally:
            self._looking.release()

    def wanted(self) -> str:
        """Return the class that ought to decide."""
        chosen = self._database.run("list_settings", runtime_settings.list_settings)
        return chosen.get(ENGINE_SETTING) or self._settings.decision_engine_class

    def choose(self, dotted: str, *, chosen_by: str) -> None:
        """Try an engine here, then let every node use it. An empty name: as configured.

        Raises:
            EngineRefused: it cannot be used; nothing changes.
        """
        if dotted:
            load_engine(dotted, models_dir=self._settings.ml_models_dir, hazard_model=None)
        now = self._clock.now()
        name = dotted or self._settings.decision_engine_class

        def write(tx: Transaction) -> None:
            runtime_settings.write_settings(tx, {ENGINE_SETTING: dotted}, now=now)
            events.record_event(
                tx,
                event_type="engine_chosen",
                message=f"{name} decides from now on, chosen by {chosen_by}"[:500],
                now=now,
            )
            tx.commit()

        self._database.transact("choose_engine", write)

    def _swap(self, dotted: str) -> None:
        try:
            self._host.use(dotted)
        except EngineRefused as error:
            now, sentence = self._clock.now(), error.message[:500]
            self._database.run(
                "record_event",
                lambda s: events.record_event(
                    s,
                    event_type="engine_refused",
                    severity="error",
                    message=sentence,
                    now=now,
                ),
            )
