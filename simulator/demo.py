"""The demonstration: everything on one machine, and something happens every minute."""

import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from random import Random

from simulator.chance import stream
from simulator.control.api import ControlApi
from simulator.drills.backend_process import BackendProcess, ClientLogin
from simulator.drills.books import BookReader
from simulator.errors import SimulatorError
from simulator.fleet import FAST_AGENT, agent_environment, launch_fleet
from simulator.json_http import ApiAway, call
from simulator.region.model import Durations, EndCause, Instance
from simulator.settings import WorldSettings
from simulator.stopping import StopSignals
from simulator.world import World

SECONDS_BETWEEN_EVENTS = (15.0, 30.0)
PRICES = {"PRICING_REPORT_INTERVAL": "15"}
BACKEND_SETTINGS = {"AGENT_HEARTBEAT_TIMEOUT": "30", "AGENT_HEARTBEAT_INTERVAL": "5"}
REGISTER_SECONDS = 30
TERMINATE_WAIT_SECONDS = 10
OK = 200
Say = Callable[[str], None]


def run_demo(*, agents: int, port: int, seed: int, folder: Path | None, say: Say) -> None:
    """Run until Ctrl-C; nothing is left running, and nothing on disk unless a folder is given.

    Raises:
        SimulatorError: the backend or the region does not come up.
    """
    stop = StopSignals()
    stop.listen()
    with ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="demo-", ignore_cleanup_errors=True)
        root = (folder or Path(stack.enter_context(temporary))).resolve()
        say("Starting a database, the backend and a region: about ten seconds")
        backend = BackendProcess(root / "backend", BACKEND_SETTINGS, port)
        stack.callback(backend.stop)
        backend.start()
        login = backend.create_client("Demo")
        fast = agent_environment(backend.url, login.token, {**FAST_AGENT, **PRICES})
        settings = WorldSettings(
            root=root / "region",
            seed=seed,
            agent_environment=fast,
            durations=Durations(notice=timedelta(seconds=30)),
        )
        world = stack.enter_context(World(settings))
        world.front.add_control(ControlApi(world).respond)
        launch_fleet(world, range(1, agents + 1))
        _wait_for_agents(backend.url, login.token, agents, stop)
        _shorten_terminate_wait(backend, login, world)
        say(f"\nSpot Optimizer is running: {backend.url}")
        say(backend.login_sentence())
        say(f"The region: {world.endpoint}/control/instances (also pools, figures)")
        say(f"{agents} agents run. Stop with Ctrl-C\n")
        Show(world, backend.url, login.token, seed, say).play(stop)
        say("Stopping")


def _wait_for_agents(url: str, token: str, count: int, stop: StopSignals) -> None:
    """Wait a while until all agents have registered; go on without those that are late."""
    headers = {"Authorization": f"Bearer {token}"}
    for _second in range(REGISTER_SECONDS):
        found = call(f"{url}/api/agents", headers=headers).body.get("agents", [])
        if len(found) >= count or stop.wait(1.0):
            return


def _shorten_terminate_wait(backend: BackendProcess, login: ClientLogin, world: World) -> None:
    """Let old instances go soon after a switch: nobody watches a demonstration for five minutes."""
    reader = BookReader(backend.settings, login.client_id)
    try:
        reader.shorten_terminate_wait(TERMINATE_WAIT_SECONDS, world.clock.now())
    finally:
        reader.close()


class Show:
    """Lets things happen, one every 15 to 30 seconds, and says what."""

    def __init__(self, world: World, url: str, token: str, seed: int, say: Say) -> None:
        self._world = world
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._chance: Random = stream(seed, "show")
        self._say = say

    def play(self, stop: StopSignals) -> None:
        """Go on until a stop is asked for."""
        acts = (self._switch, self._switch, self._move_price, self._crash_agent, self._lose)
        number = 0
        while not stop.wait(self._chance.uniform(*SECONDS_BETWEEN_EVENTS)):
            try:
                acts[number % len(acts)]()
            except SimulatorError as error:
                self._say(f"{self._clock()}  that did not work: {error}")
            number += 1
            self._report()

    def _switch(self) -> None:
        instance = self._some_instance()
        zones = [az for az in self._world.region.catalog.zones if az != instance.wish.az]
        pool = f"{instance.wish.instance_type}.{self._chance.choice(zones)}"
        url = f"{self._url}/api/client/instances/{instance.instance_id}/force-switch"
        answer = call(url, "POST", {"target": "pool", "pool_id": pool}, self._headers)
        outcome = "" if answer.status == OK else f": refused, {answer.body.get('error')}"
        self._say(f"{self._clock()}  {self._name(instance)} is told to move to {pool}{outcome}")

    def _move_price(self) -> None:
        region = self._world.region
        pool = self._some_instance().pool
        with region.lock:
            price = region.catalog.ondemand[pool.instance_type]
            jump = (price * 3 / 5).quantize(price)
            region.market.set_price(pool, jump, self._world.clock.now())
        self._say(f"{self._clock()}  the price of {pool} jumps to {jump} USD per hour")

    def _crash_agent(self) -> None:
        instance = self._some_instance()
        self._world.machines.crash_agent(instance.instance_id)
        self._say(f"{self._clock()}  the agent of {self._name(instance)} is killed; it comes back")

    def _lose(self) -> None:
        """A machine dies without warning; its owner makes another one by hand, same name."""
        instance = self._some_instance()
        name = self._name(instance)
        self._world.region.end(instance.instance_id, EndCause.DIED)
        again = self._world.launch_by_hand(
            instance.pool, instance.wish.lifecycle, logical_agent_id=name
        )
        self._say(
            f"{self._clock()}  {name}: {instance.instance_id} dies; {again.instance_id} comes"
        )

    def _report(self) -> None:
        try:
            answer = call(f"{self._url}/api/agents", headers=self._headers)
        except ApiAway:
            return
        states = Counter(str(agent.get("status")) for agent in answer.body.get("agents", []))
        words = ", ".join(f"{count} {state}" for state, count in states.most_common())
        live, cost = len(self._world.region.live()), self._world.region.cost()
        self._say(f"          agents: {words}; {live} instances run, {cost:.4f} USD spent so far")

    def _some_instance(self) -> Instance:
        booted = [i for i in self._world.region.live() if self._world.machines.pid(i.instance_id)]
        if not booted:
            msg = "no agent runs at the moment"
            raise SimulatorError(msg)
        return self._chance.choice(booted)

    def _name(self, instance: Instance) -> str:
        tag = instance.tags.get("LogicalAgentId")
        return tag or self._world.configured_name(instance.instance_id) or instance.instance_id

    def _clock(self) -> str:
        return f"{self._world.clock.now():%H:%M:%S}"
