"""Drills about the standing standby: manual mode, and the old primary that comes back."""

from simulator.drills.emergency_evidence import ReplicaEntry
from simulator.drills.emergency_stage import EmergencyStage
from simulator.drills.evidence import Books
from simulator.errors import SimulatorError
from simulator.region.model import EndCause

SECONDS = 90.0
SECONDS_AN_AGENT = 0.15
RETURN_SECONDS = 40  # so long old primaries may live: time to come back
QUIET_SECONDS = 12.0  # one pass of the coordinator, and some
OK = 200


def keep_one_standby(stage: EmergencyStage) -> None:
    """Standbys are promoted, die, and are deleted: each agent always gets exactly one again.

    Raises:
        SimulatorError: an agent had none, or more than one, or kept one when the mode was off.
    """
    stage.prepare(replicas="ready")
    wrong = _miscounted(stage, 1)
    first = _ready(stage)
    for number, replica in enumerate(first):
        path = f"/api/agents/{replica.agent_id}/replicas/{replica.replica_id}"
        if number % 3 == 0:
            _expect_ok(stage, "POST", f"{path}/promote")
        elif number % 3 == 1:
            _expect_ok(stage, "DELETE", path)
        else:
            stage.world.region.end(replica.instance_id or "", EndCause.DIED)
    used = {replica.replica_id for replica in first}
    limit = SECONDS + SECONDS_AN_AGENT * stage.cast.size

    def are_replaced(_books: Books) -> bool:
        stage.let_hours_pass()
        return _all_new(stage, used)

    stage.wait_until(are_replaced, limit)
    stage.converge(limit)
    wrong += _miscounted(stage, 1)
    stage.emergencies.set_manual_mode(stage.world.clock.now(), is_on=False)
    stage.wait_until(lambda _books: not _miscounted(stage, 0), limit)
    stage.pause(QUIET_SECONDS)
    stage.converge(limit)
    wrong += _miscounted(stage, 0)
    if wrong:
        raise SimulatorError("; ".join(wrong[:10]))


def let_old_primaries_return(stage: EmergencyStage) -> None:
    """Primaries freeze or are cut off, are replaced by hand, and go on as if nothing had happened.

    Raises:
        SimulatorError: an old primary did not give way.
    """
    stage.prepare(replicas="ready")
    stage.books.shorten_terminate_wait(RETURN_SECONDS, stage.world.clock.now())
    old = [instance.instance_id for instance in stage.primaries()]
    real = [name for name in old if stage.world.machines.pid(name) is not None]
    cut_off = real[::2]  # these go on working, and hear nothing
    frozen = [name for name in old if name not in cut_off]
    if cut_off:
        stage.wire.cut(*cut_off)
    stage.freeze(frozen, is_frozen=True)
    for replica in _ready(stage):
        path = f"/api/agents/{replica.agent_id}/replicas/{replica.replica_id}/promote"
        _expect_ok(stage, "POST", path)
    limit = SECONDS + SECONDS_AN_AGENT * stage.cast.size
    stage.wait_until(lambda books: not _still_primary(books, old), limit)
    stage.freeze(frozen, is_frozen=False)
    stage.wire.mend()
    stage.pause(QUIET_SECONDS)
    stage.converge(limit)
    back = _still_primary(stage.look(), old)
    if back:
        msg = f"old primaries are primary again: {', '.join(back)}"
        raise SimulatorError(msg)


def _ready(stage: EmergencyStage) -> list[ReplicaEntry]:
    return [r for r in stage.read_emergencies().replicas if r.status == "ready"]


def _all_new(stage: EmergencyStage, used: set[str]) -> bool:
    fresh = {r.agent_id for r in _ready(stage) if r.replica_id not in used}
    return len(fresh) >= stage.cast.size


def _miscounted(stage: EmergencyStage, wanted: int) -> list[str]:
    """Return a sentence for every agent that has not so many standbys, by the region's truth."""
    live = {i.instance_id for i in stage.world.region.live()}
    replicas = stage.read_emergencies().replicas
    sentences = []
    for agent in stage.look().agents:
        own = [r for r in replicas if r.agent_id == agent.agent_id and r.is_live]
        running = sum(1 for r in own if r.instance_id in live)
        if (len(own), running) != (wanted, wanted):
            sentences.append(
                f"{agent.logical_agent_id} has {len(own)} standbys in the books and {running} that "
                f"run instead of {wanted}"
            )
    return sentences


def _still_primary(books: Books, old: list[str]) -> list[str]:
    return [a.primary_instance_id for a in books.agents if a.primary_instance_id in old]


def _expect_ok(stage: EmergencyStage, method: str, path: str) -> None:
    answer = stage.api(method, path, {} if method == "POST" else None)
    if answer.status != OK:
        msg = f"{method} {path}: {answer.status} {answer.body.get('error')}"
        raise SimulatorError(msg)
