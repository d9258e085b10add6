"""A block: what was known at each of many moments, as one array. Live is a block of one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from xarray.indexes import PandasIndex

from ingest.batch import MASKING, Batch, Values
from ingest.codec import encode
from ingest.quantities import quantity
from ingest.sheet import Sheet, Told
from ingest.timeline import Clock, runs
from ingest.times import Instants, utc

_HOUR = np.timedelta64(3600, "s")
_DAY = 24 * _HOUR
_NO_TIME = 0 * _HOUR


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
    days_back: int = 0
    """Days that have ended, for daily quantities [d]."""
    days_ahead: int = 0
    """Days of forecast, the one under way being the first [d]."""
    remembering: tuple[str, ...] = ()
    """Those of the sources whose observations of days are read, as far back as `days_back` asks."""
    freshness: dict[str, timedelta] = field(default_factory=dict)
    """Source -> age at which its forecasts are masked as stale; absent means never."""


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
        place, day), with their flags: `day` -1 is the last day that had ended at the now, 0 the one under
        way; days >= 0 are forecasts. NaN where nothing usable was known: never said, masked by a quality
        flag, or from a forecast run older than its source's freshness limit (flag STALE).
    """
    walk = Walk(batches, nows, view)
    walk.run_through()
    return walk.block()


class Walk:
    """The windows of many nows, cut one after the other: what is said at one is laid before the next.

    It takes what `fill` takes, and what it shows at a now is what `fill` shows there.
    """

    def __init__(self, batches: Sequence[Batch], nows: Instants, view: View) -> None:
        exact = nows.astype("datetime64[us]")
        if (np.diff(exact.astype(np.int64)) < 0).any():
            raise ValueError("nows of a block must not decrease")
        self._exact, self._view = exact, view
        self._nows = exact.astype("datetime64[s]")
        self._as_of = _as_of(self._nows, view.latency)
        self._sheets = _sheets(self._nows, self._as_of, view)
        told = (batch for batch in batches if batch.source in view.sources)
        self._heard = _unshadowed(
            [batch for batch in told if not _outdated(batch, self._nows[0], view)],
            exact[0],
            self._as_of[0],
        )
        self._laid = 0
        self._row = 0

    def step(self) -> None:
        """Cut the window of the next now from all that was known then."""
        row, known = self._row, self._known(self._exact[self._row])
        for run in runs(self._heard[self._laid : known]):
            self._lay(run)
        self._laid, self._row = known, row + 1
        for sheet in self._sheets:
            sheet.cut(slice(row, row + 1), self._nows)

    def run_through(self) -> None:
        """Take all steps at once, before the first one, where nothing is said between them."""
        told: list[Told] = []
        for row, exact in enumerate(self._exact):
            told += ((row, batch) for batch in self._heard[len(told) : self._known(exact)])
        for sheet in self._sheets:
            sheet.run_through(told, self._nows)
        self._laid, self._row = len(told), len(self._exact)

    def _known(self, exact: np.datetime64) -> int:
        """How many batches were known at a moment."""
        return bisect_right(self._heard, _moment(exact), key=lambda batch: batch.available_at)

    def say(self, batch: Batch) -> None:
        """Lay what is said at the now of the last step; what is archived of that moment is there already."""
        known = self._heard[: self._laid]
        first = bisect_left(known, batch.available_at, key=lambda other: other.available_at)
        if not any(_is_same(batch, other) for other in known[first:]):
            self._lay([batch])

    def _lay(self, run: list[Batch]) -> None:
        for sheet in self._sheets:
            sheet.lay(run)

    def block(self) -> xr.Dataset:
        """The windows, see `fill`; after the first step, those to come fill as they are cut."""
        return _dataset(self._sheets, self._nows, self._as_of, self._view)


def _is_same(batch: Batch, other: Batch) -> bool:
    alike = all(
        getattr(batch, name) == getattr(other, name)
        for name in ("source", "kind", "issued_at", "available_at")
    )
    return alike and encode(batch) == encode(other)


def _sheets(nows: Instants, as_of: Instants, view: View) -> list[Sheet]:
    clocks: dict[Clock, list[str]] = {}
    for name in view.quantities:
        clocks.setdefault(Clock.of(quantity(name)), []).append(name)
    return [
        Sheet(
            clock,
            clock.numbers(as_of) if clock.hours == 1 else clock.running(nows) - 1,
            view,
            tuple(names),
        )
        for clock, names in clocks.items()
    ]


def exact64(moment: datetime) -> np.datetime64:
    """The UTC instant as ``datetime64[us]``, for what became known when."""
    return np.datetime64(utc(moment).replace(tzinfo=None), "us")


def _moment(exact: np.datetime64) -> datetime:
    """The aware UTC datetime of a ``datetime64[us]``."""
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(exact.astype(np.int64)))


def _as_of(nows: Instants, latency: timedelta) -> Instants:
    seconds = nows.astype(np.int64) - int(latency.total_seconds())
    return (seconds // 3600 * 3600).astype("datetime64[s]")


def _outdated(batch: Batch, now: np.datetime64, view: View) -> bool:
    """Whether a forecast of days is stale at the first now already: there are many, and no text tells."""
    limit = view.freshness.get(batch.source)
    if limit is None or batch.kind != "forecast" or batch.source not in view.remembering:
        return False
    return batch.issued_at.timestamp() < int(now.astype(np.int64)) - int(limit.total_seconds())


def _unshadowed(
    batches: list[Batch], now: np.datetime64, as_of: np.datetime64
) -> list[Batch]:
    """Leave out forecasts that a newer complete one, known at the first now, covers hour for hour."""
    known = bisect_right(batches, _moment(now), key=lambda batch: batch.available_at)
    foretold = [place for place in range(known) if batches[place].kind == "forecast"]
    told_by = Counter(batches[place].source for place in foretold)
    newest: dict[str, dict[frozenset[str], int]] = {}
    for place in reversed(foretold):
        batch = batches[place]
        mine, told = newest.setdefault(batch.source, {}), frozenset(batch.values)
        newer = told not in mine or batch.issued_at > batches[mine[told]].issued_at
        if told_by[batch.source] > 1 and newer and _is_complete(batch, as_of):
            mine[told] = place
    # A later batch corrects an earlier one of the same issue time, so only earlier ones can be covered.
    shadowed = {
        place
        for place in foretold
        for other in newest[batches[place].source].values()
        if place < other and _is_shadowed(batches[place], batches[other])
    }
    return [batch for place, batch in enumerate(batches) if place not in shadowed]


def _is_complete(batch: Batch, as_of: np.datetime64) -> bool:
    """Whether it tells usably of every hour from the first foretold one to its last, or of a day's every."""
    step = _step(batch)
    if batch.valid_at[0] > as_of + step or (np.diff(batch.valid_at) != step).any():
        return False
    return not any(np.isnan(values).any() for values in batch.values.values()) and not any(
        (bits & np.uint8(MASKING)).any() for bits in batch.flags.values()
    )


def _step(batch: Batch) -> np.timedelta64:
    """A day for a batch of two days or more, else an hour."""
    return _DAY if batch.valid_at.size > 1 and batch.valid_at[1] - batch.valid_at[0] == _DAY else _HOUR


def _is_shadowed(batch: Batch, newest: Batch) -> bool:
    return (
        batch.values.keys() <= newest.values.keys()
        and batch.issued_at <= newest.issued_at
        and bool(batch.valid_at[-1] <= newest.valid_at[-1])
        and (batch.places is newest.places or batch.places == newest.places)
        and _keeps_step(batch, newest)
    )


def _keeps_step(batch: Batch, newest: Batch) -> bool:
    step = _step(newest)
    return step == _HOUR or bool(((newest.valid_at[0] - batch.valid_at) % step == _NO_TIME).all())


def _dataset(sheets: list[Sheet], nows: Instants, as_of: Instants, view: View) -> xr.Dataset:
    variables: dict[str, xr.Variable] = {}
    for sheet in sheets:
        dims = ("now", "place", "hour" if sheet.hourly else "day")
        for name, values, flags in zip(sheet.names, *sheet.room(), strict=True):
            variables[name] = _variable(dims, values.transpose(0, 2, 1))
            variables[f"flags_{name}"] = _variable(dims, flags.transpose(0, 2, 1))
    axes = _axes(view.places, (view.hours_back, view.hours_ahead), (view.days_back, view.days_ahead))
    index = PandasIndex(pd.Index(nows), "now")
    moments = {**index.create_variables(), "as_of": _variable(("now",), as_of)}
    coordinates = xr.Coordinates(
        {**moments, **axes.variables}, indexes={"now": index, **axes.xindexes}
    )
    return xr.Dataset(variables, coordinates)


def _variable(dims: tuple[str, ...], array: npt.NDArray[np.generic]) -> xr.Variable:
    """The array as it is: what it could be else is not looked for, nor are libraries loaded to find out."""
    return xr.Variable(dims, array, fastpath=True)


@lru_cache(maxsize=8)
def _axes(
    places: tuple[str, ...], hours: tuple[int, int], days: tuple[int, int]
) -> xr.Coordinates:
    """The axes that every block of a view shares; making their indexes takes as long as laying a tick."""
    axes = {
        "place": np.array(places),
        "hour": np.arange(1 - hours[0], hours[1] + 1),
        "day": np.arange(-days[0], days[1]),
    }
    indexes = {name: PandasIndex(pd.Index(axis), name, coord_dtype=axis.dtype) for name, axis in axes.items()}
    variables = {name: axis for one in indexes.values() for name, axis in one.create_variables().items()}
    return xr.Coordinates(variables, indexes=indexes)


def reported(
    batches: Sequence[Batch], places: Sequence[str], before: np.datetime64, hours: int
) -> dict[str, Values]:
    """What batches reported in the `hours` hours before an hour, masked values included.

    Returns quantity -> array (place, hours), the last column one hour before `before`; NaN where nothing
    was reported.
    """
    found: dict[str, Values] = {}
    row = {place: index for index, place in enumerate(places)}
    for run in runs(batches):
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
