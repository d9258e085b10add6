"""A sheet: findings under construction, filled by a hazard group by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.batch import PROVENANCE
from ingest.times import Instants
from rules.findings import Basis, Findings, Rested
from rules.ladder import Rung, reached
from rules.level import Level
from rules.shared import once, values_of
from rules.towns import names_of
from rules.windows import (
    Array,
    Bounds,
    Mask,
    Rows,
    Scalar,
    aligned,
    midnights,
    over_hours,
    silence,
    since,
    spell,
    zero_of,
)

WINDOW = "window_hours"
"""Further figure of findings: length of the window behind the value [h]."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Something that must hold besides the metric, three-valued."""

    sure: Mask
    """Where it certainly holds."""
    possible: Mask
    """Where it may hold; includes `sure`."""


@dataclass(frozen=True, kw_only=True)
class Criterion:
    """One way to reach a level: a metric at its threshold, and what must hold besides."""

    metric: Bounds
    """The metric of some nows (row, place)."""
    limit: float
    """Threshold."""
    clearing: float
    """Threshold that must be passed before the level may be left."""
    gates: tuple[Gate, ...] = ()
    """All of them must hold as well."""
    window: float = np.nan
    """Length of the window behind the metric, where texts should say it [h]."""

    @property
    def settled(self) -> bool:
        """Whether nothing is missing: what is possible is what is sure."""
        return self.metric.settled and all(gate.possible is gate.sure for gate in self.gates)

    def sure(self, resolution: float, sign: int) -> Mask:
        """Where the level is certainly reached."""
        met = reached(_signed(self.metric.low, sign), sign * self.limit, resolution)
        for gate in self.gates:
            met &= gate.sure
        return met

    def hopeless(self, resolution: float, sign: int) -> bool:
        """Whether nowhere anything can be reached, certainly, possibly or still; False where that is open."""
        least = min(sign * self.limit, sign * self.clearing)
        return _steps(sign * self.metric.most(sign), resolution) < _steps(least, resolution)

    def possible(self, resolution: float, sign: int, limit: float) -> Mask:
        """Where `limit` is certainly reached or a gap may hide that it is."""
        met = reached(_signed(self.metric.high, sign), sign * limit, resolution)
        for gate in self.gates:
            met &= gate.possible
        return met


@dataclass(frozen=True, kw_only=True)
class Cells:
    """Some nows and places of a block. Most weather is calm, so what only a level needs is asked here."""

    row: npt.NDArray[np.intp]
    """Row of each among the nows that were looked at, (cell,)."""
    place: npt.NDArray[np.intp]
    """Its place, (cell,)."""
    at: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    """Index into an array (now, place) of the whole block."""

    @classmethod
    def where(cls, found: Mask, rows: Rows) -> Cells:
        """The cells that are true in an array (row, place) of some nows of a block."""
        row, place = np.nonzero(found)
        now = row if isinstance(rows, slice) else rows[row]
        return cls(row=row, place=place, at=(now, place))

    def of(self, series: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
        """Their hours, (cell, hour), from an array (row, place, hour)."""
        # Hour by hour, because the places of an hour lie side by side.
        return np.moveaxis(series, -1, 0)[:, self.row, self.place].T


Sky = Mapping[Level, Sequence[Criterion]]
"""Level -> the ways to reach it; one of them is enough."""

CRITERIA = "criteria"
"""Attribute of a block that may hold a list: every sheet of the block adds to it what it climbs."""


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """What some nows of a sheet were judged by, for who asks: thresholds can then be tried on it."""

    rows: Rows
    """Which nows."""
    sky: Sky
    """The ways to reach each level."""
    resolution: float
    """Step in which metrics are compared, in their unit."""
    sign: int
    """-1 where low values are the dangerous ones, else 1."""


def plain(rung: Rung, metric: Bounds, *gates: Gate, window: float = np.nan) -> list[Criterion]:
    """The one criterion of a rung that has its threshold only."""
    made = Criterion(
        metric=metric, limit=rung.limit, clearing=rung.clearing, gates=gates, window=window
    )
    return [made]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Arrays (now, place) that a hazard fills; nothing is certain or possible at first."""

    resolution: float
    """Step in which the metric is compared, in its unit."""
    sign: int
    """-1 where low values are the dangerous ones, else 1."""
    floor: npt.NDArray[np.int8]
    """Certain level."""
    reach: npt.NDArray[np.int8]
    """Possible level."""
    ceiling: npt.NDArray[np.int8]
    """Level not yet cleared."""
    value: Array
    """Deciding metric."""
    threshold: Array
    """Threshold met."""
    window: Array
    """Window of the deciding criterion [h]; NaN where it has none to tell."""
    onset_h: npt.NDArray[np.int64]
    """Onset [h after as_of], -1 for none."""
    expires_h: npt.NDArray[np.int64]
    """Expiry [h after as_of], -1 for none."""
    basis: npt.NDArray[np.int8]
    """Basis bits."""
    marks: npt.NDArray[np.uint8]
    """Provenance bits."""
    metrics: dict[Level, Rested] = field(default_factory=dict)
    """Level -> what its first criterion looks at."""
    climbed: list[Climbed] | None = None
    """Collects what is climbed; None where nobody asked, as in every tick."""

    @classmethod
    def empty(cls, block: xr.Dataset, resolution: float, *, falling: bool = False) -> Sheet:
        """A sheet for every now and place of a block."""
        shape = (block.sizes["now"], block.sizes["place"])
        return cls(
            resolution=resolution,
            sign=-1 if falling else 1,
            floor=np.zeros(shape, np.int8),
            reach=np.zeros(shape, np.int8),
            ceiling=np.zeros(shape, np.int8),
            value=np.full(shape, np.nan),
            threshold=np.full(shape, np.nan),
            window=np.full(shape, np.nan),
            onset_h=np.full(shape, -1, np.int64),
            expires_h=np.full(shape, -1, np.int64),
            basis=np.zeros(shape, np.int8),
            marks=np.zeros(shape, np.uint8),
            climbed=block.attrs.get(CRITERIA),
        )

    def climb(self, rows: Rows, sky: Sky) -> None:
        """Set the levels of some nows from the ways to reach each, lowest level first."""
        if self.climbed is not None:
            seen = Climbed(rows=rows, sky=sky, resolution=self.resolution, sign=self.sign)
            self.climbed.append(seen)
        for level in sorted(sky):
            for way in sky[level]:
                self._climb_one(rows, level, way)
            self._note(rows, level, sky[level][0])

    def _climb_one(self, rows: Rows, level: Level, way: Criterion) -> None:
        if way.hopeless(self.resolution, self.sign):
            return self._tell(rows, way, np.isnan(self.value[rows]))
        sure = way.sure(self.resolution, self.sign)
        possible = sure if way.settled else way.possible(self.resolution, self.sign, way.limit)
        lasting = possible
        if way.clearing != way.limit:
            lasting = way.possible(self.resolution, self.sign, way.clearing)
        fresh = sure & (self.floor[rows] < level)
        _put(self.floor, rows, fresh, level)
        _put(self.reach, rows, possible, level)
        _put(self.ceiling, rows, lasting, level)
        _put(self.threshold, rows, fresh, way.limit)
        return self._tell(rows, way, fresh | np.isnan(self.value[rows]))

    def _tell(self, rows: Rows, way: Criterion, wanted: Mask) -> None:
        """Show the metric of one way in some cells, where it is known."""
        if not wanted.any():
            return
        told = wanted & np.isfinite(way.metric.low)
        _put(self.value, rows, told, way.metric.low)
        if way.window == way.window:
            _put(self.window, rows, told, way.window)

    def _note(self, rows: Rows, level: Level, way: Criterion) -> None:
        if isinstance(rows, slice):
            # All nows: nobody writes into a metric once it was climbed.
            self.metrics[level] = Rested(low=way.metric.low, high=way.metric.high, limit=way.limit)
            return
        if level not in self.metrics:
            self.metrics[level] = Rested(
                low=np.full(self.floor.shape, np.nan), high=np.full(self.floor.shape, np.nan),
                limit=way.limit,
            )  # fmt: skip
        self.metrics[level].low[rows] = way.metric.low
        self.metrics[level].high[rows] = way.metric.high

    def begun(self, rows: Rows) -> Cells:
        """The cells of some nows that have a level."""
        return Cells.where(self.floor[rows] > 0, rows)

    def span(
        self,
        cells: Cells,
        hits: Mask,
        foreseen: Mask,
        *,
        max_pause: int,
        at_least: int | npt.NDArray[np.int64],
    ) -> None:
        """Set onset, expiry and basis of cells that have a level, from the hours that meet its threshold.

        The spell begins at as_of or later and goes on while it pauses for at most `max_pause` hours. A
        level that no hour from as_of on meets rests on the observed past; it lasts `at_least` hours more.

        Parameters
        ----------
        hits : array (cell, hour)
            Whether an hour meets the level of the floor, from as_of on.
        foreseen : array (cell,)
            Whether any forecast is known: without one nobody knows when what is there now ends.
        """
        if not cells.row.size:
            return
        first, last = spell(hits, max_pause)
        self.onset_h[cells.at] = np.maximum(first, 0)
        end = np.where(last >= 0, last + 1, at_least)
        self.expires_h[cells.at] = np.where(foreseen | (last < 0), end, -1)
        foretold = hits[..., 1:].any(axis=-1)
        observed = hits[..., 0] | ~foretold
        self.basis[cells.at] = observed * Basis.OBSERVED + foretold * Basis.FORECAST

    def mark(self, rows: Rows, *flags: npt.NDArray[np.uint8]) -> None:
        """Note the provenance of the data used: arrays (row, place, hour or day) of flag bits."""
        for bits in flags:
            self.marks[rows] |= provenance(bits)

    def findings(
        self, name: str, block: xr.Dataset, age: Array, extra: Mapping[str, Array]
    ) -> Findings:
        """The finished findings of the hazard block called `name`."""
        as_of = values_of(block, "as_of")[:, None]
        windows = {} if np.isnan(self.window).all() else {WINDOW: self.window}
        return Findings(
            hazard=name,
            nows=values_of(block, "now"),
            places=names_of(block),
            floor=self.floor,
            reach=self.reach,
            ceiling=self.ceiling,
            value=self.value,
            threshold=self.threshold,
            onset=_moments(as_of, self.onset_h),
            expires=_moments(as_of, self.expires_h),
            basis=self.basis,
            age=age,
            marks=self.marks,
            extra={**windows, **extra},
            metrics=self.metrics,
            falling=self.sign < 0,
        )


def limits_of(ladder: Mapping[Level, Rung], never: float = np.inf) -> Array:
    """Threshold of every level, (level,); `never`, which nothing reaches, for one without a rung."""
    limits = np.full(len(Level), never)
    for level, rung in ladder.items():
        limits[level] = rung.limit
    return limits


def hits_of(
    series: Array, floor: npt.NDArray[np.int8], ladder: Mapping[Level, Rung], resolution: float
) -> Mask:
    """Whether each hour (..., hour) of a rising metric meets the threshold of its floor's level, (...)."""
    limits = np.rint(limits_of(ladder) / resolution)
    steps = series / resolution
    hits: Mask = np.rint(steps, out=steps) >= limits[floor][..., None]
    return hits


def provenance(flags: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Where values came from, over the last axis: flag bits without those that mask."""
    bits: npt.NDArray[np.uint8] = over_hours(np.bitwise_or, flags) & np.uint8(PROVENANCE)
    return bits


@once
def marks_around(block: xr.Dataset, name: str, days: int) -> npt.NDArray[np.uint8]:
    """Provenance of a quantity today and so many Beijing days on either side, (now, place)."""
    first = zero_of(block) + midnights(block) - 24 * days
    return provenance(aligned(values_of(block, f"flags_{name}"), first, 24 * (2 * days + 1)))


@once
def observed_age(block: xr.Dataset, name: str) -> Array:
    """Hours from the newest observation of a quantity to now, (now, place) [h]; inf where there is none."""
    behind = silence(values_of(block, name)[..., : zero_of(block) + 1])
    lag = (values_of(block, "now") - values_of(block, "as_of")) / np.timedelta64(3600, "s")
    age: Array = behind + lag[:, None]
    return age


def day_age(days: Array, block: xr.Dataset, ends: int = 0) -> Array:
    """Hours from the end of the newest known day to now, (now, place) [h]; inf where none is known.

    `days` are the days that had ended (now, place, day), each at the hour `ends` of Beijing time.
    """
    age: Array = since(block, ends)[:, None] / 3600 + 24.0 * silence(days)
    return age


def _put(target: npt.NDArray[np.generic], rows: Rows, where: Mask, value: float | Array) -> None:
    if isinstance(rows, slice):
        np.copyto(target[rows], value, where=where, casting="unsafe")
    else:
        target[rows] = np.where(where, value, target[rows])


def _steps(value: float, resolution: float) -> float:
    """Whole steps of a resolution, counted as `reached` does."""
    return float(np.rint(value / resolution))


def _signed(series: Array, sign: int) -> Array:
    return series if sign > 0 else -series


def _moments(as_of: Instants, hours: npt.NDArray[np.int64]) -> Instants:
    if (hours < 0).all():
        return np.full(hours.shape, np.datetime64("NaT"), "datetime64[s]")
    moments: Instants = as_of.astype("datetime64[s]") + hours.astype("timedelta64[h]")
    moments[hours < 0] = np.datetime64("NaT")
    return moments
