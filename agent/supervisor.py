"""Starts the threads, watches them, and ends them in order. agent/README.md draws the map."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from agent.actions.actor import Actor
from agent.actions.queue import ActionQueue
from agent.aws.calls import CallCounter
from agent.backend_client.client import BackendClient
from agent.clock import Clock
from agent.errors import AgentError, WorkerStuck
from agent.outbox import Outbox
from agent.service_manager import ServiceManager
from agent.state import AgentState
from agent.workers.base import Worker
from agent.workers.delivery import DeliveryWorker

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_ACTION_SECONDS = 5.0  # how long the running action may take to park
_WORKER_SECONDS = 2.0  # how long all workers together may take to end


class Supervisor:
    """Runs one agent from start to stop."""

    def __init__(
        self,
        *,
        instance_id: str,
        workers: Sequence[Worker],
        delivery: DeliveryWorker,
        actor: Actor,
        queue: ActionQueue,
        state: AgentState,
        outbox: Outbox,
        client: BackendClient,
        counter: CallCounter,
        clock: Clock,
        manager: ServiceManager,
    ) -> None:
        self._instance_id = instance_id
        self._workers = [*workers, delivery]
        self._delivery = delivery
        self._actor = actor
        self._queue = queue
        self._state = state
        self._outbox = outbox
        self._client = client
        self._counter = counter
        self._clock = clock
        self._manager = manager
        self._stopping = threading.Event()
        self._action_thread = threading.Thread(target=actor.run, name="actions", daemon=True)
        self._threads = [
            threading.Thread(
                target=worker.run, args=(self._stopping.is_set,), name=worker.name, daemon=True
            )
            for worker in self._workers
        ]
        outbox.listen(delivery.wake)
        outbox.listen(queue.nudge)
        state.listen(queue.nudge)
        for worker in self._workers:
            if worker.name != "sync":  # which is the one that learns
                state.listen(worker.wake)

    def stop(self) -> None:
        """Ask for the end; returns at once. Safe to call from a signal handler."""
        self._stopping.set()

    def run(self) -> None:
        """Run until ``stop``, then end everything in order.

        Raises:
            WorkerStuck: a thread has ended or keeps breaking; whoever started us starts us anew.
        """
        for thread in (self._action_thread, *self._threads):
            thread.start()
        self._manager.ready()
        stuck: WorkerStuck | None = None
        while stuck is None and not self._stopping.wait(_LOOK_SECONDS):
            stuck = self._find_stuck()
            self._manager.alive()
        self._manager.stopping()
        self._shut_down()
        if stuck is not None:
            raise stuck

    def _find_stuck(self) -> WorkerStuck | None:
        for worker, thread in zip(self._workers, self._threads):
            if worker.stuck is not None:
                return worker.stuck
            if not thread.is_alive() and not self._stopping.is_set():
                return WorkerStuck(f"{worker.name} has ended")
        if not self._action_thread.is_alive():
            return WorkerStuck("the action thread has ended")
        return None

    def _shut_down(self) -> None:
        """Stop producing, park the action, deliver what waits, say goodbye."""
        logger.info("Stopping", extra={"action": "agent_stopping"})
        self._stopping.set()
        self._queue.stop()
        for worker in self._workers:
            worker.wake()
        self._action_thread.join(_ACTION_SECONDS)
        until = self._clock.monotonic() + _WORKER_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, until - self._clock.monotonic()))
        self._say_goodbye()
        self._counter.save()
        logger.info("Stopped", extra={"action": "agent_stopped", "undelivered": len(self._outbox)})

    def _say_goodbye(self) -> None:
        """Try once: what is not delivered now is delivered after the next start."""
        if not self._state.is_registered:
            return
        try:
            if not self._threads[-1].is_alive():
                self._delivery.tick()
            self._client.say_goodbye(self._state.agent_id, self._instance_id)
        except AgentError as error:
            logger.warning("No goodbye: %s", error, extra={"action": "goodbye_failed"})
