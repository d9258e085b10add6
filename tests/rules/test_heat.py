"""Heat by the national ladder: yellow on three days in a row, orange and red within 24 hours."""

from datetime import timedelta

import numpy as np
import pytest
from simulators.sky import CALM, NAN, PEAK, at, block, days, place

from ingest.batch import Flag
from rules.findings import Basis, Verdict
from rules.hazards.heat import Heat, HeatRung
from rules.level import Level

LADDER = {
    Level.YELLOW: HeatRung(at_least=35.0, days=3),
    Level.ORANGE: HeatRung(at_least=37.0, within=timedelta(hours=24)),
    Level.RED: HeatRung(at_least=40.0, within=timedelta(hours=24)),
}
HEAT = Heat(ladder=LADDER)
NOON = at(0, 12)


def judged(series, now=NOON, rule=HEAT, **keys):
    """Findings of one town at one moment."""
    return rule.assess("heat", block(series, nows=(now,), **keys))


def verdict(series, now=NOON, rule=HEAT, **keys):
    """The answer for one town at one moment."""
    return Verdict(int(judged(series, now, rule, **keys).verdict[0, 0]))


def interval(series, now=NOON, rule=HEAT, **keys):
    """What is certain, possible and not yet cleared."""
    found = judged(series, now, rule, **keys)
    return tuple(Level(int(part[0, 0])) for part in (found.floor, found.reach, found.ceiling))


# --- thresholds ---


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [
        (34.9, Verdict.NONE), (34.94, Verdict.NONE), (34.96, Verdict.YELLOW), (35.0, Verdict.YELLOW),
        (36.9, Verdict.YELLOW), (36.94, Verdict.YELLOW), (36.96, Verdict.ORANGE), (37.0, Verdict.ORANGE),
        (39.9, Verdict.ORANGE), (39.94, Verdict.ORANGE), (39.96, Verdict.RED), (40.0, Verdict.RED),
        (42.8, Verdict.RED),
    ],
)
def test_a_threshold_is_reached_at_or_above_it(maximum, expected):
    """In whole tenths of a degree, because that is what is reported."""
    assert verdict(days(dict.fromkeys(range(-1, 2), maximum))) == expected


@pytest.mark.parametrize("resolution_noise", [-1e-9, 1e-9, -4e-15])
def test_the_last_binary_digit_decides_nothing(resolution_noise):
    """Lapse rates leave figures such as 36.99999999."""
    assert verdict(days({0: 37.0 + resolution_noise})) == Verdict.ORANGE


# --- orange and red: within 24 hours ---


@pytest.mark.parametrize(
    ("hour", "expected"),
    [
        ((0, 11), Verdict.NONE), ((0, 12), Verdict.ORANGE), ((0, 13), Verdict.ORANGE),
        ((1, 12), Verdict.ORANGE), ((1, 13), Verdict.NONE),
    ],
)
def test_the_next_24_hours_begin_now_and_end_with_the_24th(hour, expected):
    """An hour that is over counts no more; the hour that is now and the 24th do."""
    assert verdict(days({}, {hour: 37.0})) == expected


@pytest.mark.parametrize("minute", [0, 5, 59])
def test_within_the_hour_nothing_moves(minute):
    """The last full hour stands for now."""
    assert verdict(days({}, {(0, 12): 37.0}), NOON + timedelta(minutes=minute)) == Verdict.ORANGE


def test_the_highest_rung_that_is_reached_decides():
    """Red needs no yellow below it."""
    found = judged(days({0: 40.0}))
    assert found.verdict[0, 0] == Verdict.RED
    assert (found.value[0, 0], found.threshold[0, 0]) == (40.0, 40.0)


# --- yellow: three days in a row ---

HOT = 35.0


@pytest.mark.parametrize(
    ("hot", "expected"),
    [
        ((-2, -1, 0), Verdict.YELLOW), ((-1, 0, 1), Verdict.YELLOW), ((0, 1, 2), Verdict.YELLOW),
        ((-2, -1, 0, 1, 2), Verdict.YELLOW), ((-3, -2, -1), Verdict.NONE), ((1, 2, 3), Verdict.NONE),
        ((-2, -1, 1, 2), Verdict.NONE), ((-1, 0), Verdict.NONE), ((0, 1), Verdict.NONE),
        ((-2, 0, 2), Verdict.NONE), ((-2, 0, 1), Verdict.NONE),
    ],
)
@pytest.mark.parametrize("hour", [0, 8, PEAK, 23])
def test_three_days_in_a_row_must_hold_today(hot, expected, hour):
    """Past, foretold or both, at any hour of the day."""
    assert verdict(days(dict.fromkeys(hot, HOT)), at(0, hour)) == expected


@pytest.mark.parametrize(
    ("hot", "expected"),
    [
        # 07:00 and 08:00 in Beijing lie on two UTC days.
        ([(-1, 7), (-1, 8), (0, 8)], Verdict.NONE),
        # 23:00 on one Beijing day and 07:00 on the next are one UTC day.
        ([(-1, 23), (0, 7), (1, 7)], Verdict.YELLOW),
        ([(-1, 0), (0, 0), (1, 0)], Verdict.YELLOW),
        ([(-1, 23), (0, 23), (1, 23)], Verdict.YELLOW),
        ([(-1, 0), (-1, 23), (1, 0)], Verdict.NONE),
    ],
)
def test_a_day_is_a_day_of_beijing(hot, expected):
    """From midnight to midnight there, whatever the date in Greenwich."""
    assert verdict(days({}, dict.fromkeys(hot, HOT))) == expected


def test_yesterdays_run_ends_at_beijing_midnight():
    """Hot days up to yesterday are yellow until midnight, and nothing a minute later."""
    series = days(dict.fromkeys((-3, -2, -1), HOT))
    midnight = at(0, 0)
    assert verdict(series, midnight - timedelta(minutes=1)) == Verdict.YELLOW
    assert verdict(series, midnight) == Verdict.NONE


# --- latency ---


@pytest.mark.parametrize("lag", [0, 1, 2, 5])
@pytest.mark.parametrize("hour", [0, 1, 3, 12, 23])
@pytest.mark.parametrize("first", [-3, -2, -1, 0, 1])
def test_latency_does_not_move_the_days(lag, hour, first):
    """Today is the day of now, also where as_of is still on the day before."""
    series = days(dict.fromkeys(range(first, first + 3), HOT))
    expected = Verdict.YELLOW if first in (-2, -1, 0) else Verdict.NONE
    assert verdict(series, at(0, hour), lag=lag) == expected


@pytest.mark.parametrize("lag", [1, 3])
@pytest.mark.parametrize(("ahead", "expected"), [(24, Verdict.ORANGE), (25, Verdict.NONE)])
def test_latency_does_not_shorten_the_look_ahead(lag, ahead, expected):
    """24 hours count from now, and the hours not reported yet belong to what is looked at."""
    assert verdict(days({}, {(1, ahead - 12): 37.0}), lag=lag) == expected
    assert verdict(days({}, {(0, 12 - lag): 37.0}), lag=lag) == Verdict.ORANGE


# --- missing hours ---

GAPS = [(1, False), (2, False), (3, True), (6, True)]


def without(series, day, hour, hours):
    """The series with a gap."""
    holed = series.copy()
    holed[place(day, hour) : place(day, hour) + hours] = NAN
    return holed


@pytest.mark.parametrize(("hours", "unknown"), GAPS)
def test_a_gap_is_bridged_up_to_its_limit(hours, unknown):
    """Two missing hours cannot hide a maximum; three can."""
    found = interval(without(days({}), 0, 18, hours))
    assert found == ((Level.NONE, Level.RED, Level.RED) if unknown else (Level.NONE,) * 3)


@pytest.mark.parametrize("max_gap", [0, 1, 5])
def test_the_longest_gap_is_set_in_the_block(max_gap):
    """At the limit it is bridged, one hour more is not."""
    rule = Heat(ladder=LADDER, max_gap=timedelta(hours=max_gap))
    assert verdict(without(days({}), 0, 15, max_gap), rule=rule) == Verdict.NONE
    assert verdict(without(days({}), 0, 15, max_gap + 1), rule=rule) == Verdict.UNKNOWN


def test_a_gap_cannot_hide_what_is_decided():
    """Red is red, however little of the rest is known."""
    assert interval(without(days({0: 40.0}), 0, 17, 30)) == (Level.RED,) * 3


def test_a_gap_may_hide_more_than_is_certain():
    """Certain is orange, possible is red: an interval and not unknown."""
    series = without(days({0: 37.0}), 0, 17, 6)
    assert interval(series) == (Level.ORANGE, Level.RED, Level.RED)
    assert verdict(series) == Verdict.ORANGE


@pytest.mark.parametrize(
    ("day", "known"), [(-1, (0, 1)), (0, (-2, -1, 1, 2)), (1, (-1, 0)), (2, (0, 1)), (-2, (-1, 0))]
)
def test_a_missing_day_leaves_a_run_open(day, known):
    """The known hot days beside it do not make three in a row, nor calm."""
    series = days(dict.fromkeys(known, HOT) | {day: NAN})
    floor, reach, _ = interval(series)
    assert (floor, reach >= Level.YELLOW) == (Level.NONE, True)


@pytest.mark.parametrize("day", [-2, -1, 1, 2])
def test_a_missing_day_does_not_undo_a_run_of_others(day):
    """Three known hot days with today among them are three, whatever the day beside them was."""
    hot = {-2: (-1, 0, 1), 2: (-1, 0, 1), -1: (0, 1, 2), 1: (-2, -1, 0)}[day]
    assert interval(days(dict.fromkeys(hot, HOT) | {day: NAN}))[0] == Level.YELLOW


def test_a_missing_day_beside_calm_ones_hides_no_run():
    """One hot day does not make three in a row."""
    found = interval(days({-2: NAN, -1: CALM}), at(0, 23))
    assert found == (Level.NONE,) * 3


def test_nothing_known_is_unknown():
    """Neither calm nor danger: no figure, no threshold, no time."""
    found = judged(days(dict.fromkeys(range(-8, 8), NAN)))
    assert found.verdict[0, 0] == Verdict.UNKNOWN
    assert np.isnan([found.value[0, 0], found.threshold[0, 0]]).all()
    assert np.isinf(found.age[0, 0])
    assert np.isnat([found.onset[0, 0], found.expires[0, 0]]).all()


def test_the_forecast_missing_is_unknown_and_not_calm():
    """What comes may be anything; what was hot today still counts."""
    ahead = without(days(dict.fromkeys((-2, -1, 0), HOT)), 0, 18, 100)
    assert interval(ahead, at(0, 17)) == (Level.YELLOW, Level.RED, Level.RED)
    assert verdict(without(days({}), 0, 18, 100), at(0, 17)) == Verdict.UNKNOWN


# --- clearing ---


@pytest.mark.parametrize(
    ("maximum", "expected"),
    [(37.0, Level.ORANGE), (36.9, Level.ORANGE), (36.0, Level.ORANGE), (35.9, Level.NONE)],
)
def test_a_clearing_threshold_holds_the_ceiling_only(maximum, expected):
    """Below at_least the level is neither certain nor possible, but may not be left yet."""
    rung = HeatRung(at_least=37.0, within=timedelta(hours=24), clear_below=36.0)
    rule = Heat(ladder={Level.ORANGE: rung})
    reached = Level.ORANGE if maximum >= 37 else Level.NONE
    assert interval(days({0: maximum}), rule=rule) == (reached, reached, expected)


# --- what goes with a level ---


def test_onset_and_expiry_frame_the_spell():
    """From the first hour at the threshold to the end of the last; the night between is bridged."""
    found = judged(days({0: 37.0, 1: 38.0}))
    assert found.onset[0, 0] == np.datetime64(at(0, PEAK).replace(tzinfo=None))
    assert found.expires[0, 0] == np.datetime64(at(1, PEAK + 1).replace(tzinfo=None))


def test_a_calm_day_ends_the_spell():
    """The heat after it is another."""
    found = judged(days({0: 37.0, 2: 38.0}))
    assert found.expires[0, 0] == np.datetime64(at(0, PEAK + 1).replace(tzinfo=None))


def test_the_spell_is_that_of_the_level_reached():
    """Red for one hour is not red for as long as orange lasts."""
    found = judged(days({1: 39.0}, {(0, 15): 39.0, (0, 16): 40.0, (0, 17): 39.0}))
    assert found.onset[0, 0] == np.datetime64(at(0, 16).replace(tzinfo=None))
    assert found.expires[0, 0] == np.datetime64(at(0, 17).replace(tzinfo=None))


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({(0, 12): 37.0}, Basis.OBSERVED), ({(0, 13): 37.0}, Basis.FORECAST),
        ({(0, 12): 37.0, (0, 13): 37.0}, Basis.BOTH), ({}, Basis.NOTHING),
    ],
)
def test_the_basis_says_what_was_seen_and_what_is_foretold(hours, expected):
    """Of the hours at the threshold, from as_of on."""
    assert judged(days({}, hours)).basis[0, 0] == expected


@pytest.mark.parametrize("lag", [0, 2, 5])
@pytest.mark.parametrize("hour", [PEAK + 6, 22, 23])
def test_a_run_that_is_over_lasts_until_midnight(hour: int, lag: int):
    """On the evening of the third hot day, with a cool day ahead, nothing is foretold, and it is that day."""
    found = judged(days(dict.fromkeys((-2, -1, 0), HOT)), at(0, hour), lag=lag)
    assert (found.verdict[0, 0], found.basis[0, 0]) == (Verdict.YELLOW, Basis.OBSERVED)
    assert found.onset[0, 0] == np.datetime64(at(0, hour - lag).replace(tzinfo=None))
    assert found.expires[0, 0] == np.datetime64(at(1, 0).replace(tzinfo=None))


@pytest.mark.parametrize("lag", [1, 3])
def test_a_run_of_which_only_the_first_hours_of_today_are_hot_lasts_all_day(lag: int):
    """The heat was over at one in the morning; the day it belongs to ends at the next midnight."""
    hot = {(-2, 12): HOT, (-1, 12): HOT, (0, 0): HOT}
    found = judged(days({}, hot), at(0, lag + 1), lag=lag)
    assert found.verdict[0, 0] == Verdict.YELLOW
    assert found.expires[0, 0] == np.datetime64(at(1, 0).replace(tzinfo=None))


def test_an_hour_still_to_come_ends_the_run_and_not_midnight():
    """Where the third day's heat lies ahead, its last hour is the end."""
    found = judged(days({}, {(-2, 12): HOT, (-1, 12): HOT, (0, 18): HOT}))
    assert found.onset[0, 0] == np.datetime64(at(0, 18).replace(tzinfo=None))
    assert found.expires[0, 0] == np.datetime64(at(0, 19).replace(tzinfo=None))


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("silent", [0, 1, 7])
def test_age_counts_from_the_newest_observation(lag, silent):
    """Latency and silence add up, in hours."""
    series = without(days({}), 0, 13 - lag - silent, silent)
    assert judged(series, lag=lag).age[0, 0] == lag + silent


@pytest.mark.parametrize(
    ("maxima", "value", "threshold"),
    [
        ({-1: 36.0, 0: 35.2, 1: 36.5}, 35.2, 35.0),
        ({-1: 36.0, 0: 37.5, 1: 36.5}, 37.5, 37.0),
        ({-1: 34.0, 0: 34.5, 1: 33.0}, 33.0, NAN),
    ],
)
def test_the_value_is_that_of_the_deciding_rung(maxima, value, threshold):
    """Yellow tells the coolest of the three days; without a level it is the lowest rung's figure."""
    found = judged(days(maxima))
    assert found.value[0, 0] == value
    np.testing.assert_equal(found.threshold[0, 0], threshold)


@pytest.mark.parametrize(
    ("level", "marked", "expected"),
    [
        (37.0, (0, 20), True), (37.0, (1, 12), True), (37.0, (0, 11), False), (37.0, (1, 13), False),
        (35.0, (-2, 0), True), (35.0, (2, 23), True), (35.0, (-3, 23), False), (35.0, (3, 0), False),
    ],
)
def test_marks_are_those_of_the_hours_looked_at(level, marked, expected):
    """The next 24 hours for orange and red, the days of the run for yellow."""
    series = days(dict.fromkeys((-1, 0, 1), level))
    bits = np.zeros(series.size, np.uint8)
    bits[place(*marked)] = Flag.RECONSTRUCTED | Flag.STALE
    found = judged(series, flags=[bits])
    assert found.marks[0, 0] == (Flag.RECONSTRUCTED if expected else 0)


def test_the_run_of_hot_days_goes_along_for_the_texts():
    """Where the block has it; without it there is no figure and no error."""
    seen = block(days({}))
    runs = np.array([[[4.0, np.nan]]])
    assert HEAT.assess("heat", seen).extra == {}
    seen = seen.assign_coords(day=[-2, -1])
    found = HEAT.assess("heat", seen.assign(hot_day_run=(("now", "place", "day"), runs)))
    assert found.extra["hot_day_run"].tolist() == [[4.0]]


# --- the block of configuration ---


@pytest.mark.parametrize(
    "rung", [HeatRung(at_least=35.0), HeatRung(at_least=35.0, days=3, within=timedelta(hours=24))]
)
def test_a_rung_looks_at_days_or_hours(rung):
    """Both, or neither, is refused by the name of the level."""
    with pytest.raises(ValueError, match="yellow: give either days or within"):
        Heat(ladder={Level.YELLOW: rung})


@pytest.mark.parametrize(
    ("rungs", "back", "ahead"),
    [
        ([HeatRung(at_least=35.0, days=3)], 96, 72),
        ([HeatRung(at_least=37.0, within=timedelta(hours=24))], 72, 48),
        ([HeatRung(at_least=37.0, within=timedelta(hours=48))], 96, 72),
        ([HeatRung(at_least=35.0, days=1)], 48, 24),
        ([HeatRung(at_least=35.0, days=5), HeatRung(at_least=37.0, within=timedelta(hours=24))], 144, 120),
    ],
)
def test_it_asks_for_as_many_hours_as_its_ladder_looks_at(rungs, back, ahead):
    """Whole days back and ahead, with one to spare for latency."""
    rule = Heat(ladder=dict(zip((Level.YELLOW, Level.ORANGE), rungs, strict=False)))
    assert (rule.reach.hours_back, rule.reach.hours_ahead) == (back, ahead)


@pytest.mark.parametrize("length", [1, 2, 4, 5])
@pytest.mark.parametrize("hour", [0, 23])
@pytest.mark.parametrize("lag", [0, 3])
def test_a_run_may_have_any_length(length, hour, lag):
    """Wholly past and wholly foretold runs fit into the hours asked for."""
    rule = Heat(ladder={Level.YELLOW: HeatRung(at_least=35.0, days=length)})
    size = (rule.reach.hours_back, rule.reach.hours_ahead)
    for first in (1 - length, 0):
        hot = days(dict.fromkeys(range(first, first + length), HOT))
        one_less = days(dict.fromkeys(range(first, first + length - 1), HOT))
        assert verdict(hot, at(0, hour), rule, size=size, lag=lag) == Verdict.YELLOW
        assert verdict(one_less, at(0, hour), rule, size=size, lag=lag) == Verdict.NONE
