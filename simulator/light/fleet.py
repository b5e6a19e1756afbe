"""A thousand light agents in one thread, each on an instance of the region."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from simulator.chance import stream
from simulator.light.agent import LightAgent, Surroundings
from simulator.light.diary import Diary
from simulator.light.ec2 import LightEc2
from simulator.light.habits import Habits
from simulator.light.http_pool import HttpPool
from simulator.region.catalog import ACCOUNT_ID, APP_GROUP, APP_VPC, INSTANCE_PROFILE, KEY_NAME
from simulator.region.model import Image, Instance, LaunchWish, Lifecycle
from simulator.region.region import Machines
from simulator.world import OPERATOR, World

ANSWER_SECONDS = 60.0
T = TypeVar("T")


class LightFleet:
    """Looks after instances of the light image; all others it leaves to the machine room.

    A context manager. Its public methods may be called from any thread.
    """

    def __init__(self, world: World, url: str, token: str, habits: Habits) -> None:
        """Put itself between the region and the machine room; no agent lives yet."""
        self.habits = habits
        self.diary = Diary()
        self.image: Image = world.images.make_base("light-agent")
        self._world = world
        self._rest: Machines = world.machines
        self._chance = stream(world.settings.seed, "light")
        self._agents: dict[str, LightAgent] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._names: dict[str, str] = {}  # instances that were launched by hand
        self._loop = asyncio.new_event_loop()
        self._pool = HttpPool(url, token, habits.connections)
        self._around = Surroundings(
            world.region,
            world.clock,
            LightEc2(world.region, world.launcher),
            self._pool,
            habits,
            self.diary,
            self._chance,
        )
        self._thread = threading.Thread(target=self._loop.run_forever, name="light", daemon=True)
        self._thread.start()
        world.region.machines = self

    def launch(self, numbers: Iterable[int], *, prefix: str = "light") -> list[Instance]:
        """Launch the first instances of these agents, spread over pools by the seed."""
        region = self._world.region
        pools = sorted(region.market.pools)
        made = []
        for number in numbers:
            pool = stream(self._world.settings.seed, "light-fleet", number).choice(pools)
            wish = LaunchWish(
                image_id=self.image.image_id,
                instance_type=pool.instance_type,
                lifecycle=Lifecycle.SPOT,
                az=pool.az,
                subnet_id=region.catalog.subnet_in(APP_VPC, pool.az).subnet_id,
                group_ids=(APP_GROUP,),
                caller=OPERATOR,
                key_name=KEY_NAME,
                profile_arn=f"arn:aws:iam::{ACCOUNT_ID}:instance-profile/{INSTANCE_PROFILE}",
            )
            with region.lock:
                instance = self._world.launcher.launch(wish)
                self._names[instance.instance_id] = f"{prefix}-{number}"
            made.append(instance)
        return made

    def is_light(self, instance: Instance) -> bool:
        """Whether an instance runs a light agent."""
        return instance.wish.image_id == self.image.image_id

    def role(self, instance_id: str) -> str | None:
        """Return the role that a light agent believes in; None when none lives there."""
        agent = self._agents.get(instance_id)
        return agent.role or None if agent else None

    def freeze(self, instance_ids: Iterable[str], *, is_frozen: bool) -> None:
        """Let agents fall silent while their machines live, or let them go on."""
        wanted = list(instance_ids)

        def work() -> None:
            for name in wanted:
                if (agent := self._agents.get(name)) is not None:
                    (agent.awake.clear if is_frozen else agent.awake.set)()

        self._do(work)

    def launched(self, instance: Instance) -> None:
        """Let the agent live once its machine has booted."""
        if not self.is_light(instance):
            self._rest.launched(instance)
            return
        self._loop.call_soon_threadsafe(self._install, instance)

    def ended(self, instance: Instance) -> None:
        """Cut the power."""
        if not self.is_light(instance):
            self._rest.ended(instance)
            return
        self._loop.call_soon_threadsafe(self._remove, instance.instance_id)

    def imaged(self, image: Image, *, reboots: bool) -> None:
        """Leave disks to the machine room: light agents have none."""
        self._rest.imaged(image, reboots=reboots)

    def forgotten(self, image: Image) -> None:
        """Leave disks to the machine room."""
        self._rest.forgotten(image)

    def stop(self) -> None:
        """End every light agent. Idempotent."""
        if self._loop.is_closed():
            return
        self._world.region.machines = self._rest
        asyncio.run_coroutine_threadsafe(self._end_all(), self._loop).result(ANSWER_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _install(self, instance: Instance) -> None:
        with self._world.region.lock:  # whoever launched it by hand has named it then
            name = self._names.get(instance.instance_id)
        agent = LightAgent(
            self._around, instance, name or instance.tags.get("LogicalAgentId", "unnamed")
        )
        self._agents[instance.instance_id] = agent
        task = self._loop.create_task(_live(agent), name=instance.instance_id)
        task.add_done_callback(self._on_end)
        self._tasks[instance.instance_id] = task

    def _on_end(self, task: asyncio.Task[None]) -> None:
        """Note a defect: it would be lost otherwise, and the drill judged by what is left."""
        if not task.cancelled() and (error := task.exception()) is not None:
            self.diary.crashes.append(f"{task.get_name()}: {error!r}")

    def _remove(self, instance_id: str) -> None:
        self._agents.pop(instance_id, None)
        task = self._tasks.pop(instance_id, None)
        if task is not None:
            task.cancel()

    async def _end_all(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._pool.close()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for other in others:
            other.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, work: Callable[[], T]) -> T:
        async def run() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(ANSWER_SECONDS)


async def _live(agent: LightAgent) -> None:
    await asyncio.sleep(agent.instance.durations.boot.total_seconds())
    await agent.live()
