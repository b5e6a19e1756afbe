"""One light agent: the life of a protocol-5 agent without a process of its own."""

import asyncio
from collections.abc import Coroutine
from random import Random
from typing import Any, NamedTuple

from simulator.clock import Clock
from simulator.json_http import ApiAway, JsonAnswer
from simulator.light import bodies
from simulator.light.diary import Diary, Notice
from simulator.light.ec2 import LightEc2
from simulator.light.habits import Habits
from simulator.light.http_pool import HttpPool
from simulator.light.orders import Orders
from simulator.region.model import Instance
from simulator.region.region import Region

OK, CONFLICT, NOT_FOUND, TOO_MANY, SERVER = 200, 409, 404, 429, 500
RETIRED_FACTOR = 4
TERMINATION, REBALANCE = "termination-notice", "rebalance-recommendation"


class Surroundings(NamedTuple):
    """What all light agents of a region share."""

    region: Region
    clock: Clock
    ec2: LightEc2
    pool: HttpPool
    habits: Habits
    diary: Diary
    chance: Random


class LightAgent:
    """Registers, beats, reports prices, watches its metadata, carries out commands.

    Attributes:
        role: What it was last told; "" before its first answer.
        awake: Cleared while the agent is frozen; its machine lives on.
    """

    def __init__(self, around: Surroundings, instance: Instance, logical_agent_id: str) -> None:
        self.around = around
        self.instance = instance
        self.logical_agent_id = logical_agent_id
        self.agent_id = ""
        self.client_id = ""
        self.role = ""
        self.epoch = 0
        self.awake = asyncio.Event()
        self.awake.set()
        self._config_version: int | None = None
        self._orders = Orders(self)
        self._known: set[str] = set()  # ids of commands that were taken up
        self._open: list[str] = []  # of those, the ones that are not acknowledged
        self._jobs: set[asyncio.Task[None]] = set()
        self._was_replica = False

    async def live(self) -> None:
        """Live until it is cancelled: its machine has ended."""
        try:
            await self._register()
            async with asyncio.TaskGroup() as habits:
                for habit in (self._beat(), self._watch(), self._report()):
                    habits.create_task(habit)
        finally:
            for job in self._jobs:
                job.cancel()

    async def say(self, method: str, path: str, body: dict[str, Any] | None = None) -> JsonAnswer:
        """Send a message below this agent's path until it is answered, by a refusal if need be."""
        return await self.say_as(self.agent_id, method, path, body)

    async def say_as(
        self, agent_id: str, method: str, path: str, body: dict[str, Any] | None = None
    ) -> JsonAnswer:
        """Send a message below another agent's path, as rescuers do."""
        return await self._tell(method, f"/api/agents/{agent_id}{path}", body)

    def start(self, job: Coroutine[Any, Any, None]) -> None:
        """Do something beside the usual; a defect in it is noted, not lost."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._on_done)

    def acknowledged(self, command_id: str) -> None:
        """Note that a command is answered for good."""
        self._open.remove(command_id)

    def moved(self, role: str, epoch: int) -> None:
        """Take over a role that an answer names, unless it is older than what is known."""
        if epoch >= self.epoch:
            self.role, self.epoch = role, epoch

    async def _tell(self, method: str, path: str, body: dict[str, Any] | None) -> JsonAnswer:
        habits, pool = self.around.habits, self.around.pool
        while True:
            await self.awake.wait()
            try:
                answer = await pool.call(method, path, body, self.instance.instance_id)
            except ApiAway:
                await asyncio.sleep(habits.retry)
                continue
            self.around.diary.note_answer(answer.status, method, path, answer.body.get("code"))
            if method != "GET" and self.around.chance.random() < habits.repeat_share:
                self.start(self._repeat(method, path, body))
            if answer.status < SERVER and answer.status != TOO_MANY:
                return answer
            await asyncio.sleep(habits.retry)

    async def _repeat(self, method: str, path: str, body: dict[str, Any] | None) -> None:
        """Send a message again, later: what was sent meanwhile overtakes it."""
        await asyncio.sleep(self.around.chance.uniform(0.0, self.around.habits.longest_delay))
        await self.awake.wait()
        try:
            answer = await self.around.pool.call(method, path, body, self.instance.instance_id)
        except ApiAway:
            return
        code = f"repeated {answer.body.get('code') or ''}"
        self.around.diary.note_answer(answer.status, method, path, code)

    def _on_done(self, task: asyncio.Task[None]) -> None:
        self._jobs.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.around.diary.crashes.append(f"{self.instance.instance_id}: {error!r}")

    async def _register(self) -> None:
        body = bodies.registration(self.around.region, self.instance, self.logical_agent_id)
        while True:
            answer = await self._tell("POST", "/api/agents/register", body)
            if answer.status == OK:
                break
            await asyncio.sleep(self.around.habits.retry)
        self.agent_id = answer.body["agent_id"]
        self.client_id = answer.body["client_id"]
        self._config_version = answer.body.get("config", {}).get("version")
        self._take_role(answer.body)

    async def _beat(self) -> None:
        await asyncio.sleep(self.around.chance.uniform(0.0, self.around.habits.sync))
        while True:
            body = bodies.sync(self.instance, self._config_version, list(self._open))
            answer = await self.say("POST", "/sync", body)
            if answer.status == NOT_FOUND:
                await self._register()
            elif answer.status == OK:
                self._config_version = answer.body.get("config_version", self._config_version)
                self._take_role(answer.body)
                self._take_commands(answer.body.get("commands") or [])
            factor = RETIRED_FACTOR if self.role == "superseded" else 1
            await asyncio.sleep(factor * self.around.habits.sync * self._jitter())

    async def _report(self) -> None:
        has_spec = False
        while True:
            if self.role == "primary":
                if not has_spec:
                    spec = bodies.launch_spec(self.around.region, self.instance)
                    has_spec = (await self.say("PUT", "/launch-spec", spec)).status == OK
                report = bodies.prices(self.around.region, self.instance)
                await self.say("POST", "/pricing-report", report)
            await asyncio.sleep(self.around.habits.prices * self._jitter())

    async def _watch(self) -> None:
        told: set[str] = set()
        await asyncio.sleep(self.around.chance.uniform(0.0, self.around.habits.metadata))
        while True:
            await self.awake.wait()
            visible = {
                TERMINATION: self.instance.deadline is not None,
                REBALANCE: self.instance.rebalance_at is not None,
            }
            for signal in (name for name, is_there in visible.items() if is_there):
                if signal not in told:
                    told.add(signal)
                    self.start(self._tell_of(signal))
            await asyncio.sleep(self.around.habits.metadata)

    async def _tell_of(self, signal: str) -> None:
        """Tell of a notice until the backend has said what becomes of it."""
        clock = self.around.clock
        notice = Notice(
            instance_id=self.instance.instance_id,
            logical_agent_id=self.logical_agent_id,
            signal=signal,
            seen_at=clock.now(),
        )
        self.around.diary.notices.append(notice)
        body = bodies.interruption(self.instance, signal, notice.seen_at)
        while True:
            notice.told_at = notice.told_at or clock.now()
            notice.attempts += 1
            answer = await self.say("POST", "/interruption", body)
            notice.answered_at = notice.answered_at or clock.now()
            if answer.status != OK:
                notice.refusal = f"{answer.status} {answer.body.get('error')}"
                return
            plan = answer.body.get("plan") or {}
            notice.last_action = str(plan.get("action"))
            if notice.last_action == "hand_over":
                notice.handed_over_at = clock.now()
                self.moved("superseded", int(plan["epoch"]))
                return
            if notice.last_action == "launch":
                self._take_order(plan)
            elif notice.last_action != "await":
                return
            await asyncio.sleep(self.around.habits.retry)

    def _take_role(self, body: dict[str, Any]) -> None:
        self.moved(str(body.get("role")), int(body.get("epoch") or 0))
        if self.role == "replica" and not self._was_replica:
            self._was_replica = True
            self.start(self._become_ready(self.instance.tags.get("ReplicaId", "")))

    async def _become_ready(self, replica_id: str) -> None:
        """Sync the state, as if a user's command did it, and say so."""
        path = f"/replicas/{replica_id}"
        steps = ((0.0, "syncing"), (50.0, "syncing"), (100.0, "synced"))
        for progress, word in steps:
            body = {
                "instance_id": self.instance.instance_id,
                "sync_status": word,
                "state_transfer_progress": progress,
                "sync_latency_ms": 12,
            }
            await self.say("POST", f"{path}/sync-status", body)
            await asyncio.sleep(self.around.habits.replica_sync / len(steps))
        body = {
            "instance_id": self.instance.instance_id,
            "status": "ready",
            "sync_completed_at": self.around.clock.now().isoformat(),
        }
        await self.say("POST", f"{path}/status", body)

    def _take_commands(self, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            if command["id"] not in self._known:
                self._known.add(command["id"])
                self._open.append(command["id"])
                self.start(self._orders.carry_out(command))

    def _take_order(self, plan: dict[str, Any]) -> None:
        """Launch what a plan orders; it may be a command, which then is acknowledged as such."""
        order = plan.get("order") or {}
        if order.get("command_id"):
            command = {
                "id": order["command_id"],
                "command_type": "create_replica",
                "payload": order,
            }
            self._take_commands([command])
        else:
            self.start(self._orders.launch_once(plan))

    def _jitter(self) -> float:
        return self.around.chance.uniform(0.85, 1.15)
