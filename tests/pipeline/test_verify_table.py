"""Every score equals that of the library `scores`, and what cannot be told is NaN."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.verify import published
from pipeline.verify.table import Contingency

TOLERANCE = 1e-12
COUNTS = st.integers(0, 5000)
EXACT = Contingency(hits=28, misses=23, false_alarms=72, correct_negatives=2680)
"""Finley's tornadoes of 1884, the best known table of all."""


def same(ours: object, theirs: object) -> bool:
    """Whether two numbers or arrays agree; NaN agrees with NaN."""
    return bool(np.allclose(np.asarray(ours, float), np.asarray(theirs, float), 0, TOLERANCE, True))


@pytest.mark.parametrize(
    ("name", "value"),
    [("pod", 28 / 51), ("far", 0.72), ("csi", 28 / 123), ("bias", 100 / 51), ("pofd", 72 / 2752)],
)
def test_the_tornadoes_of_finley(name, value):
    """The scores that every textbook gives of them."""
    assert getattr(EXACT, name) == pytest.approx(value, abs=TOLERANCE)


@given(COUNTS, COUNTS, COUNTS, COUNTS)
@settings(max_examples=20)
def test_every_score_equals_the_library(hits, misses, false_alarms, correct_negatives):
    """Also where it cannot be told, for whatever counts."""
    table = Contingency(
        hits=hits, misses=misses, false_alarms=false_alarms, correct_negatives=correct_negatives
    )
    for name, theirs in published.of_table(table).items():
        assert same(getattr(table, name), theirs), name


@pytest.mark.parametrize("order", [("now", "place", "member"), ("member", "now", "place")])
@pytest.mark.parametrize("name", sorted(published.NAMES))
def test_the_order_of_dimensions_does_not_matter(order, name):
    """A shuffled cube gives the library's score to the last bit that counts, gaps and all."""
    from scores.categorical import BinaryContingencyManager

    random = np.random.default_rng(7)
    dims = ("now", "place", "member")
    told = xr.DataArray((random.random((30, 4, 5)) > 0.7).astype(float), dims=dims)
    true = xr.DataArray((random.random((30, 4, 5)) > 0.8).astype(float), dims=dims)
    told[3, 2, 1], true[7, 0, 0] = np.nan, np.nan
    manager = BinaryContingencyManager(told.transpose(*order), true)
    ours = Contingency.of(told.transpose(*dims).values, true.transpose(*dims).values)
    theirs = getattr(manager.transform(), published.NAMES[name])()
    assert same(getattr(ours, name), theirs)


def test_many_tables_at_once_equal_each_alone():
    """Tuning counts thousands of ladders along an axis."""
    random = np.random.default_rng(3)
    told, true = random.random((200, 6)) > 0.5, random.random((200, 6)) > 0.6
    whole = Contingency.of(told, true, axis=0)
    alone = [Contingency.of(told[:, k], true[:, k]) for k in range(6)]
    for name in published.NAMES:
        assert same(getattr(whole, name), [getattr(one, name) for one in alone])


@pytest.mark.parametrize("name", sorted(published.NAMES))
def test_nothing_at_all_is_nan_without_a_warning(name):
    """An empty year is no perfect year."""
    nothing = Contingency(hits=0, misses=0, false_alarms=0, correct_negatives=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert math.isnan(getattr(nothing, name))


def test_a_gap_counts_nowhere():
    """A pair with a NaN is neither a hit nor a miss."""
    found = Contingency.of(np.array([1, np.nan, 0, 1]), np.array([1, 1, np.nan, 0]))
    assert (found.hits, found.misses, found.false_alarms, found.correct_negatives) == (1, 0, 1, 0)


def test_tables_add_up():
    """Years are summed before they are scored."""
    assert (EXACT + EXACT).hits == 56
    assert (EXACT + EXACT).pod == EXACT.pod


def test_correct_negatives_of_events_are_none_in_json():
    """Nobody can count the events that did not happen."""
    assert Contingency(hits=1, misses=2, false_alarms=3).as_json() == {
        "hits": 1.0, "misses": 2.0, "false_alarms": 3.0, "correct_negatives": None,
    }  # fmt: skip
