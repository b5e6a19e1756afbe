"""How long a child that died has to wait."""

from backend.serve.children import LONGEST_RESTART_SECONDS, restart_delay_seconds


def test_restart_pause_doubles_and_is_bounded():
    pauses = [restart_delay_seconds(deaths) for deaths in range(1, 40)]

    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert max(pauses) == LONGEST_RESTART_SECONDS
    assert pauses == sorted(pauses)
