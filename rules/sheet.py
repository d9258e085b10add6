"""A sheet: findings under construction, filled by a hazard group by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.times import Instants
from rules.findings import Basis, Findings
from rules.ladder import Ladder, reached
from rules.level import Level
from rules.windows import Array, Bounds, Group, spell

Sky = Mapping[Level, Bounds]
"""Level -> bounds of the metric that its rung looks at."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """Arrays (now, place) that a hazard fills; nothing is certain or possible at first."""

    resolution: float
    """Step in which the metric is compared, in its unit."""
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
    onset_h: npt.NDArray[np.int64]
    """Onset [h after as_of], -1 for none."""
    expires_h: npt.NDArray[np.int64]
    """Expiry [h after as_of], -1 for none."""
    basis: npt.NDArray[np.int8]
    """Basis bits."""
    marks: npt.NDArray[np.uint8]
    """Provenance bits."""

    @classmethod
    def empty(cls, block: xr.Dataset, resolution: float) -> Sheet:
        """A sheet for every now and place of a block."""
        shape = (block.sizes["now"], block.sizes["place"])
        return cls(
            resolution=resolution,
            floor=np.zeros(shape, np.int8),
            reach=np.zeros(shape, np.int8),
            ceiling=np.zeros(shape, np.int8),
            value=np.full(shape, np.nan),
            threshold=np.full(shape, np.nan),
            onset_h=np.full(shape, -1, np.int64),
            expires_h=np.full(shape, -1, np.int64),
            basis=np.zeros(shape, np.int8),
            marks=np.zeros(shape, np.uint8),
        )

    def climb(self, rows: npt.NDArray[np.intp], sky: Sky, ladder: Ladder) -> None:
        """Set the levels of some nows from the bounds of each rung's metric, lowest rung first."""
        for level in sorted(ladder):
            rung, bounds = ladder[level], sky[level]
            sure = reached(bounds.low, rung.at_least, self.resolution)
            _put(self.floor, rows, sure, level)
            _put(self.reach, rows, reached(bounds.high, rung.at_least, self.resolution), level)
            _put(self.ceiling, rows, reached(bounds.high, rung.clearing, self.resolution), level)
            _put(self.threshold, rows, sure, rung.at_least)
            told = np.isfinite(bounds.low) & (sure | np.isnan(self.value[rows]))
            self.value[rows] = np.where(told, bounds.low, self.value[rows])

    def span(
        self, group: Group, series: Array, ladder: Ladder, *, max_pause: int, at_least: int
    ) -> None:
        """Set onset, expiry and basis of a group from the hours at which the floor's threshold is met.

        The spell begins at as_of or later and goes on while it pauses for at most `max_pause` hours. A
        level that no hour from as_of on meets rests on the observed past; it lasts `at_least` hours more.
        """
        floor = self.floor[group.rows]
        if not floor.any():
            return
        limits = np.full(len(Level), np.inf)
        for level, rung in ladder.items():
            limits[level] = round(rung.at_least / self.resolution)
        steps = series[..., group.zero :] / self.resolution
        hits = np.rint(steps, out=steps) >= limits[floor][..., None]
        first, last = spell(hits, max_pause)
        begun = floor > 0
        # Without a single forecast hour nobody knows when heat ends that is there now.
        foreseen = ~np.isnan(series[..., group.zero + 1 :]).all(axis=-1) | (last < 0)
        self.onset_h[group.rows] = np.where(begun, np.maximum(first, 0), -1)
        end = np.where(last >= 0, last + 1, at_least)
        self.expires_h[group.rows] = np.where(begun & foreseen, end, -1)
        foretold = hits[..., 1:].any(axis=-1)
        observed = hits[..., 0] | ~foretold
        seen = observed * Basis.OBSERVED + foretold * Basis.FORECAST
        self.basis[group.rows] = np.where(begun, seen, Basis.NOTHING)

    def findings(
        self, name: str, block: xr.Dataset, age: Array, extra: Mapping[str, Array]
    ) -> Findings:
        """The finished findings of the hazard block called `name`."""
        as_of = block.variables["as_of"].values[:, None]
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
            extra=dict(extra),
        )


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


def _put(
    target: npt.NDArray[np.generic],
    rows: npt.NDArray[np.intp],
    where: npt.NDArray[np.bool_],
    value: float,
) -> None:
    target[rows] = np.where(where, value, target[rows])


def _moments(as_of: Instants, hours: npt.NDArray[np.int64]) -> Instants:
    moments: Instants = as_of.astype("datetime64[s]") + hours.astype("timedelta64[h]")
    moments[hours < 0] = np.datetime64("NaT")
    return moments
