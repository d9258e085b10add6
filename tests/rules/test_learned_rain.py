"""The chance of an amount of rain: members counted, and a gamma distribution made of them."""

import time

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import gamma as reference

from rules.learned.rain_members import (
    COEFFICIENTS,
    FEWEST,
    THRESHOLDS,
    UNITS,
    chance,
    counted,
    crps,
    features,
    gamma,
)

RNG = np.random.default_rng(11)
MODEL = {"coefficients": np.array([1.0, 0.2, -0.5, 0.4, -0.5, 0.9, 0.4, -0.1])}


def members(places=3, mean=8.0, count=51):
    """An ensemble of 51 members around a mean."""
    return RNG.gamma(2.0, mean / 2.0, size=(places, count))


def test_features_are_mean_spread_and_lead():
    """One column each, in the order of the units."""
    table = features(np.array([[1.0, 3.0, 1.0, 3.0, 2.0]]), 4)
    assert table[0] == pytest.approx([2.0, np.sqrt(0.8), 4.0])
    assert len(UNITS) == table.shape[1]


def test_members_are_counted_at_or_above():
    """A member exactly at the amount has reached it."""
    rain = np.array([[25.0, 24.9, 50.0, 0.0, 0.0]])
    assert counted(rain, (25.0, 50.0)).ravel() == pytest.approx([0.4, 0.2])


@pytest.mark.parametrize("known", range(FEWEST + 3))
def test_missing_members_are_left_out_until_too_few_are_left(known):
    """With fewer than five members nothing is told; with five the rest is not missed."""
    rain = np.full((1, 51), np.nan)
    rain[0, :known] = np.linspace(10.0, 60.0, known)
    told = np.concatenate([chance(MODEL, features(rain, 1)).ravel(), counted(rain).ravel()])
    assert np.isnan(told).all() == (known < FEWEST)
    assert np.isfinite(told).all() == (known >= FEWEST)


@pytest.mark.parametrize("lead", [1, 5, 10, 20])
@pytest.mark.parametrize("mean", [0.0, 0.5, 20.0, 300.0])
def test_a_larger_amount_is_never_more_likely(lead, mean):
    """Whatever the members say, chances fall with the amount and stay chances."""
    found = chance(MODEL, features(members(mean=mean), lead), (1.0, 10.0, *THRESHOLDS))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found, axis=0) <= 0).all()


def test_members_are_trusted_less_with_lead():
    """Far ahead the mean of the distribution lies closer to the climate."""
    wet = [np.prod(gamma(MODEL["coefficients"], features(np.full((1, 9), 60.0), lead))) for lead in (1, 10)]
    assert wet[0] > wet[1] > np.exp(MODEL["coefficients"][0])


@pytest.mark.parametrize("hole", [0, 1, 2])
def test_an_unknown_input_is_unknown(hole):
    """Mean, spread and lead are all it goes by: without one of them there is no chance."""
    row = np.array([[8.0, 2.0, 3.0]])
    row[0, hole] = np.nan
    assert np.isnan(chance(MODEL, row)).all()


def test_chances_are_those_of_the_gamma_distribution():
    """The survival function of the library and ours agree."""
    table = features(members(), 2)
    shape, scale = gamma(MODEL["coefficients"], table)
    assert chance(MODEL, table, (5.0,))[0] == pytest.approx(reference.sf(5.0, shape, scale=scale))


@pytest.mark.parametrize("observed", [0.1, 3.0, 12.0, 40.0])
def test_the_ranked_score_is_the_integral_it_stands_for(observed):
    """The closed form equals the integral of the squared distance of the distributions."""
    own = reference(2.0, scale=4.0)
    below = quad(lambda x: own.cdf(x) ** 2, 0, observed)[0]
    above = quad(lambda x: own.sf(x) ** 2, observed, 400.0, limit=200)[0]
    assert crps(np.array(2.0), np.array(4.0), np.array(observed)) == pytest.approx(below + above, rel=1e-4)


def test_a_model_names_its_coefficients():
    """There are as many coefficients as names."""
    assert len(COEFFICIENTS) == len(MODEL["coefficients"])


def test_seventy_thousand_places_take_half_a_second():
    """Three chances each for a province on a grid, from the moments of its members."""
    table = np.column_stack([np.full(70_000, 8.0), np.full(70_000, 3.0), np.full(70_000, 2.0)])
    begun = time.process_time()
    chance(MODEL, table)
    assert time.process_time() - begun < 0.5
