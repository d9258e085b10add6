"""Who is on duty at a moment, in Beijing time."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from fakes import DAY, HOUR, NIGHT, staffed

from alerts.people import WEEK, Shift, Subsystem
from alerts.rota import gaps, shift_at
from ingest.times import BEIJING

SAFETY = staffed("safety")
MONDAY = datetime(2022, 8, 8, tzinfo=BEIJING)


def on_duty(subsystem: Subsystem, clock: str, day: int = 0) -> str | None:
    """The first person on duty so many days after the Monday."""
    hour, minute, second = (*map(int, clock.split(":")), 0)[:3]
    moment = MONDAY + timedelta(days=day, hours=hour, minutes=minute, seconds=second)
    shift = shift_at(subsystem, moment)
    return None if shift is None else shift.duty[0]


def rota(*shifts: Shift) -> Subsystem:
    """A subsystem with these shifts."""
    return replace(SAFETY, rota=shifts)


@pytest.mark.parametrize(
    ("clock", "word"),
    [
        ("00:00", "night"),
        ("07:59:59", "night"),
        ("08:00", "day"),
        ("19:59:59", "day"),
        ("20:00", "night"),
        ("23:59:59", "night"),
    ],
)
def test_the_moment_of_change_belongs_to_the_later_shift(clock: str, word: str):
    """A shift holds its begin and not its end, over midnight too."""
    assert on_duty(SAFETY, clock) == f"safety_{word}"


def test_the_rota_is_read_in_beijing_time():
    """00:00 UTC is eight in the morning in Beijing, whatever zone the moment came in."""
    moment = datetime.fromisoformat("2022-08-08T00:00:00+00:00")
    assert shift_at(SAFETY, moment) is SAFETY.rota[0]
    assert shift_at(SAFETY, moment.astimezone(BEIJING)) is SAFETY.rota[0]


def test_a_naive_moment_is_refused():
    """Nobody guesses a zone."""
    with pytest.raises(ValueError, match="time zone"):
        shift_at(SAFETY, datetime(2022, 8, 8))


@pytest.mark.parametrize(
    ("day", "clock", "covered"),
    [
        (4, "19:59", False),
        (4, "20:00", True),
        (5, "07:59", True),
        (5, "08:00", False),
        (5, "20:00", False),
        (4, "07:00", False),
    ],
)
def test_a_night_belongs_to_the_day_on_which_it_begins(day: int, clock: str, covered: bool):
    """The night of Friday lasts into Saturday morning, and Saturday evening is another's."""
    friday = rota(Shift(**NIGHT, duty=("li",), days=("fri",)))
    assert (on_duty(friday, clock, day) == "li") is covered


def test_the_night_of_sunday_ends_on_monday():
    """The week goes round."""
    sunday = rota(Shift(**NIGHT, duty=("li",), days=("sun",)))
    assert on_duty(sunday, "03:00", 7) == on_duty(sunday, "03:00", 0) == "li"


@pytest.mark.parametrize("clock", ["00:00", "08:00", "07:59", "23:59"])
def test_a_shift_with_equal_ends_lasts_a_day(clock: str):
    """From eight to eight is the whole day round."""
    assert on_duty(rota(Shift(start="08:00", end="08:00", duty=("li",))), clock) == "li"


def test_the_first_shift_that_covers_counts():
    """A holiday rota stands above the common one."""
    special = Shift(**DAY, duty=("wang",), days=("tue",))
    assert on_duty(rota(special, *SAFETY.rota), "10:00", 1) == "wang"
    assert on_duty(rota(special, *SAFETY.rota), "10:00", 2) == "safety_day"


@pytest.mark.parametrize("shifts", [(), (Shift(**NIGHT, duty=("li",)),)])
def test_nobody_is_on_duty_in_a_gap(shifts):
    """None, not the next or the last shift."""
    assert shift_at(rota(*shifts), MONDAY + 10 * HOUR) is None


@pytest.mark.parametrize(
    ("shifts", "days", "count"),
    [
        (SAFETY.rota, 7, 0),
        ((), 1, 48),
        (SAFETY.rota[:1], 2, 48),
        ((Shift(**DAY, duty=("li",), days=WEEK[:5]), SAFETY.rota[1]), 7, 48),
    ],
)
def test_gaps_are_counted_in_half_hours(shifts, days: int, count: int):
    """A full rota has none; a rota without a weekend's days has two twelve hours."""
    assert len(list(gaps(rota(*shifts), MONDAY, days))) == count


def test_a_gap_is_told_by_its_moments():
    """From the end of the day to the last half hour before it begins again."""
    found = list(gaps(rota(SAFETY.rota[0]), MONDAY + 12 * HOUR, 1))
    assert (found[0], found[-1]) == (MONDAY + 20 * HOUR, MONDAY + 31.5 * HOUR)
