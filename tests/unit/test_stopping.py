"""A wish to stop, from wherever it comes."""

import os
import signal

import pytest

from backend.stopping import StopRequest


@pytest.fixture
def kept_handlers():
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_wait_ends_after_its_time_when_nobody_asks():
    stop = StopRequest()

    assert stop.wait(0.001) is False
    assert stop.is_made is False


def test_request_is_remembered_however_often_it_is_asked_for():
    stop = StopRequest()
    stop.make()
    stop.make()

    assert [stop.wait(0) for _ in range(3)] == [True, True, True]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_makes_the_request(kept_handlers, number):
    stop = StopRequest()
    stop.listen()
    os.kill(os.getpid(), number)

    assert stop.wait(10) is True
