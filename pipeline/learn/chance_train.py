"""Training of a weighted sum on days, honestly: each year is foretold from the years before it.

Linear algebra is held to one thread by `one_thread`, so that the same days and seed give the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from rules.learned.logistic import Array, transformed

Days = npt.NDArray[np.datetime64]
FEWEST_EVENTS = 10
"""Fewer days with an event than this teach nothing."""
DIGITS = 10
"""Significant digits of a weight in a file."""
_RIDGE = 1e-6
_STEPS, _STILL, _FARTHEST = 100, 1e-12, 30.0


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Days to learn from, one row each."""

    days: Days
    """Dates, (case,) ``datetime64[D]``."""
    table: Array
    """Inputs, (case, feature); NaN where unknown."""
    happened: Array
    """1 where it happened, 0 where not, NaN where unknown, (case,)."""
    rule: Array
    """The index by which the physical rule ranks the days, (case,); NaN where unknown."""

    @property
    def years(self) -> npt.NDArray[np.int64]:
        """Calendar year of each case."""
        return np.asarray(self.days.astype("datetime64[Y]").astype(np.int64) + 1970)

    def taken(self, chosen: npt.NDArray[np.bool_]) -> Cases:
        """Some of the cases, by a mask."""
        return Cases(
            days=self.days[chosen],
            table=self.table[chosen],
            happened=self.happened[chosen],
            rule=self.rule[chosen],
        )


Learn = Callable[[Cases], Mapping[str, Any]]
Ask = Callable[[Mapping[str, Any], Array], Array]


def fit(cases: Cases, forms: Mapping[str, float], strength: float) -> dict[str, Array]:
    """A model for `rules.learned.logistic`, from the cases whose inputs are all known.

    `strength` is the inverse of the penalty on weights. FengsuiError where too few cases or events are known.
    """
    from pipeline.learn.heat_train import one_thread

    form = np.array(list(forms.values()))
    shaped = transformed(cases.table, form)
    whole = np.isfinite(shaped).all(axis=1) & np.isfinite(cases.happened)
    _check(cases.happened[whole])
    rows, label = shaped[whole], cases.happened[whole]
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    plain = (rows - centre) / scale
    with one_thread():
        found = _weights(plain, label, strength)
        covariance = plain.T @ plain / len(plain) + _RIDGE * np.eye(len(centre))
    return {
        "form": form,
        "centre": rounded(centre),
        "scale": rounded(scale),
        "weights": rounded(found[1:]),
        "bias": rounded(found[:1]),
        "covariance": rounded(covariance),
    }


def rounded(numbers: Array) -> Array:
    """Numbers of `DIGITS` significant digits: what sums in another order change lies far behind them."""
    near = [float(f"{number:.{DIGITS}g}") for number in numbers.ravel().tolist()]
    return np.array(near).reshape(numbers.shape)


def forward(cases: Cases, learn: Learn, ask: Ask, first: int) -> Array:
    """Chances of every year from `first` on, each by a model of the years before it; NaN before, (case,)."""
    return _by_year(cases, learn, ask, first, lambda year: cases.years < year)


def left_out(cases: Cases, learn: Learn, ask: Ask, first: int) -> Array:
    """Chances of every year from `first` on, each by a model of all the other years, (case,)."""
    return _by_year(cases, learn, ask, first, lambda year: cases.years != year)


def best_threshold(index: Array, happened: Array) -> float:
    """Value of an index from which a warning parts days with and without an event best, by Peirce's score."""
    known = np.isfinite(index) & np.isfinite(happened)
    given, label = index[known], happened[known]
    order = np.argsort(-given, kind="stable")
    hits, alarms = np.cumsum(label[order]), np.cumsum(1.0 - label[order])
    ends = np.append(np.flatnonzero(np.diff(given[order])), len(order) - 1)
    skill = hits[ends] / max(hits[-1], 1.0) - alarms[ends] / max(alarms[-1], 1.0)
    return float(given[order][ends][int(np.argmax(skill))])


def _weights(rows: Array, label: Array, strength: float) -> Array:
    """Bias, then weights, of the least penalised logistic loss: Newton's steps down to the last digit.

    Anything that stops sooner, at a tolerance, stops elsewhere where sums are taken in another order.
    """
    table = np.column_stack([np.ones(len(rows)), rows])
    penalty = np.append(0.0, np.full(rows.shape[1], 1.0 / strength))
    found = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        said = 1.0 / (1.0 + np.exp(-np.clip(table @ found, -_FARTHEST, _FARTHEST)))
        slope = table.T @ (said - label) + penalty * found
        bend = (table * (said * (1.0 - said))[:, None]).T @ table + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < _STILL:
            break
    return found


def _by_year(
    cases: Cases, learn: Learn, ask: Ask, first: int, others: Callable[[int], npt.NDArray[np.bool_]]
) -> Array:
    said = np.full(len(cases.days), np.nan)
    for year in _years(cases, first):
        own = cases.years == year
        said[own] = ask(learn(cases.taken(others(year))), cases.table[own])
    return said


def _years(cases: Cases, first: int) -> Iterator[int]:
    return (int(year) for year in np.unique(cases.years) if year >= first)


def _check(label: Array) -> None:
    events = int(label.sum())
    if min(events, len(label) - events) < FEWEST_EVENTS:
        raise FengsuiError(
            f"{events} of {len(label)} days with an event and all inputs known are too few to learn from;"
            f" give at least {FEWEST_EVENTS} with and as many without"
        )
