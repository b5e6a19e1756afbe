"""From a trace to a model: labels, what is known when, and what is learnt from it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from backend.cli.main import cli
from backend.engines.formats.own_json import build as read_model
from backend.errors import InvalidRequest
from backend.learning import dataset, training
from backend.learning.market import Market
from backend.learning.traces import Trace, read_availability
from decision_engines.features import FEATURES

START = datetime(2026, 3, 2, tzinfo=UTC)
TICK = 600
PRICE = Decimal("1.00")


def trace_of(available: np.ndarray) -> Trace:
    times = int(START.timestamp()) + TICK * np.arange(available.shape[1], dtype=np.int64)
    zones = tuple(f"eu-west-1{letter}" for letter in "abc"[: len(available)])
    return Trace(zones, "m5.large", times, available, np.full(available.shape, 0.4), TICK)


@pytest.fixture(scope="module")
def market() -> Trace:
    """Two pools over 20 days whose runs are the likelier to end the younger they are."""
    chance = np.random.default_rng(7)
    available = np.ones((2, 20 * 144), dtype=bool)
    for pool in available:
        age = 0
        for tick in range(len(pool)):
            pool[tick] = chance.random() > 0.5 / (1 + age / 3)
            age = age + 1 if pool[tick] else 0
    return trace_of(available)


@pytest.fixture(scope="module")
def rows(market) -> dataset.Dataset:
    return dataset.build(market, horizon=timedelta(minutes=30), ondemand_price=PRICE)


def test_row_is_lost_when_capacity_ends_within_the_horizon():
    available = np.ones((1, 144), dtype=bool)
    available[0, 100:103] = False

    data = dataset.build(trace_of(available), horizon=timedelta(minutes=30), ondemand_price=PRICE)

    ticks = (data.at - int(START.timestamp())) // TICK
    assert ticks[data.lost].tolist() == [97, 98, 99]
    assert set(ticks.tolist()) == set(range(72, 141)) - {100, 101, 102}


def test_nothing_is_known_before_it_happens(market):
    cut = 1000
    whole = [pools for tick, _, pools in Market(market, PRICE).ticks() if tick < cut]
    part = [pools for _, _, pools in Market(market.between(0, cut), PRICE).ticks()]

    assert whole == part


def test_young_calm_is_learnt_to_be_dangerous(rows):
    model = training.fit(rows)

    weights = dict(zip(model.features, model.coefficients, strict=True))
    assert weights["log_calm_hours"] < -0.5


def test_cross_validation_beats_climatology(rows):
    blocks = training.cross_validate(rows)

    assert len(blocks) == training.BLOCKS
    assert min(block.auc for block in blocks) > 0.6
    assert sum(block.skill_percent for block in blocks) > 0


def test_perfect_and_blind_models_are_judged_so(rows):
    class Blind:
        def chances(self, rows):
            return np.full(len(rows), share)

    share = float(rows.lost.mean())

    found = training.judge(Blind(), rows, base_share=share)

    assert found.auc == pytest.approx(0.5)
    assert found.skill_percent == pytest.approx(0)
    assert found.bins[0].happened == pytest.approx(share)


def test_document_says_what_the_model_says(rows):
    model = training.fit(rows)

    served = read_model(model.document())

    assert served.features == model.features
    np.testing.assert_allclose(
        served.predict(model.inputs(rows.rows)), model.chances(rows.rows), atol=1e-12
    )


def test_too_few_losses_are_refused(rows):
    calm = dataset.Dataset(rows.rows, np.zeros_like(rows.lost), rows.at, rows.horizon)

    with pytest.raises(InvalidRequest, match="0 of them lost"):
        training.fit(calm)


def test_short_trace_is_refused():
    with pytest.raises(InvalidRequest, match="must last longer"):
        dataset.build(
            trace_of(np.ones((1, 70), dtype=bool)),
            horizon=timedelta(minutes=30),
            ondemand_price=PRICE,
        )


def test_command_writes_a_model_that_the_registry_takes(tmp_path, market):
    path = tmp_path / "trace.csv"
    lines = ["time_utc,az,instance_type,available,spot_price"]
    for tick, moment in enumerate(market.times):
        text = datetime.fromtimestamp(int(moment), UTC).isoformat()
        lines.extend(
            f"{text},{zone},m5.large,{int(market.available[row, tick])},0.4"
            for row, zone in enumerate(market.zones)
        )
    path.write_text("\n".join(lines), encoding="utf-8")
    wish = ["train", "--trace", str(path), "--ondemand-price", "1", "--train-days", "14"]

    done = CliRunner().invoke(cli, [*wish, "--out", str(tmp_path / "model")])

    assert done.exit_code == 0, done.output
    assert "later days" in done.output
    manifest = orjson.loads((tmp_path / "model/manifest.json").read_bytes())
    model = read_model(orjson.loads((tmp_path / "model/model.json").read_bytes()))
    golden = np.array(manifest["golden"]["rows"])
    np.testing.assert_allclose(model.predict(golden), manifest["golden"]["outputs"], atol=1e-9)
    assert set(manifest["features"]) <= set(FEATURES)
    assert "## Limits" in (tmp_path / "model/MODEL_CARD.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("2026-03-02T00:00:00,eu-west-1a,m5.large,2,0.4", "line 2, column available"),
        ("2026-03-02T00:00:00,eu-west-1a,m5.large,1,-1", "line 2, column spot_price"),
        ("yesterday,eu-west-1a,m5.large,1,0.4", "line 2, column time_utc"),
        ("", "holds no rows"),
    ],
)
def test_broken_trace_is_told_by_line_and_column(tmp_path, row, said):
    path = tmp_path / "trace.csv"
    path.write_text(f"time_utc,az,instance_type,available,spot_price\n{row}\n", encoding="utf-8")

    with pytest.raises(InvalidRequest, match=said):
        read_availability(path)
