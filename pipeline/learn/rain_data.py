"""Training data of the rain ensemble: forecasts of many members and what the gauges said, by lead.

The published set bears no dates, only the number of the day a forecast was made. The forecast of lead n made
on day d is of day d + n - 1, so that neighbouring folds share days unless a gap is left between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.learn.frames import read_frame
from rules.learned.rain_members import Array, features

_NEEDED = ("effective_time", "lead_time", "observation")
_MEMBER = "ensemble.forecast."


@dataclass(frozen=True, kw_only=True)
class RainCases:
    """Forecasts of 24-hour rain and what came, one row each."""

    made: npt.NDArray[np.int64]
    """Number of the day a forecast was made, (case,)."""
    lead: npt.NDArray[np.int64]
    """Days ahead, 1 for the first, (case,)."""
    members: Array
    """Rain of each member, (case, member) [mm]; NaN where missing."""
    observed: Array
    """Rain that came, (case,) [mm]; NaN where unknown."""

    @property
    def valid(self) -> npt.NDArray[np.int64]:
        """Number of the day that is foretold."""
        return np.asarray(self.made + self.lead - 1)

    @property
    def table(self) -> Array:
        """Inputs of the model, (case, feature)."""
        return features(self.members, self.lead.astype(float))

    def taken(self, chosen: npt.NDArray[np.bool_]) -> RainCases:
        """Some of the cases, by a mask."""
        return RainCases(
            made=self.made[chosen],
            lead=self.lead[chosen],
            members=self.members[chosen],
            observed=self.observed[chosen],
        )


def read_rain(path: Path) -> RainCases:
    """Read a CSV (also gzipped) or Parquet file of the columns of the published set.

    ``effective_time``, ``lead_time``, ``observation`` and one column ``ensemble.forecast.N`` per member.
    FengsuiError says what is wrong.
    """
    frame = read_frame(path)
    missing = [name for name in _NEEDED if name not in frame]
    members = [name for name in frame.columns if str(name).startswith(_MEMBER)]
    if missing or not members:
        lack = ", ".join(missing) or f"{_MEMBER}1"
        raise FengsuiError(f"{path} has no column {lack}; it needs {', '.join(_NEEDED)} and {_MEMBER}N")
    if frame.empty:
        raise FengsuiError(f"{path} holds no rows; give a file with forecasts")
    rain = frame[members].to_numpy(float)
    observed = frame["observation"].to_numpy(float)
    return RainCases(
        made=frame["effective_time"].to_numpy(np.int64),
        lead=frame["lead_time"].to_numpy(np.int64),
        members=np.where(rain >= 0.0, rain, np.nan),
        observed=np.where(observed >= 0.0, observed, np.nan),
    )


def blocks_of(cases: RainCases, folds: int, gap: int) -> list[tuple[npt.NDArray[np.bool_], ...]]:
    """Pairs (learned from, foretold): contiguous stretches of days, with `gap` days between the two [d]."""
    valid = cases.valid
    pairs: list[tuple[npt.NDArray[np.bool_], ...]] = []
    edges = np.linspace(valid.min(), valid.max() + 1, folds + 1)
    for low, high in pairwise(edges.tolist()):
        own = (valid >= low) & (valid < high)
        pairs.append(((valid < low - gap) | (valid >= high + gap), own))
    return pairs
