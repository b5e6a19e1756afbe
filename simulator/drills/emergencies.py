"""The drills of the Smart Emergency Fallback: what each needs, and how it is run."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from simulator.drills import losses, notices, outages, standbys
from simulator.drills.backend_process import BackendProcess
from simulator.drills.emergency_evidence import EmergencyEvidence
from simulator.drills.emergency_figures import judge_emergency
from simulator.drills.emergency_stage import Cast, EmergencyStage
from simulator.drills.foreign_backend import ForeignBackend
from simulator.drills.promotion_trace import trace_promotion
from simulator.errors import SimulatorError
from simulator.light.habits import Habits

SMALL_FLEET = 50  # light agents that may beat quickly without being a load
QUICK_BEAT = 2.0
SYNCS_FOR_LONG = {"REPLICA_SYNC_COMMAND": "sleep 900"}
QUICK_LOSS = {"AGENT_HEARTBEAT_TIMEOUT": "10", "AGENT_HEARTBEAT_INTERVAL": "1"}
# Light agents beat every 15 s, as agents do by default.
STEADY = {"AGENT_HEARTBEAT_TIMEOUT": "60", "AGENT_HEARTBEAT_INTERVAL": "15"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """A drill: what is done, and the settings under which it is done.

    Attributes:
        play: What happens.
        backend: Settings of the backend.
        agents: Settings of real agents, beside the short intervals.
        light_beat: Seconds between the beats of light agents, when they are many.
        light_sync: Seconds that a light replica syncs.
        notice: Seconds from notice to end.
        is_destructive: Whether it kills the backend or its database: it needs one of its own.
    """

    play: Callable[[EmergencyStage], None]
    backend: Mapping[str, str] = field(default_factory=lambda: dict(STEADY))
    agents: Mapping[str, str] = field(default_factory=dict)
    light_beat: float = 15.0
    light_sync: float = 0.2
    notice: float = 120.0
    is_destructive: bool = False


EMERGENCIES: Mapping[str, Emergency] = {
    "rebalance": Emergency(play=notices.recommend_rebalance),
    "termination": Emergency(play=notices.lose_with_ready_replicas),
    "termination-syncing": Emergency(
        play=notices.lose_with_syncing_replicas, agents=SYNCS_FOR_LONG, light_sync=900.0
    ),
    "termination-alone": Emergency(play=notices.lose_without_replicas),
    "storm": Emergency(play=notices.storm_with_replicas),
    "storm-alone": Emergency(play=notices.storm_without_replicas),
    "double-notice": Emergency(play=notices.notice_primary_and_replica),
    "loss": Emergency(play=losses.lose_without_notice, backend=QUICK_LOSS, light_beat=2.0),
    "silence": Emergency(play=losses.fall_silent_together, backend=QUICK_LOSS, light_beat=2.0),
    "manual-mode": Emergency(play=standbys.keep_one_standby, backend=QUICK_LOSS, light_beat=2.0),
    "backend-crash": Emergency(play=outages.crash_in_the_middle, is_destructive=True),
    "db-outage": Emergency(play=outages.lose_the_database, is_destructive=True),
    "cut-off": Emergency(play=outages.lose_the_network),
    "duplicates": Emergency(play=outages.repeat_and_reorder, light_beat=3.0),
    "split": Emergency(play=standbys.let_old_primaries_return, light_beat=5.0),
}


def run_emergency(
    name: str,
    *,
    agents: int,
    light: int,
    seed: int,
    folder: Path,
    running: tuple[str, str] | None = None,
) -> dict[str, Any]:
    """Run a drill and return its figures; the key ``broken`` holds the broken promises.

    Raises:
        SimulatorError: the stage could not be set.
    """
    emergency = EMERGENCIES[name]
    if running and emergency.is_destructive:
        msg = f"{name} kills its backend, so it needs one of its own: leave --url out"
        raise SimulatorError(msg)
    backend = (
        ForeignBackend(*running)
        if running
        else BackendProcess(folder / "backend", dict(emergency.backend))
    )
    cast = Cast(
        real=agents,
        light=light,
        notice=timedelta(seconds=emergency.notice),
        agent_settings=emergency.agents,
        habits=Habits(
            sync=emergency.light_beat if light > SMALL_FLEET else QUICK_BEAT,
            replica_sync=emergency.light_sync,
        ),
    )
    with EmergencyStage(folder, backend, cast=cast, seed=seed) as stage:
        broken = []
        try:
            emergency.play(stage)
        except SimulatorError as error:
            broken.append(str(error))
        return {"drill": name, "seed": seed, **_figures(stage, broken)}


def _figures(stage: EmergencyStage, broken: list[str]) -> dict[str, Any]:
    evidence = stage.emergency_evidence()
    verdict = judge_emergency(evidence)
    light: dict[str, Any] = {}
    if stage.light is not None:
        diary = stage.light.diary
        broken += [f"a light agent is defective: {crash}" for crash in diary.crashes[:5]]
        light = {"light_refusals": diary.refusals, "light_server_errors": diary.server_errors}
    return {
        "real_agents": stage.cast.real,
        "light_agents": stage.cast.light,
        **verdict.figures,
        **light,
        "converged_seconds": stage.converged_seconds,
        "agent_rss_mb": round(stage.rss_megabytes, 1),
        "broken": [*broken, *verdict.broken],
        "trace": _trace(stage, evidence),
    }


def _trace(stage: EmergencyStage, evidence: EmergencyEvidence) -> list[str]:
    """Return the first promotion, step by step; that of a real agent if there is one."""
    names = {agent.agent_id: agent.logical_agent_id for agent in evidence.base.books.agents}
    done = [e for e in evidence.books.events if e.committed_at is not None]
    done.sort(key=lambda event: names.get(event.agent_id) not in evidence.doors)
    if not done:
        return []
    doors = tuple(evidence.doors.get(names.get(done[0].agent_id, ""), ()))
    return trace_promotion(done[0], doors, stage.world.region)
