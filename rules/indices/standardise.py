"""Standardising: how unusual an amount is in its own climate, as a standard normal value.

A fit is made once from a sample of past amounts and then asked about any value. Samples lie on the last
axis; every other axis (places, calendar days) is a fit of its own. Values are limited to ±3.09, the usual
range of the published indices (a chance of 0.001 on either side): beyond it a few decades of data say
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import scipy  # its parts are loaded when they are first used, and most processes fit no climate

Array = npt.NDArray[np.float64]

LIMIT = 3.09
"""Largest distance from normal that is told; the fixtures of climate_indices are clipped here too."""

FEWEST = 4
"""Fewest usable values of a sample; with fewer there is no fit and every answer is NaN."""

# Below this L-skewness a distribution is symmetric for every purpose (Hosking's routines use the same).
_NO_SKEW = 1e-6


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """What all fits share: arrays of equal shape that are indexed together."""

    def __getitem__(self, key: Any) -> Self:
        """The fits at an index, or with new axes, as numpy would index each of their arrays."""
        return type(self)(**{name: array[key] for name, array in self.arrays()})

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Name and array of every parameter, in the order of the fields."""
        for field in fields(self):
            yield field.name, getattr(self, field.name)


@dataclass(frozen=True, kw_only=True, eq=False)
class GammaFit(_Fit):
    """Gamma distributions of amounts above zero, each with the share of amounts that are zero."""

    shape: Array
    """Shape parameter (alpha) [1]; NaN where the sample was too small or did not vary."""
    scale: Array
    """Scale parameter (beta), in the unit of the amounts."""
    zero: Array
    """Share of the sample that is zero [1], from 0 to 1."""

    def standardise(self, value: npt.ArrayLike) -> Array:
        """Standard normal value of amounts that broadcast against the parameters; NaN in, NaN out.

        An amount of zero or less stands at the share of zeros, as in McKee et al. (1993).
        """
        above = scipy.special.gammainc(self.shape, np.maximum(value, 0.0) / self.scale)
        return _normal(self.zero + (1.0 - self.zero) * above)


@dataclass(frozen=True, kw_only=True, eq=False)
class Pearson3Fit(_Fit):
    """Pearson type III distributions by L-moments, each with the share of amounts that are zero."""

    loc: Array
    """Mean of the amounts above zero, in their unit; NaN where there is no fit."""
    scale: Array
    """Standard deviation, in the same unit."""
    skew: Array
    """Skewness [1]; negative where the long tail is on the dry side."""
    zero: Array
    """Share of the sample that is zero [1]."""

    def standardise(self, value: npt.ArrayLike) -> Array:
        """Standard normal value of amounts that broadcast against the parameters; NaN in, NaN out.

        Outside the support of the distribution the answer is the limit on that side.
        """
        amount = np.asarray(value, np.float64)
        above = _pearson3_rank((amount - self.loc) / self.scale, self.skew)
        above = np.where((amount <= 0.0) & (self.zero > 0.0), 0.0 * above, above)
        return _normal(self.zero + (1.0 - self.zero) * above)


@dataclass(frozen=True, kw_only=True, eq=False)
class LogLogisticFit(_Fit):
    """Three-parameter log-logistic distributions, in Hosking's form (the generalised logistic)."""

    loc: Array
    """Median, in the unit of the amounts; NaN where there is no fit."""
    scale: Array
    """Width, in the same unit."""
    shape: Array
    """Hosking's k [1]: minus the L-skewness; -1 / k is beta of Vicente-Serrano et al. (2010)."""

    def standardise(self, value: npt.ArrayLike) -> Array:
        """Standard normal value of amounts that broadcast against the parameters; NaN in, NaN out.

        Outside the support of the distribution the answer is the limit on that side.
        """
        steps = (np.asarray(value, np.float64) - self.loc) / self.scale
        skewed = np.abs(self.shape) > _NO_SKEW
        k = np.where(skewed, self.shape, 1.0)
        with np.errstate(divide="ignore", over="ignore"):
            bent = -np.log(np.maximum(1.0 - k * steps, 0.0)) / k
            rank = 1.0 / (1.0 + np.exp(-np.where(skewed, bent, steps)))
        return _normal(rank)


def fit_gamma(sample: Array) -> GammaFit:
    """Fit gamma distributions to samples (..., n) by Thom's approximation of maximum likelihood.

    NaN is left out; zeros (and less) form the zero class. Source: Thom (1958), doi
    10.1175/1520-0493(1958)086<0117:ANOTGD>2.0.CO;2, as every operational SPI uses it. Fewer than `FEWEST`
    amounts above zero, or all of them equal, give NaN.
    """
    wet, zero = _split(sample)
    count = np.count_nonzero(np.isfinite(wet), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.nansum(wet, axis=-1) / count
        spread = np.log(mean) - np.nansum(np.log(wet), axis=-1) / count
        # Equal amounts leave a spread of rounding noise, and with it a shape without meaning.
        spread = np.where((count >= FEWEST) & (spread > 1e-12), spread, np.nan)
        shape = (1.0 + np.sqrt(1.0 + 4.0 * spread / 3.0)) / (4.0 * spread)
    return GammaFit(shape=shape, scale=mean / shape, zero=zero)


def fit_pearson3(sample: Array) -> Pearson3Fit:
    """Fit Pearson type III distributions to samples (..., n) by L-moments.

    NaN is left out; zeros (and less) form the zero class and stay out of the moments. Source: Hosking
    (1996), IBM research report RC 20525, routine PELPE3.
    """
    wet, zero = _split(sample)
    mean, width, tau = _l_moments(wet)
    size = np.abs(tau)
    with np.errstate(divide="ignore", invalid="ignore"):
        near, far = 3.0 * np.pi * size**2, 1.0 - size
        alpha = np.where(
            size < 1.0 / 3.0,
            (1.0 + 0.2906 * near) / (near + 0.1882 * near**2 + 0.0442 * near**3),
            (0.36067 * far - 0.59567 * far**2 + 0.25361 * far**3)
            / (1.0 - 2.78861 * far + 2.56096 * far**2 - 0.77045 * far**3),
        )
        skewed = size > _NO_SKEW
        alpha = np.where(skewed, alpha, 1.0)
        root = np.where(skewed, np.sqrt(alpha) / scipy.special.poch(alpha, 0.5), 1.0)
        scale = root * np.sqrt(np.pi) * width
        skew = np.where(skewed, np.sign(tau) * 2.0 / np.sqrt(alpha), 0.0 * tau)
    return Pearson3Fit(loc=mean, scale=scale, skew=skew, zero=zero)


def fit_loglogistic(sample: Array) -> LogLogisticFit:
    """Fit log-logistic distributions to samples (..., n) by probability-weighted moments.

    NaN is left out; there is no zero class. Source: Vicente-Serrano et al. (2010), doi
    10.1175/2009JCLI2909.1, with the unbiased moments of Beguería et al. (2014), doi 10.1002/joc.3887, which
    their own software takes by default.
    """
    mean, width, tau = _l_moments(sample)
    turn = -np.pi * np.where(np.abs(tau) > _NO_SKEW, tau, 1.0)
    skewed = np.abs(tau) > _NO_SKEW
    scale = np.where(skewed, width * np.sin(turn) / turn, width)
    offset = np.where(skewed, np.pi / turn - np.pi / np.sin(turn), 0.0 * tau)
    return LogLogisticFit(loc=mean - scale * offset, scale=scale, shape=-tau)


def _split(sample: Array) -> tuple[Array, Array]:
    """Amounts above zero with NaN for the rest, and the share of the known that are not above zero."""
    known = np.count_nonzero(np.isfinite(sample), axis=-1)
    wet = np.where(sample > 0.0, sample, np.nan)
    dry = known - np.count_nonzero(np.isfinite(wet), axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return wet, dry / known


def _l_moments(sample: Array) -> tuple[Array, Array, Array]:
    """Mean, L-scale and L-skewness of the known values; NaN where they are too few or do not vary."""
    ordered = np.sort(sample, axis=-1)
    count = np.count_nonzero(np.isfinite(ordered), axis=-1)
    rank = np.arange(ordered.shape[-1], dtype=np.float64)
    n = np.where(count >= FEWEST, count, np.nan)
    first = np.nansum(ordered, axis=-1) / n
    second = np.nansum(ordered * rank, axis=-1) / (n * (n - 1.0))
    third = np.nansum(ordered * rank * (rank - 1.0), axis=-1) / (n * (n - 1.0) * (n - 2.0))
    width = 2.0 * second - first
    width = np.where(width > 1e-12 * np.abs(first), width, np.nan)
    tau = (6.0 * third - 6.0 * second + first) / width
    return (
        np.where(np.abs(tau) < 1.0, first, np.nan),
        width,
        np.where(np.abs(tau) < 1.0, tau, np.nan),
    )


def _pearson3_rank(steps: Array, skew: Array) -> Array:
    """Share of a standardised Pearson III distribution at or below `steps` standard deviations."""
    bent = np.where(skew == 0.0, 1.0, skew)
    alpha = 4.0 / bent**2
    inner = np.maximum(alpha + 2.0 * steps / bent, 0.0)
    rank = np.where(bent > 0.0, scipy.special.gammainc(alpha, inner), scipy.special.gammaincc(alpha, inner))
    share: Array = np.where(skew == 0.0, scipy.special.ndtr(steps), rank)
    return share


def _normal(rank: Array) -> Array:
    """Standard normal value of a rank from 0 to 1, within the limits."""
    value: Array = np.clip(scipy.special.ndtri(rank), -LIMIT, LIMIT)
    return value
