import numpy as np
import pytest
from scipy.special import gamma as gamma_function
from scipy.special import ndtri

from rules.indices.standardise import (
    FEWEST,
    LIMIT,
    GammaFit,
    fit_gamma,
    fit_loglogistic,
    fit_pearson3,
)

FITS = [fit_gamma, fit_pearson3, fit_loglogistic]
ZERO_CLASS = [fit_gamma, fit_pearson3]


def rain(*shape, seed=1):
    """Amounts from a gamma climate of shape 2 and scale 30 mm."""
    return np.random.default_rng(seed).gamma(2.0, 30.0, shape)


@pytest.mark.parametrize("fit", FITS)
def test_a_large_sample_becomes_standard_normal(fit):
    """Standardised by its own fit, a gamma climate has mean 0 and standard deviation 1."""
    sample = rain(4000)
    values = fit(sample).standardise(sample)
    assert values.mean() == pytest.approx(0.0, abs=0.02)
    assert values.std() == pytest.approx(1.0, abs=0.02)


def test_the_gamma_fit_finds_the_climate():
    """Shape and scale of a large sample are those it was drawn from."""
    fit = fit_gamma(rain(20_000))
    assert [float(fit.shape), float(fit.scale)] == pytest.approx([2.0, 30.0], rel=0.05)


@pytest.mark.parametrize("fit", FITS)
def test_every_place_is_fitted_for_itself(fit):
    """Leading axes do not mix: a stack of samples gives the stack of the fits."""
    samples = rain(3, 5, 40)
    values = rain(3, 5, seed=2)
    together = fit(samples).standardise(values)
    alone = fit(samples[1, 4]).standardise(values[1, 4])
    assert together.shape == (3, 5)
    assert together[1, 4] == pytest.approx(float(alone), abs=1e-12)


@pytest.mark.parametrize("fit", FITS)
def test_missing_amounts_change_nothing(fit):
    """A sample with gaps is fitted like the same sample without them."""
    sample = rain(40)
    holed = np.insert(sample, [0, 7, 40], np.nan)
    assert fit(holed).standardise(50.0) == pytest.approx(float(fit(sample).standardise(50.0)))


@pytest.mark.parametrize("fit", FITS)
def test_a_missing_value_stays_missing(fit):
    """NaN in, NaN out."""
    assert np.isnan(fit(rain(40)).standardise(np.array([np.nan, 10.0]))).tolist() == [True, False]


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(
    "sample",
    [[], [np.nan] * 30, [1.0, 2.0, 3.0], [0.1] * 30, [0.3, np.nan, 0.5, 0.4]],
    ids=["empty", "all missing", "too few", "all equal", "too few known"],
)
def test_a_sample_that_says_nothing_gives_no_answer(fit, sample):
    """Too few amounts, or amounts that never vary, make every answer NaN."""
    assert np.isnan(fit(np.array(sample, float)).standardise(np.array([0.0, 0.2, 9.0]))).all()


@pytest.mark.parametrize("fit", FITS)
def test_the_fewest_amounts_are_enough(fit):
    """Exactly at the minimum there is a fit."""
    assert np.isfinite(fit(rain(FEWEST)).standardise(60.0))


@pytest.mark.parametrize("fit", ZERO_CLASS)
def test_a_zero_stands_at_the_share_of_zeros(fit):
    """With 10 dry of 40, a dry amount has the rank 0.25, exactly."""
    sample = np.concatenate([np.zeros(10), rain(30)])
    assert fit(sample).standardise(0.0) == ndtri(0.25)


@pytest.mark.parametrize("fit", ZERO_CLASS)
def test_zeros_stay_out_of_the_distribution(fit):
    """Dry amounts change the share of zeros and nothing else."""
    wet = rain(30)
    with_zeros, without = fit(np.concatenate([wet, np.zeros(15)])), fit(wet)
    assert with_zeros.scale == without.scale
    assert (with_zeros.zero, without.zero) == (pytest.approx(1 / 3), 0.0)


def test_a_place_that_is_always_dry_has_no_answer():
    """A dry day in a desert is neither wet nor dry for it: no answer, not the upper limit."""
    assert np.isnan(fit_gamma(np.zeros(30)).standardise(0.0))


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("value", "side"), [(1e-6, -LIMIT), (1e9, LIMIT)])
def test_answers_stay_within_the_limits(fit, value, side):
    """What lies outside every experience is told as the limit on its side."""
    sample = rain(40) + 500.0
    assert fit(sample).standardise(value) == side


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("turn", [1.0, -1.0], ids=["long wet tail", "long dry tail"])
def test_more_rain_is_never_drier(fit, turn):
    """The answer rises with the amount, whichever side the tail is on."""
    sample = 1000.0 + turn * rain(60)
    answers = fit(sample).standardise(np.linspace(1.0, 3000.0, 500))
    assert (np.diff(answers) >= 0.0).all()


@pytest.mark.parametrize("fit", [fit_pearson3, fit_loglogistic])
def test_a_symmetric_sample_has_its_mean_in_the_middle(fit):
    """No skew: the mean stands at 0 and the two sides mirror each other."""
    sample = 100.0 + np.arange(-20.0, 21.0)
    answer = fit(sample).standardise(np.array([90.0, 100.0, 110.0]))
    assert answer == pytest.approx([-answer[2], 0.0, answer[2]], abs=1e-9)


def test_the_log_logistic_is_that_of_the_paper():
    """Hosking's form equals alpha, beta and gamma of Vicente-Serrano et al. (2010), worked out here."""
    sample = np.sort(rain(50))
    n, rank = 50, np.arange(50.0)
    w0 = sample.mean()
    w1 = (sample * (n - 1 - rank)).sum() / (n * (n - 1))
    w2 = (sample * (n - 1 - rank) * (n - 2 - rank)).sum() / (n * (n - 1) * (n - 2))
    beta = (2 * w1 - w0) / (6 * w1 - w0 - 6 * w2)
    both = gamma_function(1 + 1 / beta) * gamma_function(1 - 1 / beta)
    alpha = (w0 - 2 * w1) * beta / both
    rank_of_70 = 1 / (1 + (alpha / (70.0 - (w0 - alpha * both))) ** beta)
    assert fit_loglogistic(sample).standardise(70.0) == pytest.approx(ndtri(rank_of_70), abs=1e-9)


def test_fits_are_indexed_like_arrays():
    """A slice of the fits is the fits of the slice, with all their parameters."""
    fit = fit_gamma(rain(3, 40))[1:]
    assert isinstance(fit, GammaFit)
    assert [array.shape for _, array in fit.arrays()] == [(2,)] * 3
