"""How sure a score is: block bootstrap, and exact intervals where there are too few events for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.verify.table import Contingency, Number

Array = npt.NDArray[np.float64]
Block = Literal["day", "week", "season", "year"]
DRAWS = 2000
SEED = 20220818
FEW = 10
"""With fewer events than this a bootstrap knows too little."""
COVERAGE = 0.9
"""Share of cases in which the interval holds the truth, were the past a fair sample."""
_MANY_SEASONS = 8


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A score, never without its interval."""

    value: float
    """The score; NaN where it cannot be told."""
    low: float
    """Lower end of the 90 % interval; NaN where it cannot be told."""
    high: float
    """Upper end."""
    n: int
    """Number of cases behind it: events for POD, warnings for FAR, days for SEDI."""
    how: Literal["bootstrap", "exact", "none"] = "bootstrap"
    """How the interval was found."""

    @property
    def few(self) -> bool:
        """Whether so few cases are behind it that nothing should be decided by it alone."""
        return self.n < FEW

    @property
    def words(self) -> str:
        """Such as ``0.67 (n = 3, 0.14-0.98)``."""
        if np.isnan(self.value):
            return f"— (n = {self.n})"
        if np.isnan(self.low):
            return f"{self.value:.2f} (n = {self.n}, ?)"
        return f"{self.value:.2f} (n = {self.n}, {self.low:.2f}-{self.high:.2f})"

    def as_json(self) -> dict[str, object]:
        """Value, low, high, n and how; None for what cannot be told."""
        parts = {name: getattr(self, name) for name in ("value", "low", "high")}
        told: dict[str, object] = {k: None if np.isnan(v) else v for k, v in parts.items()}
        return told | {"n": self.n, "how": self.how}


def block_of(day: date, kind: Block) -> tuple[int, int]:
    """The block a Beijing day belongs to; a winter belongs to the year of its January."""
    if kind == "day":
        return day.toordinal(), 0
    if kind == "week":
        return day.isocalendar()[:2]
    if kind == "year":
        return day.year, 0
    return day.year + (day.month == 12), day.month % 12 // 3


def fitting_block(first: date, last: date) -> Block:
    """Seasons where there are enough of them, else weeks: days of one hot spell are not independent."""
    seasons = (last.toordinal() - first.toordinal()) // 91
    return "season" if seasons >= _MANY_SEASONS else "week"


def table_of(rows: Array) -> Contingency:
    """A table from an array (..., 4) of hits, misses, false alarms, correct negatives."""
    return Contingency(
        hits=rows[..., 0], misses=rows[..., 1], false_alarms=rows[..., 2], correct_negatives=rows[..., 3]
    )


def summed(rows: Array, blocks: Sequence[tuple[int, int]]) -> Array:
    """Array (block, column) of the sums of the rows (case, column) of each block, in the order of blocks."""
    _, place = np.unique(np.array(blocks, np.int64).reshape(-1, 2), axis=0, return_inverse=True)
    sums = np.zeros((place.max(initial=-1) + 1, rows.shape[1]))
    np.add.at(sums, place.reshape(-1), rows)
    return sums


def resample(blocks: Array, draws: int = DRAWS, seed: int = SEED) -> Array:
    """Array (draw, column): sums over as many blocks as there are, drawn with replacement.

    Equal blocks are drawn as one with their number as its weight, which is the same distribution; most days
    of a year are equal. The same seed gives the same draws.
    """
    if not len(blocks):
        return np.zeros((draws, blocks.shape[1]))
    kinds, counts = np.unique(blocks, axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(blocks), counts / len(blocks), size=draws)
    return np.asarray(drawn @ kinds, float)


def interval(samples: Number) -> tuple[float, float]:
    """The middle 90 % of samples; NaN where fewer than half of them can be told and are finite."""
    found = np.asarray(samples, float)
    known = found[np.isfinite(found)]
    if known.size * 2 <= found.size or not known.size:
        return np.nan, np.nan
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def exact(successes: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's 90 % interval of a share; (0, 1) of nothing.

    Clopper and Pearson 1934, https://doi.org/10.1093/biomet/26.4.404
    """
    from scipy.stats import beta

    tail = (1 - COVERAGE) / 2
    low = float(beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0
    high = float(beta.ppf(1 - tail, successes + 1, n - successes)) if successes < n else 1.0
    return low, high


def figure(
    value: float, blocks: Array, score: Callable[[Contingency], Number], n: int
) -> Figure:
    """A score with its block-bootstrap interval.

    Parameters
    ----------
    value : float
        The score of all blocks together.
    blocks : array (block, 4)
        Table of each block; see `table_of`.
    score : callable
        Makes the score of a table of arrays.
    n : int
        Cases behind it.
    """
    low, high = interval(score(table_of(resample(blocks))))
    return _told(value, low, high, n, "bootstrap")


def share(value: float, successes: float, n: float, bootstrapped: Figure) -> Figure:
    """A share with an exact interval where cases are few or all fared alike, else the bootstrapped one.

    Where all were hit, or none, every draw is the same: 25 of 25 are no proof of all.
    """
    if n >= FEW and bootstrapped.low < bootstrapped.high:
        return bootstrapped
    low, high = exact(int(successes), int(n))
    return _told(value, low, high, int(n), "exact")


def _told(
    value: float, low: float, high: float, n: int, how: Literal["bootstrap", "exact"]
) -> Figure:
    # Where every draw gives the same, few cases are behind it: that is ignorance and not certainty.
    if not np.isfinite(value):
        return Figure(value=np.nan, low=np.nan, high=np.nan, n=n, how="none")
    if np.isnan(low) or (low == high and n < FEW):
        return Figure(value=value, low=np.nan, high=np.nan, n=n, how="none")
    return Figure(value=value, low=low, high=high, n=n, how=how)
