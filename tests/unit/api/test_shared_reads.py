"""Equal questions at the same time share one reading that began after each of them was asked."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.api.shared_reads import SharedReads, Told

PATIENCE = 20.0


class Book:
    """What is read: a number; each reading waits until the test opens its gate."""

    def __init__(self) -> None:
        self.value = 0
        self.begun = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.readings = 0

    def read(self) -> Told:
        self.readings += 1
        seen = self.value
        self.begun.release()
        assert self.gate.acquire(timeout=PATIENCE)
        return Told(str(seen).encode(), 200, ())


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def reads() -> SharedReads:
    return SharedReads(PATIENCE)


def test_those_who_come_during_a_reading_share_the_next_one_and_see_what_changed(reads, book):
    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(reads.share, "q", book.read)
        assert book.begun.acquire(timeout=PATIENCE)
        book.value = 1
        second = threads.submit(reads.share, "q", book.read)
        _until(lambda: reads._lines["q"].following is not None)
        others = [threads.submit(reads.share, "q", book.read) for _ in range(5)]
        book.gate.release()
        assert book.begun.acquire(timeout=PATIENCE)
        book.gate.release(10)

        assert first.result(PATIENCE).body == b"0"
        assert second.result(PATIENCE).body == b"1"
        assert {other.result(PATIENCE).body for other in others} == {b"1"}
    assert book.readings < 2 + len(others)
    assert reads._lines == {}


def test_different_questions_do_not_wait_for_each_other(reads, book):
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(reads.share, name, book.read) for name in ("a", "b")]
        for _ in answers:
            assert book.begun.acquire(timeout=PATIENCE)
        book.gate.release(2)

        assert [answer.result(PATIENCE).status for answer in answers] == [200, 200]


def test_a_failed_reading_fails_for_its_own_caller_only(reads, book):
    def fail() -> Told:
        book.begun.release()
        assert book.gate.acquire(timeout=PATIENCE)
        raise ValueError

    with ThreadPoolExecutor(4) as threads:
        first = threads.submit(reads.share, "q", fail)
        assert book.begun.acquire(timeout=PATIENCE)
        second = threads.submit(reads.share, "q", fail)
        _until(lambda: reads._lines["q"].following is not None)
        third = threads.submit(reads.share, "q", book.read)
        book.gate.release(9)

        for failed in (first, second):
            with pytest.raises(ValueError):
                failed.result(PATIENCE)
        assert third.result(PATIENCE).status == 200
    assert reads._lines == {}


def _until(condition) -> None:
    passed = threading.Event()
    while not condition():
        passed.wait(0.001)
