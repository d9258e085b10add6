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
from rules.windows import Array, Bounds, Mask, Rows, Stretch, spell

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

    def sure(self, resolution: float, sign: int) -> Mask:
        """Where the level is certainly reached."""
        met = reached(sign * self.metric.low, sign * self.limit, resolution)
        for gate in self.gates:
            met &= gate.sure
        return met

    def possible(self, resolution: float, sign: int, limit: float) -> Mask:
        """Where `limit` is certainly reached or a gap may hide that it is."""
        met = reached(sign * self.metric.high, sign * limit, resolution)
        for gate in self.gates:
            met &= gate.possible
        return met


Sky = Mapping[Level, Sequence[Criterion]]
"""Level -> the ways to reach it; one of them is enough."""


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
        )

    def climb(self, rows: Rows, sky: Sky) -> None:
        """Set the levels of some nows from the ways to reach each, lowest level first."""
        for level in sorted(sky):
            for way in sky[level]:
                self._climb_one(rows, level, way)
            self._note(rows, level, sky[level][0])

    def _climb_one(self, rows: Rows, level: Level, way: Criterion) -> None:
        sure = way.sure(self.resolution, self.sign)
        fresh = sure & (self.floor[rows] < level)
        _put(self.floor, rows, fresh, level)
        _put(self.reach, rows, way.possible(self.resolution, self.sign, way.limit), level)
        _put(self.ceiling, rows, way.possible(self.resolution, self.sign, way.clearing), level)
        _put(self.threshold, rows, fresh, way.limit)
        told = np.isfinite(way.metric.low) & (fresh | np.isnan(self.value[rows]))
        self.value[rows] = np.where(told, way.metric.low, self.value[rows])
        if way.window == way.window:
            self.window[rows] = np.where(told, way.window, self.window[rows])

    def _note(self, rows: Rows, level: Level, way: Criterion) -> None:
        if level not in self.metrics:
            self.metrics[level] = Rested(
                low=np.full(self.floor.shape, np.nan), high=np.full(self.floor.shape, np.nan),
                limit=way.limit,
            )  # fmt: skip
        self.metrics[level].low[rows] = way.metric.low
        self.metrics[level].high[rows] = way.metric.high

    def span(
        self, group: Stretch, hits: Mask, foreseen: Mask, *, max_pause: int, at_least: int
    ) -> None:
        """Set onset, expiry and basis of a group from the hours that meet the floor's threshold.

        The spell begins at as_of or later and goes on while it pauses for at most `max_pause` hours. A
        level that no hour from as_of on meets rests on the observed past; it lasts `at_least` hours more.

        Parameters
        ----------
        hits : array (row, place, hour)
            Whether an hour meets the level of the floor, from as_of on.
        foreseen : array (row, place)
            Whether any forecast is known: without one nobody knows when what is there now ends.
        """
        begun = self.floor[group.rows] > 0
        first, last = spell(hits, max_pause)
        self.onset_h[group.rows] = np.where(begun, np.maximum(first, 0), -1)
        end = np.where(last >= 0, last + 1, at_least)
        self.expires_h[group.rows] = np.where(begun & (foreseen | (last < 0)), end, -1)
        foretold = hits[..., 1:].any(axis=-1)
        observed = hits[..., 0] | ~foretold
        seen = observed * Basis.OBSERVED + foretold * Basis.FORECAST
        self.basis[group.rows] = np.where(begun, seen, Basis.NOTHING)

    def mark(self, rows: Rows, *flags: npt.NDArray[np.uint8]) -> None:
        """Note the provenance of the data used: arrays (row, place, hour or day) of flag bits."""
        for bits in flags:
            self.marks[rows] |= provenance(bits)

    def findings(
        self, name: str, block: xr.Dataset, age: Array, extra: Mapping[str, Array]
    ) -> Findings:
        """The finished findings of the hazard block called `name`."""
        as_of = block.variables["as_of"].values[:, None]
        windows = {} if np.isnan(self.window).all() else {WINDOW: self.window}
        return Findings(
            hazard=name,
            nows=block.variables["now"].values,
            places=tuple(block.variables["place"].values.tolist()),
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


def hits_of(
    series: Array, floor: npt.NDArray[np.int8], ladder: Mapping[Level, Rung], resolution: float
) -> Mask:
    """Whether each hour (row, place, hour) of a rising metric meets the threshold of the floor's level."""
    limits = np.full(len(Level), np.inf)
    for level, rung in ladder.items():
        limits[level] = np.rint(rung.limit / resolution)
    steps = series / resolution
    hits: Mask = np.rint(steps, out=steps) >= limits[floor][..., None]
    return hits


def provenance(flags: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Where values came from, over the last axis: flag bits without those that mask."""
    bits: npt.NDArray[np.uint8] = np.bitwise_or.reduce(flags, axis=-1) & np.uint8(PROVENANCE)
    return bits


def observed_age(series: Array, block: xr.Dataset) -> Array:
    """Hours from the newest observation to now, (now, place) [h]; inf where the block holds none."""
    past = int(np.count_nonzero(block.variables["hour"].values <= 0))
    silent = np.isnan(series[..., past - 1])
    behind = np.zeros(silent.shape)
    if silent.any():
        observed = ~np.isnan(series[silent][:, :past])
        behind[silent] = np.where(
            observed.any(axis=-1), np.argmax(observed[:, ::-1], axis=-1), np.inf
        )
    variables = block.variables
    lag = (variables["now"].values - variables["as_of"].values) / np.timedelta64(3600, "s")
    age: Array = behind + lag[:, None]
    return age


def _put(target: npt.NDArray[np.generic], rows: Rows, where: Mask, value: float) -> None:
    target[rows] = np.where(where, value, target[rows])


def _moments(as_of: Instants, hours: npt.NDArray[np.int64]) -> Instants:
    moments: Instants = as_of.astype("datetime64[s]") + hours.astype("timedelta64[h]")
    moments[hours < 0] = np.datetime64("NaT")
    return moments
