"""``train``: a hazard model from a trace, with its manifest, figures and model card."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import click
import numpy as np
import orjson

from backend.errors import InvalidRequest
from backend.learning import cards, dataset, traces, training

GOLDEN_ROWS = 8
DAY_SECONDS = 86_400


@click.command("train")
@click.option(
    "--trace",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="CSV, plain or gzipped: time_utc,az,instance_type,available,spot_price",
)
@click.option("--ondemand-price", type=Decimal, required=True, help="USD per hour of the type.")
@click.option(
    "--train-days", type=click.FloatRange(1, 3650), help="Learn from the first days only."
)
@click.option("--horizon-minutes", type=click.IntRange(1, 1440), default=30, show_default=True)
@click.option("--name", default="hazard", show_default=True)
@click.option("--version", default="1.0.0", show_default=True)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A folder."
)
def train(
    path: Path,
    ondemand_price: Decimal,
    train_days: float | None,
    horizon_minutes: int,
    name: str,
    version: str,
    out: Path,
) -> None:
    """Fit, cross-validate over blocks of time, judge on the days after, and write the model."""
    if ondemand_price <= 0:
        raise InvalidRequest("ondemand-price must be above 0", field="ondemand-price")
    horizon = timedelta(minutes=horizon_minutes)
    click.echo(f"Reading {path.name}")
    trace = traces.read_availability(path)
    click.echo(f"Describing {len(trace.zones)} pools at {len(trace.times)} ticks")
    rows = dataset.build(trace, horizon=horizon, ondemand_price=ondemand_price)
    end = int(trace.end.timestamp())
    cut = min(int(trace.times[0] + train_days * DAY_SECONDS), end) if train_days else end
    early = rows.between(0, cut - horizon_minutes * 60)
    late = rows.between(cut, end)
    click.echo(f"Cross-validating on {len(early.at)} rows")
    blocks = training.cross_validate(early)
    model = training.fit(early)
    share = float(early.lost.mean())
    later = training.judge(model, late, base_share=share) if len(late.at) else None
    told = cards.Training(
        name=name,
        version=version,
        source=path.name,
        instance_type=trace.instance_type,
        zones=trace.zones,
        begins_at=trace.start,
        ends_at=trace.instant(0) + timedelta(seconds=cut - int(trace.times[0])),
        horizon_minutes=horizon_minutes,
        rows=len(early.at),
        loss_share=share,
        blocks=blocks,
        later=later,
    )
    golden = early.rows[np.linspace(0, len(early.at) - 1, GOLDEN_ROWS).astype(int)]
    _write(out, model, told, golden)
    for line in cards.card(model, told).splitlines():
        if line.startswith(("| block", "| later")):
            click.echo(line)
    click.echo(f"Written to {out}: model.json, manifest.json, metrics.json, MODEL_CARD.md")


def _write(
    out: Path, model: training.HazardModel, told: cards.Training, golden: np.ndarray
) -> None:
    out.mkdir(parents=True, exist_ok=True)
    documents = {
        "model.json": model.document(),
        "manifest.json": cards.manifest(model, told, golden),
        "metrics.json": cards.figures(told),
    }
    for name, document in documents.items():
        (out / name).write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
    (out / "MODEL_CARD.md").write_text(cards.card(model, told), encoding="utf-8")
