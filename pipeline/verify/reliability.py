"""Probabilities against outcomes: reliability, Brier score, ROC. Also for models, on plain arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.verify.published import check_installed, quiet

Array = npt.NDArray[np.float64]
_EDGES = np.linspace(0, 1, 11)


@dataclass(frozen=True, kw_only=True)
class Bin:
    """The cases whose probability lay in one tenth."""

    forecast: float
    """Their mean probability."""
    observed: float
    """Share of them in which it happened."""
    n: int
    """Their number."""


@dataclass(frozen=True, kw_only=True)
class Reliability:
    """How good probabilities were."""

    brier: float
    """Mean squared error, 0 is perfect."""
    climate: float
    """Brier score of always saying the mean frequency."""
    auc: float
    """Area under the ROC curve: 1 is perfect, 0.5 knows nothing; NaN where it always or never happened."""
    bins: tuple[Bin, ...]
    """The reliability diagram; tenths without a case are left out."""
    roc: tuple[tuple[float, float, float], ...]
    """(threshold, POFD, POD), by rising threshold; the first is 0, the last infinite."""
    n: int
    """Cases: those whose probability and outcome are known."""
    events: int
    """Cases in which it happened."""

    @property
    def skill(self) -> float:
        """1 - brier / climate: 1 is perfect, 0 as good as the mean frequency; NaN without a contrast."""
        return 1 - self.brier / self.climate if self.climate > 0 else float("nan")

    def as_json(self) -> dict[str, object]:
        """All of it; None for what cannot be told."""
        names = ("brier", "climate", "skill", "auc", "n", "events")
        told: dict[str, object] = {name: _known(getattr(self, name)) for name in names}
        roc = [{"threshold": _known(t), "pofd": _known(f), "pod": _known(h)} for t, f, h in self.roc]
        return told | {"bins": [vars(item) for item in self.bins], "roc": roc}


def reliability(probability: Array, happened: Array) -> Reliability:
    """Score probabilities of an event.

    Parameters
    ----------
    probability : array, any shape, 0 to 1
    happened : array of the same shape, 0 or 1

    A case with a NaN in either is left out. The Brier score (Brier 1950, https://doi.org/fp62r6), the ROC
    curve and its area are computed by `scores`.
    """
    check_installed()
    import xarray as xr
    from scores.probability import brier_score, roc_auc, roc_curve_data

    known = ~(np.isnan(probability) | np.isnan(happened))
    said, true = probability[known].astype(float), happened[known].astype(float)
    if not said.size:
        nan = float("nan")
        return Reliability(brier=nan, climate=nan, auc=nan, bins=(), roc=(), n=0, events=0)
    given = xr.DataArray(said, dims="case"), xr.DataArray(true, dims="case")
    with quiet():
        curve = roc_curve_data(*given, thresholds=np.unique(np.round(said, 2)))
        area, brier = float(roc_auc(*given)), float(brier_score(*given))
    points = zip(curve.threshold.values, curve.POFD.values, curve.POD.values, strict=True)
    rate = float(true.mean())
    return Reliability(
        brier=brier,
        climate=rate * (1 - rate),
        auc=area,
        bins=_bins(said, true),
        roc=tuple((float(t), float(f), float(h)) for t, f, h in points),
        n=int(said.size),
        events=int(true.sum()),
    )


def _bins(said: Array, true: Array) -> tuple[Bin, ...]:
    tenth = np.clip(np.digitize(said, _EDGES[1:-1]), 0, 9)
    return tuple(
        Bin(forecast=float(said[tenth == k].mean()), observed=float(true[tenth == k].mean()),
            n=int((tenth == k).sum()))
        for k in range(10) if (tenth == k).any()
    )  # fmt: skip


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
