"""The level of a chance: what is added to its log odds, learned from what came of it, one day at a time.

How often something is reported, and how good forecasts are, changes over the years; a chance that was honest
in its training is too low or too timid later. An offset and a slope of the log odds follow what was confirmed
before the chance was given: a Bayesian logistic regression on two numbers that wander, with one Gaussian step
a day (West, Harrison and Migon 1985, https://doi.org/10.1080/01621459.1985.10477131). Few outcomes move it
little, none leave it where it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

PRIOR = np.array([0.5, 0.2])
"""Standard deviation of offset and slope before anything came [log odds]."""
WANDER = np.array([0.015, 0.005])
"""Standard deviation of what they change by in a day [log odds]."""
RAREST = 1.0 / 400.0
"""A chance of a rule of days is never nearer to none or to certain: training shows some thousand days."""
DIGITS = 9
"""Decimals of a level in a file."""
# Log odds beyond which a chance has no more weight on the slope.
_FAR = 6.0
_SHARP = 1e-4
_KEY = "level"


@dataclass(frozen=True, kw_only=True)
class Level:
    """Offset and slope of log odds, and how sure they are."""

    mean: Array
    """Offset, and what the slope has beyond one, (2,)."""
    variance: Array
    """Their covariance, (2, 2)."""

    def applied(self, chance: Array) -> Array:
        """Chances at this level, any shape; NaN stays, and what is impossible or certain stays so."""
        return raised(chance, self.mean[0], self.mean[1])

    def advanced(self, chance: Array, came: Array) -> Level:
        """The level a day on, from the chances as they were before any level, (case,), and what came of them.

        `came` is 1 or 0; a NaN in either leaves the case out. Cases of one day share their weather: the more
        of them are in doubt, the less each counts.
        """
        known = np.isfinite(chance) & np.isfinite(came)
        odds, happened = _odds(chance[known]), came[known]
        said = np.clip(self.applied(chance[known]), _SHARP, 1.0 - _SHARP)
        doubt = said * (1.0 - said)
        weight = 1.0 / np.sqrt(max(1.0, 4.0 * float(doubt.sum())))
        terms = _terms(odds)
        sure = np.linalg.inv(self.variance) + weight * (terms * doubt) @ terms.T
        variance = np.linalg.inv(sure)
        mean = self.mean + weight * variance @ (terms @ (happened - said))
        return replace(self, mean=mean, variance=_wandered(variance))

    def passed(self, days: int) -> Level:
        """The level after days of which nothing was learned: the same, and less sure."""
        return replace(self, variance=_wandered(self.variance, max(days, 0)))

    def as_parts(self) -> Array:
        """The level as one array (2, 3), mean first, for a file; rounded, to be the same everywhere."""
        return np.asarray(np.round(np.column_stack([self.mean, self.variance]), DIGITS), float)


def raised(chance: Array, offset: npt.ArrayLike, slope: npt.ArrayLike) -> Array:
    """Chances with an offset and a slope beyond one added to their log odds; all broadcast."""
    odds = _odds(np.asarray(chance, float))
    with np.errstate(over="ignore"):
        more = np.asarray(offset) + np.asarray(slope) * np.clip(odds, -_FAR, _FAR)
        return np.asarray(1.0 / (1.0 + np.exp(-odds - more)), float)


def untaught() -> Level:
    """The level before anything came: chances stay as they are."""
    return Level(mean=np.zeros(2), variance=np.diag(PRIOR**2))


def followed(level: Level, days: Days, chance: Array, came: Array) -> tuple[Array, Level]:
    """Offset and slope of each case (2, case), from the days before its own, and the level after the last.

    Parameters
    ----------
    days : array (case,), never falling; cases of one day are all answered before any of them is learned from
    chance, came : array (case,) or (kind, case)
        Chances before any level, and 1 or 0 for what came of them; NaN where unknown. Kinds of chance share
        the level, which keeps their order.
    """
    added = np.zeros((2, len(days)))
    seen, first = np.unique(days, return_index=True)
    for turn, own in enumerate(np.split(np.arange(len(days)), first[1:])):
        if turn:
            level = level.passed(int((seen[turn] - seen[turn - 1]).astype(int)) - 1)
        added[:, own] = level.mean[:, None]
        level = level.advanced(chance[..., own].ravel(), came[..., own].ravel())
    return added, level


def level_of(model: Mapping[str, Any]) -> Level:
    """The level a model was saved with; untaught where it has none."""
    if _KEY not in model:
        return untaught()
    parts = np.asarray(model[_KEY], float)
    return Level(mean=parts[:, 0], variance=parts[:, 1:])


def with_level(model: Mapping[str, Any], level: Level) -> dict[str, Any]:
    """The model with another level."""
    return {**model, _KEY: level.as_parts()}


def without_level(model: Mapping[str, Any]) -> dict[str, Any]:
    """The model without a level: its chances as training left them."""
    return {key: part for key, part in model.items() if key != _KEY}


def bounded(chance: Array) -> Array:
    """Chances of a rule of days within `RAREST` and its opposite; NaN stays."""
    return np.clip(chance, RAREST, 1.0 - RAREST)


def _odds(chance: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(chance) - np.log1p(-chance), float)


def _terms(odds: Array) -> Array:
    return np.vstack([np.ones_like(odds), np.clip(odds, -_FAR, _FAR)])


def _wandered(variance: Array, days: int = 1) -> Array:
    """So many days of wandering more, but never less sure than before anything came."""
    wider = variance + days * np.diag(WANDER**2)
    within = np.minimum(1.0, PRIOR / np.sqrt(np.diag(wider)))
    return np.asarray(within[:, None] * wider * within)
