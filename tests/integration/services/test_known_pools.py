"""The pool ids that a process remembers."""

from backend.repositories.pools import PoolKey
from backend.services.price_reports import KnownPools
from tests.contract.serving import in_parallel


def _keys(*zones: str) -> list[PoolKey]:
    return [PoolKey("", "us-east-1", zone, "m5.large") for zone in zones]


def test_ids_are_in_the_order_of_the_keys(database, clock):
    pools = KnownPools(database, clock)
    first, second = pools.ids(_keys("use1-az1", "use1-az2"))

    assert pools.ids(_keys("use1-az2", "use1-az1", "use1-az2")) == [second, first, second]


def test_a_pool_has_the_same_id_in_every_process(database, clock):
    keys = _keys("use1-az1", "use1-az2", "use1-az3")

    found = in_parallel(8, lambda _n: KnownPools(database, clock).ids(keys))

    assert len({tuple(ids) for ids in found}) == 1


def test_more_pools_than_are_remembered_are_still_found(database, clock):
    pools = KnownPools(database, clock, capacity=2)
    keys = _keys("use1-az1", "use1-az2", "use1-az3", "use1-az4")

    first = pools.ids(keys)

    assert len(set(first)) == 4
    assert not pools.knows(keys)
    assert pools.ids(keys) == first


def test_what_was_forgotten_is_looked_up_again(database, clock):
    pools = KnownPools(database, clock)
    keys = _keys("use1-az1")
    (pool_id,) = pools.ids(keys)
    assert pools.knows(keys)

    pools.forget(keys)

    assert not pools.knows(keys)
    assert pools.ids(keys) == [pool_id]
