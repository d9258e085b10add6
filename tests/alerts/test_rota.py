"""Who is on duty at a moment, and why it is they."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from fakes import DAY, HOUR, NIGHT, staffed
from hypothesis import given
from hypothesis import strategies as st

from alerts.duty.people import WEEK, Override, Shift, Subsystem, Swap
from alerts.duty.rota import Watch, gaps, instant_of, next_change, shift_at, turns
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
    for same in (moment, moment.astimezone(BEIJING)):
        assert shift_at(SAFETY, same) == Watch(duty=("safety_day",), deputy=("safety_deputy_day",))


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
    ("shifts", "days", "hours"),
    [
        (SAFETY.rota, 7, 0),
        ((), 1, 24),
        (SAFETY.rota[:1], 2, 24),
        ((Shift(**DAY, duty=("li",), days=WEEK[:5]), SAFETY.rota[1]), 7, 24),
        ((Shift(start="08:00", end="20:07", duty=("li",)), SAFETY.rota[1]), 7, 0),
        ((Shift(start="08:07", end="20:00", duty=("li",)), SAFETY.rota[1]), 1, 7 / 60),
    ],
)
def test_gaps_are_told_to_the_minute(shifts, days: int, hours: float):
    """A full rota has none; a rota without a weekend's days has two twelve hours."""
    found = gaps(rota(*shifts), MONDAY, MONDAY + days * 24 * HOUR)
    assert sum(((gap.end - gap.start) / HOUR for gap in found), 0.0) == pytest.approx(hours)


def test_a_gap_is_told_by_its_ends():
    """From the end of the day to the moment it begins again."""
    (gap,) = gaps(rota(SAFETY.rota[0]), MONDAY + 12 * HOUR, MONDAY + 36 * HOUR)
    assert (gap.start, gap.end, gap.watch) == (MONDAY + 20 * HOUR, MONDAY + 32 * HOUR, None)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2022-08-09", None, {1, 2, 3}),
        (None, "2022-08-09", {0, 1}),
        ("2022-08-09", "2022-08-09", {1}),
        ("2022-08-20", None, set()),
    ],
)
def test_a_shift_holds_from_its_first_to_its_last_day(first, last, days: set[int]):
    """Both ends belong to it."""
    plan = rota(Shift(**DAY, duty=("li",), first=first, last=last))
    assert {day for day in range(4) if on_duty(plan, "10:00", day)} == days


def test_the_night_of_the_last_day_is_held_to_its_end():
    """It began on a day that counts."""
    plan = rota(Shift(**NIGHT, duty=("li",), last="2022-08-08"))
    assert on_duty(plan, "07:59", 1) == "li"
    assert on_duty(plan, "20:00", 1) is None


def override(first: float, last: float, *duty: str, **parts) -> Override:
    """Others on duty between two hours after the Monday."""
    return Override(start=MONDAY + first * HOUR, end=MONDAY + last * HOUR, duty=duty, **parts)


def test_the_last_override_that_covers_counts():
    """And only while it covers; the deputies of the shift stay where it names none."""
    plan = replace(SAFETY, overrides=(override(9, 12, "li"), override(10, 11, "wang", deputy=("he",))))
    assert [on_duty(plan, f"{hour:02}:00") for hour in (8, 9, 10, 11, 12)] == [
        "safety_day", "li", "wang", "li", "safety_day",
    ]  # fmt: skip
    watch = shift_at(plan, MONDAY + 9 * HOUR)
    assert watch is not None
    assert watch.deputy == ("safety_deputy_day",)


def test_an_override_fills_a_gap():
    """Where no shift is, it is a watch of its own."""
    assert shift_at(replace(SAFETY, rota=(), overrides=(override(9, 12, "li"),)), MONDAY + 10 * HOUR) == (
        Watch(duty=("li",), deputy=(), why="stand-in")
    )


def test_who_takes_over_is_not_their_own_deputy():
    """A deputy that stands in leaves nobody behind them twice."""
    watch = shift_at(replace(SAFETY, overrides=(override(9, 12, "safety_deputy_day"),)), MONDAY + 10 * HOUR)
    assert watch is not None
    assert (watch.duty, watch.deputy) == (("safety_deputy_day",), ())


def test_a_swap_counts_after_the_overrides_and_both_ways():
    """Whoever of the two is on duty is replaced by the other, and the reason is told."""
    swap = Swap(
        start=MONDAY, end=MONDAY + 24 * HOUR, one="safety_day", other="safety_night", why="school"
    )
    plan = replace(SAFETY, swaps=(swap,))
    assert (on_duty(plan, "10:00"), on_duty(plan, "21:00")) == ("safety_night", "safety_day")
    assert on_duty(plan, "10:00", 1) == "safety_day"
    watch = shift_at(replace(plan, overrides=(override(9, 12, "safety_day", by="He"),)), MONDAY + 10 * HOUR)
    assert watch == Watch(
        duty=("safety_night",), deputy=("safety_deputy_day",), why="stand-in by He; swap: school"
    )


def test_a_swap_of_others_changes_nothing():
    """Not even the reason."""
    swap = Swap(start=MONDAY, end=MONDAY + 24 * HOUR, one="li", other="wang")
    assert shift_at(replace(SAFETY, swaps=(swap,)), MONDAY) == shift_at(SAFETY, MONDAY)


BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
LEAPS = [(BERLIN, date(2022, 3, 27)), (BERLIN, date(2022, 10, 30)), (NEW_YORK, date(2022, 3, 13)),
         (NEW_YORK, date(2022, 11, 6)), (ZoneInfo("Australia/Lord_Howe"), date(2022, 10, 2))]  # fmt: skip


@pytest.mark.parametrize(("zone", "day"), LEAPS, ids=str)
@pytest.mark.parametrize("hour", ["01:30", "02:00", "02:15", "02:30", "03:00"])
def test_no_gap_and_no_double_watch_when_the_clocks_change(zone: ZoneInfo, day: date, hour: str):
    """Shifts that meet on paper meet on the night on which summer time begins or ends, whenever they do."""
    shifts = (
        Shift(start="14:00", end=hour, duty=("late",)),
        Shift(start=hour, end="14:00", duty=("early",)),
    )
    plan = replace(SAFETY, rota=shifts, zone=str(zone))
    start = datetime.combine(day, time(0), zone) - 24 * HOUR
    found = turns(plan, start, start + 72 * HOUR)
    assert gaps(plan, start, start + 72 * HOUR) == []
    duties = [turn.watch.duty for turn in found if turn.watch]
    assert all(one != other for one, other in pairwise(duties))
    assert len(duties) == 7


def test_a_night_is_as_long_as_the_clocks_make_it():
    """Seven hours in spring, nine in autumn, eight else; the shift is the clock's, not the stopwatch's."""
    plan = replace(rota(Shift(start="22:00", end="06:00", duty=("li",))), zone="Europe/Berlin")
    for day, hours in ((date(2022, 3, 26), 7), (date(2022, 10, 29), 9), (date(2022, 7, 1), 8)):
        noon = datetime.combine(day, time(12), BERLIN)
        (night,) = [turn for turn in turns(plan, noon, noon + 24 * HOUR) if turn.watch]
        assert night.end - night.start == hours * HOUR


@given(day=st.dates(date(2000, 1, 1), date(2037, 1, 1)), clock=st.times(), zone=st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
))  # fmt: skip
def test_every_time_of_every_day_has_one_instant(day: date, clock: time, zone: str):
    """It shows that time, or is the very second at which the clocks leapt over it."""
    clock, own = clock.replace(microsecond=0), ZoneInfo(zone)
    moment = instant_of(day, clock, own)
    shown = moment.astimezone(own).replace(tzinfo=None)
    before = (moment - timedelta(seconds=1)).astimezone(own).replace(tzinfo=None)
    assert shown == datetime.combine(day, clock) or before < datetime.combine(day, clock) < shown


def test_turns_follow_each_other_without_holes():
    """From the first moment to the last, each with somebody else."""
    plan = replace(SAFETY, overrides=(override(9, 12, "li"),))
    found = turns(plan, MONDAY, MONDAY + 24 * HOUR)
    assert (found[0].start, found[-1].end) == (MONDAY, MONDAY + 24 * HOUR)
    assert all(one.end == other.start for one, other in pairwise(found))
    assert [turn.watch.duty[0] for turn in found if turn.watch] == [
        "safety_night", "safety_day", "li", "safety_day", "safety_night",
    ]  # fmt: skip


def test_the_next_change_is_later_than_now():
    """And none where nothing changes within the time."""
    assert next_change(SAFETY, MONDAY + 8 * HOUR, 13 * HOUR) == MONDAY + 20 * HOUR
    assert next_change(SAFETY, MONDAY + 8 * HOUR, 11 * HOUR) is None
    assert shift_at(rota(), datetime.fromtimestamp(0, UTC)) is None
