"""Drift: whether what a model is fed, and what became of its chances, still looks like its training.

Population stability index (Siddiqi 2006): the sum over classes of (now - then) ln(now / then). From 0.25 on
the input is held to be another one. That limit is for many independent cases of one population, and two
months of one district are neither: where training tells how far such spells of one place lie from all places
anyhow, the index must be beyond 99 in 100 of them; else what chance makes of so few days is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rules.learned.manifest import Array, Feature

DRIFTED = 0.25
"""Index from which an input counts as another one, beside what chance alone makes."""
FEWEST = 30
"""Fewer values or cases than this tell nothing."""
_MARGIN = 0.05
_SURE = 1.96
# Weather changes that slowly: so many days are one independent case [d].
_ONE_SPELL_D = 5.0


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """Whether chances came true as often as they said."""

    said: float
    """Mean chance."""
    came: float
    """Share of cases in which it happened."""
    low: float
    """Least share that honest chances may come to, at 95 %."""
    high: float
    """Largest such share."""
    n: int
    """Number of cases."""

    @property
    def inside(self) -> bool:
        """Whether what came is within the band; too few cases are no proof of drift."""
        return self.n < FEWEST or self.low <= self.came <= self.high


def psi(feature: Feature, values: Array, month: int) -> float:
    """Population stability index of an input against its training at that time of the year [1].

    `values` may have any shape; NaN is a class of its own, so that an input that goes missing drifts. A class
    that is empty then or now counts as 0.1 %. NaN where the input is not watched or too few values were seen.
    """
    flat = np.asarray(values, float).ravel()
    if not feature.edges or flat.size < FEWEST:
        return float("nan")
    return feature.index(flat, month)


def limit(feature: Feature, days: int) -> float:
    """Index from which an input seen on so many days drifts [1]: see the head of this file."""
    if np.isfinite(feature.usual):
        return max(DRIFTED, feature.usual)
    return DRIFTED + len(feature.edges) / max(days / _ONE_SPELL_D, 1.0)


def strangers(features: Sequence[Feature], matrix: Array) -> npt.NDArray[np.bool_]:
    """Which known inputs lie outside the trained range, (place, feature).

    One twentieth of the range on either side is forgiven: records are broken, and a model that falls silent
    on the hottest day of all would fail when it is needed. NaN is not outside.
    """
    low = np.array([feature.low for feature in features])
    high = np.array([feature.high for feature in features])
    slack = _MARGIN * (high - low)
    return np.asarray((matrix < low - slack) | (matrix > high + slack))


def reliability(chances: Array, happened: Array, days: npt.NDArray[np.generic]) -> Reliability:
    """Compare chances (case,) with what happened (case,), 1 or 0, NaN where unknown.

    `days` (case,) says which cases share their weather: within a day all places are taken to move together,
    which makes the band wide rather than narrow.
    """
    known = np.isfinite(chances) & np.isfinite(happened)
    chance, came, day = chances[known], happened[known], days[known]
    if not chance.size:
        return Reliability(said=np.nan, came=np.nan, low=np.nan, high=np.nan, n=0)
    _, block = np.unique(day, return_inverse=True)
    spread = np.bincount(block.ravel(), weights=np.sqrt(chance * (1.0 - chance)))
    half = _SURE * float(np.sqrt((spread**2).sum())) / chance.size
    said = float(chance.mean())
    return Reliability(
        said=said, came=float(came.mean()), low=max(0.0, said - half), high=min(1.0, said + half),
        n=int(chance.size),
    )  # fmt: skip
