"""How a file is to be read: for which towns, under which name, known when, and what may be reconstructed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from ingest.batch import Flag
from ingest.files.names import Column
from ingest.places import Place
from ingest.times import HOUR, Instants, instant64

EVERYWHERE = "*"
"""Key of `Plan.stands_for` for whatever place of the file is not named otherwise, and for one without."""
DAY_H = 24
Mask = npt.NDArray[np.bool_]
RAIN_DAYS = (0, 8, 20)
"""Hours of Beijing time at which a rain day may end."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """The diurnal curve drawn through daily extremes, see `ingest.recordings.diurnal.half_cosine`."""

    warmest: int = 17
    """Hour of Beijing time of the maximum, 0 to 23."""
    coldest: int = 5
    """Hour of Beijing time of the minimum, 0 to 23."""
    swing: float | None = None
    """Where only the maximum is told, the minimum is taken to be so much lower [K]; None refuses that."""

    def __post_init__(self) -> None:
        if not (0 <= self.warmest < DAY_H and 0 <= self.coldest < DAY_H) or self.warmest == self.coldest:
            raise ValueError("hours of the maximum and the minimum must differ and lie in 0 to 23")
        if self.swing is not None and not 0 < self.swing < 40:
            raise ValueError("the daily swing must be more than 0 and less than 40 K")


@dataclass(frozen=True, kw_only=True)
class Prognosis:
    """Perfect prognosis: forecasts taken from the record's own future, flagged so."""

    every: timedelta = timedelta(hours=6)
    """Pause between issues, counted from 00 UTC; whole hours that divide a day."""
    horizon: timedelta = timedelta(hours=72)
    """How far each reaches; whole hours."""

    def __post_init__(self) -> None:
        if self.every < HOUR or self.every % HOUR or timedelta(days=1) % self.every:
            raise ValueError("forecasts are issued every so many whole hours that divide a day, such as 6h")
        if self.horizon < HOUR or self.horizon % HOUR:
            raise ValueError("the horizon must be at least one whole hour, such as 72h")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that a reader must be told and cannot see in the file. ValueError where the parts do not fit."""

    source: str
    """Name under which the weather is archived."""
    towns: tuple[Place, ...]
    """Towns of the district."""
    stands_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Name of a place in the file -> codes of the towns it stands for; see `EVERYWHERE`."""
    columns: Mapping[str, Column | None] = field(default_factory=dict)
    """Name of a column -> what it holds, None to leave it out; ``*`` for all whose names say nothing."""
    zone: tzinfo | None = None
    """Zone of times without offset; None refuses them."""
    delay: timedelta = timedelta(minutes=5)
    """What is observed becomes known so long after its hour or day, a forecast so long after its issue."""
    provenance: Flag | None = None
    """Set on every observed value: ANALYSIS for a reanalysis."""
    curve: Curve | None = None
    """Draw hours through daily extremes, flagged RECONSTRUCTED; None keeps days as days."""
    spread: int | None = None
    """Spread sums over so many hours in the middle of their period, flagged RECONSTRUCTED; 24 is evenly."""
    rain_day: int | None = None
    """Hour of Beijing time at which the rain day of the file ends, one of `RAIN_DAYS`; None refuses days of
    rain."""
    prognosis: Prognosis | None = None
    """Also tell forecasts taken from the record itself."""
    first: datetime | None = None
    """Earlier hours are left out."""
    last: datetime | None = None
    """Later hours are left out."""
    cells: Literal["nearest", "bilinear"] = "nearest"
    """How a grid is carried to towns."""
    member: str | None = None
    """Number of an ensemble member, or ``mean``; None refuses ensembles."""
    accumulated: bool = False
    """Sums of a forecast run on from its start and must be told apart."""
    days_source: str = "derived"
    """Name under which observed days are archived: only there does anybody look for days."""

    def __post_init__(self) -> None:
        if self.rain_day is not None and self.rain_day not in RAIN_DAYS:
            raise ValueError("the rain day ends at 0, 8 or 20 o'clock Beijing time")
        if self.spread is not None and not 1 <= self.spread <= DAY_H:
            raise ValueError("rain is spread over 1 to 24 hours")
        if self.delay < timedelta(0):
            raise ValueError("the delay must not be negative")

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Codes of all towns."""
        return tuple(town.id for town in self.towns)

    @cached_property
    def _named(self) -> dict[str, str]:
        names = [(name, town.id) for town in self.towns for name in (town.name, town.name_en, town.id)]
        return dict(names)

    def towns_of(self, name: str) -> tuple[str, ...]:
        """Codes of the towns that a place of the file stands for; empty where nothing says so."""
        if name in self.stands_for:
            return self.stands_for[name]
        if name in self._named:
            return (self._named[name],)
        return self.stands_for.get(EVERYWHERE, ())

    def inside(self, valid_at: Instants) -> Mask:
        """Which instants the period asked for holds."""
        held = np.ones(valid_at.shape, dtype=np.bool_)
        if self.first is not None:
            held &= valid_at >= instant64(self.first)
        if self.last is not None:
            held &= valid_at <= instant64(self.last)
        return held
