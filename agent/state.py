"""Where this instance stands in the eyes of the backend; remembered on disk.

One immutable ``Standing`` is swapped for the next, so readers never see half a change.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from agent.backend_client.wire import Registered, Synced
from agent.clock import Clock, parse_instant
from agent.documents import Documents
from agent.standing import RETIRED, Standing

logger = logging.getLogger(__name__)

_DOCUMENT = "standing"


class AgentState:
    """Holds the standing; thread-safe."""

    def __init__(self, documents: Documents, clock: Clock) -> None:
        self._documents = documents
        self._clock = clock
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._listeners: list[Callable[[], None]] = []
        kept = documents.load(_DOCUMENT)
        self._standing = Standing(**kept) if kept else Standing()
        self.is_registered = False

    @property
    def current(self) -> Standing:
        """The present standing."""
        return self._standing

    @property
    def agent_id(self) -> str:
        """The agent's id; only asked for once there has been a registration."""
        found = self._standing.agent_id
        if found is None:
            raise RuntimeError("asked for the agent's id before the first registration")
        return found

    def backend_now(self) -> datetime:
        """Return the backend's time, as far as its last answer tells."""
        return self._clock.now() + self._offset

    def listen(self, listener: Callable[[], None]) -> None:
        """Call this after every registration, and every change of role or epoch."""
        self._listeners.append(listener)

    def registered(self, answer: Registered) -> None:
        """Take over what a registration said."""
        is_classic = answer.role is None
        is_fenced = self._standing.gave_way_at == (answer.epoch or 0)
        self.is_registered = True
        self._become(
            Standing(
                agent_id=answer.agent_id,
                client_id=answer.client_id,
                role=answer.role or "primary",
                epoch=answer.epoch or 0,
                enabled=bool(answer.config.get("enabled", True)) and not is_fenced,
                is_classic=is_classic,
                config_version=_version(answer.config),
                config=answer.config,
                gave_way_at=self._standing.gave_way_at,
            ),
            is_news=True,
        )

    def synced(self, answer: Synced) -> None:
        """Take over what a sync said."""
        with contextlib.suppress(TypeError, ValueError):
            self._offset = parse_instant(answer.server_time or "") - self._clock.now()
        present = self._standing
        self._become(
            replace(
                present,
                role=answer.role,
                epoch=answer.epoch,
                enabled=answer.enabled
                and answer.role not in RETIRED
                and answer.epoch != present.gave_way_at,
                primary_instance_id=answer.primary_instance_id,
                config_version=answer.config_version,
                config=present.config if answer.config is None else answer.config,
            )
        )

    def configured(self, config: Mapping[str, Any]) -> None:
        """Take over the settings of an old backend."""
        self._become(
            replace(self._standing, enabled=bool(config.get("enabled", True)), config=config)
        )

    def gave_way(self) -> None:
        """Stop acting because this host has handed over, where the backend will not say so."""
        self._become(replace(self._standing, role="superseded", enabled=False))

    def fence(self) -> None:
        """Stop acting in this epoch: what EC2 takes away hands over before the books follow."""
        epoch = self._standing.epoch
        self._become(replace(self._standing, gave_way_at=epoch, enabled=False))

    def unfence(self) -> None:
        """Act again: EC2 has not taken this host after all, and nobody took its place."""
        if self._standing.gave_way_at is not None:
            self._become(replace(self._standing, gave_way_at=None), is_news=True)

    def forgotten(self) -> None:
        """The backend does not know this instance: it has to register again."""
        self.is_registered = False

    def _become(self, standing: Standing, *, is_news: bool = False) -> None:
        with self._lock:
            before, self._standing = self._standing, standing
            if standing != before:
                self._documents.save(_DOCUMENT, asdict(standing))
        if (standing.role, standing.epoch) != (before.role, before.epoch):
            is_news = True
            logger.info(
                "This instance is %s at epoch %d", standing.role, standing.epoch,
                extra={"action": "role_changed", "role": standing.role, "epoch": standing.epoch},
            )  # fmt: skip
        if is_news:
            for listener in self._listeners:
                listener()


def _version(config: Mapping[str, Any]) -> int | None:
    found = config.get("version")
    return found if isinstance(found, int) else None
