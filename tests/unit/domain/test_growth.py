from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from backend.domain.growth import ClientChange, grow

TODAY = date(2026, 3, 10)


def _change(client: str, what: str, days_ago: int, hour: int = 12) -> ClientChange:
    at = datetime(2026, 3, 10, hour, tzinfo=UTC) - timedelta(days=days_ago)
    return ClientChange(client_id=client, action=f"client_{what}", at=at)


def _days(changes, total, active, days=4):
    found = grow(changes, today=TODAY, days=days, total=total, active=active)
    return [(day.total, day.active, day.new) for day in found]


def test_quiet_days_all_have_todays_count():
    assert _days([], total=3, active=2) == [(3, 2, 0)] * 4


def test_days_are_in_order_and_end_today():
    found = grow([], today=TODAY, days=3, total=0, active=0)

    assert [day.on.day for day in found] == [8, 9, 10]


def test_new_clients_count_from_their_day_on():
    changes = [_change("a", "created", 2), _change("b", "created", 0)]

    assert _days(changes, total=2, active=2) == [(0, 0, 0), (1, 1, 1), (1, 1, 0), (2, 2, 1)]


def test_deleted_clients_counted_until_their_day():
    assert _days([_change("a", "deleted", 1)], total=0, active=0) == [
        (1, 1, 0),
        (1, 1, 0),
        (0, 0, 0),
        (0, 0, 0),
    ]


def test_clients_that_came_and_went_are_still_new():
    changes = [_change("a", "created", 1, 8), _change("a", "deleted", 1, 9)]

    assert _days(changes, total=0, active=0)[2] == (0, 0, 1)


def test_suspended_clients_are_not_active_and_repeats_count_once():
    changes = [
        _change("a", "suspended", 2),
        _change("a", "suspended", 2, 13),
        _change("a", "resumed", 0, 8),
        _change("a", "resumed", 0, 9),
    ]

    assert _days(changes, total=1, active=1) == [(1, 1, 0), (1, 0, 0), (1, 0, 0), (1, 1, 0)]


def test_deleting_a_suspended_client_takes_no_active_one():
    changes = [_change("a", "suspended", 2), _change("a", "deleted", 1)]

    assert _days(changes, total=0, active=0) == [(1, 1, 0), (1, 0, 0), (0, 0, 0), (0, 0, 0)]


@given(
    ages=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=20),
)
def test_walking_back_from_what_happened_begins_with_nothing(ages):
    """Whoever was created and deleted within the span was not there before it."""
    changes, living = [], 0
    for number, (created, gone) in enumerate(ages):
        changes.append(_change(str(number), "created", created, 1))
        if gone <= created:
            changes.append(_change(str(number), "deleted", gone, 2))
        else:
            living += 1

    found = grow(changes, today=TODAY, days=11, total=living, active=living)

    assert (found[0].total, found[0].active) == (0, 0)
    assert all(day.total >= 0 and day.active == day.total for day in found)
    assert sum(day.new for day in found) == len(ages)
