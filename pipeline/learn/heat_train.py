"""Training of the heat model: seconds on one core, and the same seed gives the same numbers."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.learn.heat_data import HeatDays
from pipeline.learn.heat_table import HeatTable, gather, joined, worn
from pipeline.learn.splits import folds_by_time
from rules.learned.heat_days import (
    HeatModel,
    Layers,
    Trees,
    blended,
    run_nets,
    standardised,
)
from rules.learned.heat_memory import Array, nothing_known

SEED = 20240831
"""Seed of the shipped model: the last day of the August in which every forecast was too low."""
_NETS, _NETS_HELD_OUT, _NETS_OF_WIDTH = 8, 1, 2
_FOLDS, _SPELL = 3, 61
_LAYERS, _ROUNDS = (48, 24), 5
_WARM = (24.0, 30.0)
_FEWEST = 500
_THREADED = ("scipy.linalg", "sklearn.ensemble", "sklearn.neural_network")
_GRID = np.linspace(-8.0, 8.0, 161)
_SMOOTH = 0.3
# Added to what is left over before the logarithm, so that a lucky day does not count for all [°C].
_LEAST = 0.15


def train_heat(days: HeatDays, seed: int = SEED) -> HeatModel:
    """Learn from all the days; FengsuiError where there are too few cases to learn from.

    Width and shape of the distribution come from answers on spells of days held out of the training, so they
    do not flatter. Runs on one thread: sums in another order would give other last digits.
    """
    with one_thread():
        table, memory = gather(days, nothing_known(len(days.places)))
        cases = joined([table.known(), worn(days, seed).known()])
        _check(days, cases)
        moments = _moments(cases.rows)
        trees, nets = _fitted(cases, moments, _NETS, seed)
        held = _held_out(cases, moments, seed)
        width, shape = _left_over(cases, moments, held, seed)
    return HeatModel(
        trees=trees,
        nets=nets,
        centre=moments[0],
        spread=moments[1],
        width=width,
        shape=shape,
        memory=memory,
        places=days.places,
        trained_to=days.days[-1],
    )


def _check(days: HeatDays, cases: HeatTable) -> None:
    if len(cases.rows) < _FEWEST or len(days.days) < 2 * _SPELL:
        raise FengsuiError(
            f"{len(cases.rows)} cases on {len(days.days)} days are too few to learn from; give at least"
            f" {_FEWEST} with forecast and maximum, over {2 * _SPELL} days"
        )


@contextmanager
def one_thread() -> Iterator[None]:
    """Hold linear algebra and trees to one thread; FengsuiError without scikit-learn."""
    try:
        limits = import_module("threadpoolctl").threadpool_limits
        # What is loaded later than the limit is not held by it.
        for name in _THREADED:
            import_module(name)
    except ImportError:
        raise FengsuiError(
            "learning needs scikit-learn: pip install 'fengsui[ml]'"
        ) from None
    with limits(limits=1):
        yield


def _moments(rows: Array) -> tuple[Array, Array]:
    known = ~np.isnan(rows)
    count = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, rows, 0.0).sum(axis=0) / count
    square = np.where(known, (rows - centre) ** 2, 0.0).sum(axis=0) / count
    return centre, np.maximum(np.sqrt(square), 1e-6)


def _fitted(
    cases: HeatTable, moments: tuple[Array, Array], nets: int, seed: int
) -> tuple[Trees, Layers]:
    """Trees and nets for the error of the multi-model mean."""
    error = cases.maximum - cases.mean
    trees = _boosted(seed).fit(cases.rows, error)
    # Heat is what people are warned of: warm days are shown to the nets again, hot ones a third time.
    warm = [np.flatnonzero(cases.mean > limit) for limit in _WARM]
    shown = np.concatenate([np.arange(len(error)), *warm])
    plain = standardised(cases.rows, *moments)[shown]
    fitted = [_net(plain, error[shown], seed + turn) for turn in range(nets)]
    return trees, _side_by_side(fitted)


def _boosted(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    # Few rounds in long steps: 70,000 places must be told within a tick.
    return HistGradientBoostingRegressor(
        max_iter=30, learning_rate=0.22, max_leaf_nodes=16, min_samples_leaf=40,
        l2_regularization=10.0, max_features=0.2, early_stopping=False, random_state=seed,
    )  # fmt: skip


def _net(rows: npt.NDArray[np.float32], error: Array, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPRegressor

    net = MLPRegressor(
        hidden_layer_sizes=_LAYERS, alpha=3.0, learning_rate_init=1e-3, batch_size=256,
        max_iter=_ROUNDS, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        # It is stopped early on purpose: longer training learns the days by heart.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(rows, error)


def _side_by_side(nets: list[Any]) -> Layers:
    """Fitted nets as arrays: weights and offsets of each layer, one net after the other."""
    return tuple(
        (
            np.stack([net.coefs_[layer] for net in nets]).astype(np.float32),
            np.stack([net.intercepts_[layer][None, :] for net in nets]).astype(np.float32),
        )
        for layer in range(len(_LAYERS) + 1)
    )


def _held_out(
    cases: HeatTable, moments: tuple[Array, Array], seed: int
) -> tuple[Array, Array]:
    """What trees and nets say of cases that they were not shown, (case,) each [°C].

    Of a place with a past: other spells of its days were shown. Of one that was forgotten: none of them.
    """
    spell = folds_by_time(cases.days, folds=_FOLDS, length=_SPELL)
    stranger = cases.column("days") == 0.0
    said = np.full((2, len(cases.days)), np.nan)
    for fold, asked in ((spell, ~stranger), (cases.places % _FOLDS, stranger)):
        for turn in range(_FOLDS):
            own = fold == turn
            if own.all():
                continue
            parts = _fitted(cases.taken(~own), moments, _NETS_HELD_OUT, seed)
            own &= asked
            said[:, own] = _answers(parts, cases.rows[own], moments)
    return said[0], said[1]


def _answers(
    parts: tuple[Trees, Layers], rows: Array, moments: tuple[Array, Array]
) -> tuple[Array, Array]:
    if not len(rows):
        return np.zeros(0), np.zeros(0)
    return parts[0].predict(rows), run_nets(parts[1], standardised(rows, *moments))


def _left_over(
    cases: HeatTable, moments: tuple[Array, Array], held: tuple[Array, Array], seed: int
) -> tuple[Layers, Array]:
    """Nets for the width of what is left over, and its shape in units of that width."""
    wrong = cases.maximum - cases.mean - blended(*held)
    known = np.isfinite(wrong)
    wrong, plain = wrong[known], standardised(cases.rows[known], *moments)
    size = np.log(np.abs(wrong) + _LEAST)
    width = _side_by_side([_net(plain, size, seed + turn) for turn in range(_NETS_OF_WIDTH)])
    return width, _shape(wrong / np.exp(run_nets(width, plain)))


def _shape(away: npt.NDArray[np.float64]) -> Array:
    """Smoothed distribution of standard distances: two rows, distance and share below."""
    from scipy.stats import norm

    sample = np.sort(away)[:: max(1, len(away) // 4000)]
    below = norm.cdf((_GRID[:, None] - sample) / _SMOOTH).mean(axis=1)
    below = (below - below[0]) / (below[-1] - below[0])
    return np.vstack([_GRID, np.maximum.accumulate(below)])
