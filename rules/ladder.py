"""A ladder: thresholds per level. Tuning changes ladders only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from ingest.registry import Duration
from rules.level import Level, LevelName

Metric = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One level of a ladder. "Reached" means at or above, once, everywhere."""

    at_least: float
    """Threshold in the unit of the hazard's metric."""
    days: int | None = None
    """Days in a row on which the threshold must be met, where the metric counts days."""
    within: Duration | None = None
    """How far ahead the threshold must be met, where the metric looks ahead."""
    hold: Duration = timedelta(0)
    """How long the level must be certain before it opens or raises an alert."""
    keep: Duration = timedelta(0)
    """How long the level must be impossible before it is lowered or ended."""
    clear_below: float | None = None
    """Lower clearing threshold, where the level ends only below it."""

    @property
    def clearing(self) -> float:
        """Value below which the level may be left."""
        return self.at_least if self.clear_below is None else self.clear_below


Ladder = dict[LevelName, Rung]
"""Level -> rung."""


def check_ladder(ladder: Ladder) -> None:
    """Refuse an impossible ladder with ValueError naming the rung and the remedy."""
    if not ladder or Level.NONE in ladder:
        raise ValueError("a ladder needs at least one of blue, yellow, orange, red, and never none")
    for level, rung in ladder.items():
        if rung.clearing > rung.at_least:
            raise ValueError(
                f"{level.key}: clear_below {rung.clear_below} is above at_least {rung.at_least};"
                " lower it"
            )


def reached(metric: Metric, threshold: float, resolution: float) -> npt.NDArray[np.bool_]:
    """Whether a metric is at or above a threshold, compared in whole steps of its resolution.

    Parameters
    ----------
    metric : array, any shape, unit of the threshold
        NaN never reaches.
    threshold : float
    resolution : float
        Reporting step of the quantity, for example 0.1 °C; 36.96 °C counts as 37.0 °C, because that is
        what an instrument of this resolution reports.
    """
    steps = np.rint(metric / resolution)
    answer: npt.NDArray[np.bool_] = steps >= round(threshold / resolution)
    return answer
