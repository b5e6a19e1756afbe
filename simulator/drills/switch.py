"""Drills in which agents are told to move."""

from collections import Counter
from enum import Enum

from simulator.chance import stream
from simulator.drills.evidence import Books, SwitchEntry
from simulator.drills.rehearsal import Rehearsal
from simulator.errors import SimulatorError
from simulator.pools import Pool
from simulator.region.model import Instance, Lifecycle

ONDEMAND_SHARE = 0.15
SETTLE_SECONDS = 180.0
CRASH_SECONDS = 20.0  # how long things are killed
PRICES_SECONDS = 60.0


class Shortage(Enum):
    """Where an instance type has no capacity."""

    ZONE = "in one zone, on spot"
    TOTAL = "everywhere"
    SPOT = "everywhere, on spot"


OUTCOMES = {
    Shortage.ZONE: Lifecycle.SPOT,
    Shortage.TOTAL: None,
    Shortage.SPOT: Lifecycle.ONDEMAND,
}


def switch_everything(stage: Rehearsal) -> None:
    """Every agent is moved, most to another zone, some to on-demand."""
    for instance, target in _targets(stage):
        stage.force_switch(instance.instance_id, target)
    stage.settle(SETTLE_SECONDS)


def switch_into_full_pools(stage: Rehearsal) -> None:
    """Agents are sent into full pools; what is full besides depends on the instance type.

    Of every three types one is full in one zone, one everywhere, and one everywhere on spot while
    the order allows on-demand.

    Raises:
        SimulatorError: a switch ended otherwise than the capacity allows.
    """
    chance = stream(stage.seed, "full")
    primaries = _primaries(stage)
    shortages: dict[str, Shortage] = {}
    for number, name in enumerate(sorted({i.wish.instance_type for i in primaries})):
        zones = Counter(i.wish.az for i in primaries if i.wish.instance_type == name)
        empty_first = sorted(stage.world.region.catalog.zones, key=lambda az: zones[az])
        full = chance.choice([az for az in empty_first if zones[az] == zones[empty_first[0]]])
        shortage = shortages[name] = tuple(Shortage)[number % len(Shortage)]
        _fill(stage, Pool(name, full), shortage)
        for instance in primaries:
            if instance.wish.instance_type == name and instance.wish.az != full:
                stage.force_switch(
                    instance.instance_id,
                    Pool(name, full),
                    allow_ondemand=shortage is Shortage.SPOT,
                )
    stage.settle(SETTLE_SECONDS)
    wrong = [
        f"the switch from {switch.old_instance_id} {switch.status} on {_mode_of(stage, switch)}: "
        f"{switch.reason}"
        for switch in stage.look().switches
        if _mode_of(stage, switch) != OUTCOMES[shortages[_type_of(stage, switch.old_instance_id)]]
        or (switch.status == "completed") == (_mode_of(stage, switch) is None)
    ]
    if wrong:
        raise SimulatorError("; ".join(wrong))


def _fill(stage: Rehearsal, pool: Pool, shortage: Shortage) -> None:
    region = stage.world.region
    alike = [p for p in region.market.pools if p.instance_type == pool.instance_type]
    with region.lock:
        for full in [pool] if shortage is Shortage.ZONE else alike:
            region.capacity.set(full, Lifecycle.SPOT, 0)
            if shortage is Shortage.TOTAL:
                region.capacity.set(full, Lifecycle.ONDEMAND, 0)


def _mode_of(stage: Rehearsal, switch: SwitchEntry) -> Lifecycle | None:
    """Return how the instance that a switch made is paid; None when it made none."""
    instance = stage.world.region.instances.get(switch.new_instance_id or "")
    return None if instance is None else instance.wish.lifecycle


def _type_of(stage: Rehearsal, instance_id: str | None) -> str:
    return stage.world.region.instances[instance_id or ""].wish.instance_type


def switch_while_things_crash(stage: Rehearsal) -> None:
    """Agents and the backend are killed hard, at moments of chance, while every agent moves."""
    chance = stream(stage.seed, "crashes")
    for instance, target in _targets(stage):
        stage.force_switch(instance.instance_id, target)
    agents = len(stage.look().agents)
    clock = stage.world.clock
    started = clock.monotonic()
    agent_crashes = sorted(chance.uniform(0, CRASH_SECONDS) for _ in range(2 * agents))
    backend_crashes = sorted(chance.uniform(1, CRASH_SECONDS) for _ in range(3))
    while agent_crashes or backend_crashes:
        now = clock.monotonic() - started
        if agent_crashes and agent_crashes[0] <= now:
            agent_crashes.pop(0)
            victim = chance.choice(stage.world.region.live())
            stage.world.machines.crash_agent(victim.instance_id)
        elif backend_crashes and backend_crashes[0] <= now:
            backend_crashes.pop(0)
            _crash_backend(stage, is_whole=len(backend_crashes) == 1)
        else:
            stage.pause(0.02)
    stage.settle(SETTLE_SECONDS)


def _crash_backend(stage: Rehearsal, *, is_whole: bool) -> None:
    if is_whole:
        stage.backend.kill_everything()
        stage.backend.start()
    else:
        stage.backend.kill_a_child()


def _targets(stage: Rehearsal) -> list[tuple[Instance, Pool | None]]:
    """Choose for every primary another zone, or None for on-demand."""
    chance = stream(stage.seed, "targets")
    zones = stage.world.region.catalog.zones
    moves: list[tuple[Instance, Pool | None]] = []
    for instance in _primaries(stage):
        others = [az for az in zones if az != instance.wish.az]
        pool = Pool(instance.wish.instance_type, chance.choice(others))
        moves.append((instance, None if chance.random() < ONDEMAND_SHARE else pool))
    return moves


def _primaries(stage: Rehearsal) -> list[Instance]:
    """Return every agent's primary, once each has reported prices: pools are chosen by them."""

    def all_priced(books: Books) -> bool:
        primaries = [entry for entry in books.instances if entry.role == "primary"]
        return all(entry.prices_at is not None for entry in primaries)

    if not stage.wait_until(all_priced, PRICES_SECONDS):
        msg = "not every agent has reported prices"
        raise SimulatorError(msg)
    known = stage.world.region.instances
    return [known[agent.primary_instance_id or ""] for agent in stage.look().agents]
