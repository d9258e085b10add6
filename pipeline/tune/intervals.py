"""How sure the figures of a ladder are, and the difference of two: by drawing other pasts, block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.tune.figures import COLUMNS, FALSE, HIT, MISS, PAGE, Array, Calendar, gain, score
from pipeline.verify.bootstrap import FEW, Figure, exact, interval, resample

_SHARES = {"pod": (HIT, MISS), "far": (FALSE, HIT), "csi": (HIT, MISS, FALSE)}
"""Figure -> the column it is a share of, and the others of the whole."""


def figures(
    names: Sequence[str], blocks: Array, calendar: Calendar, draws: int, seed: int
) -> dict[str, Figure]:
    """Figures with 90 % intervals from the sums of each block (block, column).

    Shares of fewer than ten cases have the exact interval of Clopper and Pearson, and so do those of which
    every draw gives the same: all of their cases lie in one block, or all are alike.
    """
    sums, months = blocks.sum(axis=0), calendar.months
    drawn = resample(blocks, draws, seed)
    found = {}
    for name in names:
        value = float(score(name, sums, months))
        low, high = interval(score(name, drawn, months))
        few = _number(name, sums) < FEW or low == high
        shared = _exact(name, value, sums) if few and name in _SHARES else None
        found[name] = shared or _told(value, (low, high), _number(name, sums))
    return found


def differences(
    names: Sequence[str], pair: tuple[Array, Array], calendar: Calendar, draws: int, seed: int
) -> dict[str, Figure]:
    """The second ladder minus the first, with intervals: both are drawn from the same blocks."""
    blocks = np.concatenate(pair, axis=1)
    drawn, months = resample(blocks, draws, seed), calendar.months
    found = {}
    for name in names:
        first, second = (float(score(name, side.sum(axis=0), months)) for side in pair)
        each = [score(name, drawn[:, part], months) for part in _HALVES]
        # What is NaN on either side is NaN.
        with np.errstate(invalid="ignore"):
            low, high = interval(np.subtract(each[1], each[0]))
        number = max(_number(name, side.sum(axis=0)) for side in pair)
        found[name] = _told(second - first, (low, high), number)
    return found


def gained(name: str, pair: tuple[Array, Array], calendar: Calendar, draws: int, seed: int) -> float:
    """The lower end of the 90 % interval of how much better the second ladder is, more being better.

    -inf where it cannot be told.
    """
    drawn = resample(np.concatenate(pair, axis=1), draws, seed)
    first, second = (gain(name, score(name, drawn[:, part], calendar.months)) for part in _HALVES)
    known = np.isfinite(first) & np.isfinite(second)
    each = np.full(np.shape(first), np.nan)
    np.subtract(second, first, out=each, where=known)
    low, _ = interval(each)
    return -np.inf if np.isnan(low) else low


_HALVES = (slice(COLUMNS), slice(COLUMNS, 2 * COLUMNS))


def _number(name: str, sums: Array) -> int:
    """Cases behind a figure."""
    if name in _SHARES:
        return int(sum(sums[column] for column in _SHARES[name]))
    if name in ("bias", "hits", "misses", "false_alarms"):
        return int(sums[HIT] + sums[MISS])
    return int(sums[HIT] if name == "lead_h" else sums[PAGE])


def _exact(name: str, value: float, sums: Array) -> Figure | None:
    number = _number(name, sums)
    if np.isnan(value):
        return None
    low, high = exact(int(sums[_SHARES[name][0]]), number)
    return Figure(value=value, low=low, high=high, n=number, how="exact")


def _told(value: float, bounds: tuple[float, float], number: int) -> Figure:
    low, high = bounds
    # Where few cases give the same in every draw, that is ignorance and not certainty.
    if np.isnan(value) or np.isnan(low) or (low == high and number < FEW):
        return Figure(value=value, low=np.nan, high=np.nan, n=number, how="none")
    return Figure(value=value, low=low, high=high, n=number)
