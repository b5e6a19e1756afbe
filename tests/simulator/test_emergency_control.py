"""Storms, silence and doors through the control API, with real processes."""

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from simulator.control.api import ControlApi
from simulator.json_http import call
from simulator.machines.disks import STATE, read_environment
from simulator.region.model import Durations
from simulator.settings import WorldSettings
from simulator.workloads import launch_workload, lead_users_to, make_workload
from simulator.world import World
from tests.simulator.test_machines import STAND_IN, launch
from tests.simulator.waiting import wait_for


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Iterator[World]:
    settings = WorldSettings(
        root=tmp_path_factory.mktemp("region"),
        agent_command=(sys.executable, str(STAND_IN)),
        durations=Durations(boot=timedelta(seconds=0.05), pending=timedelta()),
    )
    with World(settings) as made:
        made.front.add_control(ControlApi(made).respond)
        yield made


def state_of(pid: int) -> str:
    """The process's state as the kernel calls it: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_storm_notices_all_in_the_same_instant_or_nobody(world):
    first, second = launch(world), launch(world)
    names = [first.instance_id, second.instance_id]

    refused = call(
        f"{world.endpoint}/control/storm",
        "POST",
        {"instance_ids": [*names, "i-00000000000000abc"], "style": "notice-only"},
    )
    before = [first.notice_at, second.notice_at]
    answer = call(f"{world.endpoint}/control/storm", "POST", {"instance_ids": names})

    assert (refused.status, before) == (400, [None, None])
    assert answer.body == {"interrupted": 2}
    assert (second.notice_at - first.notice_at) < timedelta(seconds=1)


@pytest.mark.parametrize(
    ("body", "words"),
    [({"instance_ids": []}, "instance_ids"), ({"instance_ids": ["i-1"], "style": "x"}, "style")],
)
def test_storm_is_refused_by_name_when_it_makes_no_sense(world, body, words):
    answer = call(f"{world.endpoint}/control/storm", "POST", body)

    assert answer.status == 400
    assert words in answer.body["error"]


def test_frozen_agent_stands_still_while_its_machine_runs(world):
    instance = launch(world)
    pid = wait_for(lambda: world.machines.pid(instance.instance_id))
    wait_for((world.disks.disk(instance.instance_id) / STATE / "environment").is_file)
    url = f"{world.endpoint}/control/instances/{instance.instance_id}"

    frozen = call(f"{url}/freeze", "POST", {})
    wait_for(lambda: state_of(pid) == "T")
    state = instance.state(world.clock.now())
    thawed = call(f"{url}/thaw", "POST", {})
    wait_for(lambda: state_of(pid) != "T")

    assert (frozen.body, thawed.body) == ({"success": True}, {"success": True})
    assert state == "running"


def test_frozen_agent_ends_with_its_machine(world):
    instance = launch(world)
    pid = wait_for(lambda: world.machines.pid(instance.instance_id))
    world.machines.freeze_agent(instance.instance_id, is_frozen=True)

    world.region.terminate([instance.instance_id], "operator")

    wait_for(lambda: not Path(f"/proc/{pid}").exists())


def test_workload_is_reached_through_both_doors_and_every_copy_knows_them(world):
    workload = make_workload(world, "shop")
    instance = launch_workload(world, workload, 1)
    lead_users_to(world, workload, instance.instance_id)

    copy = launch(world, image_id=workload.image_id)
    doors = call(f"{world.endpoint}/control/traffic").body["doors"]

    assert [doors[door] for door in workload.doors] == [[instance.instance_id]] * 2
    settings = read_environment(world.disks.disk(copy.instance_id))
    assert settings["CUTOVER_ELASTIC_IP_ALLOCATION_ID"] == workload.allocation_id
    assert settings["CUTOVER_TARGET_GROUP_ARNS"] == workload.target_group_arn
    assert "LOGICAL_AGENT_ID" not in settings
