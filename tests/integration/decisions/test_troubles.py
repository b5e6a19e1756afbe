"""What engines are told of a pool's past: a client's own trouble, and losses that two clients met."""

from datetime import timedelta

import pytest

from backend.services.decision_inputs import read_subjects
from decision_engines.trouble import UNTROUBLED
from tests.fakes.clock import START
from tests.integration.decisions.rows import make_fleet, make_market
from tests.integration.jobs.rows import insert, make_client

pytestmark = pytest.mark.db

HOUR = timedelta(hours=1)


def trouble(database, client, pool, hours_ago, reason="capacity"):
    at = START - HOUR * hours_ago
    insert(
        database, "pool_cooldowns", client_id=client, pool_id=pool, reason=reason,
        source_key=f"{client}-{hours_ago}", occurred_at=at, ends_at=at,
    )  # fmt: skip


def told(database):
    (subject,) = database.run("read", lambda session: read_subjects(session, now=START))
    pools = (subject.given.own_pool, *subject.given.candidates)
    return {pool.az[-1]: pool.trouble for pool in pools}


def test_trouble_of_the_last_days_is_told(database):
    client = make_market(database)
    make_fleet(database, client)
    trouble(database, client, 2, 5)
    trouble(database, client, 2, 2, "interruption")
    trouble(database, client, 3, 80)
    trouble(database, client, 4, 1, "rebalance")

    found = told(database)

    assert (found["b"].calm, found["b"].longest_calm) == (2 * HOUR, 3 * HOUR)
    assert found["b"].troubled_share == pytest.approx(2 / 24)
    assert [found[zone] for zone in "acd"] == [UNTROUBLED] * 3


def test_losses_of_others_are_told_when_two_clients_met_them(database):
    client = make_market(database)
    make_fleet(database, client)
    others = [make_client(database) for _ in range(2)]
    for other in others:
        trouble(database, other, 2, 3, "interruption")
        trouble(database, other, 2, 1)  # what is refused to others may be given to us
    trouble(database, others[0], 3, 3, "interruption")

    found = told(database)

    assert found["b"].calm == 3 * HOUR
    assert found["c"] == UNTROUBLED
