"""Instants are aware UTC; days are those of Beijing."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pytest

from ingest.times import (
    beijing_day,
    beijing_midnight,
    floor_hour,
    from64,
    instant64,
    parse_instant,
    utc,
)

NAIVE = datetime(2022, 8, 18, 8)


@pytest.mark.parametrize("takes", [utc, instant64, floor_hour, beijing_day, beijing_midnight])
def test_a_naive_datetime_is_refused(takes):
    """Every function that takes a moment says what is missing instead of guessing a zone."""
    with pytest.raises(ValueError, match="no time zone"):
        takes(NAIVE)


@pytest.mark.parametrize("text", ["2022-08-18T08:00", "2022-08-18", "2022-08-18 08:00:00"])
def test_a_text_without_an_offset_is_refused(text):
    """A text is read only when it says which zone it means."""
    with pytest.raises(ValueError, match="no time zone"):
        parse_instant(text)


@pytest.mark.parametrize(
    "text", ["2022-08-18T08:00Z", "2022-08-18T16:00+08:00", "2022-08-18T03:00:00-05:00"]
)
def test_an_offset_is_carried_to_utc(text):
    """Different spellings of one instant are the same instant, in UTC."""
    instant = parse_instant(text)
    assert instant == datetime(2022, 8, 18, 8, tzinfo=UTC)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2022, 8, 18, 15, 59, tzinfo=UTC), date(2022, 8, 18)),
        (datetime(2022, 8, 18, 16, 0, tzinfo=UTC), date(2022, 8, 19)),
        (datetime(2022, 12, 31, 16, 0, tzinfo=UTC), date(2023, 1, 1)),
        (datetime(2022, 8, 18, 23, 0, tzinfo=timezone(timedelta(hours=8))), date(2022, 8, 18)),
    ],
)
def test_the_beijing_day_is_not_the_utc_day(moment, day):
    """The day turns at 16 UTC, whatever zone the moment is written in."""
    assert beijing_day(moment) == day


@pytest.mark.parametrize(
    ("hour", "began"),
    [(15, datetime(2022, 8, 17, 16, tzinfo=UTC)), (16, datetime(2022, 8, 18, 16, tzinfo=UTC))],
)
def test_beijing_midnight_is_sixteen_utc(hour, began):
    """The day began at the last 16 UTC at or before the moment."""
    assert beijing_midnight(datetime(2022, 8, 18, hour, tzinfo=UTC)) == began


def test_an_hour_is_floored_in_utc_whatever_the_offset():
    """Half-hour zones do not shift the hour."""
    india = timezone(timedelta(hours=5, minutes=30))
    moment = datetime(2022, 8, 18, 13, 35, 9, 7, tzinfo=india)
    assert floor_hour(moment) == datetime(2022, 8, 18, 8, tzinfo=UTC)


def test_an_instant_survives_the_way_to_numpy_and_back():
    """Seconds are kept, and UTC is put back on."""
    moment = datetime(2022, 8, 18, 8, 1, 2, tzinfo=UTC)
    assert from64(instant64(moment)) == moment
    assert instant64(moment).dtype == np.dtype("datetime64[s]")


@pytest.mark.parametrize("unit", ["h", "m", "s", "ns"])
def test_an_instant_of_any_unit_is_read(unit):
    """Hours and nanoseconds name the same instant."""
    at = np.datetime64("2022-08-18T08", unit)
    assert from64(at) == datetime(2022, 8, 18, 8, tzinfo=UTC)


def test_nat_is_refused():
    """Not-a-time is not an instant."""
    with pytest.raises(ValueError, match="NaT"):
        from64(np.datetime64("NaT", "s"))
