"""From rain windows to findings: which level they reach, when it begins and ends, and on what it rests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ingest.quantities import quantity
from rules.findings import Findings
from rules.indices.rain import Tenths
from rules.level import Level
from rules.rain_windows import ENDLESS, RAIN, Frame, Rain, hours_of
from rules.shared import values_of
from rules.sheet import Cells, Criterion, Sheet, observed_age
from rules.windows import Array, Bounds, Mask, Rows, Stretch, spell, stretches

Figures = Callable[[Rain], Mapping[str, Array]]
"""Reads further figures for texts off the rain, each (row, place)."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """An amount that differs from place to place and with the state of the ground, (now, place) [0.1 mm]."""

    certain: Tenths
    """What reaches the level for certain."""
    possible: Tenths
    """What may reach it; less where the state of the ground is not known."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to reach a level: an amount within a window."""

    hours: int
    """Length of the window [h]."""
    limit: float
    """Amount [mm] that reaches the level."""
    clearing: float
    """Amount [mm] below which it may be left."""
    limits: Limits | None = None
    """The amounts of every now and place of the block, where they differ; they count, clearing included."""


Ways = Mapping[Level, Sequence[Way]]
"""Level -> the ways to reach it, with different windows; one of them is enough."""


@dataclass(frozen=True, kw_only=True)
class _Local(Criterion):
    """A criterion of which each row and place has its own limit."""

    limits: Limits
    """The limits (row, place)."""

    @property
    def settled(self) -> bool:
        return self.metric.settled and self.limits.possible is self.limits.certain

    def sure(self, resolution: float, sign: int) -> Mask:
        return np.asarray(np.rint(self.metric.low * 10.0) >= self.limits.certain)

    def hopeless(self, resolution: float, sign: int) -> bool:
        most = np.rint(self.metric.most(1) * 10.0)
        return bool(most < self.limits.possible.min(initial=ENDLESS))

    def possible(self, resolution: float, sign: int, limit: float) -> Mask:
        return np.asarray(np.rint(self.metric.high * 10.0) >= self.limits.possible)


def judge(
    name: str, block: xr.Dataset, frame: Frame, ways: Ways, figures: Figures
) -> Findings:
    """The findings of rain windows, with the further figures that `figures` reads off the rain.

    Onset is the end of the first window from as_of on that meets the level, expiry that of the last one
    before a pause longer than `continues`, and at least the end of the hour under way; no expiry is given
    where nothing is foretold. The basis is that of the wettest window of the length that decided.
    """
    sheet = Sheet.empty(block, quantity(RAIN).resolution)
    flags = values_of(block, f"flags_{RAIN}")
    extra: dict[str, Array] = {}
    for stretch in stretches(block):
        rain = Rain.around(block, stretch, frame.continues)
        _climb(sheet, stretch, rain, ways)
        for level, own in ways.items() if sheet.floor.any() else ():
            at = np.asarray(sheet.floor[stretch.rows] == level)
            _date(sheet, rain, own, Cells.where(at, stretch.rows))
        sheet.mark(stretch.rows, flags[stretch.rows][..., hours_of(stretch, frame)])
        for figure, told in figures(rain).items():
            extra.setdefault(figure, np.full(sheet.floor.shape, np.nan))[stretch.rows] = told
    return sheet.findings(name, block, observed_age(block, RAIN), extra)


def _climb(sheet: Sheet, stretch: Stretch, rain: Rain, ways: Ways) -> None:
    metrics = {hours: rain.wettest(hours) for hours in {way.hours for own in ways.values() for way in own}}
    sky = {
        level: [_criterion(way, metrics[way.hours], stretch.rows) for way in own]
        for level, own in ways.items()
    }
    sheet.climb(stretch.rows, sky)


def _criterion(way: Way, metric: Bounds, rows: Rows) -> Criterion:
    if way.limits is None:
        return Criterion(metric=metric, limit=way.limit, clearing=way.clearing, window=way.hours)
    own = Limits(certain=way.limits.certain[rows], possible=way.limits.possible[rows])
    return _Local(
        metric=metric, limit=way.limit, clearing=way.clearing, window=way.hours, limits=own
    )


def _date(sheet: Sheet, rain: Rain, own: Sequence[Way], found: Cells) -> None:
    """Set onset, expiry, basis and own limits of the cells that stand at a level."""
    if not found.row.size:
        return
    cells, cell = rain.cells(found.row, found.place), found.at
    hits = np.zeros((cells.last + 1, found.row.size), dtype=np.bool_)
    for way in own:
        limit = np.rint(way.limit * 10.0) if way.limits is None else way.limits.certain[cell]
        hits |= cells.storm(way.hours, cells.last) >= limit
        deciding = sheet.window[cell] == way.hours
        mine = (cell[0][deciding], cell[1][deciding])
        sheet.basis[mine] = cells.cells(deciding).origin(way.hours)
        if way.limits is not None:
            sheet.threshold[mine] = way.limits.certain[mine] / 10.0
    first, last = spell(np.ascontiguousarray(hits.T), rain.continues)
    sheet.onset_h[cell] = first
    sheet.expires_h[cell] = np.where(cells.foreseen(), np.maximum(last, rain.lag + 1), -1)
