"""Run a drill by name and say what came of it."""

import json
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from simulator.drills.backend_process import BackendProcess
from simulator.drills.clone import clone_running_agents
from simulator.drills.emergencies import EMERGENCIES, run_emergency
from simulator.drills.figures import judge
from simulator.drills.foreign_backend import ForeignBackend
from simulator.drills.rehearsal import Rehearsal
from simulator.drills.switch import (
    switch_everything,
    switch_into_full_pools,
    switch_while_things_crash,
)
from simulator.drills.trace import trace_switch
from simulator.errors import SimulatorError

DRILLS: Mapping[str, Callable[[Rehearsal], None]] = {
    "switch": switch_everything,
    "switch-capacity": switch_into_full_pools,
    "switch-crash": switch_while_things_crash,
    "clone": clone_running_agents,
}
ALL_DRILLS = (*DRILLS, *EMERGENCIES)
KILLS_BACKEND = frozenset({"switch-crash"})
BACKEND_SETTINGS = {"AGENT_HEARTBEAT_TIMEOUT": "30", "AGENT_HEARTBEAT_INTERVAL": "1"}


class DrillOutcome(NamedTuple):
    """Figures as they are written to the file, and the broken promises."""

    figures: dict[str, Any]
    broken: list[str]


def run_drill(
    name: str,
    *,
    agents: int,
    seed: int,
    light: int = 0,
    folder: Path | None = None,
    running: tuple[str, str] | None = None,
) -> DrillOutcome:
    """Run a drill in a region of its own.

    Args:
        name: One of ``ALL_DRILLS``.
        agents: How many real agents take part.
        seed: What all chance comes from.
        light: How many light agents take part beside them, in drills of emergencies.
        folder: Where logs, disks and the database go and stay; None: a folder that is removed.
        running: URL of a backend that runs, and a token; None: it starts one of its own.

    Raises:
        SimulatorError: the stage could not be set.
    """
    _check_fits(name, light, running)
    with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as temporary:
        place = (folder or Path(temporary)).resolve()
        if name in EMERGENCIES:
            figures = run_emergency(
                name, agents=agents, light=light, seed=seed, folder=place, running=running
            )
            return DrillOutcome(figures, figures["broken"])
        backend = (
            ForeignBackend(*running)
            if running
            else BackendProcess(place / "backend", BACKEND_SETTINGS)
        )
        with Rehearsal(place, backend, agents=agents, seed=seed) as stage:
            broken = []
            try:
                DRILLS[name](stage)
            except SimulatorError as error:
                broken.append(str(error))
            figures = _figures(name, stage, broken)
        return DrillOutcome(figures, figures["broken"])


def _check_fits(name: str, light: int, running: tuple[str, str] | None) -> None:
    if light and name not in EMERGENCIES:
        msg = f"light agents do not switch, so they take no part in {name}"
        raise SimulatorError(msg)
    if running and name in KILLS_BACKEND:
        msg = f"{name} kills its backend, so it needs one of its own: leave --url out"
        raise SimulatorError(msg)


def _figures(name: str, stage: Rehearsal, broken: list[str]) -> dict[str, Any]:
    evidence = stage.evidence()
    verdict = judge(evidence)
    done = [s for s in evidence.books.switches if s.status == "completed"]
    return {
        "drill": name,
        "seed": stage.seed,
        **verdict.figures,
        "agent_rss_mb": round(stage.rss_megabytes, 1),
        "broken": [*broken, *verdict.broken],
        "trace": trace_switch(done[0], stage.world.region) if done else [],
    }


def write_figures(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the figures as JSON."""
    path.write_text(json.dumps(figures, indent=2, default=str) + "\n", encoding="utf-8")
