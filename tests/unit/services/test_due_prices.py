"""Current prices that a report has to write itself."""

from datetime import timedelta

from backend.services.due_prices import WRITTEN_EVERY, DuePrices, PriceKey
from tests.fakes.clock import START

A: PriceKey = ("client", 1)
B: PriceKey = ("client", 2)
A_LITTLE = timedelta(milliseconds=1)


def test_price_is_due_when_it_was_never_written():
    assert DuePrices().claim([A, B], START) == [A, B]


def test_price_is_not_due_when_it_was_written_within_a_minute():
    due = DuePrices()
    due.claim([A], START)

    assert due.claim([A, B], START + WRITTEN_EVERY - A_LITTLE) == [B]


def test_price_is_due_again_when_a_minute_has_passed():
    due = DuePrices()
    due.claim([A], START)

    assert due.claim([A], START + WRITTEN_EVERY) == [A]
    assert due.claim([A], START + WRITTEN_EVERY + A_LITTLE) == []


def test_price_is_due_again_when_it_was_released():
    due = DuePrices()
    due.release(due.claim([A, B], START))

    assert due.claim([A, B], START) == [A, B]


def test_price_is_due_when_the_clock_was_set_back():
    due = DuePrices()
    due.claim([A], START)

    assert due.claim([A], START - timedelta(hours=1)) == [A]


def test_oldest_price_is_forgotten_when_there_are_too_many():
    due = DuePrices(capacity=1)
    due.claim([A], START)
    due.claim([B], START)

    assert due.claim([A], START) == [A]
