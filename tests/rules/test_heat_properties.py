"""What must hold of heat whatever the weather: order, independence, and modesty about what is missing."""

from datetime import timedelta

import hypothesis.strategies as st
import numpy as np
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from simulators.sky import FIRST_DAY, LAST_DAY, at, block

from rules.findings import Verdict
from rules.hazards.heat import Heat, HeatRung
from rules.level import Level

HOURS = (LAST_DAY - FIRST_DAY) * 24
HEAT = Heat(
    ladder={
        Level.YELLOW: HeatRung(at_least=35.0, days=3),
        Level.ORANGE: HeatRung(at_least=37.0, within=timedelta(hours=24), clear_below=36.0),
        Level.RED: HeatRung(at_least=40.0, within=timedelta(hours=24)),
    }
)
STRICT = Heat(ladder=HEAT.ladder, max_gap=timedelta(0))
PARTS = ("floor", "reach", "ceiling", "value", "threshold", "onset", "expires", "basis", "age", "marks")


@st.composite
def town(draw):
    """Sixteen days near the thresholds, with hours, stretches and days missing."""
    peaks = draw(arrays(float, 16, elements=st.sampled_from([30.0, 34.9, 35.0, 36.9, 37.0, 40.0])))
    series = np.full(HOURS, 25.0)
    series[draw(st.integers(0, 23)) :: 24] = peaks
    for start, length in draw(
        st.lists(st.tuples(st.integers(148, 268), st.integers(1, 40)), max_size=3)
    ):
        series[start : start + length] = np.nan
    return series


TOWNS = st.lists(town(), min_size=1, max_size=4)
LAGS = st.integers(0, 3)
NOWS = st.lists(st.integers(0, 47), min_size=1, max_size=5, unique=True).map(
    lambda hours: [at(-1, hour) + timedelta(minutes=5) for hour in sorted(hours)]
)


def judged(towns, nows, lag):
    """Findings of some towns at some moments."""
    return HEAT.assess("heat", block(*towns, nows=nows, lag=lag))


def same(one, other):
    """Whether two findings are equal in everything, NaN and NaT included."""
    for part in PARTS:
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part), err_msg=part)


@settings(max_examples=30)
@given(towns=TOWNS, nows=NOWS, lag=LAGS)
def test_many_nows_are_each_now_alone(towns, nows, lag):
    """A replay and a live tick come to the same findings."""
    together = judged(towns, nows, lag)
    for index, now in enumerate(nows):
        same(together.at(index), judged(towns, [now], lag))


@settings(max_examples=30)
@given(towns=TOWNS, nows=NOWS, lag=LAGS, data=st.data())
def test_places_do_not_know_each_other(towns, nows, lag, data):
    """Another order of towns is the same findings in another order; a town more changes none."""
    order = data.draw(st.permutations(range(len(towns))))
    alone, shuffled = judged(towns, nows, lag), judged([towns[i] for i in order], nows, lag)
    for part in PARTS:
        np.testing.assert_array_equal(getattr(alone, part)[:, list(order)], getattr(shuffled, part))


@settings(max_examples=60)
@given(series=town(), nows=NOWS, lag=LAGS, start=st.integers(148, 268), length=st.integers(1, 30))
def test_a_missing_hour_makes_nothing_more_certain(series, nows, lag, start, length):
    """What is certain is never higher for it; where no gap is bridged, what is possible never lower."""
    holed = series.copy()
    holed[start : start + length] = np.nan
    for rule in (HEAT, STRICT):
        full, less = (rule.assess("heat", block(part, nows=nows, lag=lag)) for part in (series, holed))
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
    assert (found.value[level] >= found.threshold[level] - 0.05).all()
    assert (np.isnat(found.onset) == ~level).all()
    assert (found.onset[level] < found.expires[level]).all()
    assert (found.basis[level] > 0).all()
    assert (found.basis[~level] == 0).all()
    assert set(found.verdict.ravel()) <= {int(verdict) for verdict in Verdict}


@settings(max_examples=60)
@given(series=town(), fill=st.lists(st.sampled_from([25.0, 35.0, 37.0, 40.0]), min_size=8, max_size=8),
       nows=NOWS, lag=LAGS)
def test_whatever_a_gap_held_lies_between_certain_and_possible(series, fill, nows, lag):
    """Where none is bridged, fill them as one likes: the truth stays inside the interval."""
    missing = np.flatnonzero(np.isnan(series))
    filled = series.copy()
    filled[missing] = np.resize(fill, missing.size)
    told, truth = (
        STRICT.assess("heat", block(part, nows=nows, lag=lag)) for part in (series, filled)
    )
    assert (told.floor <= truth.floor).all()
    assert (truth.floor <= told.reach).all()
    assert (truth.ceiling <= told.ceiling).all()


@settings(max_examples=30)
@given(towns=TOWNS, nows=NOWS, lag=LAGS)
def test_a_clearing_threshold_touches_the_ceiling_alone(towns, nows, lag):
    """What opens and raises does not depend on what clears."""
    plain = {level: HeatRung(at_least=rung.at_least, days=rung.days, within=rung.within)
             for level, rung in HEAT.ladder.items()}
    one = judged(towns, nows, lag)
    other = Heat(ladder=plain).assess("heat", block(*towns, nows=nows, lag=lag))
    assert (one.ceiling >= other.ceiling).all()
    for part in PARTS:
        if part != "ceiling":
            np.testing.assert_array_equal(getattr(one, part), getattr(other, part))


@settings(max_examples=30)
@given(series=town(), warmer=st.integers(0, 50), now=st.integers(0, 47), lag=LAGS)
def test_warmer_weather_is_never_a_lower_level(series, warmer, now, lag):
    """The ladder rises with the temperature."""
    nows = [at(-1, now)]
    cool, warm = judged([series], nows, lag), judged([series + warmer / 10], nows, lag)
    for part in ("floor", "reach", "ceiling"):
        assert (getattr(cool, part) <= getattr(warm, part)).all()
