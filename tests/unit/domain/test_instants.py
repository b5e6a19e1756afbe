from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.domain.instants import cut_to_milliseconds, parse_instant
from backend.errors import InvalidRequest

OFFSETS = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))
INSTANTS = st.datetimes(datetime(1970, 1, 3), datetime(9999, 12, 29), timezones=OFFSETS)  # noqa: DTZ001


@given(INSTANTS)
def test_instant_is_the_same_in_utc_when_it_carries_an_offset(instant):
    read = parse_instant(instant.isoformat())

    assert read.tzinfo is UTC
    assert read == cut_to_milliseconds(instant)


@given(INSTANTS)
def test_instant_is_utc_when_it_carries_no_zone(instant):
    naive = instant.astimezone(UTC).replace(tzinfo=None)

    assert parse_instant(naive.isoformat()) == parse_instant(naive.isoformat() + "Z")
    assert parse_instant(naive.isoformat()).replace(tzinfo=None) == cut_to_milliseconds(naive)


@given(INSTANTS)
def test_instant_is_cut_never_rounded_up(instant):
    read = parse_instant(instant.isoformat())

    assert timedelta(0) <= instant - read < timedelta(milliseconds=1)


def read_or_none(text):
    try:
        return parse_instant(text)
    except InvalidRequest:
        return None


@given(st.text(max_size=40))
def test_any_text_is_an_instant_in_utc_or_refused(text):
    read = read_or_none(text)

    assert read is None or read.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:02:32.108600+00:00",
        "2026-11-23T10:02:32.108600",
        "2026-11-23T10:02:32.108Z",
        "2026-11-23T10:02:32.108600999Z",
        "2026-11-23t10:02:32.108600z",
        "2026-11-23 10:02:32.108",
        "2026-11-23T15:32:32.108600+05:30",
        "2026-11-23T05:02:32.108600-0500",
        " 2026-11-23T10:02:32.108600Z ",
    ],
)
def test_every_dialect_names_the_same_instant(text):
    assert parse_instant(text) == datetime(2026, 11, 23, 10, 2, 32, 108000, tzinfo=UTC)


def test_instant_has_no_fraction_when_the_agent_left_it_out():
    assert parse_instant("2026-11-23T10:12:00Z") == datetime(2026, 11, 23, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "unknown",
        "2026-11-23",
        "10:02:32",
        "20261123T100232Z",
        "2026-W48-1T10:00:00",
        "2026-11-23T10:02",
        "2026-13-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T24:00:01Z",
        "2026-11-23T10:02:60Z",
        "2026-11-23T10:02:32+25:00",
        "2026-11-23T10:02:32Zulu",
        "1969-12-31T23:59:59Z",
        "1970-01-01T00:00:00+00:01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "1764000000",
        "\u0662\u0660\u0662\u0666-11-23T10:02:32Z",
        "2026-11-23T10:02:32Z" * 1000,
    ],
)
def test_instant_is_refused_when_it_is_none(text):
    with pytest.raises(InvalidRequest) as refused:
        parse_instant(text, field="detected_at")

    assert refused.value.facts["field"] == "detected_at"
    assert refused.value.message.startswith("detected_at must be")
