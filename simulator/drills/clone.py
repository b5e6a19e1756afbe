"""The drill in which cloned identities appear."""

from simulator.drills.evidence import Books
from simulator.drills.rehearsal import Rehearsal
from simulator.errors import SimulatorError
from simulator.region.model import Lifecycle

CLONE_EVERY = 3  # agents
SEEN_SECONDS = 60.0
QUIET_SECONDS = 5.0
SETTLE_SECONDS = 60.0


def clone_running_agents(stage: Rehearsal) -> None:
    """Images of running agents, journal and all, are launched by hand beside the originals.

    Raises:
        SimulatorError: a clone took over, or was never seen.
    """
    before = {agent.agent_id: agent for agent in stage.look().agents}
    originals = [agent.primary_instance_id or "" for agent in before.values()][::CLONE_EVERY]
    clones = [_clone(stage, original) for original in originals]

    def all_seen(books: Books) -> bool:
        return set(clones) <= {entry.instance_id for entry in books.instances}

    if not stage.wait_until(all_seen, SEEN_SECONDS):
        msg = f"not all of the clones {', '.join(clones)} were seen by the backend"
        raise SimulatorError(msg)
    stage.pause(QUIET_SECONDS)
    stage.settle(SETTLE_SECONDS)
    after = stage.look()
    roles = {entry.instance_id: entry.role for entry in after.instances}
    wrong = [f"{name} is {roles[name]}" for name in clones if roles[name] != "candidate"]
    moved = [
        f"{agent.logical_agent_id} went from {before[agent.agent_id].primary_instance_id} to "
        f"{agent.primary_instance_id}"
        for agent in after.agents
        if agent.primary_instance_id != before[agent.agent_id].primary_instance_id
        or agent.epoch != before[agent.agent_id].epoch
    ]
    if wrong or moved:
        raise SimulatorError("; ".join(["a clone is no candidate", *wrong, *moved]))


def _clone(stage: Rehearsal, original: str) -> str:
    world = stage.world
    image = world.images.create(original, f"clone-of-{original}", reboots=False)
    while image.state(world.clock.now()) != "available":
        stage.pause(0.1)
    instance = world.region.instances[original]
    clone = world.launch_by_hand(instance.pool, Lifecycle.SPOT, image_id=image.image_id)
    return clone.instance_id
