"""The stage of a drill: backend, region, agents; and what is observed while it runs."""

import json
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from simulator.control.views import is_agent
from simulator.drills.backend_process import BackendProcess, ClientLogin
from simulator.drills.books import BookReader
from simulator.drills.evidence import Books, Evidence, Machine
from simulator.drills.figures import (
    double_primaries,
    lost_commands,
    orphan_instances,
    unclean_switches,
)
from simulator.drills.foreign_backend import ForeignBackend
from simulator.drills.memory import resident_megabytes
from simulator.errors import SimulatorError
from simulator.fleet import FAST_AGENT, agent_environment, launch_fleet
from simulator.json_http import ApiAway, call
from simulator.machines.disks import STATE
from simulator.pools import Pool
from simulator.region.model import Instance
from simulator.settings import WorldSettings
from simulator.world import World

LOOK_SECONDS = 0.3
TERMINATE_WAIT_SECONDS = 1
REGISTER_SECONDS = 60.0
CALL_ATTEMPTS = 60
# So many agents may start at once on a small machine before they slow each other down.
AGENTS_PER_WAVE = 4


class Rehearsal:
    """Sets the stage in its constructor; a context manager that clears it away."""

    def __init__(
        self, folder: Path, backend: BackendProcess | ForeignBackend, *, agents: int, seed: int
    ) -> None:
        self.seed = seed
        self.issued: list[str] = []
        self.rss_megabytes: float = 0.0
        self.look_seconds = LOOK_SECONDS  # between looks; a large fleet is looked at more rarely
        self._primaries: dict[tuple[str, int], set[str]] = {}
        self._pause = threading.Event()  # never set: an interruptible sleep
        with ExitStack() as stack:
            self.backend = backend
            stack.callback(self.backend.stop)
            self.backend.start()
            self.client: ClientLogin = self.backend.create_client("Drill")
            self.books = BookReader(self.backend.settings, self.client.client_id)
            stack.callback(self.books.close)
            self.world = stack.enter_context(World(self._world_settings(folder / "region")))
            self.started = self.world.clock.monotonic()
            self._start_agents(agents)
            self._stack = stack.pop_all()

    def __enter__(self) -> Self:
        """Return the stage."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Clear it away."""
        self._stack.close()

    def look(self) -> Books:
        """Read the books, and note who was primary in which epoch."""
        books = self.books.read()
        for agent in books.agents:
            if agent.primary_instance_id is not None:
                seen = self._primaries.setdefault((agent.agent_id, agent.epoch), set())
                seen.add(agent.primary_instance_id)
        self._measure()
        return books

    def wait_until(self, is_done: Callable[[Books], bool], seconds: float) -> bool:
        """Look again and again; return whether it was done in time."""
        deadline = self.world.clock.monotonic() + seconds
        while self.world.clock.monotonic() < deadline:
            if is_done(self.look()):
                return True
            self._pause.wait(self.look_seconds)
        return False

    def pause(self, seconds: float) -> None:
        """Let time pass."""
        self._pause.wait(seconds)

    def force_switch(
        self, instance_id: str, target: Pool | None, *, allow_ondemand: bool = False
    ) -> str | None:
        """Order a switch through the API; None as target means on-demand.

        Repeats with the same key while the backend is away. Returns the command's id, None when
        the backend refuses.
        """
        key = f"drill-{instance_id}-{target}"
        body: dict[str, object] = {"allow_ondemand": allow_ondemand}
        body |= {"target": "ondemand"} if target is None else {"target": "pool"}
        if target is not None:
            body["pool_id"] = str(target)
        headers = {"Authorization": f"Bearer {self.client.token}", "Idempotency-Key": key}
        url = f"{self.backend.url}/api/client/instances/{instance_id}/force-switch"
        for _attempt in range(CALL_ATTEMPTS):
            try:
                answer = call(url, "POST", body, headers)
            except ApiAway:
                self._pause.wait(LOOK_SECONDS)
                continue
            if answer.status >= 500 or answer.status == 429:  # noqa: PLR2004 - HTTP
                self._pause.wait(LOOK_SECONDS)
                continue
            command_id = answer.body.get("command_id")
            if command_id is not None:
                self.issued.append(command_id)
            return command_id
        return None

    def settle(self, seconds: float) -> bool:
        """Wait until no command is open and every live instance is explained."""
        return self.wait_until(self._is_settled, seconds)

    def evidence(self) -> Evidence:
        """Return both sides as they are now."""
        books = self.look()
        region = self.world.region
        with region.lock:
            machines = [self._machine(instance) for instance in region.instances.values()]
            calls = region.log.by_action(is_agent)
        hours = (self.world.clock.monotonic() - self.started) / 3600 * len(books.agents)
        return Evidence(
            machines=machines,
            books=books,
            issued=list(self.issued),
            primaries={key: frozenset(seen) for key, seen in self._primaries.items()},
            calls=calls,
            agent_hours=hours,
            boot_seconds=region.durations.boot.total_seconds(),
            taken_at=self.world.clock.now(),
        )

    def _is_settled(self, books: Books) -> bool:
        with self.world.region.lock:
            machines = [self._machine(i) for i in self.world.region.instances.values()]
        evidence = Evidence(
            machines=machines,
            books=books,
            issued=list(self.issued),
            taken_at=self.world.clock.now(),
        )
        return not any(
            find(evidence)
            for find in (lost_commands, orphan_instances, unclean_switches, double_primaries)
        )

    def _machine(self, instance: Instance) -> Machine:
        disk = self.world.disks.disk(instance.instance_id)
        return Machine(
            instance_id=instance.instance_id,
            pool=str(instance.pool),
            launched_at=instance.launched_at,
            launched_by=instance.wish.caller,
            tags=dict(instance.tags),
            ended_at=instance.ended_at,
            ended_by=instance.ended_by,
            notice_at=instance.notice_at,
            deadline_at=instance.deadline,
            believes=_belief(disk / STATE, instance.instance_id) if instance.is_live else None,
        )

    def _measure(self) -> None:
        pids = [self.world.machines.pid(i.instance_id) for i in self.world.region.live()]
        sizes = [resident_megabytes(pid) for pid in pids if pid is not None]
        self.rss_megabytes = max([self.rss_megabytes, *sizes])

    def _world_settings(self, folder: Path) -> WorldSettings:
        return WorldSettings(
            root=folder,
            seed=self.seed,
            agent_environment=agent_environment(self.backend.url, self.client.token, FAST_AGENT),
        )

    def _start_agents(self, count: int) -> None:
        for first in range(0, count, AGENTS_PER_WAVE):
            wave = range(first + 1, min(first + AGENTS_PER_WAVE, count) + 1)
            launch_fleet(self.world, wave)
            if not self.wait_until(lambda b: _registered(b) >= wave[-1], REGISTER_SECONDS):  # noqa: B023
                msg = (
                    f"only {_registered(self.books.read())} of {wave[-1]} agents have registered; "
                    f"their logs are below {self.world.settings.root}"
                )
                raise SimulatorError(msg)
        self.books.shorten_terminate_wait(TERMINATE_WAIT_SECONDS, self.world.clock.now())


def _belief(state: Path, instance_id: str) -> str | None:
    """Return the role in the agent's own memory; None while it knows none, or it is another's."""
    try:
        kept = json.loads((state / "standing.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    role = kept.get("data", {}).get("role") if kept.get("instance_id") == instance_id else None
    return role if isinstance(role, str) else None


def _registered(books: Books) -> int:
    return sum(1 for agent in books.agents if agent.primary_instance_id is not None)
