"""What really happened is written beside what was decided."""

from datetime import timedelta

import pytest

from backend.jobs.registry import JOBS
from backend.jobs.runner import Outcome
from backend.services.decision_views import DecisionViews
from tests.fakes.clock import START
from tests.integration.decisions.rows import (
    logged,
    make_decisions,
    make_fleet,
    make_market,
    scores,
)
from tests.integration.jobs.bench import make_node
from tests.integration.jobs.rows import insert, query

pytestmark = pytest.mark.db

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def decisions(database, clock):
    return make_decisions(database, clock)


def decided(database, decisions, *, zone="b"):
    """One agent about which was decided at START: in pool b it stays, in pool a it is moved."""
    (agent,) = make_fleet(database, make_market(database), zone=zone)
    decisions.decide_fleet(now=START)
    return agent


def outcome(database, decisions, agent, *, after=2 * HOUR):
    decisions.label_outcomes(now=START + after)
    (row,), (score,) = logged(database, agent), scores(database, agent)
    return row["outcome"], score["outcome"]


def lose(database, agent, *, after):
    (row,) = query(
        database, "SELECT client_id, primary_instance_id AS i FROM agents WHERE id = %(a)s", a=agent
    )
    insert(
        database,
        "switches",
        id="lost",
        client_id=row["client_id"],
        agent_id=agent,
        cause="termination",
        status="completed",
        old_instance_id=row["i"],
        requested_at=START + after,
        ended_at=START + after,
    )


def test_an_instance_that_lives_on_was_kept(database, decisions):
    agent = decided(database, decisions)

    assert outcome(database, decisions, agent) == ("kept", "survived")


def test_nothing_is_labelled_before_the_hour_is_over(database, decisions):
    agent = decided(database, decisions)

    assert outcome(database, decisions, agent, after=59 * MINUTE) == (None, None)


def test_an_instance_that_ec2_took_within_the_hour_was_lost(database, decisions):
    agent = decided(database, decisions)
    lose(database, agent, after=30 * MINUTE)

    assert outcome(database, decisions, agent) == ("lost", "lost")


def test_a_later_loss_does_not_count(database, decisions):
    agent = decided(database, decisions)
    lose(database, agent, after=61 * MINUTE)

    assert outcome(database, decisions, agent) == ("kept", "survived")


def test_an_instance_replaced_for_another_reason_tells_nothing_of_risk(database, decisions):
    agent = decided(database, decisions)
    query(
        database,
        "UPDATE instances SET role = 'superseded', role_changed_at = %(at)s",
        at=START + MINUTE,
    )

    assert outcome(database, decisions, agent) == ("replaced", "censored")


@pytest.mark.parametrize(
    ("sql", "label"),
    [
        ("UPDATE switches SET status = 'completed'", "moved"),
        ("UPDATE switches SET status = 'failed'", "move_failed"),
        (
            "UPDATE switches AS s INNER JOIN commands AS c ON c.id = s.command_id"
            " SET s.status = 'failed', c.status = 'expired'",
            "not_fetched",
        ),
    ],
)
def test_an_ordered_move_is_labelled_by_how_it_ended(database, decisions, sql, label):
    agent = decided(database, decisions, zone="a")
    query(database, sql)

    assert outcome(database, decisions, agent)[0] == label


def test_a_move_under_way_waits_for_a_later_run(database, decisions):
    agent = decided(database, decisions, zone="a")

    assert outcome(database, decisions, agent)[0] is None
    query(database, "UPDATE switches SET status = 'completed'")
    assert outcome(database, decisions, agent, after=5 * HOUR)[0] == "moved"


def test_labels_stay_as_they_are(database, decisions):
    agent = decided(database, decisions)
    outcome(database, decisions, agent)
    lose(database, agent, after=30 * MINUTE)

    assert outcome(database, decisions, agent, after=3 * HOUR) == ("kept", "survived")


def test_a_move_gets_the_prices_that_the_hour_really_had(database, decisions):
    agent = decided(database, decisions, zone="a")
    (row,) = query(database, "SELECT client_id FROM agents")
    for pool, price in ((1, "0.080"), (2, "0.060")):
        insert(
            database,
            "pricing_snapshots_clean",
            pool_id=pool,
            bucket_at=START + 5 * MINUTE,
            scope=row["client_id"],
            day_on=f"{START:%Y-%m-%d}",
            client_id=row["client_id"],
            price_usd_per_hour=price,
            source="primary",
            sample_count=1,
            report_count=1,
            spread_usd_per_hour=0,
            is_discrepant=0,
            updated_at=START,
        )

    outcome(database, decisions, agent)

    (found,) = logged(database, agent)
    assert float(found["realized_present_usd_per_hour"]) == 0.08
    assert float(found["realized_target_usd_per_hour"]) == 0.06


def test_calibration_counts_what_was_told_and_what_came(database, decisions, clock):
    agent = decided(database, decisions)
    lose(database, agent, after=MINUTE)
    outcome(database, decisions, agent)

    (row,) = DecisionViews(database, clock).list_calibration()

    assert (row["tenth"], row["score_count"], float(row["lost_share"])) == (0, 1, 1.0)


@pytest.mark.parametrize("job", ["decide", "label_outcomes"])
def test_jobs_run_under_the_runner(database, job):
    runner, _ = make_node(database)

    assert runner.run_now(JOBS[job])[0] is Outcome.DONE


def test_old_decisions_are_purged(database, decisions):
    agent = decided(database, decisions)
    query(database, "CALL purge_expired(%(now)s, 100, 1000, @n)", now=START + timedelta(days=91))

    assert (logged(database, agent), scores(database, agent)) == ([], [])
