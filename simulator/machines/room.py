"""The machine room: disks, metadata and processes of all instances, looked after by one thread."""

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from simulator.clock import Clock
from simulator.machines.disks import HOME, LOGS, STATE, Disks, read_environment
from simulator.machines.service import Service
from simulator.metadata.service import MetadataService
from simulator.region.model import Image, Instance

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
ANSWER_SECONDS = 30.0
PROJECT = Path(__file__).resolve().parents[2]
DEFAULT_COMMAND = (sys.executable, "-m", "agent")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSettings:
    """What every machine has in common.

    Attributes:
        region: Name of the region.
        endpoint: URL of the EC2 and Price List APIs.
        command: The agent's command line.
        agent_environment: Written on the disk of base images; no LOGICAL_AGENT_ID.
        restart_seconds: How long systemd waits before it starts the agent again.
    """

    region: str
    endpoint: str
    command: Sequence[str] = DEFAULT_COMMAND
    agent_environment: Mapping[str, str] = field(default_factory=dict)
    restart_seconds: float = 0.25


class MachineRoom:
    """Starts, restarts and kills processes. Its methods may be called from any thread."""

    def __init__(
        self, settings: MachineSettings, disks: Disks, metadata: MetadataService, clock: Clock
    ) -> None:
        self.disks = disks
        self._settings = settings
        self._metadata = metadata
        self._clock = clock
        self._services: dict[str, Service] = {}
        self._work: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._look_after, name="machine-room", daemon=True)
        self._thread.start()

    def launched(self, instance: Instance) -> None:
        """Give a new instance disk and metadata; its agent starts after the boot time."""
        self._metadata.open(instance)
        starts_at = self._clock.monotonic() + instance.durations.boot.total_seconds()
        self.disks.copy_to_instance(instance.wish.image_id, instance.instance_id)
        endpoint = self._metadata.endpoint(instance.instance_id)
        self._work.put(lambda: self._install(instance, endpoint, starts_at))

    def ended(self, instance: Instance) -> None:
        """Cut an instance's power."""
        self._metadata.close(instance.instance_id)
        self._work.put(lambda: self._remove(instance.instance_id))

    def imaged(self, image: Image, *, reboots: bool) -> None:
        """Copy the disk of the image's source, or make a base disk when it has none."""
        source = image.source_instance_id
        if source is None:
            self.disks.format_image(image.image_id, self._settings.agent_environment)
            return
        self.disks.copy_to_image(source, image.image_id)
        if reboots:
            self._work.put(lambda: self._crash(source))

    def forgotten(self, image: Image) -> None:
        """Throw an image's disk away."""
        self.disks.remove_image(image.image_id)

    def crash_agent(self, instance_id: str) -> bool:
        """Kill the agent's process hard; return whether one ran. It is started again."""
        return self._ask(lambda: self._crash(instance_id))

    def freeze_agent(self, instance_id: str, *, is_frozen: bool) -> bool:
        """Stop the agent's process in its tracks, or let it go on; return whether one ran.

        The machine lives on: EC2 says ``running``, its addresses stay where they are.
        """
        return self._ask(lambda: self._freeze(instance_id, is_frozen=is_frozen))

    def pid(self, instance_id: str) -> int | None:
        """Return the process id of an instance's agent, None while none runs."""
        service = self._services.get(instance_id)
        return service.pid if service else None

    def start_count(self, instance_id: str) -> int:
        """Return how often the agent was started on a live instance."""
        service = self._services.get(instance_id)
        return service.start_count if service else 0

    def stop(self) -> None:
        """Kill every process and end the thread. Idempotent."""
        self._work.put(None)
        self._thread.join()

    def _ask(self, work: Callable[[], T]) -> T:
        answer: Future[T] = Future()
        self._work.put(lambda: answer.set_result(work()))
        return answer.result(ANSWER_SECONDS)

    def _look_after(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=LOOK_SECONDS)
            except Empty:
                pass
            else:
                if work is None:
                    break
                work()
            now = self._clock.monotonic()
            for service in self._services.values():
                service.look(now)
        for service in self._services.values():
            service.stop()

    def _install(self, instance: Instance, endpoint: str, starts_at: float) -> None:
        if not instance.is_live:
            return  # it was ended before it had booted
        disk = self.disks.disk(instance.instance_id)
        self._services[instance.instance_id] = Service(
            self._settings.command,
            lambda: self._environment(instance.instance_id, endpoint, disk),
            disk,
            starts_at=starts_at,
            restart_seconds=self._settings.restart_seconds,
        )

    def _environment(self, instance_id: str, endpoint: str, disk: Path) -> dict[str, str]:
        platform = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(disk / HOME),
            "PYTHONPATH": str(PROJECT),
            "PYTHONUNBUFFERED": "1",
            "AWS_REGION": self._settings.region,
            "AWS_DEFAULT_REGION": self._settings.region,
            "AWS_ENDPOINT_URL_EC2": self._settings.endpoint,
            "AWS_ENDPOINT_URL_PRICING": self._settings.endpoint,
            "AWS_ENDPOINT_URL_ELASTIC_LOAD_BALANCING_V2": self._settings.endpoint,
            "AWS_ACCESS_KEY_ID": instance_id,
            "AWS_SECRET_ACCESS_KEY": "of-the-simulator",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": endpoint,
            "STATE_DIR": str(disk / STATE),
            "LOG_DIR": str(disk / LOGS),
        }
        return {**read_environment(disk), **platform}

    def _remove(self, instance_id: str) -> None:
        service = self._services.pop(instance_id, None)
        if service is not None:
            service.stop()
        self.disks.remove_disk(instance_id)

    def _crash(self, instance_id: str) -> bool:
        service = self._services.get(instance_id)
        if service is None or service.pid is None:
            return False
        service.crash(self._clock.monotonic())
        return True

    def _freeze(self, instance_id: str, *, is_frozen: bool) -> bool:
        service = self._services.get(instance_id)
        return service is not None and service.freeze(is_frozen=is_frozen)
