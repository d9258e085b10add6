"""Quality control: what is flagged, what is not, and that no value changes."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ingest.batch import Batch, Flag
from ingest.quality import HISTORY_HOURS, check, describe
from ingest.quantities import QUANTITIES

T = "temperature_2m"
NAN = float("nan")
START = np.datetime64("2022-08-18T00", "s")

# A loaded machine is no failure, and a run leaves nothing behind in the checkout.
unhurried = settings(deadline=None, database=None)


def batch(values, *, name=T, kind="observation", hours=None, flags=None):
    """A batch of one quantity; `hours` are counted from its first hour."""
    values = np.atleast_2d(np.asarray(values, dtype=float))
    hours = np.arange(values.shape[1]) if hours is None else np.asarray(hours)
    return Batch(
        source="station",
        kind=kind,
        issued_at=datetime(2022, 8, 18, tzinfo=UTC),
        available_at=datetime(2022, 8, 18, tzinfo=UTC),
        places=tuple(f"p{row}" for row in range(values.shape[0])),
        valid_at=START + hours.astype("timedelta64[h]"),
        values={name: values},
        flags=flags or {},
    )


def flagged(given_batch, flag, recent=None):
    """Hours of the first place that carry a flag, counted from 0."""
    (name,) = given_batch.values
    bits = check(given_batch, None if recent is None else {name: recent}).flags_of(name)
    return np.flatnonzero(bits[0] & flag).tolist()


def wave(hours):
    """A believable series without two equal neighbours."""
    return 25 + 5 * np.sin(np.arange(hours) * 2.5)


# --- RANGE ---


@pytest.mark.parametrize("name", sorted(QUANTITIES))
@pytest.mark.parametrize("edge", ["low", "high"])
def test_a_value_exactly_at_a_bound_is_believed(name, edge):
    """The bounds belong to the believable."""
    assert flagged(batch([getattr(QUANTITIES[name], edge)], name=name), Flag.RANGE) == []


@pytest.mark.parametrize("name", sorted(QUANTITIES))
@pytest.mark.parametrize(("edge", "side"), [("low", -1), ("high", 1)])
def test_one_step_beyond_a_bound_is_not_believed(name, edge, side):
    """One step of the quantity's resolution outside is flagged."""
    limits = QUANTITIES[name]
    beyond = getattr(limits, edge) + side * limits.resolution
    assert flagged(batch([beyond], name=name), Flag.RANGE) == [0]


@pytest.mark.parametrize("sentinel", [999999, 999990, 9999, -9999, -999.9, np.inf, -np.inf])
@pytest.mark.parametrize("name", sorted(QUANTITIES))
def test_a_sentinel_is_out_of_range(name, sentinel):
    """Numbers that stand for "missing" in some feed are not weather."""
    assert flagged(batch([sentinel], name=name), Flag.RANGE) == [0]


def test_a_sentinel_has_no_other_flag_and_harms_no_neighbour():
    """The hours on both sides of a sentinel are compared with each other."""
    checked = check(batch([30.0, 999999, 31.0]), None)
    assert checked.flags[T].tolist() == [[0, Flag.RANGE, 0]]


# --- STEP ---


@pytest.mark.parametrize(("jump", "found"), [(12.0, []), (12.1, [1]), (-12.0, []), (-12.1, [1])])
@pytest.mark.parametrize("base", [20.1, 32.1, 30.3])
def test_exactly_the_largest_step_is_believed(base, jump, found):
    """A step of the limit passes, whatever the last binary digit; a tenth more does not."""
    assert flagged(batch([base, base + jump, base + jump]), Flag.STEP) == found


@pytest.mark.parametrize("spike", [45.0, 33.0, 0.0, -29.0])
def test_only_the_spike_is_flagged_and_not_the_return(spike):
    """The hour after a spike is compared with the hour before it."""
    assert flagged(batch([20.0, 20.5, spike, 21.0, 20.5]), Flag.STEP) == [2]


@pytest.mark.parametrize(("shift", "found"), [(13, [2]), (24, [2]), (25, [2, 3]), (37, [2, 3, 4])])
def test_a_shift_that_stays_is_believed_soon(shift, found):
    """Within twice the limit it is flagged for one hour; larger ones for two or three."""
    low = 10.0
    series = [low, low + 0.1, *(low + shift + tenth / 10 for tenth in range(6))]
    assert flagged(batch(series), Flag.STEP) == found


@pytest.mark.parametrize(
    ("series", "found"),
    [
        ([20.0, NAN, 44.0], []),
        ([20.0, NAN, 44.1], [2]),
        ([10.0, NAN, NAN, 46.0], []),
        ([10.0, NAN, NAN, 46.1], [3]),
        ([10.0, NAN, NAN, NAN, 54.0], []),
        ([20.0, 999999, 44.0], []),
        ([20.0, 999999, 44.1], [2]),
    ],
)
def test_across_a_gap_the_limit_grows_with_the_hours(series, found):
    """Two hours apart may differ by twice the limit, three by three times; then nothing is said."""
    assert flagged(batch(series), Flag.STEP) == found


@pytest.mark.parametrize(("apart", "found"), [(1, [1]), (2, [1]), (3, []), (4, [])])
def test_hours_left_out_of_a_batch_count_as_gaps(apart, found):
    """The age of the last believed value is counted in hours, not in columns."""
    assert flagged(batch([10.0, 40.0], hours=[0, apart]), Flag.STEP) == found


def test_a_quantity_that_may_jump_is_not_held_to_steps():
    """Rain comes at once."""
    assert check(batch([0, 90.0, 0], name="precipitation"), None).flags == {}


# --- STUCK ---


@pytest.mark.parametrize(("equal", "found"), [(11, []), (12, list(range(1, 13)))])
def test_a_run_as_long_as_the_limit_is_stuck(equal, found):
    """Twelve equal hours are flagged, every one of them; eleven are not."""
    assert flagged(batch([30.0, *[31.2] * equal, 30.0]), Flag.STUCK) == found


@pytest.mark.parametrize("breaks", [NAN, 999999, 31.3])
def test_a_run_ends_where_a_value_is_missing_or_differs(breaks):
    """Neither a gap nor a sentinel joins two runs."""
    assert flagged(batch([*[31.2] * 8, breaks, *[31.2] * 8]), Flag.STUCK) == []


def test_a_run_ends_at_an_hour_left_out():
    """A batch that skips an hour does not join the runs before and after it."""
    hours = [*range(8), *range(9, 17)]
    assert flagged(batch([31.2] * 16, hours=hours), Flag.STUCK) == []


def test_equality_is_in_steps_of_the_resolution():
    """Binary dust does not hide a stuck instrument."""
    series = [31.2 + 1e-9 * hour for hour in range(12)]
    assert flagged(batch(series), Flag.STUCK) == list(range(12))


def test_calm_rainless_hours_are_not_stuck():
    """Zero rain for days is weather."""
    assert check(batch([0.0] * 72, name="precipitation"), None).flags == {}


def test_a_forecast_may_repeat_a_value():
    """Only instruments get stuck."""
    assert check(batch([31.2] * 48, kind="forecast"), None).flags == {}


# --- SPATIAL ---


def at_one_hour(*values):
    """One hour at as many places as there are values."""
    return batch(np.array(values, dtype=float)[:, None])


def outliers(given_batch):
    """Rows that carry SPATIAL."""
    return np.flatnonzero(check(given_batch, None).flags_of(T) & Flag.SPATIAL).tolist()


@pytest.mark.parametrize(("value", "found"), [(42.0, []), (42.1, [4]), (18.0, []), (17.9, [4])])
def test_exactly_the_largest_distance_from_the_median_is_believed(value, found):
    """The limit itself passes; a tenth more does not."""
    assert outliers(at_one_hour(30, 30, 30, 30, value)) == found


@pytest.mark.parametrize("fifth", [NAN, 999999])
def test_four_believable_places_judge_nobody(fifth):
    """Missing and impossible values do not count towards the five."""
    assert outliers(at_one_hour(30, 30, 30, 50, fifth)) == []


def test_sentinels_do_not_move_the_median():
    """Half the places out of order leave the others believed."""
    assert outliers(at_one_hour(30, 31, 30, 29, 30, *[999999] * 6)) == []


def test_a_jump_is_kept_out_of_the_median():
    """Places that jumped are masked already and judge nobody."""
    series = np.array([[20.0, 20.0]] * 5 + [[20.0, 40.0]] * 6)
    bits = check(batch(series), None).flags_of(T)[:, 1]
    assert bits.tolist() == [0] * 5 + [Flag.STEP] * 6


def test_the_order_of_places_does_not_matter():
    """A permutation of the places permutes the flags."""
    rows = np.random.default_rng(7).normal(25, 9, (30, 6))
    order = np.random.default_rng(8).permutation(30)
    straight = check(batch(rows), None).flags_of(T)
    assert (check(batch(rows[order]), None).flags_of(T) == straight[order]).all()


# --- history ---


def test_history_shows_the_step_of_a_single_hour():
    """A batch of one hour is compared with the hour before it."""
    recent = np.array([[20.0, 20.2]])
    assert flagged(batch([40.0]), Flag.STEP, recent) == [0]
    assert flagged(batch([40.0]), Flag.STEP) == []


def test_history_shows_that_a_spike_was_a_spike():
    """The return is believed, because the spike in the history is not."""
    assert flagged(batch([20.4]), Flag.STEP, np.array([[20.0, 20.2, 45.0]])) == []


@pytest.mark.parametrize(("before", "found"), [(10, []), (11, [0]), (HISTORY_HOURS, [0])])
def test_history_counts_towards_a_run(before, found):
    """Eleven equal hours before and one now make twelve."""
    assert flagged(batch([31.2]), Flag.STUCK, np.full((1, before), 31.2)) == found


def test_history_is_not_flagged_itself():
    """Flags come back for the hours of the batch only."""
    checked = check(batch([31.2, 31.4]), {T: np.full((1, 12), 999999.0)})
    assert checked.flags == {}


def test_a_forecast_is_not_held_to_observations():
    """A model may start away from what was observed."""
    assert flagged(batch([40.0], kind="forecast"), Flag.STEP, np.array([[20.0]])) == []


def test_history_of_other_quantities_is_left_alone():
    """A quantity the batch does not hold is not looked at."""
    assert check(batch([30.0]), {"precipitation": np.full((1, 3), 1.0)}).flags == {}


@pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 3)])
def test_history_of_other_places_is_refused(shape):
    """The message names the quantity and the shape expected."""
    with pytest.raises(ValueError, match=r"recent temperature_2m .* \(1, hours\)"):
        check(batch([30.0]), {T: np.zeros(shape)})


# --- in general ---


def test_flags_already_set_are_kept():
    """Where a value came from is still known afterwards."""
    before = {T: np.array([[Flag.ANALYSIS, 0]], dtype=np.uint8)}
    bits = check(batch([99.0, 30.0], flags=before), None).flags[T]
    assert bits.tolist() == [[Flag.ANALYSIS | Flag.RANGE, 0]]


def test_missing_is_never_flagged():
    """NaN is the absence of a value, and absence cannot be wrong."""
    assert check(batch(np.full((6, 30), NAN)), None).flags == {}


def test_description_counts_by_name():
    """Each flag counts once per value that carries it; absent ones are left out."""
    bits = np.array([[Flag.RANGE, Flag.RANGE | Flag.ANALYSIS, 0]], dtype=np.uint8)
    assert describe(bits) == {"RANGE": 2, "ANALYSIS": 1}
    assert describe({T: bits, "precipitation": bits}) == {"RANGE": 4, "ANALYSIS": 2}
    assert describe({}) == {}


SERIES = arrays(
    float,
    st.tuples(st.integers(1, 7), st.integers(1, 20)),
    elements=st.one_of(
        st.floats(-60, 90), st.sampled_from([NAN, 20.0, 999999.0, -9999.0, np.inf])
    ),
)


@unhurried
@given(SERIES)
def test_values_are_never_changed(values):
    """Whatever is flagged, the values stay as they came, and the input is not written to."""
    kept = values.copy()
    checked = check(batch(values), None)
    np.testing.assert_array_equal(checked.values[T], kept)
    np.testing.assert_array_equal(values, kept)


@unhurried
@given(SERIES)
def test_checking_twice_finds_the_same(values):
    """The flags depend on the values alone."""
    once = check(batch(values), None)
    assert describe(check(once, None).flags) == describe(once.flags)


@unhurried
@given(SERIES)
def test_nan_never_carries_a_flag(values):
    """No check marks a missing value."""
    assert not check(batch(values), None).flags_of(T)[np.isnan(values)].any()


@unhurried
@given(SERIES)
def test_a_missing_hour_at_the_end_changes_nothing_else(values):
    """A column of NaN leaves the flags of all other columns as they are."""
    longer = np.column_stack([values, np.full(values.shape[0], NAN)])
    flags = check(batch(longer), None).flags_of(T)
    np.testing.assert_array_equal(flags[:, :-1], check(batch(values), None).flags_of(T))


@unhurried
@given(SERIES, st.data())
def test_a_missing_hour_is_the_same_as_an_hour_left_out(values, data):
    """NaN in a column and no such column are judged alike."""
    gap = data.draw(st.integers(1, values.shape[1]))
    hours = np.arange(values.shape[1]) + (np.arange(values.shape[1]) >= gap)
    padded = np.insert(values, gap, NAN, axis=1)
    flags = np.delete(check(batch(padded), None).flags_of(T), gap, axis=1)
    np.testing.assert_array_equal(
        flags, check(batch(values, hours=hours), None).flags_of(T)
    )


@unhurried
@given(SERIES)
def test_a_silent_place_changes_nothing_elsewhere(values):
    """A row of NaN leaves the flags of all other rows as they are."""
    more = np.vstack([values, np.full(values.shape[1], NAN)])
    flags = check(batch(more), None).flags_of(T)
    np.testing.assert_array_equal(flags[:-1], check(batch(values), None).flags_of(T))


@unhurried
@given(SERIES, st.data())
def test_a_batch_cut_in_two_is_judged_like_the_whole(values, data):
    """With its past as history, the later part gets the flags it had in the whole."""
    cut = data.draw(st.integers(0, values.shape[1] - 1))
    alike = np.uint8(Flag.RANGE | Flag.STEP | Flag.STUCK)
    whole = check(batch(values), None).flags_of(T)[:, cut:]
    part = check(batch(values[:, cut:]), {T: values[:, :cut]}).flags_of(T)
    np.testing.assert_array_equal(part & alike, whole & alike)


def test_a_province_is_checked_at_once():
    """70,000 places x 96 hours of temperature."""
    values = np.tile(wave(96), (70_000, 1))
    values[::1000, 40] = 999999
    province = batch(values)
    assert describe(check(province, None).flags) == {"RANGE": 70}
