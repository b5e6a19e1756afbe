"""Drills in which EC2 takes instances back."""

from simulator.chance import stream
from simulator.control.views import is_agent
from simulator.drills.emergency_evidence import EventEntry
from simulator.drills.emergency_stage import EmergencyStage
from simulator.errors import SimulatorError
from simulator.interruptions import Style
from simulator.region.model import Instance

SPREAD_SECONDS = 0.4  # between two notices that do not come at once
CONVERGE_SECONDS = 60.0
SECONDS_AN_AGENT = 0.08
QUIET_SECONDS = 8.0  # of a storm, in which nobody reads the books: that takes the processor, too
TERMINATION, REBALANCE = "termination-notice", "rebalance-recommendation"


def lose_with_ready_replicas(stage: EmergencyStage) -> None:
    """Every agent has a ready standby; its primary is noticed."""
    stage.prepare(replicas="ready")
    notice_one_by_one(stage, stage.primaries())
    expect_failed_over(stage, stage.cast.size)


def lose_with_syncing_replicas(stage: EmergencyStage) -> None:
    """Every agent's standby has been syncing for long when its primary is noticed."""
    stage.prepare(replicas="syncing")
    notice_one_by_one(stage, stage.primaries())
    expect_failed_over(stage, stage.cast.size)


def lose_without_replicas(stage: EmergencyStage) -> None:
    """No agent has a standby; exactly one replacement is launched for each."""
    stage.prepare(replicas=None)
    notice_one_by_one(stage, stage.primaries())
    expect_failed_over(stage, stage.cast.size)
    _expect_one_launch_each(stage)


def storm_with_replicas(stage: EmergencyStage) -> None:
    """Everybody is noticed in the same second; every standby is ready."""
    stage.prepare(replicas="ready")
    _storm(stage)


def storm_without_replicas(stage: EmergencyStage) -> None:
    """Everybody is noticed in the same second, and nobody has a standby."""
    stage.prepare(replicas=None)
    _storm(stage)
    _expect_one_launch_each(stage)


def notice_primary_and_replica(stage: EmergencyStage) -> None:
    """Primary and standby of every agent are noticed in the same second.

    Raises:
        SimulatorError: an agent ended on an instance that EC2 takes.
    """
    stage.prepare(replicas="ready")
    primaries = [instance.instance_id for instance in stage.primaries()]
    standbys = [r.instance_id for r in stage.read_emergencies().replicas if r.status == "ready"]
    both = [*primaries, *(name for name in standbys if name)]
    stage.world.interruptions.order_many(both, Style.NOTICE_ONLY)
    expect_failed_over(stage, 2 * stage.cast.size, of="primary")
    doomed = [i.instance_id for i in stage.primaries() if i.notice_at is not None]
    if doomed:
        msg = f"agents ended on instances that EC2 takes: {', '.join(doomed)}"
        raise SimulatorError(msg)


def recommend_rebalance(stage: EmergencyStage) -> None:
    """Everybody is recommended to move; later half of them are noticed.

    Raises:
        SimulatorError: no standby was made, or a primary moved on a mere recommendation.
    """
    stage.prepare(replicas=None)
    primaries = stage.primaries()
    stage.world.interruptions.order_many([i.instance_id for i in primaries], Style.REBALANCE_ONLY)
    stage.await_replicas("ready", CONVERGE_SECONDS + SECONDS_AN_AGENT * stage.cast.size)
    moved = [s.switch_id for s in stage.look().switches]
    near = _standbys_in_the_own_pool(stage)
    if moved or near:
        msg = f"{len(moved)} primaries moved on a recommendation; in the own pool: {near}"
        raise SimulatorError(msg)
    noticed = primaries[::2]
    notice_one_by_one(stage, noticed)
    expect_failed_over(stage, len(noticed))


def _storm(stage: EmergencyStage) -> None:
    names = [instance.instance_id for instance in stage.primaries()]
    stage.world.interruptions.order_many(names, Style.NOTICE_ONLY)
    stage.pause(min(QUIET_SECONDS, 1.0 + SECONDS_AN_AGENT * stage.cast.size))
    expect_failed_over(stage, stage.cast.size)


def notice_one_by_one(stage: EmergencyStage, instances: list[Instance]) -> None:
    """Notice instances in an order of chance, a moment apart."""
    chance = stream(stage.seed, "notices")
    for instance in chance.sample(instances, len(instances)):
        stage.world.interruptions.order(instance.instance_id, Style.NOTICE_ONLY)
        stage.pause(chance.uniform(0.0, 2 * SPREAD_SECONDS))


def expect_failed_over(stage: EmergencyStage, count: int, of: str | None = None) -> None:
    """Wait until so many notices are written down and nothing is open.

    Raises:
        SimulatorError: a notice, of an instance in this role if one is given, has no failover.
    """

    def noticed() -> list[EventEntry]:
        return [e for e in stage.read_emergencies().events if e.signal_type == TERMINATION]

    seconds = CONVERGE_SECONDS + SECONDS_AN_AGENT * stage.cast.size
    stage.wait_until(lambda _books: len(noticed()) >= count, seconds)
    stage.converge(seconds)
    wrong = [
        f"the notice of {e.instance_id} ({e.subject_role}) ended {e.status}: {e.reason}"
        for e in noticed()
        if e.status != "failed_over" and of in (None, e.subject_role)
    ]
    if wrong:
        raise SimulatorError("; ".join(wrong[:10]))


def _expect_one_launch_each(stage: EmergencyStage) -> None:
    instances = stage.world.region.instances.values()
    launched = sum(1 for i in instances if is_agent(i.wish.caller))
    if launched != stage.cast.size:
        msg = f"{stage.cast.size} agents needed a replacement each, {launched} were launched"
        raise SimulatorError(msg)


def _standbys_in_the_own_pool(stage: EmergencyStage) -> list[str]:
    known = stage.world.region.instances
    primary_of = {a.agent_id: a.primary_instance_id or "" for a in stage.look().agents}
    return [
        r.instance_id or r.replica_id
        for r in stage.read_emergencies().replicas
        if r.is_live
        and r.instance_id in known
        and known[r.instance_id].is_spot
        and known[r.instance_id].pool == known[primary_of[r.agent_id]].pool
    ]
