"""Drills in which machines or agents go without a word."""

from simulator.drills.books import BookReader
from simulator.drills.emergency_books import EmergencyReader
from simulator.drills.emergency_evidence import EventEntry
from simulator.drills.emergency_stage import EmergencyStage
from simulator.errors import SimulatorError
from simulator.fleet import FAST_AGENT, agent_environment
from simulator.region.model import EndCause, Lifecycle

ARMED_SECONDS = 30.0  # two heartbeat timeouts and some: until losses are looked for
LOSS_SECONDS = 120.0
SILENT_SHARE = 0.3
SILENCE_SECONDS = 45.0
LONE_NAME = "alone"


def lose_without_notice(stage: EmergencyStage) -> None:
    """Machines die: one with a standby, one that others can rescue, one that nobody can.

    Raises:
        SimulatorError: an agent was not saved that could have been, or one counts as saved that
            was not.
    """
    lone = _LoneAgent(stage)
    stage.prepare(replicas=None)
    first, second = stage.primaries()[:2]
    stage.api("GET", "/health")
    _order_standby(stage, first.instance_id)
    stage.begin()
    stage.pause(ARMED_SECONDS)
    for name in (first.instance_id, second.instance_id, lone.instance_id):
        stage.world.region.end(name, EndCause.DIED)
    saved = (first.instance_id, second.instance_id)

    def losses() -> list[EventEntry]:
        return [e for e in stage.read_emergencies().events if e.signal_type == "loss"]

    stage.wait_until(
        lambda _books: {e.instance_id for e in losses() if not e.is_open} >= set(saved),
        LOSS_SECONDS,
    )
    stage.converge(LOSS_SECONDS)
    ends = {e.instance_id: (e.status, e.reason) for e in losses()}
    wrong = [
        f"{name}: {ends.get(name)}" for name in saved if ends.get(name, "")[0] != "failed_over"
    ]
    lone_end = lone.outcome(stage)
    if lone_end != "lost":
        wrong.append(f"the agent whom nobody could rescue ended {lone_end} instead of lost")
    lone.forget(stage)
    if wrong:
        raise SimulatorError("; ".join(wrong))


def fall_silent_together(stage: EmergencyStage) -> None:
    """A good part of the fleet falls silent at once while its machines live.

    Raises:
        SimulatorError: somebody was failed over, or there was not exactly one alarm.
    """
    stage.prepare(replicas=None)
    stage.pause(ARMED_SECONDS)
    primaries = [instance.instance_id for instance in stage.primaries()]
    silent = primaries[: max(3, round(SILENT_SHARE * len(primaries)))]
    stage.freeze(silent, is_frozen=True)
    stage.wait_until(lambda _books: bool(_alarms(stage)), SILENCE_SECONDS)
    stage.pause(SILENCE_SECONDS / 2)
    alarms, switches = _alarms(stage), stage.look().switches
    stage.freeze(silent, is_frozen=False)
    stage.converge(LOSS_SECONDS)
    after = {instance.instance_id for instance in stage.primaries()}
    wrong = []
    if len(alarms) != 1:
        wrong.append(f"{len(silent)} of {len(primaries)} fell silent: {len(alarms)} alarms, not 1")
    if switches or after != set(primaries):
        wrong.append(f"{len(switches)} agents were failed over although their machines live")
    if wrong:
        raise SimulatorError("; ".join(wrong))


def _alarms(stage: EmergencyStage) -> list[str]:
    notified = stage.read_emergencies().notifications
    return [n.message for n in notified if n.notification_type == "correlated_silence"]


def _order_standby(stage: EmergencyStage, instance_id: str) -> None:
    """Switch the standing standby of one agent on, and wait until it is ready."""
    agents = {a.primary_instance_id: a.agent_id for a in stage.look().agents}
    stage.emergencies.set_manual_mode(
        stage.world.clock.now(), is_on=True, agent_id=agents[instance_id]
    )
    if not stage.wait_until(
        lambda _books: stage.emergencies.agents_with_replica("ready") >= 1, LOSS_SECONDS
    ):
        msg = f"{instance_id} got no standby within {LOSS_SECONDS:.0f} s"
        raise SimulatorError(msg)


class _LoneAgent:
    """The only agent of another client: nobody of its own can rescue it."""

    def __init__(self, stage: EmergencyStage) -> None:
        world = stage.world
        login = stage.backend.create_client("Lone")
        image = world.images.make_base("image-of-the-lone")
        settings = {**FAST_AGENT, **stage.cast.agent_settings}
        world.disks.configure_image(
            image.image_id, agent_environment(stage.wire.url, login.token, settings)
        )
        pool = sorted(world.region.market.pools)[0]
        instance = world.launch_by_hand(
            pool, Lifecycle.SPOT, logical_agent_id=LONE_NAME, image_id=image.image_id
        )
        self.instance_id = instance.instance_id
        self._books = BookReader(stage.backend.settings, login.client_id)
        self._emergencies = EmergencyReader(self._books.database, login.client_id)

    def outcome(self, stage: EmergencyStage) -> str:
        """Return what became of the loss, waiting for its end."""
        events: list[EventEntry] = []

        def is_over(_books: object) -> bool:
            events[:] = self._emergencies.read().events
            return any(not event.is_open for event in events)

        stage.wait_until(is_over, LOSS_SECONDS)
        return events[-1].status if events else "without any event"

    def forget(self, stage: EmergencyStage) -> None:
        """Take it out of the region's truth: the stage's books are another client's."""
        self._books.close()
        with stage.world.region.lock:
            stage.world.region.instances.pop(self.instance_id)
