"""Drills in which the backend, its database or its network fails while agents are noticed."""

import os
import signal

from backend.config import load_settings
from backend.db.open import local_server
from simulator.drills.emergency_stage import EmergencyStage
from simulator.drills.notices import expect_failed_over
from simulator.errors import SimulatorError
from simulator.interruptions import Style

CONVERGE_SECONDS = 60.0
HANG_SECONDS = 8.0
MIDDLE_SECONDS = 0.7  # of a storm: some notices are told, some promoted, some neither
REPEAT_SHARE = 0.5
LONGEST_DELAY = 4.0
METADATA_SECONDS = 2.0
PLAN_SECONDS = 5.0  # until every agent has heard that its standby is ready
CUT_SECONDS = 30.0


def crash_in_the_middle(stage: EmergencyStage) -> None:
    """The backend is killed while it promotes, and comes back; the fleet has 60 s from then."""
    stage.prepare(replicas="ready")
    _notice_all(stage)
    stage.pause(MIDDLE_SECONDS)
    stage.backend.kill_everything()
    stage.backend.start()
    _expect_quick_recovery(stage)


def lose_the_database(stage: EmergencyStage) -> None:
    """The database hangs, then dies, while agents are noticed; the backend starts it again."""
    stage.prepare(replicas="ready")
    server = local_server(load_settings(stage.backend.settings, env_file=None))
    _notice_all(stage)
    stage.pause(MIDDLE_SECONDS)
    pid = server.folder.server_pid()
    if pid is None:
        msg = "this drill needs a private database"
        raise SimulatorError(msg)
    os.kill(pid, signal.SIGSTOP)
    stage.pause(HANG_SECONDS)
    os.kill(pid, signal.SIGKILL)
    while server.folder.server_pid() in (pid, None) or not server.is_running():
        stage.pause(0.1)
    _expect_quick_recovery(stage)


def lose_the_network(stage: EmergencyStage) -> None:
    """Real agents are cut off when they are noticed: they act on the last plan, the books follow.

    Raises:
        SimulatorError: users were not led to the standby while the network was away.
    """
    stage.prepare(replicas="ready")
    stage.pause(PLAN_SECONDS)
    standbys = {r.agent_id: r.instance_id for r in stage.read_emergencies().replicas if r.is_live}
    agents = stage.look().agents
    doors = {a.logical_agent_id: standbys.get(a.agent_id) for a in agents}
    stage.wire.cut()
    _notice_all(stage)
    region, clock = stage.world.region, stage.world.clock
    deadline = clock.monotonic() + CUT_SECONDS
    astray = ["nobody has looked"]
    while astray and clock.monotonic() < deadline:
        stage.pause(0.5)
        with region.lock:
            astray = [
                f"{name} did not lead its users to {doors[name]}"
                for name, workload in stage.workloads.items()
                if any(region.traffic.holders(door) != {doors[name]} for door in workload.doors)
            ]
    stage.wire.mend()
    expect_failed_over(stage, stage.cast.size)
    if astray:
        raise SimulatorError("; ".join(astray))


def repeat_and_reorder(stage: EmergencyStage) -> None:
    """Half of all messages arrive twice, the copies late: what came after them has overtaken them.

    Raises:
        SimulatorError: a repeated message broke something.
    """
    stage.wire.disturb(repeat_share=REPEAT_SHARE, longest_delay=LONGEST_DELAY)
    if stage.light is not None:
        stage.light.habits.repeat_share = REPEAT_SHARE
        stage.light.habits.longest_delay = LONGEST_DELAY
    stage.prepare(replicas="ready")
    _notice_all(stage)
    expect_failed_over(stage, stage.cast.size)
    stage.pause(LONGEST_DELAY)
    expect_failed_over(stage, stage.cast.size)
    bad = {s: n for s, n in stage.wire.answers_to_repeats.items() if s >= 500}  # noqa: PLR2004
    errors = stage.light.diary.server_errors if stage.light else {}
    if bad or errors:
        msg = f"messages broke the backend: {bad} {errors}"
        raise SimulatorError(msg)


def _notice_all(stage: EmergencyStage) -> None:
    names = [instance.instance_id for instance in stage.primaries()]
    stage.world.interruptions.order_many(names, Style.NOTICE_ONLY)
    stage.pause(METADATA_SECONDS / 2)


def _expect_quick_recovery(stage: EmergencyStage) -> None:
    clock = stage.world.clock
    back = clock.monotonic()
    expect_failed_over(stage, stage.cast.size)
    stage.converged_seconds = took = clock.monotonic() - back
    if took > CONVERGE_SECONDS:
        msg = f"the fleet took {took:.0f} s to converge, {CONVERGE_SECONDS:.0f} are allowed"
        raise SimulatorError(msg)
