"""The chance of slides, and the weighted sum behind it: what is missing widens the answer or ends it."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.learned.logistic import (
    LOG,
    ODDS,
    PLAIN,
    ROOT,
    chances,
    fading,
    last_days,
    moved,
    season,
    transformed,
)
from rules.learned.slide_days import FORMS, UNITS, chance, features

RNG = np.random.default_rng(5)


def model(covariance=0.6, weights=(1.0, 0.5, 0.25)):
    """A model of three plain inputs that go together, its own mean at even odds."""
    size = len(weights)
    return {
        "form": np.full(size, PLAIN), "centre": np.zeros(size), "scale": np.ones(size),
        "weights": np.array(weights), "bias": np.zeros(1),
        "covariance": np.where(np.eye(size) > 0, 1.0, covariance),
    }  # fmt: skip


def slide_model():
    """A model of all features of a slide day, with covariance as training would leave it."""
    rows = RNG.normal(size=(400, len(UNITS)))
    return {
        "form": np.array(list(FORMS.values())), "centre": np.ones(len(UNITS)),
        "scale": np.full(len(UNITS), 2.0), "weights": np.full(len(UNITS), 0.2),
        "bias": np.array([-3.0]), "covariance": np.cov((rows + rows.mean(1, keepdims=True)).T),
    }  # fmt: skip


def days(rain=10.0, slides=0.0, places=2):
    """Two years of the same rain and the same reports every day."""
    return features(np.full((places, 40), rain), np.full((places, 730), slides), 200, 29.4)


def test_every_feature_has_a_unit_and_a_form():
    """The table has one column per unit, in the order in which the model expects them."""
    assert list(UNITS) == list(FORMS)
    assert days().shape == (2, len(UNITS))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("rain_1", 10.0), ("rain_before", 10.0), ("rain_2", 20.0), ("rain_30", 300.0),
     ("effective_rain", 10.0 * sum(0.6**n for n in range(8)))],
)  # fmt: skip
def test_rain_windows_are_sums_of_daily_rain(name, expected):
    """Windows are millimetres; effective rain is that of the physical rule."""
    assert days()[0, list(UNITS).index(name)] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["slides_10", "slides_60", "slides_365"])
def test_reports_every_day_are_a_rate_of_one(name):
    """A fading rate of days that all had a slide is one a day."""
    assert days(slides=1.0)[0, list(UNITS).index(name)] == pytest.approx(1.0)


def test_a_missing_hour_of_rain_does_not_become_a_dry_day():
    """A NaN ten days ago leaves short windows alone and makes long ones unknown."""
    rain = np.full((1, 40), 5.0)
    rain[0, -10] = np.nan
    table = dict(zip(UNITS, features(rain, np.zeros((1, 730)), 1, 29.4)[0], strict=True))
    assert table["rain_7"] == 35.0
    assert np.isnan(table["rain_15"])


def test_a_short_history_leaves_long_windows_unknown():
    """Three days of rain know no month, and no reports know no rate."""
    table = dict(zip(UNITS, features(np.ones((1, 3)), np.zeros((1, 2)), 1, 29.4)[0], strict=True))
    assert table["rain_3"] == 3.0
    assert np.isnan([table["rain_30"], table["effective_rain"], table["slides_365"]]).all()


def test_nothing_known_is_no_chance():
    """All inputs missing give NaN, never zero."""
    assert np.isnan(chance(slide_model(), np.full((3, len(UNITS)), np.nan))).all()


def test_an_unknown_input_draws_the_chance_towards_the_middle():
    """The same known danger says less when a part is missing, and still says it."""
    whole, part = np.array([[3.0, 3.0, 3.0]]), np.array([[3.0, 3.0, np.nan]])
    assert 0.5 < chances(model(), part)[0] < chances(model(), whole)[0]


def test_what_goes_with_the_missing_input_stands_for_it():
    """The higher the kin of a missing input, the higher the chance, beyond the kin's own weight."""
    alone = np.array([[2.0, np.nan]])
    kin, strangers = (chances(model(c, (1.0, 0.6)), alone)[0] for c in (0.9, 0.0))
    assert kin > strangers


def test_too_little_known_is_unknown():
    """Where the known inputs explain less than half of what the model goes by, there is no chance."""
    assert np.isnan(chances(model(0.0), np.array([[np.nan, 2.0, 2.0]]))).all()


@given(st.lists(st.sampled_from([0.0, 1.0, 40.0, np.nan, np.inf, -1.0, 1e9]), min_size=16, max_size=16))
def test_any_subset_of_inputs_gives_a_chance_or_unknown(row):
    """No mixture of missing, endless and absurd inputs crashes or leaves the range of a chance."""
    found = chance(slide_model(), np.array([row]))
    assert np.isnan(found[0]) or 0.0 <= found[0] <= 1.0


def test_more_of_a_weighted_input_is_never_less_likely():
    """The chance rises with an input of positive weight."""
    table = np.column_stack([np.linspace(-5, 5, 50), np.zeros(50), np.zeros(50)])
    assert (np.diff(chances(model(), table)) > 0).all()


def test_what_moved_the_chance_adds_up():
    """The parts that inputs add are the log odds beside those of the training mean."""
    table = np.array([[1.0, -2.0, 0.5]])
    odds = np.log(chances(model(), table) / (1 - chances(model(), table)))
    assert moved(model(), table).sum() == pytest.approx(odds[0])


@pytest.mark.parametrize(
    ("form", "given_", "expected"),
    [(PLAIN, 4.0, 4.0), (ROOT, 4.0, 2.0), (LOG, 0.0, np.log(0.005)), (ODDS, 0.5, 0.0)],
)
def test_inputs_enter_in_their_form(form, given_, expected):
    """As it is, by its root, as the logarithm of a rate or of odds."""
    assert transformed(np.array([[given_]]), np.array([form]))[0, 0] == pytest.approx(expected)


def test_a_rate_forgets():
    """An event long ago weighs less than one of yesterday."""
    old, new = np.zeros((2, 1, 100))
    old[0, 0], new[0, -1] = 1.0, 1.0
    assert fading(old, 5.0)[0] < 1e-4 < fading(new, 5.0)[0]


def test_a_rate_of_mostly_unknown_days_is_unknown():
    """With the recent half of the weight missing there is no rate."""
    labels = np.zeros((1, 100))
    labels[0, -30:] = np.nan
    assert np.isnan(fading(labels, 10.0)[0])


def test_seasons_are_told_alike_in_both_hemispheres():
    """January in the south is July in the north."""
    south, north = season(np.array(15.0), np.array(-24.0)), season(np.array(197.6), np.array(29.0))
    assert south == pytest.approx(north)


def test_days_before_the_beginning_are_unknown():
    """A series that is too short is filled with NaN in front."""
    assert np.isnan(last_days(np.ones((1, 2)), 4)[0]).tolist() == [True, True, False, False]


def test_seventy_thousand_places_take_half_a_second():
    """Features and chances of a province on a grid, with some rain missing, within the budget of a tick."""
    rain = RNG.gamma(0.3, 10.0, size=(70_000, 31))
    rain[::7, -20] = np.nan
    nobody = np.full((70_000, 2), np.nan)
    chosen = slide_model()
    begun = time.process_time()
    table = features(rain, nobody, 200, 29.4)
    chance(chosen, table)
    # Twice the budget: the processor time of a machine that others use as well.
    assert time.process_time() - begun < 1.0
