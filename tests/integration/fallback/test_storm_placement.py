"""A storm's orders: spread over the pools, ranked once, and closed when the replica takes over."""

from datetime import timedelta

import pytest

from backend.services.storm_placement import STORM_SECONDS, StormPlacement
from tests.fakes.clock import START, FakeClock
from tests.integration.fallback.rows import make_client, make_pools

pytestmark = pytest.mark.db


def _first_pools(database, placement, client_id, count):
    def work(session):
        return [
            placement.pools_for(
                session,
                client_id,
                region="eu-west-1",
                instance_type="m5.large",
                own_pools=frozenset({"m5.large.eu-west-1a"}),
                own_az="eu-west-1a",
                now=START,
            )
            for _ in range(count)
        ]

    return database.run("rank", work)


def test_neighbours_in_a_storm_begin_with_different_pools(database):
    client_id = make_client(database)
    make_pools(database, client_id, "abcd")
    clock = FakeClock()
    placement = StormPlacement(clock)

    lists = _first_pools(database, placement, client_id, 6)

    assert {len(pools) for pools in lists} == {3}
    assert "m5.large.eu-west-1a" not in {name for pools in lists for name in pools}
    first = [pools[0] for pools in lists]
    assert len(set(first)) == 3
    assert first[:3] == first[3:]

    clock.advance(timedelta(seconds=STORM_SECONDS + 1))
    assert _first_pools(database, placement, client_id, 1) == lists[:1]
