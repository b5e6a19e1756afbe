"""What a trained model says of itself, for people and for the registry."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from backend.learning.training import HazardModel, Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How a model came about.

    Attributes:
        name: Of the model.
        version: Of the model.
        source: Name of the trace's file, without its folder.
        instance_type: The type that the trace is of.
        zones: The zones of the trace.
        begins_at: First instant (UTC) that was learnt from.
        ends_at: End of what was learnt from; what is judged comes later.
        horizon_minutes: What the chances look ahead.
        rows: How many rows were learnt from.
        loss_share: Share of them that were lost.
        blocks: Cross-validation within the training span.
        later: The days after it; None when the trace ends there.
    """

    name: str
    version: str
    source: str
    instance_type: str
    zones: Sequence[str]
    begins_at: datetime
    ends_at: datetime
    horizon_minutes: int
    rows: int
    loss_share: float
    blocks: Sequence[Metrics]
    later: Metrics | None


def manifest(model: HazardModel, training: Training, golden: np.ndarray) -> dict[str, Any]:
    """Return the registry's ``manifest.json``, with golden rows that prove the model's bytes."""
    return {
        "name": training.name,
        "version": training.version,
        "engine_kind": "hazard",
        "features": list(model.features),
        "output_range": [0, 1],
        "horizon_minutes": training.horizon_minutes,
        "golden": {
            "rows": model.inputs(golden).tolist(),
            "outputs": model.chances(golden).tolist(),
        },
    }


def figures(training: Training) -> dict[str, Any]:
    """Return everything that was measured, for programs; instants as ISO text."""
    return {
        **asdict(training),
        "zones": list(training.zones),
        "begins_at": training.begins_at.isoformat(),
        "ends_at": training.ends_at.isoformat(),
        "blocks": [_measured(block) for block in training.blocks],
        "later": _measured(training.later) if training.later else None,
    }


def card(model: HazardModel, training: Training) -> str:
    """Return the model card, Markdown."""
    blocks = training.blocks
    lines = [
        f"# {training.name} {training.version}",
        "",
        f"The chance of losing a spot instance within {training.horizon_minutes} minutes: logistic"
        " regression on what is known of a pool now.",
        "",
        "## Data",
        f"{training.source}: {training.instance_type} in {', '.join(training.zones)}, from"
        f" {training.begins_at:%Y-%m-%d %H:%M} to {training.ends_at:%Y-%m-%d %H:%M} UTC;"
        f" {training.rows} rows, {training.loss_share:.1%} of them lost.",
        "",
        "## Measured",
        "| on | rows | lost | AUC | Brier | climatology | below it |",
        "|---|---|---|---|---|---|---|",
        *(_line(f"block {number} of {len(blocks)}", one) for number, one in enumerate(blocks, 1)),
        *([_line("later days", training.later)] if training.later else []),
        "",
        "Each block was judged by a model of the other blocks, the later days by the model itself.",
        *_reliability(training.later),
        "",
        "## Weights",
        "| feature | per standard deviation |",
        "|---|---|",
        *(
            f"| `{name}` | {weight:+.3f} |"
            for name, weight in zip(model.features, model.coefficients, strict=True)
        ),
        "",
        "## Limits",
        "It was told of one instance type in a few zones, asked at every tick of the trace. Other types,"
        " other years, and pools of which little is known may differ: compare what it says with what"
        " happens (`GET /api/admin/ml-models/calibration`) before trusting it.",
        "",
    ]
    return "\n".join(lines)


def _line(name: str, found: Metrics) -> str:
    return (
        f"| {name} | {found.rows} | {found.loss_share:.1%} | {found.auc:.3f} | {found.brier:.4f} |"
        f" {found.climatology:.4f} | {found.skill_percent:.1f} % |"
    )


def _reliability(found: Metrics | None) -> list[str]:
    if found is None:
        return []
    rows = [
        f"| {one.count} | {one.said:.1%} | {one.happened:.1%} |"  # one tenth of the chances
        for one in found.bins
    ]
    return ["", "| rows of later days | said | happened |", "|---|---|---|", *rows]


def _measured(found: Metrics) -> dict[str, Any]:
    return {**asdict(found), "skill_percent": found.skill_percent}
