"""What warnings were worth to a subsystem: act when p > C/L.

Acting costs C, not acting when it happens costs L. Value is the saving over the better of always and never
acting, as a share of what perfect warnings would save: 1 is perfect; below 0 one had better not listen.
Richardson 2000, https://doi.org/10.1002/qj.49712656313.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.verify.published import check_installed, quiet
from pipeline.verify.table import Contingency, Number
from rules.level import Level

Array = npt.NDArray[np.float64]
RATIOS = tuple(float(ratio) for ratio in np.round(np.arange(0.01, 1, 0.01), 2))
"""Cost-loss ratios of a value curve."""


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What the warnings of one hazard were worth to one subsystem."""

    subsystem: str
    """Id of the subsystem."""
    hazard: str
    """Name of the hazard block."""
    ratio: float
    """Its cost-loss ratio."""
    value: Mapping[Level, float]
    """Lowest level at which it acts -> relative value; NaN where nothing happened."""
    expense: Mapping[Level, float]
    """The same -> what it would have paid a year, in losses L."""
    never: float
    """What never acting would have cost a year, in losses L."""
    always: float
    """What acting every day would have cost a year, in losses L."""

    @property
    def best(self) -> Level | None:
        """Level from which acting was worth most; None where listening was worth nothing."""
        known = {level: value for level, value in self.value.items() if value > 0}
        return max(known, key=lambda level: known[level]) if known else None

    def as_json(self) -> dict[str, object]:
        """All of it by names of levels; None for what cannot be told."""
        return {
            "subsystem": self.subsystem, "hazard": self.hazard, "cost_loss": self.ratio,
            "value": {level.key: _known(value) for level, value in self.value.items()},
            "expense_a_year": {level.key: _known(cost) for level, cost in self.expense.items()},
            "never_a_year": _known(self.never), "always_a_year": _known(self.always),
            "act_from": None if self.best is None else self.best.key,
        }  # fmt: skip


def expense(table: Contingency, ratio: Number) -> Number:
    """Mean expense per case in losses L, acting at every warning: ratio (hits + false alarms) + misses."""
    paid = np.multiply(ratio, np.add(table.hits, table.false_alarms)) + table.misses
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.true_divide(paid, table.total)
    return float(found) if np.ndim(found) == 0 else found


def value(table: Contingency, ratio: Number) -> Number:
    """Relative economic value, plain numpy for tuning; equals that of `scores`. NaN where it cannot be told.

    `ratio` may be an array that broadcasts with the counts.
    """
    rate = np.asarray(table.base_rate)
    climate = np.minimum(ratio, rate)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.true_divide(climate - expense(table, ratio), climate - rate * ratio)
    found = np.where(np.isfinite(found), found, np.nan)
    return float(found) if np.ndim(found) == 0 else found


def value_of(table: Contingency, ratios: Sequence[float] = RATIOS) -> dict[float, float]:
    """Cost-loss ratio -> relative value of warnings of one table, computed by `scores`."""
    check_installed()
    import xarray as xr
    from scores.categorical import relative_economic_value_from_rates

    rates = (xr.DataArray(float(part)) for part in (table.pod, table.pofd, table.base_rate))
    with quiet():
        found = relative_economic_value_from_rates(*rates, cost_loss_ratios=list(ratios))
    return dict(zip(ratios, np.ravel(found.values).tolist(), strict=True))


def value_of_probability(
    probability: Array, happened: Array, ratios: Sequence[float] = RATIOS
) -> dict[float, float]:
    """Cost-loss ratio -> relative value of acting where p >= C/L, computed by `scores`.

    Parameters
    ----------
    probability : array, any shape, 0 to 1
    happened : array of the same shape, 0 or 1
        A case with a NaN in either is left out.
    """
    known = ~(np.isnan(probability) | np.isnan(happened))
    said, true = probability[known], happened[known]
    tables = {ratio: Contingency.of(said >= ratio, true) for ratio in ratios}
    return {ratio: value_of(table, [ratio])[ratio] for ratio, table in tables.items()}


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
