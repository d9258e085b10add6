"""What a hazard found: an interval of levels per place, never a guess where data is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from ingest.times import Instants
from rules.level import Level

Levels = npt.NDArray[np.int8]


class Verdict(IntEnum):
    """The answer of a rule at one place; UNKNOWN is neither calm nor danger."""

    UNKNOWN = -1
    NONE = 0
    BLUE = 1
    YELLOW = 2
    ORANGE = 3
    RED = 4


class Basis(IntEnum):
    """What a level rests on, as bits."""

    NOTHING = 0
    OBSERVED = 1
    FORECAST = 2
    BOTH = 3


@dataclass(frozen=True, kw_only=True)
class Rested:
    """The metric one rung looks at, for the evidence card; arrays have shape (now, place)."""

    low: npt.NDArray[np.float64]
    """What is certain; infinite where nothing is known."""
    high: npt.NDArray[np.float64]
    """What is possible; infinite where a gap could hide anything."""
    limit: float
    """Threshold of the rung."""


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Results of one hazard for every now and place; all arrays have shape (now, place).

    Three-valued by interval: `floor` is certain whatever the missing hours held, `reach` is the most they
    could have made it, so `floor < reach` means "not fully known". A lifecycle raises on `floor` and
    lowers only on `ceiling`; missing data widens the interval and can therefore do neither.
    """

    hazard: str
    """Name of the hazard block."""
    nows: Instants
    """The moments judged, shape (now,)."""
    places: tuple[str, ...]
    """Place ids, shape (place,)."""
    floor: Levels
    """Highest level that is certain."""
    reach: Levels
    """Highest level that is possible given what is missing; equals `floor` where all is known."""
    ceiling: Levels
    """Highest level whose clearing threshold may still be reached; lowering waits for this."""
    value: npt.NDArray[np.float64]
    """Metric at the deciding rung, in the hazard's unit; NaN where nothing is known."""
    threshold: npt.NDArray[np.float64]
    """Threshold the value met; NaN where none was met."""
    onset: Instants
    """First hour at which the floor level's threshold is met, from now on; NaT where there is no level."""
    expires: Instants
    """End of the last hour at which it is still met; NaT where there is no level, or no forecast."""
    basis: npt.NDArray[np.int8]
    """Basis bits of the known data used."""
    age: npt.NDArray[np.float64]
    """Hours since the newest observation [h]; inf where there is none in the block."""
    marks: npt.NDArray[np.uint8]
    """Flag bits of provenance (analysis, reconstructed, perfect prognosis) of the data used."""
    extra: dict[str, npt.NDArray[np.float64]]
    """Further figures for texts by name, for example ``hot_day_run`` [d]."""
    metrics: Mapping[Level, Rested] = field(default_factory=dict)
    """Level -> what its first criterion looks at."""
    falling: bool = False
    """True where low values are the dangerous ones."""

    @property
    def verdict(self) -> Levels:
        """Verdict per (now, place): UNKNOWN where nothing is certain but something is possible."""
        unknown = (self.floor == 0) & (self.reach > 0)
        return np.where(unknown, np.int8(Verdict.UNKNOWN), self.floor).astype(np.int8)

    @cached_property
    def calm(self) -> npt.NDArray[np.bool_]:
        """Nows at which no level is certain, possible or still to be cleared anywhere, shape (now,)."""
        stirred = np.maximum(self.reach, self.ceiling).max(axis=1, initial=0)
        return np.asarray(stirred == 0)

    @cached_property
    def moved(self) -> npt.NDArray[np.bool_]:
        """Nows that differ from the one before in what is certain, possible or cleared, shape (now,).

        The first differs from nothing that is known here, and counts as moved.
        """
        found = np.ones(len(self.nows), np.bool_)
        levels = np.stack([self.floor, self.reach, self.ceiling])
        found[1:] = (levels[:, 1:] != levels[:, :-1]).any(axis=(0, 2))
        return found

    def at(self, index: int) -> Findings:
        """The findings of one now, keeping the shape (1, place)."""
        return self.rows(slice(index, index + 1))

    def rows(self, rows: slice) -> Findings:
        """The findings of some nows."""
        parts = {item.name: getattr(self, item.name) for item in fields(self)}
        cut = {
            name: part[rows] for name, part in parts.items() if isinstance(part, np.ndarray)
        }
        extra = {name: figure[rows] for name, figure in self.extra.items()}
        metrics = {
            level: replace(seen, low=seen.low[rows], high=seen.high[rows])
            for level, seen in self.metrics.items()
        }
        return Findings(**{**parts, **cut, "extra": extra, "metrics": metrics})
