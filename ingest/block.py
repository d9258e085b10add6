"""A block: what was known at each of many moments, as one array. Live is a block of one."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.indexes import PandasIndex

from ingest.batch import MASKING, Batch, Flag, Flags, Values
from ingest.quantities import quantity
from ingest.times import Instants, utc

_HOUR = np.timedelta64(3600, "s")
_LONG_AGO = np.int64(np.iinfo(np.int64).min)
_Cells = tuple[slice, slice] | tuple[npt.NDArray[np.intp], ...]


@dataclass(frozen=True, kw_only=True)
class View:
    """Which part of the archive a block shows."""

    places: tuple[str, ...]
    """Place ids, in the order of the place dimension."""
    quantities: tuple[str, ...]
    """Names from the table of quantities."""
    hours_back: int
    """Observed hours, the last of them being as_of [h]."""
    hours_ahead: int
    """Forecast hours after as_of [h]."""
    sources: tuple[str, ...]
    """Names of the sources, the most trusted first; others are not read."""
    latency: timedelta = timedelta(0)
    """Declared delay: as_of is the last full hour at or before now - latency."""
    freshness: dict[str, timedelta] = field(default_factory=dict)
    """Source -> age at which its forecasts are masked as stale; absent means never."""


@dataclass(frozen=True, kw_only=True)
class _Layer:
    """What one source has said of one quantity so far, on the hours of a timeline."""

    values: Values
    """Usable values (place, hour)."""
    flags: Flags
    """Flag bits of the value kept, or of the one that was masked."""
    issued: npt.NDArray[np.int64]
    """Issue time of the value kept [s since 1970], for forecasts."""


def fill(batches: Sequence[Batch], nows: Instants, view: View) -> xr.Dataset:
    """Lay batches over each other in the order they became known, and cut a window for each now.

    Parameters
    ----------
    batches : sequence of Batch, ordered by `available_at`
    nows : array (now,) of instants, not decreasing, to the microsecond: a batch that came half a second
        before a now was known then
    view : View

    Returns
    -------
    xr.Dataset
        Hourly quantities as (now, place, hour) in the unit of the table of quantities, each with its
        ``flags_<quantity>``; `hour` counts from ``as_of`` (a coordinate along now): hours <= 0 hold
        observations, hours > 0 the newest forecast available at that now. Daily quantities as (now,
        place): the newest value of the window. NaN where nothing usable was known: never said, masked by
        a quality flag, or from a forecast run older than its source's freshness limit (flag STALE).
    """
    exact = nows.astype("datetime64[us]")
    if (np.diff(exact.astype(np.int64)) < 0).any():
        raise ValueError("nows of a block must not decrease")
    nows = exact.astype("datetime64[s]")
    as_of = _as_of(nows, view.latency)
    timeline = _Timeline.covering(as_of, view)
    window = view.hours_back + view.hours_ahead
    shape = (nows.size, window, len(view.places))
    hourly = {name for name in view.quantities if quantity(name).meaning != "day"}
    # In memory the places of an hour lie side by side: what looks along the hours then works on whole rows
    # of places, several times faster on a province.
    values = {name: np.full(shape, np.nan).transpose(0, 2, 1) for name in view.quantities}
    flags = {name: np.zeros(shape, np.uint8).transpose(0, 2, 1) for name in view.quantities}
    heard = _unshadowed([batch for batch in batches if batch.source in view.sources], exact[0], as_of[0])
    laid = 0
    for row, now in enumerate(nows):
        known = bisect_right(heard, _moment(exact[row]), key=lambda batch: batch.available_at)
        timeline.lay(heard[laid:known])
        laid = known
        start = int((as_of[row] - timeline.start) / _HOUR) - view.hours_back + 1
        for name in view.quantities:
            timeline.cut(name, start, now, values[name][row], flags[name][row])
    return _dataset(values, flags, hourly, nows, as_of, view)


def exact64(moment: datetime) -> np.datetime64:
    """The UTC instant as ``datetime64[us]``, for what became known when."""
    return np.datetime64(utc(moment).replace(tzinfo=None), "us")


def _moment(exact: np.datetime64) -> datetime:
    """The aware UTC datetime of a ``datetime64[us]``."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(exact.astype(np.int64)))


def _as_of(nows: Instants, latency: timedelta) -> Instants:
    seconds = nows.astype(np.int64) - int(latency.total_seconds())
    return (seconds // 3600 * 3600).astype("datetime64[s]")


@dataclass(frozen=True, kw_only=True)
class _Timeline:
    """Layers by (kind, source, quantity) on one stretch of hours."""

    start: np.datetime64
    """First hour."""
    hours: int
    """Number of hours."""
    view: View
    """What is asked for."""
    layers: dict[tuple[str, str, str], _Layer] = field(default_factory=dict)
    """(kind, source, quantity) -> layer."""
    rows: dict[tuple[str, ...], tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]] = field(
        default_factory=dict
    )
    """Places of a batch -> (rows in the view, rows in the batch)."""

    @classmethod
    def covering(cls, as_of: Instants, view: View) -> _Timeline:
        start = as_of.min() - (view.hours_back - 1) * _HOUR
        hours = int((as_of.max() - start) / _HOUR) + 1 + view.hours_ahead
        return cls(start=start, hours=hours, view=view)

    def lay(self, batches: Sequence[Batch]) -> None:
        """Lay the usable values of batches over what was known before, in their order."""
        for run in _runs(batches):
            self._lay_run(run)

    def _lay_run(self, run: list[Batch]) -> None:
        hours = np.concatenate([batch.valid_at for batch in run])
        columns = ((hours - self.start) / _HOUR).astype(np.int64)
        inside = (columns >= 0) & (columns < self.hours)
        if not inside.any():
            return
        target, own = self._rows(run[0].places)
        where = _cells(target, columns[inside])
        issued = np.repeat(
            [int(batch.issued_at.timestamp()) for batch in run],
            [batch.valid_at.size for batch in run],
        )[inside]
        chosen = _cells(own, np.flatnonzero(inside))
        for name in self.view.quantities:
            if name in run[0].values:
                fresh = np.concatenate([batch.values[name].T for batch in run]).T
                bits = np.concatenate([batch.flags_of(name).T for batch in run]).T
                layer = self._layer(run[0], name)
                _lay(layer, where, fresh[chosen], bits[chosen], issued)

    def _rows(self, places: tuple[str, ...]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        if places not in self.rows:
            own = {place: row for row, place in enumerate(places)}
            shared = [(row, own[place]) for row, place in enumerate(self.view.places) if place in own]
            self.rows[places] = (
                np.array([row for row, _ in shared], dtype=np.intp),
                np.array([row for _, row in shared], dtype=np.intp),
            )
        return self.rows[places]

    def _layer(self, batch: Batch, name: str) -> _Layer:
        key = (batch.kind, batch.source, name)
        if key not in self.layers:
            shape = (self.hours, len(self.view.places))
            self.layers[key] = _Layer(
                values=np.full(shape, np.nan).T,
                flags=np.zeros(shape, dtype=np.uint8).T,
                issued=np.full(shape, _LONG_AGO).T,
            )
        return self.layers[key]

    def cut(self, name: str, start: int, now: np.datetime64, out: Values, bits: Flags) -> None:
        """Write the window that begins at hour `start` of the timeline into `out` and `bits`."""
        back = self.view.hours_back
        for source in reversed(self.view.sources):
            for kind, here, there in (
                ("observation", slice(0, back), slice(start, start + back)),
                ("forecast", slice(back, None), slice(start + back, start + out.shape[1])),
            ):
                layer = self.layers.get((kind, source, name))
                if layer is not None:
                    oldest = self._oldest(source, now) if kind == "forecast" else _LONG_AGO
                    _cut(layer, there, oldest, out[:, here], bits[:, here])

    def _oldest(self, source: str, now: np.datetime64) -> np.int64:
        limit = self.view.freshness.get(source)
        if limit is None:
            return _LONG_AGO
        return np.int64(now.astype(np.int64) - int(limit.total_seconds()))


def _unshadowed(
    batches: list[Batch], now: np.datetime64, as_of: np.datetime64
) -> list[Batch]:
    """Leave out forecasts that a newer complete one, known at the first now, covers hour for hour."""
    newest: dict[str, int] = {}
    known = bisect_right(batches, _moment(now), key=lambda batch: batch.available_at)
    for place in reversed(range(known)):
        batch = batches[place]
        found = newest.get(batch.source)
        newer = found is None or batch.issued_at > batches[found].issued_at
        if batch.kind == "forecast" and newer and batch.valid_at[0] <= as_of + _HOUR and _is_complete(batch):
            newest[batch.source] = place
    # A later batch corrects an earlier one of the same issue time, so only earlier ones can be covered.
    return [
        batch
        for place, batch in enumerate(batches)
        if place >= newest.get(batch.source, 0)
        or not _is_shadowed(batch, batches[newest[batch.source]])
    ]


def _is_complete(batch: Batch) -> bool:
    if (np.diff(batch.valid_at) != _HOUR).any():
        return False
    return not any(np.isnan(values).any() for values in batch.values.values()) and not any(
        (bits & np.uint8(MASKING)).any() for bits in batch.flags.values()
    )


def _is_shadowed(batch: Batch, newest: Batch) -> bool:
    return (
        batch.kind == "forecast"
        and batch.issued_at <= newest.issued_at
        and bool(batch.valid_at[-1] <= newest.valid_at[-1])
        and batch.places == newest.places
        and batch.values.keys() <= newest.values.keys()
    )


def _runs(batches: Sequence[Batch]) -> Iterator[list[Batch]]:
    """Split batches into runs that can be laid at once.

    The batches of a run are of one source and kind, with the same places and quantities and hours
    that only rise.
    """
    open_runs: dict[tuple[str, str], list[Batch]] = {}
    for batch in batches:
        key = (batch.kind, batch.source)
        run = open_runs.get(key)
        if run is not None and _follows(run[-1], batch):
            run.append(batch)
        else:
            if run is not None:
                yield run
            open_runs[key] = [batch]
    yield from open_runs.values()


def _follows(last: Batch, batch: Batch) -> bool:
    return (
        bool(batch.valid_at[0] > last.valid_at[-1])
        and batch.places == last.places
        and batch.values.keys() == last.values.keys()
    )


def _cells(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp]) -> _Cells:
    """Index of all cells of rows and columns; by slices where these follow each other, which is faster."""
    if _is_whole(rows) and _is_whole(columns):
        return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.ix_(rows, columns)


def _is_whole(index: npt.NDArray[np.intp]) -> bool:
    return index.size > 0 and bool((np.diff(index) == 1).all())


def _lay(
    layer: _Layer,
    where: _Cells,
    fresh: Values,
    bits: Flags,
    issued: npt.NDArray[np.int64],
) -> None:
    said = ~np.isnan(fresh)
    usable = said & ((bits & MASKING) == 0) & (layer.issued[where] <= issued)
    old = layer.values[where]
    layer.values[where] = np.where(usable, fresh, old)
    layer.issued[where] = np.where(usable, issued, layer.issued[where])
    remark = usable | (said & np.isnan(old))
    layer.flags[where] = np.where(remark, bits, layer.flags[where])


def _cut(layer: _Layer, columns: slice, oldest: np.int64, out: Values, bits: Flags) -> None:
    fresh = layer.values[:, columns]
    marks = layer.flags[:, columns]
    stale = layer.issued[:, columns] < oldest if oldest != _LONG_AGO else None
    if stale is not None and stale.any():
        marks = np.where(stale & ~np.isnan(fresh), marks | np.uint8(Flag.STALE), marks)
        fresh = np.where(stale, np.nan, fresh)
    known = ~np.isnan(fresh)
    np.copyto(out, fresh, where=known)
    np.copyto(bits, marks, where=known | (np.isnan(out) & (marks > 0)))


def _dataset(
    values: dict[str, Values],
    flags: dict[str, Flags],
    hourly: set[str],
    nows: Instants,
    as_of: Instants,
    view: View,
) -> xr.Dataset:
    cube = ("now", "place", "hour")
    variables: dict[str, tuple[tuple[str, ...], npt.NDArray[np.generic]]] = {}
    for name, array in values.items():
        if name in hourly:
            variables[name] = (cube, array)
            variables[f"flags_{name}"] = (cube, flags[name])
        else:
            variables[name] = (cube[:2], _newest(array[..., : view.hours_back]))
    axes = _axes(view.places, view.hours_back, view.hours_ahead)
    index = PandasIndex(nows, "now")
    moments = {**index.create_variables(), "as_of": ("now", as_of)}
    coordinates = xr.Coordinates(
        {**moments, **axes.variables}, indexes={"now": index, **axes.xindexes}
    )
    return xr.Dataset(variables, coordinates)


@lru_cache(maxsize=8)
def _axes(places: tuple[str, ...], hours_back: int, hours_ahead: int) -> xr.Dataset:
    """The axes that every block of a view shares; making their indexes takes as long as laying a tick."""
    hours = np.arange(1 - hours_back, hours_ahead + 1)
    return xr.Dataset(coords={"place": list(places), "hour": hours})


def _newest(array: Values) -> Values:
    """Last value along the final axis that is not NaN; NaN where all are."""
    known = ~np.isnan(array)
    last = array.shape[-1] - 1 - np.argmax(known[..., ::-1], axis=-1)
    newest: Values = np.take_along_axis(array, last[..., None], axis=-1)[..., 0]
    return newest


def reported(
    batches: Sequence[Batch], places: Sequence[str], before: np.datetime64, hours: int
) -> dict[str, Values]:
    """What batches reported in the `hours` hours before an hour, masked values included.

    Returns quantity -> array (place, hours), the last column one hour before `before`; NaN where nothing
    was reported.
    """
    found: dict[str, Values] = {}
    row = {place: index for index, place in enumerate(places)}
    for run in _runs(batches):
        hours_of = np.concatenate([batch.valid_at for batch in run])
        columns = ((hours_of - before) / _HOUR).astype(np.int64) + hours
        inside = (columns >= 0) & (columns < hours)
        own = [index for index, place in enumerate(run[0].places) if place in row]
        target = np.array([row[run[0].places[index]] for index in own], dtype=np.intp)
        where = np.ix_(target, columns[inside])
        for name in run[0].values:
            layer = found.setdefault(name, np.full((len(row), hours), np.nan))
            fresh = np.concatenate([batch.values[name] for batch in run], axis=1)[own][:, inside]
            layer[where] = np.where(np.isnan(fresh), layer[where], fresh)
    return found
