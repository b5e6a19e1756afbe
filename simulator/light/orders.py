"""Commands, carried out at once against the region."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.errors import AwsError
from simulator.light.ec2 import Launched
from simulator.region.model import Instance

if TYPE_CHECKING:
    from simulator.light.agent import LightAgent

OK = 200
OUR_TAGS = ("ManagedBy", "SpotOptimizer")
ENDED = frozenset({"terminated", "missing"})
Payload = dict[str, Any]


class Orders:
    """Carries out the commands of one light agent."""

    def __init__(self, agent: LightAgent) -> None:
        self._agent = agent
        self._ordered: set[str] = set()  # replicas whose launch was taken up

    async def carry_out(self, command: dict[str, Any]) -> None:
        """Do what a command says and acknowledge it."""
        payload: Payload = command.get("payload") or {}
        work = {
            "create_replica": self._create_replica,
            "promote": self._promote,
            "verify_primary": self._verify_primary,
            "rescue": self._rescue,
            "retire_instance": self._retire,
        }.get(command["command_type"])
        if work is None:
            success, message = False, f"unsupported: {command['command_type']}"
        else:
            success, message = await work(payload)
        body = {"success": success, "message": message}
        await self._agent.say("POST", f"/commands/{command['id']}/executed", body)
        self._agent.acknowledged(command["id"])

    async def launch_once(self, plan: Payload) -> None:
        """Launch what an answer to a notice orders; its repetitions change nothing."""
        order = plan.get("order") or {}
        order = {**order, "replica_id": str(order.get("replica_id") or plan.get("replica_id"))}
        if order["replica_id"] not in self._ordered:
            await self._create_replica(order)

    async def _create_replica(self, payload: Payload) -> tuple[bool, str]:
        agent = self._agent
        return await self._launch(
            payload, agent.instance, agent.agent_id, agent.logical_agent_id, ami_id=None
        )

    async def _launch(
        self,
        payload: Payload,
        like: Instance,
        agent_id: str,
        logical_agent_id: str,
        *,
        ami_id: str | None,
    ) -> tuple[bool, str]:
        agent, replica_id = self._agent, str(payload["replica_id"])
        self._ordered.add(replica_id)
        tags = {
            **(payload.get("tags") or {}),
            OUR_TAGS[0]: OUR_TAGS[1],
            "ClientId": agent.client_id,
            "LogicalAgentId": logical_agent_id,
            "ReplicaId": replica_id,
            "LaunchedBy": agent.instance.instance_id,
        }
        done = agent.around.ec2.launch_like(
            like,
            replica_id,
            pools=payload.get("pools") or [],
            allow_ondemand=bool(payload.get("allow_ondemand")),
            tags=tags,
            caller=agent.instance.instance_id,
            ami_id=ami_id,
        )
        return await self._report_launch(done, agent_id, f"/replicas/{replica_id}")

    async def _report_launch(self, done: Launched, agent_id: str, path: str) -> tuple[bool, str]:
        agent, own = self._agent, self._agent.instance.instance_id
        if done.instance is None:
            body = {
                "instance_id": own,
                "status": "failed",
                "error_message": "launch: no pool has capacity",
                "failed_pools": done.full_pools,
            }
            await agent.say_as(agent_id, "POST", f"{path}/status", body)
            return False, "launch: no pool has capacity"
        body = {
            "instance_id": done.instance.instance_id,
            "status": "syncing",
            "pool_id": str(done.instance.pool),
            "mode": str(done.instance.wish.lifecycle),
            "launched_at": done.instance.launched_at.isoformat(),
        }
        answer = await agent.say_as(agent_id, "PUT", path, body)
        if answer.status != OK:  # somebody else has launched it, or it is not wanted any more
            agent.around.ec2.terminate(done.instance.instance_id, own)
            return False, f"launch: the backend refused it, {answer.body.get('error')}"
        return True, f"launched {done.instance.instance_id}"

    async def _promote(self, payload: Payload) -> tuple[bool, str]:
        self._agent.moved("primary", int(payload["epoch"]))
        return True, "took over"

    async def _verify_primary(self, payload: Payload) -> tuple[bool, str]:
        state, _plan = await self._look(payload, self._agent.agent_id)
        return True, f"{payload['instance_id']} is {state}"

    async def _rescue(self, payload: Payload) -> tuple[bool, str]:
        agent_id = str(payload["agent_id"])
        state, plan = await self._look(payload, agent_id)
        if plan.get("action") != "launch":
            return True, f"{payload['instance_id']} is {state}: nothing to launch"
        like = self._agent.around.region.instances[payload["instance_id"]]
        order = {**payload, **(plan.get("order") or {})}
        order["replica_id"] = order.get("replica_id") or plan["replica_id"]
        spec = payload["launch_spec"]
        return await self._launch(
            order, like, agent_id, payload["logical_agent_id"], ami_id=spec["ami_id"]
        )

    async def _look(self, payload: Payload, agent_id: str) -> tuple[str, Payload]:
        agent = self._agent
        state = agent.around.ec2.state(payload["instance_id"], agent.instance.instance_id)
        body = {
            "instance_id": payload["instance_id"],
            "state": state if state != "pending" else "running",
            "checked_at": agent.around.clock.now().isoformat(),
        }
        path = f"/interruptions/{payload['event_id']}/findings"
        answer = await agent.say_as(agent_id, "POST", path, body)
        return state, answer.body.get("plan") or {}

    async def _retire(self, payload: Payload) -> tuple[bool, str]:
        agent, name = self._agent, str(payload["instance_id"])
        not_before = payload.get("not_before")
        if not_before:
            await self._wait_or_end(name, datetime.fromisoformat(not_before))
        own = agent.instance.instance_id
        if agent.around.ec2.state(name, own) not in ENDED:
            answer = await agent.say("GET", f"/instances/{name}/retirement")
            if not answer.body.get("may_retire"):
                return False, f"refused: {answer.body.get('reason') or answer.body.get('error')}"
            try:
                agent.around.ec2.terminate(name, own)
            except AwsError as error:
                return False, f"terminate: {error.code}"
        body = {"terminated_at": agent.around.clock.now().isoformat()}
        await agent.say("POST", f"/instances/{name}/terminated", body)
        return True, f"{name} is gone"

    async def _wait_or_end(self, instance_id: str, not_before: datetime) -> None:
        """Wait until then; an instance that EC2 has ended meanwhile need not be waited for."""
        agent = self._agent
        while agent.around.clock.now() < not_before:
            instance = agent.around.region.instances.get(instance_id)
            if instance is None or not instance.is_live:
                return
            await asyncio.sleep(agent.around.habits.retry)
