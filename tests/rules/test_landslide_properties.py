"""What must hold of landslides whatever the rain: order, independence, and modesty about what is missing."""

from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from simulators.rain_days import at, block, place, rain

from rules.hazards.landslide import Landslide, LandslideRung
from rules.level import Level

RULE = Landslide(
    ladder={
        Level.BLUE: LandslideRung(at_least=60.0, hour=30.0, id_ratio=1.5),
        Level.YELLOW: LandslideRung(at_least=80.0, hour=40.0, ari_ratio=2.0, clear_below=70.0),
        Level.RED: LandslideRung(at_least=150.0, hour=80.0, id_ratio=3.5),
    },
    susceptibility={"500153001": "high", "500153003": "low"},
    ari7_p95={"500153001": 27.6, "500153002": 20.0},
    day_at_most=2000.0,
)
PARTS = ("floor", "reach", "ceiling", "value", "threshold", "onset", "expires", "basis", "age", "marks")
FIRST, LAST = place(-9, 0), place(2, 23)


@st.composite
def town(draw):
    """Days of rain near the thresholds, storms of some hours, and gaps."""
    totals = draw(arrays(float, 8, elements=st.sampled_from([0.0, 5.0, 30.0, 59.9, 60.0, 80.0, 150.0])))
    series = rain(dict(zip(range(-6, 2), totals.tolist(), strict=True)))
    for start in draw(st.lists(st.integers(FIRST, LAST), max_size=3)):
        series[start : start + draw(st.integers(1, 6))] = draw(st.sampled_from([10.0, 29.9, 30.0, 80.0]))
    for start in draw(st.lists(st.integers(FIRST, LAST), max_size=2)):
        series[start : start + draw(st.integers(1, 40))] = np.nan
    return series


TOWNS = st.lists(town(), min_size=1, max_size=4)
LAGS = st.integers(0, 3)
NOWS = st.lists(st.integers(0, 47), min_size=1, max_size=5, unique=True).map(
    lambda hours: [at(-1, hour) + timedelta(minutes=5) for hour in sorted(hours)]
)


def judged(towns, nows, lag):
    """Findings of some towns at some moments."""
    return RULE.assess("landslide", block(*towns, nows=nows, lag=lag))


@settings(max_examples=30)
@given(towns=TOWNS, nows=NOWS, lag=LAGS)
def test_many_nows_are_each_now_alone(towns, nows, lag):
    """A replay and a live tick come to the same findings."""
    together = judged(towns, nows, lag)
    for index, now in enumerate(nows):
        alone = judged(towns, [now], lag)
        for part in PARTS:
            np.testing.assert_array_equal(getattr(together.at(index), part), getattr(alone, part))


@settings(max_examples=30)
@given(towns=TOWNS, nows=NOWS, lag=LAGS, more=town())
def test_a_town_more_changes_no_other(towns, nows, lag, more):
    """Places do not know each other."""
    few, many = judged(towns, nows, lag), judged([*towns, more], nows, lag)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(few, part), getattr(many, part)[:, : len(towns)])


@settings(max_examples=60)
@given(
    series=town(), nows=NOWS, lag=LAGS, hour=st.integers(FIRST, LAST),
    amount=st.sampled_from([0.1, 20.0, 90.0]),
)  # fmt: skip
def test_more_rain_is_never_a_lower_level(series, nows, lag, hour, amount):
    """In any hour of any day."""
    wetter = series.copy()
    wetter[hour] += amount
    dry, wet = judged([series], nows, lag), judged([wetter], nows, lag)
    for part in ("floor", "reach", "ceiling"):
        assert (getattr(dry, part) <= getattr(wet, part)).all()


@settings(max_examples=60)
@given(series=town(), nows=NOWS, lag=LAGS, start=st.integers(FIRST, LAST), length=st.integers(1, 30))
def test_a_missing_hour_neither_opens_nor_ends(series, nows, lag, start, length):
    """What is certain is never higher for it, what is possible or not yet cleared never lower."""
    holed = series.copy()
    holed[start : start + length] = np.nan
    full, less = judged([series], nows, lag), judged([holed], nows, lag)
    assert (less.floor <= full.floor).all()
    assert (less.reach >= full.reach).all()
    assert (less.ceiling >= full.ceiling).all()


@settings(max_examples=30)
@given(series=town(), nows=NOWS, lag=LAGS, day=st.integers(-8, -1))
def test_a_total_that_was_not_archived_neither_opens_nor_ends(series, nows, lag, day):
    """Nor does a day without a report."""
    full = judged([series], nows, lag)
    less = RULE.assess("landslide", block(series, nows=nows, lag=lag, forget=[day]))
    assert (less.floor <= full.floor).all()
    assert (less.reach >= full.reach).all()
    assert (less.ceiling >= full.ceiling).all()


@settings(max_examples=60)
@given(towns=TOWNS, nows=NOWS, lag=LAGS)
def test_certain_possible_and_uncleared_are_in_order(towns, nows, lag):
    """Floor <= reach <= ceiling, and what is certain has its figures."""
    found = judged(towns, nows, lag)
    assert ((found.floor <= found.reach) & (found.reach <= found.ceiling)).all()
    level = found.floor > 0
    assert (found.value[level] >= found.threshold[level] - 0.05001).all()
    assert (np.isnat(found.onset) == ~level).all()
    assert (found.onset[level] < found.expires[level]).all()
    assert (found.basis[level] > 0).all()
    assert (found.basis[~level] == 0).all()
