"""A ladder: thresholds per level. Tuning changes ladders only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt

from ingest.registry import Duration
from rules.level import Level

Metric = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """One level of a ladder; a kind adds its threshold and its windows as further keys."""

    hold: Duration = timedelta(0)
    """How long the level must be certain before it opens or raises an alert."""
    keep: Duration = timedelta(0)
    """How long the level must be impossible before it is lowered or ended."""

    @property
    def limit(self) -> float:
        """Threshold in the unit of the hazard's metric."""
        raise NotImplementedError

    @property
    def clearing(self) -> float:
        """Value at which the level may not be left yet."""
        raise NotImplementedError

    @property
    def alike(self) -> object:
        """Equal for rungs whose thresholds can be compared: they measure the same thing."""
        return None

    def check(self) -> None:
        """Refuse an impossible rung with ValueError saying the remedy."""


@dataclass(frozen=True, kw_only=True)
class Rising(Rung):
    """A level reached at or above its threshold. "Reached" means that, once, everywhere."""

    at_least: float
    """Threshold in the unit of the hazard's metric."""
    clear_below: float | None = None
    """Lower clearing threshold, where the level ends only below it."""

    @property
    def limit(self) -> float:
        """Threshold."""
        return self.at_least

    @property
    def clearing(self) -> float:
        """Value below which the level may be left."""
        return self.at_least if self.clear_below is None else self.clear_below

    def check(self) -> None:
        """Refuse a clearing threshold above the other one."""
        if self.clearing > self.at_least:
            raise ValueError(
                f"clear_below {self.clear_below} is above at_least {self.at_least}; lower it"
            )


@dataclass(frozen=True, kw_only=True)
class Falling(Rung):
    """A level of a metric whose low values are the dangerous ones: reached at or below its threshold."""

    at_most: float
    """Threshold in the unit of the hazard's metric."""
    clear_above: float | None = None
    """Higher clearing threshold, where the level ends only above it."""

    @property
    def limit(self) -> float:
        """Threshold."""
        return self.at_most

    @property
    def clearing(self) -> float:
        """Value above which the level may be left."""
        return self.at_most if self.clear_above is None else self.clear_above

    def check(self) -> None:
        """Refuse a clearing threshold below the other one."""
        if self.clearing < self.at_most:
            raise ValueError(
                f"clear_above {self.clear_above} is below at_most {self.at_most}; raise it"
            )


def check_ladder(ladder: Mapping[Level, Rung]) -> None:
    """Refuse an impossible ladder with ValueError naming the rung and the remedy."""
    if not ladder or Level.NONE in ladder:
        raise ValueError("a ladder needs at least one of blue, yellow, orange, red, and never none")
    for level, rung in ladder.items():
        try:
            rung.check()
        except ValueError as error:
            raise ValueError(f"{level.key}: {error}") from None


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
    answer: npt.NDArray[np.bool_] = steps >= np.rint(threshold / resolution)
    return answer
