"""Light agents against a backend that answers as it is told, in a real region."""

import json
import sys
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from simulator.interruptions import Style
from simulator.light.fleet import LightFleet
from simulator.light.habits import Habits
from simulator.loopback import HOST, LoopbackServers, Request, Response
from simulator.region.model import Durations, EndCause
from simulator.settings import WorldSettings
from simulator.world import World
from tests.simulator.waiting import wait_for

QUICK = {"sync": 0.05, "metadata": 0.05, "prices": 0.2, "retry": 0.05, "replica_sync": 0.01}


class ToldBackend:
    """Registers everybody; the test decides about commands and plans."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.said: list[tuple[str, str, str, dict]] = []  # instance, method, path, body
        self.commands: dict[str, list[dict]] = {}  # instance to what every sync offers
        self.plans: list[dict] = []  # answers to notices in order; the last one stays
        self.epoch = 1
        self.is_away = False
        self.servers = LoopbackServers()
        self.url = f"http://{HOST}:{self.servers.open(self._answer)}"

    def _answer(self, request: Request) -> Response:
        who, body = request.header("X-Instance-Id"), json.loads(request.body or b"{}")
        with self._lock:
            if self.is_away:
                return Response(503, b"{}", "application/json")
            self.said.append((who, request.method, request.path, body))
            status, answer = self._decide(who, request.path, body)
        return Response(status, json.dumps(answer).encode(), "application/json")

    def _decide(self, who: str, path: str, body: dict) -> tuple[int, dict]:
        if path.endswith("/register"):
            agent_id = f"agent-of-{body['logical_agent_id']}"
            role = "replica" if "ReplicaId" in body["launch_tags"] else "primary"
            known = {"agent_id": agent_id, "client_id": "c-1", "config": {"version": 3}}
            return 200, {**known, "role": role, "epoch": self.epoch}
        if path.endswith("/sync"):
            role = "replica" if who in self.launched() else "primary"
            return 200, {"role": role, "epoch": 1, "commands": self.commands.get(who, [])}
        if path.endswith("/interruption"):
            plan = self.plans.pop(0) if len(self.plans) > 1 else self.plans[0]
            return 200, {"success": True, "plan": plan}
        if path.endswith("/findings"):
            return 200, {"success": True, "plan": self.plans[0]}
        if path.endswith("/retirement"):
            return 200, {"may_retire": True, "reason": "superseded"}
        return 200, {"success": True}

    def launched(self) -> list[str]:
        """Instances that were reported as replicas."""
        return [
            body["instance_id"]
            for _, method, _, body in self.said
            if method == "PUT" and "instance_id" in body
        ]

    def heard(self, ending: str, who: str | None = None) -> list[dict]:
        """What was said below paths with this ending."""
        with self._lock:
            return [b for w, _, path, b in self.said if path.endswith(ending) and who in (None, w)]


@pytest.fixture
def backend() -> Iterator[ToldBackend]:
    made = ToldBackend()
    yield made
    made.servers.stop()


@pytest.fixture
def world(tmp_path) -> Iterator[World]:
    durations = Durations(
        boot=timedelta(seconds=0.05), pending=timedelta(), notice=timedelta(seconds=60)
    )
    settings = WorldSettings(root=tmp_path, agent_command=(sys.executable,), durations=durations)
    with World(settings) as made:
        yield made


@pytest.fixture
def fleet(world, backend) -> Iterator[LightFleet]:
    made = LightFleet(world, backend.url, "token", Habits(**QUICK))
    yield made
    made.stop()
    assert made.diary.crashes == []


def command(name: str, kind: str, **payload) -> dict:
    return {"id": name, "command_type": kind, "payload": payload}


def test_light_primary_registers_beats_and_reports(backend, fleet):
    (instance,) = fleet.launch([7])
    wait_for(lambda: backend.heard("/sync") and len(backend.heard("/pricing-report")) > 1)

    said = backend.heard("/register")[0]
    assert (said["logical_agent_id"], said["protocol"]) == ("light-7", 5)
    assert said["instance_id"] == instance.instance_id
    assert backend.heard("/sync")[0]["config_version"] == 3
    assert len(backend.heard("/launch-spec")) == 1
    assert len(backend.heard("/pricing-report")[0]["pricing"]["spot_pools"]) == 3
    assert fleet.role(instance.instance_id) == "primary"


def test_light_primary_launches_a_replica_that_becomes_ready(world, backend, fleet):
    (primary,) = fleet.launch([1])
    pool = str(primary.pool._replace(az="eu-west-1c"))
    order = command("k-1", "create_replica", replica_id="r-1", pools=[pool], tags={"team": "a"})
    backend.commands[primary.instance_id] = [order]

    ready = wait_for(lambda: backend.heard("/replicas/r-1/status"))[0]

    replica = world.region.instances[ready["instance_id"]]
    assert (ready["status"], str(replica.pool)) == ("ready", pool)
    assert replica.tags["LogicalAgentId"] == "light-1"
    assert (replica.tags["ReplicaId"], replica.tags["team"]) == ("r-1", "a")
    assert backend.heard("/k-1/executed") == [
        {"success": True, "message": f"launched {replica.instance_id}"}
    ]
    assert len(world.region.live()) == 2


def test_light_primary_says_which_pools_are_full(world, backend, fleet):
    (primary,) = fleet.launch([1])
    pool = primary.pool._replace(az="eu-west-1c")
    with world.region.lock:
        world.region.capacity.set(pool, primary.wish.lifecycle, 0)
    order = command("k-1", "create_replica", replica_id="r-1", pools=[str(pool)])
    backend.commands[primary.instance_id] = [order]

    failed = wait_for(lambda: backend.heard("/replicas/r-1/status"))[0]

    assert (failed["status"], failed["failed_pools"]) == ("failed", [str(pool)])
    assert not wait_for(lambda: backend.heard("/k-1/executed"))[0]["success"]


def test_light_primary_hands_over_when_it_is_noticed(world, backend, fleet):
    (primary,) = fleet.launch([1])
    backend.plans = [{"action": "await"}, {"action": "hand_over", "epoch": 2}]
    wait_for(lambda: backend.heard("/sync"))

    world.interruptions.order_many([primary.instance_id], Style.NOTICE_ONLY)
    wait_for(lambda: fleet.diary.notices and fleet.diary.notices[0].handed_over_at)

    told = backend.heard("/interruption")
    notice = fleet.diary.notices[0]
    assert (len(told), notice.attempts, notice.last_action) == (2, 2, "hand_over")
    assert told[0]["signal"] == "termination-notice"
    assert notice.answer_seconds is not None
    assert fleet.role(primary.instance_id) == "superseded"


@pytest.mark.parametrize("command_id", ["k-9", None])
def test_light_primary_launches_once_when_its_notice_orders_it(world, backend, fleet, command_id):
    (primary,) = fleet.launch([1])
    order = {"replica_id": "r-9", "pools": [], "allow_ondemand": True, "command_id": command_id}
    backend.plans = [{"action": "launch", "order": order}, {"action": "launch", "order": order}]
    backend.plans.append({"action": "hand_over", "epoch": 2})
    wait_for(lambda: backend.heard("/sync"))

    world.interruptions.order_many([primary.instance_id], Style.NOTICE_ONLY)
    wait_for(lambda: fleet.diary.notices and fleet.diary.notices[0].handed_over_at)

    made = [i for i in world.region.live() if i.tags.get("ReplicaId") == "r-9"]
    assert [i.wish.lifecycle for i in made] == ["ondemand"]
    assert len(backend.heard("/k-9/executed")) == (1 if command_id else 0)


def test_rescuer_launches_for_another_agent_only_when_it_is_told(world, backend, fleet):
    rescuer, silent = fleet.launch([1, 2])
    backend.plans = [{"action": "launch", "replica_id": "r-5"}]
    wait_for(lambda: len(backend.heard("/register")) == 2)
    world.region.end(silent.instance_id, EndCause.DIED)
    order = command(
        "k-3",
        "rescue",
        event_id="e-1",
        agent_id="agent-of-light-2",
        logical_agent_id="light-2",
        instance_id=silent.instance_id,
        launch_spec={"ami_id": fleet.image.image_id},
        pools=[],
        allow_ondemand=True,
    )
    backend.commands[rescuer.instance_id] = [order]

    wait_for(lambda: backend.heard("/k-3/executed"))

    found = backend.heard("/e-1/findings", rescuer.instance_id)[0]
    assert (found["instance_id"], found["state"]) == (silent.instance_id, "terminated")
    made = [i for i in world.region.live() if i.tags.get("ReplicaId") == "r-5"]
    assert [i.tags["LogicalAgentId"] for i in made] == ["light-2"]
    assert backend.heard("/agent-of-light-2/replicas/r-5")[0]["instance_id"] == made[0].instance_id


def test_light_primary_retires_and_takes_over(world, backend, fleet):
    primary, old = fleet.launch([1, 2])
    wait_for(lambda: len(backend.heard("/register")) == 2)
    backend.commands[primary.instance_id] = [
        command("k-1", "retire_instance", instance_id=old.instance_id),
        command("k-2", "promote", old_instance_id=old.instance_id, epoch=4),
        command("k-3", "snapshot"),
    ]

    wait_for(lambda: all(backend.heard(f"/k-{n}/executed") for n in (1, 2, 3)))

    assert not world.region.instances[old.instance_id].is_live
    assert backend.heard(f"/{old.instance_id}/terminated")
    assert not backend.heard("/k-3/executed")[0]["success"]


def test_frozen_light_agents_say_nothing_until_they_are_thawed(backend, fleet):
    (instance,) = fleet.launch([1])
    wait_for(lambda: backend.heard("/sync"))

    fleet.freeze([instance.instance_id], is_frozen=True)
    wait_for(lambda: is_quiet(backend))
    before = len(backend.said)
    fleet.freeze([instance.instance_id], is_frozen=False)

    wait_for(lambda: len(backend.said) > before)


def is_quiet(backend: ToldBackend) -> bool:
    """Whether nothing was said for four beats."""
    count = len(backend.said)
    threading.Event().wait(0.2)
    return len(backend.said) == count


def test_light_agents_repeat_what_an_absent_backend_did_not_hear(backend, fleet):
    backend.is_away = True
    fleet.launch([1])
    wait_for(lambda: fleet.diary.server_errors)

    backend.is_away = False

    wait_for(lambda: backend.heard("/sync"))
    assert list(fleet.diary.server_errors) == ["503 POST register"]


def test_messages_are_sent_twice_when_habits_say_so(backend, fleet):
    fleet.habits.repeat_share = 1.0
    fleet.launch([1])

    wait_for(lambda: len(backend.heard("/register")) == 2)


def test_light_agent_ends_with_its_machine(world, backend, fleet):
    (instance,) = fleet.launch([1])
    wait_for(lambda: backend.heard("/sync"))

    world.region.terminate([instance.instance_id], "operator")

    wait_for(lambda: fleet.role(instance.instance_id) is None)
    wait_for(lambda: is_quiet(backend))
