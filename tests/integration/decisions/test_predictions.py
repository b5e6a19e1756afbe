"""What the live model says of pools is kept at each pass, and judged by what happened."""

from datetime import timedelta

import pytest

from backend.engines.model_scoring import Scores
from backend.errors import SpotOptimizerError
from backend.services import model_predictions
from backend.services.decisions import Decisions
from backend.services.model_predictions import ModelPredictions, PredictionOutcomes, shown
from tests.fakes.clock import START
from tests.integration.decisions.rows import make_decisions, make_fleet, make_market
from tests.integration.jobs.rows import insert, query

pytestmark = pytest.mark.db

MINUTE = timedelta(minutes=1)
POOLS = [f"m5.large.eu-west-1{zone}" for zone in "abcd"]


class FakeScoring:
    def __init__(self, error=None):
        self.error = error

    def score(self, features):
        if self.error:
            raise self.error
        return Scores([0.25] * len(features), "v7", 30 * MINUTE)


def decide(database, clock, scoring, now=START):
    host = make_decisions(database, clock)._host
    Decisions(database, clock, host, ModelPredictions(database, scoring)).decide_fleet(now=now)


def kept(database):
    return query(database, "SELECT * FROM model_predictions ORDER BY made_at, pool_id")


def lose(database, client, agent, *, after, zone="a", **changes):
    values = {
        "id": f"event-{after}", "client_id": client, "agent_id": agent, "instance_id": "i-1",
        "signal_type": "termination-notice", "notice_key": str(after), "status": "failed_over",
        "subject_role": "primary", "epoch": 1, "instance_type": "m5.large",
        "region": "eu-west-1", "az": f"eu-west-1{zone}", "mode": "spot",
        "noticed_at": START + after, "received_at": START + after,
    }  # fmt: skip
    insert(database, "spot_interruption_events", **{**values, **changes})


def test_every_pool_of_a_client_is_kept_once_a_pass(database, clock):
    client = make_market(database)
    make_fleet(database, client, 3)

    decide(database, clock, FakeScoring())
    decide(database, clock, FakeScoring())

    rows = kept(database)
    assert [row["pool_id"] for row in rows] == POOLS
    assert {(r["model_version"], r["horizon_minutes"], float(r["probability"])) for r in rows} == {
        ("v7", 30, 0.25)
    }
    assert {row["ends_at"] - row["made_at"] for row in rows} == {30 * MINUTE}


def test_pools_with_agents_are_kept_first_when_there_are_too_many(database, clock, monkeypatch):
    monkeypatch.setattr(model_predictions, "MOST_PREDICTIONS", 1)
    make_fleet(database, make_market(database), zone="d")

    decide(database, clock, FakeScoring())

    assert [row["pool_id"] for row in kept(database)] == [POOLS[3]]


def test_a_pass_goes_on_when_no_model_is_live(database, clock):
    make_fleet(database, make_market(database))

    decide(database, clock, FakeScoring(SpotOptimizerError("No hazard model is live")))

    assert kept(database) == []


@pytest.mark.parametrize(
    ("after", "changes", "outcome"),
    [
        (29 * MINUTE, {}, "lost"),
        (31 * MINUTE, {}, "survived"),
        (9 * MINUTE, {"is_drill": 1}, "survived"),
        (9 * MINUTE, {"zone": "b"}, "survived"),
        (9 * MINUTE, {"status": "stood_down"}, "survived"),
    ],
)
def test_a_loss_within_the_horizon_is_the_outcome(database, clock, after, changes, outcome):
    client = make_market(database)
    (agent,) = make_fleet(database, client)
    decide(database, clock, FakeScoring())
    lose(database, client, agent, after=after, **changes)

    PredictionOutcomes(database, clock).label(now=START + 41 * MINUTE)

    assert kept(database)[0]["outcome"] == outcome
    assert kept(database)[2]["outcome"] == "unseen"


def test_nothing_is_labelled_before_its_time_and_labels_stay(database, clock):
    client = make_market(database)
    (agent,) = make_fleet(database, client)
    decide(database, clock, FakeScoring())
    outcomes = PredictionOutcomes(database, clock)

    assert outcomes.label(now=START + 39 * MINUTE) == 0
    assert outcomes.label(now=START + 41 * MINUTE) == 4
    lose(database, client, agent, after=MINUTE)
    assert outcomes.label(now=START + 42 * MINUTE) == 0


def test_calibration_tells_brier_base_rate_and_tenths(database, clock):
    client = make_market(database)
    (agent,) = make_fleet(database, client)
    for number in range(4):
        decide(database, clock, FakeScoring(), START + number * 5 * MINUTE)
    lose(database, client, agent, after=32 * MINUTE)  # follows the passes at 5, 10 and 15 only
    outcomes = PredictionOutcomes(database, clock)
    outcomes.label(now=START + 120 * MINUTE)

    (item,) = outcomes.calibration()

    assert (item.count, item.lost_count) == (4, 3)
    assert item.brier == pytest.approx((3 * 0.75**2 + 0.25**2) / 4)
    assert item.climatology == pytest.approx(0.75 * 0.25)
    assert shown(item)["bins"] == [
        {"from": 0.2, "count": 4, "meanProbability": 0.25, "lostShare": 0.75}
    ]


def test_old_predictions_are_purged(database, clock):
    make_fleet(database, make_market(database))
    decide(database, clock, FakeScoring())

    query(database, "CALL purge_expired(%(now)s, 100, 1000, @n)", now=START + timedelta(days=31))

    assert kept(database) == []
