"""Callers that share a statement: everybody served once, nobody hurt by another, nobody forgotten."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from backend.db.grouping import Grouping
from backend.errors import DatabaseUnavailable, NotFound

LONG = 5.0  # seconds; a test that comes so far has failed


class Stage:
    """A pretended database: its first statement waits for a sign, so that others gather."""

    def __init__(self, *, bad: tuple[str, ...] = (), breaks: BaseException | None = None) -> None:
        self.alone: list[str] = []
        self.groups: list[list[str]] = []
        self.bad = bad
        self.breaks = breaks
        self.go_on = threading.Event()
        self.begun = threading.Event()

    def one(self, item: str) -> bool:
        self.alone.append(item)
        if not self.begun.is_set():
            self.begun.set()
            assert self.go_on.wait(LONG)
        if item == "raises":
            raise NotFound("no such thing")
        return item not in self.bad

    def many(self, items) -> bool:
        self.groups.append(list(items))
        if self.breaks is not None:
            raise self.breaks
        return not {"raises", *self.bad} & set(items)


def gathered(stage: Stage, *items: str, most: int = 8, patience: float = LONG) -> dict[str, Future]:
    """Let the first item lead, the others come while it works; return their results."""
    group = Grouping(stage.one, stage.many, most=most, patience_seconds=patience)
    with ThreadPoolExecutor(len(items)) as pool:
        futures = {items[0]: pool.submit(group.do, items[0])}
        assert stage.begun.wait(LONG)
        for number, item in enumerate(items[1:], start=1):
            futures[item] = pool.submit(group.do, item)
            wait_for(lambda number=number: len(group._waiting) == number, patience)
        stage.go_on.set()
    assert not group._waiting
    assert not group._is_led
    return futures


def wait_for(condition, patience: float) -> None:
    if patience < LONG:
        return  # who is impatient may be gone again
    pause = threading.Event()
    while not condition():
        pause.wait(0.001)


def test_lonely_caller_is_served_at_once_and_alone():
    stage = Stage(bad=("b",))
    stage.begun.set()
    group = Grouping(stage.one, stage.many)

    assert [group.do("a"), group.do("b")] == [True, False]
    assert (stage.alone, stage.groups) == (["a", "b"], [])


def test_callers_that_gather_share_a_statement():
    stage = Stage()

    futures = gathered(stage, "a", "b", "c", "d")

    assert all(future.result() for future in futures.values())
    assert stage.alone == ["a"]
    assert stage.groups == [["b", "c", "d"]]


def test_group_is_no_larger_than_allowed():
    stage = Stage()

    gathered(stage, "a", "b", "c", "d", "e", "f", most=2)

    assert max(len(group) for group in stage.groups) == 2
    served = [item for group in stage.groups for item in group] + stage.alone
    assert sorted(served) == ["a", "b", "c", "d", "e", "f"]


def test_bad_item_spoils_nobody_elses():
    stage = Stage(bad=("c",))

    futures = gathered(stage, "a", "b", "c", "d")

    assert {item: future.result() for item, future in futures.items()} == {
        "a": True,
        "b": True,
        "c": False,
        "d": True,
    }
    assert sorted(stage.alone) == ["a", "b", "c", "d"]


def test_error_reaches_only_the_one_whose_it_is():
    stage = Stage()

    futures = gathered(stage, "a", "b", "raises", "d")

    assert isinstance(futures["raises"].exception(), NotFound)
    assert [futures[item].result() for item in "abd"] == [True, True, True]


@pytest.mark.parametrize("error", [DatabaseUnavailable("gone"), RuntimeError("a bug")])
def test_group_that_breaks_leaves_everybody_to_himself(error):
    stage = Stage(breaks=error)

    futures = gathered(stage, "a", "b", "c", "d")

    is_ours = isinstance(error, DatabaseUnavailable)
    assert [futures[item].result() for item in "acd"] == [True, True, True]
    assert (futures["b"].exception() is None) is is_ours, "a bug is its leader's to tell"


def test_who_waits_too_long_goes_alone():
    stage = Stage()

    futures = gathered(stage, "a", "b", patience=0.01)
    futures["b"].result(LONG)

    assert sorted(stage.alone + [item for group in stage.groups for item in group]) == ["a", "b"]


def test_leader_that_fails_hands_on():
    stage = Stage()

    futures = gathered(stage, "raises", "b", "c")

    assert isinstance(futures["raises"].exception(), NotFound)
    assert futures["b"].result() is True
    assert futures["c"].result() is True


def test_many_callers_are_each_served_and_none_waits_for_ever():
    done: list[int] = []
    lock = threading.Lock()

    def one(item: int) -> bool:
        with lock:
            done.append(item)
        return True

    def many(items) -> bool:
        if any(item % 17 == 0 for item in items):
            return False
        with lock:
            done.extend(items)
        return True

    group: Grouping[int] = Grouping(one, many)
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(group.do, range(4000)))

    assert all(results)
    assert sorted(done) == list(range(4000))
