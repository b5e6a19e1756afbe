"""The fallback's jobs as the scheduler runs them, and the brake on take-overs beside them."""

from datetime import timedelta

import pytest

from backend.config import Settings
from backend.jobs.context import JobContext
from backend.jobs.registry import JOBS
from backend.services.succession import Succession
from tests.fakes.clock import START
from tests.integration.fallback.rows import (
    SECOND,
    SILENCE,
    insert,
    make_agent,
    make_instance,
    query,
    replicas,
)

pytestmark = pytest.mark.db


@pytest.fixture
def run(database, clock):
    def work(name: str, now=START) -> int:
        settings = Settings.model_validate({"SECRET_KEY": "k" * 32})
        context = JobContext(database, clock, settings, now, now + SECOND, now)
        return JOBS[name].load()(context)

    return work


def test_coordinate_replicas_returns_the_rows_it_touched(database, run):
    agent = make_agent(database, manual=True)

    assert [run("coordinate_replicas") for _ in range(2)] == [1, 0]
    assert len(replicas(database, agent)) == 1


def test_detect_losses_returns_the_silences_it_took_up(database, run):
    insert(
        database,
        "settings",
        name="fallback.armed_at",
        value=START.isoformat(),
        updated_at=START,
    )
    insert(
        database,
        "settings",
        name="fallback.watched_at",
        value=START.isoformat(),
        updated_at=START,
    )
    make_agent(database, heard_at=START - SILENCE - SECOND)

    assert [run("detect_losses") for _ in range(2)] == [1, 0]


def test_candidate_waits_until_silence_counts(database, run):
    agent = make_agent(database, heard_at=START - SILENCE - SECOND)
    make_instance(database, agent, "i-waiting", role="candidate", heard_at=START)
    succession = Succession(database)
    run("detect_losses")  # the first run after a start: nothing is armed

    assert succession.appoint_waiting(now=START, silence=SILENCE) == 0

    for step in range(15, 256, 15):
        now = START + timedelta(seconds=step)
        query(
            database,
            "UPDATE instances SET last_seen_at = %(now)s WHERE role = 'candidate'",
            now=now,
        )
        run("detect_losses", now)
    assert succession.appoint_waiting(now=now, silence=SILENCE) == 1


def test_candidate_waits_while_nobody_watches(database, run):
    agent = make_agent(database, heard_at=START)
    run("detect_losses", START - timedelta(hours=1))
    now = START + SILENCE + SECOND
    make_instance(database, agent, "i-waiting", role="candidate", heard_at=now)

    assert Succession(database).appoint_waiting(now=now, silence=SILENCE) == 0
