"""The stage of an emergency: real agents behind doors, light agents, a network between, standbys."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from simulator.drills.backend_process import BackendProcess
from simulator.drills.emergency_books import EmergencyReader
from simulator.drills.emergency_evidence import EmergencyBooks, EmergencyEvidence
from simulator.drills.evidence import Books, Machine
from simulator.drills.foreign_backend import ForeignBackend
from simulator.drills.rehearsal import AGENTS_PER_WAVE, TERMINATE_WAIT_SECONDS, Rehearsal
from simulator.errors import SimulatorError
from simulator.fleet import FAST_AGENT, agent_environment
from simulator.json_http import ApiAway, JsonAnswer, call
from simulator.light.fleet import LightFleet
from simulator.light.habits import Habits
from simulator.network import Network
from simulator.region.model import Durations, Instance
from simulator.settings import WorldSettings
from simulator.workloads import Workload, launch_workload, lead_users_to, make_workload

REGISTER_SECONDS = 60.0
LARGE_FLEET = 100
LARGE_LOOK_SECONDS = 1.5
PREPARE_SECONDS = 60.0
SECONDS_AN_AGENT = 0.15  # of preparing, on top
CALL_ATTEMPTS = 60
BUDGET_AGE = timedelta(hours=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who takes part.

    Attributes:
        real: Agents with a process, an address and a target group each.
        light: Light agents.
        notice: How long EC2 leaves between notice and end.
        agent_settings: Of real agents, beside the short intervals.
        habits: Of light agents.
    """

    real: int
    light: int = 0
    notice: timedelta = timedelta(seconds=120)
    agent_settings: Mapping[str, str] = field(default_factory=dict)
    habits: Habits = field(default_factory=Habits)

    @property
    def size(self) -> int:
        """How many agents there are."""
        return self.real + self.light


class EmergencyStage(Rehearsal):
    """Sets the stage in its constructor; a context manager that clears it away."""

    def __init__(
        self, folder: Path, backend: BackendProcess | ForeignBackend, *, cast: Cast, seed: int
    ) -> None:
        self.cast = cast
        self.workloads: dict[str, Workload] = {}  # by logical id
        self.light: LightFleet | None = None
        self.network: Network | None = None
        self.fresh_epochs: dict[str, int] = {}
        self.converged_seconds: float | None = None
        try:
            super().__init__(folder, backend, agents=cast.real, seed=seed)
        except BaseException:
            self._clear_own()
            raise

    def __exit__(self, *exception: object) -> None:
        """Clear it away."""
        self._clear_own()
        super().__exit__(*exception)

    @property
    def wire(self) -> Network:
        """The network between real agents and the backend."""
        if self.network is None:
            msg = "the stage is not set"
            raise SimulatorError(msg)
        return self.network

    def primaries(self) -> list[Instance]:
        """Return every agent's primary that lives, in the order of the agents' names."""
        known = self.world.region.instances
        found = [known.get(a.primary_instance_id or "") for a in self.look().agents]
        return [instance for instance in found if instance is not None and instance.is_live]

    def read_emergencies(self) -> EmergencyBooks:
        """Return the books about emergencies as they are now."""
        return self.emergencies.read()

    def prepare(self, *, replicas: str | None) -> None:
        """Wait until every agent has reported prices and, if asked for, has a standby instance.

        Args:
            replicas: The state in which each agent's standby has to be; None: no standby.

        Raises:
            SimulatorError: it takes too long.
        """
        size, limit = self.cast.size, PREPARE_SECONDS + SECONDS_AN_AGENT * self.cast.size
        self._await(lambda: self.emergencies.priced_primaries() >= size, limit, "reported prices")
        if replicas is not None:
            self.emergencies.set_manual_mode(self.world.clock.now(), is_on=True)
            self.await_replicas(replicas, limit)
        self.begin()

    def await_replicas(self, status: str, seconds: float) -> None:
        """Wait until every agent has a standby instance in this state.

        Raises:
            SimulatorError: it takes too long.
        """
        size = self.cast.size

        def are_there() -> bool:
            self.let_hours_pass()
            return self.emergencies.agents_with_replica(status) >= size

        self._await(are_there, seconds, f"a replica that is {status}")

    def let_hours_pass(self) -> None:
        """Make room in the launch budgets, which allow a fifth of a fleet an hour."""
        self.emergencies.age_launches(self.world.clock.now() - BUDGET_AGE)

    def begin(self) -> None:
        """Note how things are before anything happens."""
        self.fresh_epochs = {agent.agent_id: agent.epoch for agent in self.look().agents}

    def converge(self, seconds: float) -> bool:
        """Wait until nothing is open any more; note how long that took."""
        clock = self.world.clock
        started = clock.monotonic()
        is_done = self.wait_until(self._has_converged, seconds)
        self.converged_seconds = clock.monotonic() - started if is_done else None
        return is_done

    def api(self, method: str, path: str, body: dict[str, object] | None = None) -> JsonAnswer:
        """Call the API as the client's user, again and again while the backend is away.

        Raises:
            SimulatorError: it stays away.
        """
        headers = {"Authorization": f"Bearer {self.client.token}"}
        for _attempt in range(CALL_ATTEMPTS):
            try:
                answer = call(f"{self.backend.url}{path}", method, body, headers)
            except ApiAway:
                self.pause(self.look_seconds)
                continue
            if answer.status < 500 and answer.status != 429:  # noqa: PLR2004 - HTTP
                return answer
            self.pause(self.look_seconds)
        msg = f"{method} {path} was not answered in {CALL_ATTEMPTS} attempts"
        raise SimulatorError(msg)

    def freeze(self, instance_ids: Iterable[str], *, is_frozen: bool) -> None:
        """Let agents fall silent while their machines live on, or let them go on."""
        wanted = list(instance_ids)
        for instance_id in wanted:
            self.world.machines.freeze_agent(instance_id, is_frozen=is_frozen)
        if self.light is not None:
            self.light.freeze(wanted, is_frozen=is_frozen)

    def emergency_evidence(self) -> EmergencyEvidence:
        """Return both sides as they are now."""
        base, region = self.evidence(), self.world.region
        doors = {name: workload.doors for name, workload in self.workloads.items()}
        with region.lock:
            all_doors = [door for pair in doors.values() for door in pair]
            holders = {door: region.traffic.holders(door) for door in all_doors}
            led_to = {
                (turn.door, name): instant
                for door in all_doors
                for turn in region.traffic.turns(door)
                for name in turn.holders
                if (instant := region.traffic.led_to(door, name)) is not None
            }
        return EmergencyEvidence(
            base=base,
            books=self.read_emergencies(),
            doors=doors,
            led_to=led_to,
            holders=holders,
            notices=list(self.light.diary.notices) if self.light else [],
            fresh_epochs=self.fresh_epochs,
        )

    def _has_converged(self, books: Books) -> bool:
        return self.emergencies.open_events() == 0 and self._is_settled(books)

    def _await(self, is_done: Callable[[], bool], seconds: float, what: str) -> None:
        clock = self.world.clock
        deadline = clock.monotonic() + seconds
        while not is_done():
            if clock.monotonic() > deadline:
                msg = f"not every agent has {what} within {seconds:.0f} s"
                raise SimulatorError(msg)
            self.pause(self.look_seconds)

    def _world_settings(self, folder: Path) -> WorldSettings:
        self.network = Network(self.backend.url, self.seed)
        settings = {**FAST_AGENT, **self.cast.agent_settings}
        return WorldSettings(
            root=folder,
            seed=self.seed,
            durations=Durations(notice=self.cast.notice),
            agent_environment=agent_environment(self.network.url, self.client.token, settings),
            limits=None,  # one account's, and the fleet stands for many
        )

    def _start_agents(self, count: int) -> None:
        self.emergencies = EmergencyReader(self.books.database, self.client.client_id)
        if self.cast.size > LARGE_FLEET:
            self.look_seconds = LARGE_LOOK_SECONDS
        for first in range(0, count, AGENTS_PER_WAVE):
            wave = range(first + 1, min(first + AGENTS_PER_WAVE, count) + 1)
            for number in wave:
                self._start_workload(number)
            self._await_registered(wave[-1])
        if self.cast.light:
            self.light = LightFleet(
                self.world, self.backend.url, self.client.token, self.cast.habits
            )
            self.light.launch(range(1, self.cast.light + 1))
            self._await_registered(self.cast.size)
        self.books.shorten_terminate_wait(TERMINATE_WAIT_SECONDS, self.world.clock.now())

    def _start_workload(self, number: int) -> None:
        workload = make_workload(self.world, f"web-{number}")
        self.workloads[workload.name] = workload
        instance = launch_workload(self.world, workload, number)
        while instance.state(self.world.clock.now()) != "running":
            self.pause(0.05)
        lead_users_to(self.world, workload, instance.instance_id)

    def _await_registered(self, count: int) -> None:
        limit = REGISTER_SECONDS + SECONDS_AN_AGENT * count

        def registered() -> int:
            return sum(1 for agent in self.books.read().agents if agent.primary_instance_id)

        try:
            self._await(lambda: registered() >= count, limit, "registered")
        except SimulatorError as error:
            msg = f"{error}: {registered()} of {count}; logs: {self.world.settings.root}"
            raise SimulatorError(msg) from error

    def _machine(self, instance: Instance) -> Machine:
        machine = super()._machine(instance)
        if self.light is not None and self.light.is_light(instance):
            return replace(machine, believes=self.light.role(instance.instance_id))
        return machine

    def _clear_own(self) -> None:
        if self.light is not None:
            self.light.stop()
        if self.network is not None:
            self.network.stop()
