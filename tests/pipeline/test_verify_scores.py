"""Tiers, probabilities, value: known cases, and equality with the library `scores`."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from pipeline.verify import published
from pipeline.verify.reliability import reliability
from pipeline.verify.table import Contingency
from pipeline.verify.tiers import EVEN, firm, risk_matrix
from pipeline.verify.value import RATIOS, expense, value, value_of, value_of_probability
from rules.level import Level

TOLERANCE = 1e-12
NAN = math.nan


def test_the_right_level_every_day_costs_nothing():
    """Whatever the levels are."""
    levels = np.array([0.0, 1, 2, 3, 4])
    found = firm(levels, levels, 0.7)
    assert (found.firm, found.days) == (0.0, 5)
    assert found.skill == 1.0


@pytest.mark.parametrize(
    ("told", "right", "over", "under"), [(4, 3, 0.3, 0), (2, 3, 0, 0.7), (1, 4, 0, 2.1), (3, 0, 0.9, 0)]
)
def test_too_low_weighs_more_than_too_high(told, right, over, under):
    """Each step of the ladder counts, 0.7 below and 0.3 above."""
    found = firm(np.array([float(told)]), np.array([float(right)]), 0.7)
    assert (found.over, found.under) == pytest.approx((over, under), abs=TOLERANCE)
    assert found.firm == pytest.approx(over + under, abs=TOLERANCE)


def test_weights_make_a_step_count_more():
    """Missing the red counts ten times."""
    found = firm(np.array([3.0]), np.array([4.0]), 0.7, {**EVEN, Level.RED: 10.0})
    assert found.firm == pytest.approx(7.0)


def test_days_of_unknown_level_are_left_out():
    """They neither help nor harm."""
    found = firm(np.array([3.0, 1.0]), np.array([3.0, NAN]), 0.7)
    assert (found.firm, found.days) == (0.0, 1)


def test_without_events_the_skill_cannot_be_told():
    """Never warning was perfect then."""
    found = firm(np.zeros(3), np.zeros(3), 0.7)
    assert math.isnan(found.skill)
    assert found.as_json()["skill"] is None


SCALING = [[0, 1, 2], [0, 1, 2], [0, 0, 1], [0, 0, 0]]


def test_a_certain_and_right_risk_matrix_costs_nothing():
    """Both severities foretold with certainty, and both came."""
    sure = np.array([[1.0, 1.0], [0.0, 0.0]])
    assert risk_matrix(sure, np.array([2.0, 0.0]), SCALING, [0.1, 0.3, 0.5], [1, 1]) == 0.0


def test_the_risk_matrix_leaves_gaps_out():
    """A case without an outcome does not count."""
    told = np.array([[0.6, 0.2], [0.4, 0.4]])
    alone = risk_matrix(told[:1], np.array([1.0]), SCALING, [0.1, 0.3, 0.5], [1, 2])
    both = risk_matrix(told, np.array([1.0, NAN]), SCALING, [0.1, 0.3, 0.5], [1, 2])
    assert alone == both > 0


def test_a_perfect_probability():
    """Brier 0, area 1, and both ends of the diagram."""
    found = reliability(np.array([0.0, 0, 1, 1]), np.array([0.0, 0, 1, 1]))
    assert (found.brier, found.auc, found.skill, found.events) == (0.0, 1.0, 1.0, 2)
    assert [(item.forecast, item.observed, item.n) for item in found.bins] == [(0, 0, 2), (1, 1, 2)]


@pytest.mark.parametrize("order", [("now", "place"), ("place", "now")])
def test_probabilities_score_as_in_the_library(order):
    """Brier score and ROC area of a shuffled array with gaps, to 1e-12."""
    from scores.probability import brier_score, roc_auc

    random = np.random.default_rng(11)
    said = xr.DataArray(random.random((60, 5)), dims=("now", "place"))
    true = (said + random.normal(0, 0.4, (60, 5)) > 0.6).astype(float)
    said[3, 2] = NAN
    found = reliability(said.values, true.values)
    theirs = said.transpose(*order), true
    assert found.brier == pytest.approx(float(brier_score(*theirs)), abs=TOLERANCE)
    assert found.auc == pytest.approx(float(roc_auc(*theirs)), abs=TOLERANCE)


def test_the_bins_hold_every_case_once():
    """The diagram leaves nothing out, and 1.0 belongs to the last tenth."""
    said = np.linspace(0, 1, 101)
    found = reliability(said, (said > 0.5).astype(float))
    assert sum(item.n for item in found.bins) == found.n == 101
    assert found.bins[-1].n == 11


def test_nothing_known_is_nothing_told():
    """All NaN gives NaN and no diagram."""
    found = reliability(np.full(3, NAN), np.zeros(3))
    assert math.isnan(found.brier)
    assert (found.n, found.bins, found.as_json()["brier"]) == (0, (), None)


TABLE = Contingency(hits=28, misses=23, false_alarms=72, correct_negatives=2680)


def test_value_in_plain_numpy_equals_the_library():
    """At every cost-loss ratio, to 1e-12."""
    ours = value(TABLE, np.array(RATIOS))
    theirs = list(value_of(TABLE).values())
    np.testing.assert_allclose(ours, theirs, 0, TOLERANCE)


def test_value_of_many_tables_at_once():
    """A ratio broadcasts over an array of tables."""
    two = Contingency(
        hits=np.array([28.0, 5]), misses=np.array([23.0, 1]),
        false_alarms=np.array([72.0, 3]), correct_negatives=np.array([2680.0, 91]),
    )  # fmt: skip
    both = np.asarray(value(two, 0.1))
    assert both[0] == pytest.approx(value_of(TABLE, [0.1])[0.1], abs=TOLERANCE)


def test_perfect_warnings_are_worth_one_and_no_events_nothing():
    """1 is all that could be saved; without an event there is nothing to compare with."""
    perfect = Contingency(hits=5, misses=0, false_alarms=0, correct_negatives=95)
    calm = Contingency(hits=0, misses=0, false_alarms=0, correct_negatives=95)
    assert value(perfect, 0.2) == 1.0
    assert value_of(perfect, [0.2])[0.2] == pytest.approx(1.0, abs=TOLERANCE)
    assert math.isnan(value(calm, 0.2))


def test_expense_counts_every_action_and_every_loss():
    """Ten days: three actions at 0.1, one unprotected event at 1."""
    table = Contingency(hits=2, misses=1, false_alarms=1, correct_negatives=6)
    assert expense(table, 0.1) == pytest.approx((3 * 0.1 + 1) / 10)


def test_acting_on_a_probability_above_the_ratio_is_the_library_s_choice():
    """Value of acting where p >= C/L, for each ratio its own threshold."""
    from scores.probability import relative_economic_value

    random = np.random.default_rng(5)
    said = np.round(random.random(400), 2)
    true = (random.random(400) < said).astype(float)
    ratios = [0.1, 0.3, 0.6]
    ours = value_of_probability(said, true, ratios)
    for ratio in ratios:
        theirs = relative_economic_value(
            xr.DataArray(said, dims="case"), xr.DataArray(true, dims="case"),
            cost_loss_ratios=[ratio], probability_thresholds=[ratio],
        )  # fmt: skip
        assert ours[ratio] == pytest.approx(float(theirs.values.ravel()[0]), abs=TOLERANCE)


def test_the_missing_library_is_named(monkeypatch: pytest.MonkeyPatch):
    """One sentence with the command that mends it."""
    from ingest.errors import FengsuiError

    monkeypatch.setattr(published, "find_spec", lambda name: None)
    with pytest.raises(FengsuiError, match=r'pip install "fengsui\[verify\]"'):
        published.check_installed()
