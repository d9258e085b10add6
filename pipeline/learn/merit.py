"""Figures of merit of probabilities and of maxima, with intervals from a bootstrap of whole weeks.

Places share their weather and days of a spell are kin, so a week with all its places is drawn as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.verify.bootstrap import Figure, interval, resample
from pipeline.verify.reliability import reliability
from pipeline.verify.table import Contingency
from pipeline.verify.value import value, value_of_probability

Array = npt.NDArray[np.float64]
Blocks = npt.NDArray[np.int64]
RATIOS = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Cost-loss ratios at which the value is told."""
CLASSES, FEWEST = 5, 50
"""Classes in which reliability is told, and the fewest cases of one."""
_SLIGHT = 0.05
_DRAWS_OF_RANKS, _SEED = 200, 20220818


def mean_error(size: Array, blocks: Blocks) -> Figure:
    """Mean of absolute errors (case,), with its interval."""
    return _ratio(np.column_stack([size, np.ones(len(size))]), blocks, lambda s: s[..., 0] / s[..., 1])


def gain(size: Array, reference: Array, blocks: Blocks) -> Figure:
    """Share by which errors (case,) lie under those of a reference: 1 - sum / sum; also a skill score."""
    return _ratio(np.column_stack([size, reference]), blocks, lambda s: 1.0 - s[..., 0] / s[..., 1])


def brier_skill(chance: Array, said: Array, happened: Array, blocks: Blocks) -> Figure:
    """Brier skill of a chance against another one, (case,) each: 1 is perfect, 0 no better."""
    return gain((chance - happened) ** 2, (said - happened) ** 2, blocks)


def average_precision(chance: Array, happened: Array, blocks: Blocks) -> Figure:
    """Area under precision over recall, (case,) each; NaN where it never happened."""
    events = int(happened.sum())
    if not events:
        return _told(np.nan, (np.nan, np.nan), events)
    _, block = np.unique(blocks, return_inverse=True)
    number = int(block.max()) + 1
    order = np.argsort(-chance, kind="stable")
    ranked = chance[order], happened[order].astype(float)
    draws = np.random.default_rng(_SEED).multinomial(
        number, np.full(number, 1.0 / number), size=_DRAWS_OF_RANKS
    )
    found = np.array([_precision(*ranked, draw[block[order]]) for draw in draws])
    return _told(_precision(*ranked, np.ones(len(chance))), interval(found), events)


def shape_of(chance: Array, happened: Array, warned: Array) -> dict[str, Any]:
    """Reliability, sharpness and value of a chance beside the warnings of a threshold rule, (case,) each.

    Computed by `scores`; FengsuiError where it is not installed.
    """
    worth = value_of_probability(chance, happened, RATIOS)
    rule = Contingency.of(warned, happened)
    told = reliability(chance, happened).as_json()
    return {
        "base_rate": float(happened.mean()),
        "reliability": {name: part for name, part in told.items() if name != "roc"},
        "sharpness": float(np.mean((chance - chance.mean()) ** 2)),
        "value": {f"{ratio:g}": _known(worth[ratio]) for ratio in RATIOS},
        "value_threshold_rule": {f"{ratio:g}": _known(float(value(rule, ratio))) for ratio in RATIOS},
    }


def reliability_band(chance: Array, happened: Array, blocks: Blocks) -> list[dict[str, float]]:
    """Per class of chance: its mean, the share that came, and the 90 % interval of that share, (case,) each.

    The chances below a twentieth are one class, the others make `CLASSES` of equal number, or fewer where
    one would have less than `FEWEST` cases: in a class of ten the interval is as wide as a wish. A chance
    keeps its word where its mean lies within the interval.
    """
    order = np.argsort(chance, kind="stable")
    low, rest = np.split(order, [int((chance < _SLIGHT).sum())])
    classes = np.array_split(rest, min(CLASSES, max(1, len(rest) // FEWEST)))
    found = []
    for own in (low, *classes):
        if not len(own):
            continue
        came = mean_error(happened[own], blocks[own])
        found.append({
            "chance": float(chance[own].mean()), "came": came.value,
            "low": came.low, "high": came.high, "n": float(len(own)),
        })  # fmt: skip
    return found


def _precision(chance: Array, happened: Array, weight: Array) -> float:
    """Average precision of cases by falling chance; equal chances count as one step."""
    hits, all_ = np.cumsum(weight * happened), np.cumsum(weight)
    if not hits[-1]:
        return np.nan
    ends = np.append(np.flatnonzero(np.diff(chance)), len(chance) - 1)
    recall = np.diff(hits[ends] / hits[-1], prepend=0.0)
    precision = hits[ends] / np.maximum(all_[ends], 1e-9)
    return float((recall * precision).sum())


def _ratio(cases: Array, blocks: Blocks, score: Callable[[Array], Array]) -> Figure:
    _, block = np.unique(blocks, return_inverse=True)
    sums = np.zeros((int(block.max(initial=-1)) + 1, cases.shape[1]))
    np.add.at(sums, block, cases)
    with np.errstate(divide="ignore", invalid="ignore"):
        found, drawn = score(sums.sum(axis=0)), score(resample(sums))
    return _told(float(found), interval(drawn), len(cases))


def _told(found: float, bounds: tuple[float, float], n: int) -> Figure:
    if not np.isfinite(found):
        return Figure(value=np.nan, low=np.nan, high=np.nan, n=n, how="none")
    return Figure(value=found, low=bounds[0], high=bounds[1], n=n)


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
