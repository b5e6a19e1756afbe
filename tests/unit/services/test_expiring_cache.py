"""The cache forgets in time, and never grows beyond its capacity."""

from datetime import timedelta

import pytest

from backend.services.expiring_cache import ExpiringCache


@pytest.fixture
def cache(clock):
    return ExpiringCache(clock, capacity=10)


def test_value_is_there_until_its_time_is_over(cache, clock):
    cache.put("a", 1, seconds=5)
    clock.advance(timedelta(seconds=4.9))
    before = cache.get("a")
    clock.advance(timedelta(seconds=0.1))

    assert (before, cache.get("a")) == (1, None)


@pytest.mark.parametrize("seconds", [0, -1])
def test_value_without_life_is_not_kept(cache, seconds):
    cache.put("a", 1, seconds=seconds)

    assert cache.get("a") is None


def test_newest_survive_when_the_cache_is_full(cache):
    for number in range(25):
        cache.put(number, number, seconds=60)

    assert cache.get(24) == 24
    assert cache.get(0) is None
    assert sum(cache.get(number) is not None for number in range(25)) <= 10


def test_expired_entries_go_first(cache, clock):
    for number in range(5):
        cache.put(("short", number), number, seconds=1)
    for number in range(5):
        cache.put(("long", number), number, seconds=60)
    clock.advance(timedelta(seconds=1))

    cache.put("new", 1, seconds=60)

    assert [cache.get(("long", number)) for number in range(5)] == [0, 1, 2, 3, 4]


def test_clearing_forgets_everything(cache):
    cache.put("a", 1, seconds=60)

    cache.clear()

    assert cache.get("a") is None


def test_forgetting_drops_one_value_and_minds_no_missing_one(cache):
    cache.put("a", 1, seconds=60)
    cache.put("b", 2, seconds=60)

    cache.forget("a")
    cache.forget("a")

    assert (cache.get("a"), cache.get("b")) == (None, 2)
