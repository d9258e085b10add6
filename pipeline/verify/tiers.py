"""Scores of tiered warnings: the level that stood against the level that would have been right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.verify.published import check_installed
from rules.level import Level

Array = npt.NDArray[np.float64]
LEVELS = tuple(level for level in Level if level)
EVEN: Mapping[Level, float] = dict.fromkeys(LEVELS, 1.0)
"""Every step of the ladder counts the same."""


@dataclass(frozen=True, kw_only=True)
class Tiers:
    """FIRM score of a ladder, per day; 0 is perfect, and less is better."""

    firm: float
    """Mean penalty per day: `over` + `under`."""
    over: float
    """Part of it for levels that were too high."""
    under: float
    """Part of it for levels that were too low."""
    never: float
    """What never warning would have cost."""
    days: int
    """Days scored: those whose right level is known."""

    @property
    def skill(self) -> float:
        """1 - firm / never: 1 is perfect, 0 is as good as never warning; NaN where nothing happened."""
        return 1 - self.firm / self.never if self.never > 0 else float("nan")

    def as_json(self) -> dict[str, float | int | None]:
        """All of it; None for what cannot be told."""
        told = {name: getattr(self, name) for name in ("firm", "over", "under", "never", "skill", "days")}
        return {name: None if np.isnan(part) else part for name, part in told.items()}


def firm(
    told: Array, right: Array, risk: float, weights: Mapping[Level, float] = EVEN
) -> Tiers:
    """The fixed-risk multicategorical score of levels.

    Parameters
    ----------
    told, right : array (day,)
        Number of the level that stood, and of the one that would have been right; NaN is left out.
    risk : float
        Above 0 and below 1: a step too low costs `risk`, a step too high 1 - `risk`.
    weights : mapping
        Level -> how much its threshold counts.

    Taggart, Loveday and Griffiths 2022, https://doi.org/10.1002/qj.4266; computed by `scores`.
    """
    score = _penalties(told, right, risk, weights)
    idle = _penalties(np.where(np.isnan(told), np.nan, 0.0), right, risk, weights)
    return Tiers(
        firm=score[0], over=score[1], under=score[2], never=idle[0],
        days=int((~np.isnan(told) & ~np.isnan(right)).sum()),
    )  # fmt: skip


def _penalties(
    told: Array, right: Array, risk: float, weights: Mapping[Level, float]
) -> tuple[float, float, float]:
    check_installed()
    import xarray as xr
    from scores.categorical import firm as published

    found = published(
        xr.DataArray(told, dims="day"),
        xr.DataArray(right, dims="day"),
        risk_parameter=risk,
        # Between two levels, so that it does not matter to which side a threshold belongs.
        categorical_thresholds=[int(level) - 0.5 for level in LEVELS],
        threshold_weights=[weights[level] for level in LEVELS],
        include_components=True,
    )
    names = ("firm_score", "overforecast_penalty", "underforecast_penalty")
    return tuple(float(found.sel(components=name)) for name in names)  # type: ignore[return-value]


def risk_matrix(
    probabilities: Array,
    right: Array,
    scaling: Sequence[Sequence[int]],
    thresholds: Sequence[float],
    weights: Sequence[float],
) -> float:
    """The risk matrix score of warnings made from probabilities; 0 is perfect, and less is better.

    Parameters
    ----------
    probabilities : array (case, severity)
        Probability that a severity is reached or exceeded, the least severe first; NaN cases are left out.
    right : array (case,)
        Number of severities that were reached: 0 for none.
    scaling : rows of whole numbers, (probability + 1, severity + 1)
        The warning matrix: the level for each certainty (the highest row first) and severity (the first
        column is none); its last row and first column are 0.
    thresholds : sequence of float, rising
        Probabilities between the rows.
    weights : sequence of float
        How much telling each level from the one below counts.

    Taggart and Wilke 2025, https://doi.org/10.5194/nhess-25-2657-2025; computed by `scores`.
    """
    check_installed()
    import xarray as xr
    from scores.categorical import risk_matrix_score, weights_from_warning_scaling

    severities = np.arange(1, probabilities.shape[1] + 1)
    reached = np.where(np.isnan(right)[:, None], np.nan, right[:, None] >= severities)
    decisions = weights_from_warning_scaling(
        np.array(scaling), list(weights), "severity", severities, "certainty", list(thresholds)
    )
    told, true = (
        xr.DataArray(part, dims=("case", "severity"), coords={"severity": severities})
        for part in (probabilities, reached)
    )
    return float(risk_matrix_score(told, true, decisions, "severity", "certainty"))
