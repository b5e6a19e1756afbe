"""Instances run real processes: from their image's disk, until their power is cut."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.control.api import ControlApi
from simulator.json_http import call
from simulator.machines.disks import STATE
from simulator.pools import Pool
from simulator.region.model import EndCause, Lifecycle
from simulator.settings import WorldSettings
from simulator.world import World
from tests.simulator.waiting import wait_for

STAND_IN = Path(__file__).with_name("stand_in_agent.py")
ROOT = STAND_IN.parents[2]
HOME_POOL = Pool("m5.large", "eu-west-1a")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    """A whole region with stand-ins for agents; tests use instances of their own."""
    settings = WorldSettings(
        root=tmp_path_factory.mktemp("region"),
        agent_command=(sys.executable, str(STAND_IN)),
        agent_environment={"SPOT_OPTIMIZER_SERVER_URL": "http://backend"},
        restart_seconds=0.1,
    )
    with World(settings) as made:
        made.front.add_control(ControlApi(made).respond)
        yield made


def launch(world: World, **options):
    return world.launch_by_hand(HOME_POOL, Lifecycle.SPOT, **options)


def disk(world: World, instance) -> Path:
    return world.disks.disk(instance.instance_id)


def starts(world: World, instance) -> list[list[str]]:
    path = disk(world, instance) / STATE / "starts"
    return [line.split() for line in path.read_text().splitlines()] if path.is_file() else []


def environment(world: World, instance) -> dict:
    path = disk(world, instance) / STATE / "environment"
    return json.loads(wait_for(lambda: path.is_file() and path.read_text()))


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_agent_starts_after_boot_with_the_disks_settings(world):
    instance = launch(world, logical_agent_id="web-1")
    assert world.machines.pid(instance.instance_id) is None  # it has not booted yet

    found = environment(world, instance)

    assert found == {
        "LOGICAL_AGENT_ID": "web-1",
        "SPOT_OPTIMIZER_SERVER_URL": "http://backend",
        "AWS_REGION": "eu-west-1",
        "LOG_DIR": str(disk(world, instance) / "var/log/spot-optimizer"),
        "HOME": str(disk(world, instance) / "home"),
    }


def test_agent_is_started_again_when_it_dies(world):
    instance = launch(world)
    first = wait_for(lambda: world.machines.pid(instance.instance_id))
    wait_for(lambda: starts(world, instance))

    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(starts(world, instance)) == 2)
    assert world.machines.crash_agent(instance.instance_id)
    wait_for(lambda: len(starts(world, instance)) == 3)

    assert len({pid for _, pid in starts(world, instance)}) == 3


def test_image_of_a_running_instance_carries_its_state(world):
    original = launch(world, logical_agent_id="web-9")
    wait_for(lambda: starts(world, original))
    image = world.images.create(original.instance_id, "clone-me", reboots=False)
    wait_for(lambda: image.state(world.clock.now()) == "available")

    clone = launch(world, image_id=image.image_id)
    wait_for(lambda: len(starts(world, clone)) == 2)

    assert [name for name, _ in starts(world, clone)] == [
        original.instance_id,
        clone.instance_id,
    ]
    assert environment(world, clone)["LOGICAL_AGENT_ID"] == "web-9"
    assert len(starts(world, original)) == 1  # without a reboot it noticed nothing


def test_image_with_reboot_restarts_the_original(world):
    original = launch(world)
    wait_for(lambda: starts(world, original))

    world.images.create(original.instance_id, "with-reboot")

    assert wait_for(lambda: len(starts(world, original)) == 2)


@pytest.mark.parametrize("cause", [EndCause.INTERRUPTED, EndCause.DIED])
def test_process_dies_with_its_instance_and_only_the_logs_stay(world, cause):
    instance = launch(world)
    pid = wait_for(lambda: world.machines.pid(instance.instance_id))

    world.region.end(instance.instance_id, cause)

    wait_for(lambda: not is_alive(pid))
    wait_for(lambda: not disk(world, instance).exists())
    assert (world.disks.logs(instance.instance_id) / "console.log").is_file()
    with pytest.raises(KeyError):
        world.metadata.endpoint(instance.instance_id)


def test_instance_that_ends_before_it_has_booted_never_starts_anything(world):
    instance = launch(world)
    world.region.terminate([instance.instance_id], "operator")

    wait_for(lambda: not disk(world, instance).exists())

    assert world.machines.start_count(instance.instance_id) == 0


def test_control_api_operates_the_region(world):
    url = f"{world.endpoint}/control"

    made = call(f"{url}/launch", "POST", {"pool": str(HOME_POOL), "logical_agent_id": "web-7"})
    name = made.body["instance_id"]
    wait_for(lambda: world.machines.pid(name))
    noticed = call(f"{url}/instances/{name}/interrupt", "POST", {"style": "together"})
    listed = {i["instance_id"]: i for i in call(f"{url}/instances").body["instances"]}
    crashed = call(f"{url}/instances/{name}/crash-agent", "POST", {})
    image = call(f"{url}/images", "POST", {"instance_id": name})
    ended = call(f"{url}/instances/{name}/die", "POST", {})

    assert (made.status, listed[name]["mode"]) == (200, "spot")
    assert listed[name]["deadline"][:19] == noticed.body["ends_at"][:19]
    assert (crashed.body, ended.body) == ({"success": True}, {"success": True})
    assert image.body["image_id"] in world.region.images
    assert world.region.instances[name].end_cause is EndCause.DIED


def test_control_api_sets_prices_capacity_and_faults(world):
    url = f"{world.endpoint}/control"
    pool = "c5.large.eu-west-1b"

    call(f"{url}/pools/{pool}/capacity", "POST", {"capacity": 0})
    call(f"{url}/pools/{pool}/price", "POST", {"usd_per_hour": "0.0777"})
    call(f"{url}/faults", "POST", {"action": "RunInstances", "code": "Unsupported"})
    refused = call(f"{url}/launch", "POST", {"pool": pool})

    shown = {row["pool"]: row for row in call(f"{url}/pools").body["pools"]}[pool]
    assert (shown["spot_capacity"], shown["spot_usd_per_hour"]) == (0, "0.077700")
    assert refused.body["code"] == "InsufficientInstanceCapacity"
    assert call(f"{url}/figures").body["instances"] >= 0
    world.region.faults.clear()


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/launch", {"pool": "m5.large"}, "names no pool"),
        ("POST", "/launch", {"pool": "m5.large.eu-west-1z"}, "there is no pool"),
        ("POST", "/launch", {}, "pool: a text is needed"),
        ("POST", "/pools/m5.large.eu-west-1a/capacity", {"capacity": -1}, "capacity"),
        ("POST", "/pools/m5.large.eu-west-1a/price", {"usd_per_hour": "9"}, "usd_per_hour"),
        ("POST", "/instances/i-0abc/interrupt", {"style": "slowly"}, "style: one of"),
        ("POST", "/instances/i-00000000000000abc/die", {}, "does not exist"),
        ("POST", "/faults", {"action": "x", "code": "y", "count": 0}, "count"),
        ("DELETE", "/instances", {}, "there is no DELETE"),
    ],
)
def test_control_api_says_what_is_wrong(world, method, path, body, words):
    answer = call(f"{world.endpoint}/control{path}", method, body)

    assert answer.status == 400
    assert words in answer.body["error"]


def test_control_api_refuses_web_pages(world):
    headers = {"Origin": "https://elsewhere.example"}

    assert call(f"{world.endpoint}/control/figures", headers=headers).status == 400


def test_agents_die_with_the_simulator_even_when_it_is_killed(tmp_path):
    command = [sys.executable, "-m", "simulator", "up", "--agents", "2", "--server-url", "http://b"]
    command += ["--token", "t", "--folder", str(tmp_path)]
    command += ["--agent-command", f"{sys.executable} {STAND_IN}"]
    simulator = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        pids = wait_for(lambda: _pids_below(tmp_path, 2), 20)
        assert all(is_alive(pid) for pid in pids)
    finally:
        simulator.kill()
        simulator.wait()

    wait_for(lambda: not any(is_alive(pid) for pid in pids))


def _pids_below(folder: Path, count: int) -> list[int]:
    files = list(folder.glob(f"disks/*/{STATE}/starts"))
    pids = [int(line.split()[1]) for path in files for line in path.read_text().splitlines()]
    return pids if len(pids) == count else []
