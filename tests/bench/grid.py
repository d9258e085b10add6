"""A province at one moment: weather of so many places, and the batches it was told by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import xarray as xr
from bench.climate import stepped
from bench.weather import LATENCY, columns, year_of

from ingest.batch import Batch, Flag, Kind, Values
from ingest.block import View, exact64, fill
from ingest.quantities import quantity
from ingest.timeline import Clock
from ingest.times import BEIJING_OFFSET_H, Instants, from64
from pipeline.config import Config
from pipeline.view import DERIVED, view_of

_AS_OF = datetime(2022, 8, 15, 6, tzinfo=UTC)
_DAY_H = 24
# That moment by the clock of Beijing, by which the days of the year are cut.
_HOUR = 14


@dataclass(frozen=True, kw_only=True)
class Province:
    """Batches of one tick of a province."""

    batches: list[Batch]
    """One observation per hour back, one forecast, and the derived days."""
    nows: Instants
    """The one now."""
    view: View
    """What the hazards read of it."""

    def block(self) -> xr.Dataset:
        """What was known at the now."""
        return fill(self.batches, self.nows, self.view)


def province(places: int, config: Config, back: int, ahead: int) -> Province:
    """A moment of so many places, each in a week of its own from any season, so that every hazard has work.

    `back` and `ahead` are the fewest hours of the block; what a hazard needs beyond them is added.
    """
    district = view_of(config)
    view = replace(
        district,
        places=tuple(str(number) for number in range(places)),
        hours_back=max(back, district.hours_back),
        hours_ahead=max(ahead, district.hours_ahead),
        sources=("grid", DERIVED),
        latency=LATENCY,
        freshness={"grid": timedelta(hours=12)},
    )
    now = np.array([exact64(_AS_OF + LATENCY)])
    return Province(batches=[*_grid(view), *_derived(view, now)], nows=now, view=view)


def _grid(view: View) -> Iterator[Batch]:
    """The hours: one observation for each that has passed, one forecast of all to come."""
    names = [name for name in view.quantities if quantity(name).meaning != "day"]
    weeks = _weeks(view, names)
    hours = exact64(_AS_OF).astype("datetime64[h]") + np.arange(
        1 - view.hours_back, view.hours_ahead + 1
    )
    for column in range(view.hours_back):
        one = slice(column, column + 1)
        yield _told("observation", "grid", view, hours[one], columns(weeks, one))
    rest = slice(view.hours_back, None)
    yield _told("forecast", "grid", view, hours[rest], columns(weeks, rest))


def _weeks(view: View, names: list[str]) -> dict[str, Values]:
    """For each place the hours of a random town and day of the year, at the right hour of the day."""
    chance = np.random.default_rng(70_000)
    year, width = year_of(21), view.hours_back + view.hours_ahead
    first = (_HOUR - view.hours_back + 1) % _DAY_H
    day = chance.integers(0, 365 - width // _DAY_H - 2, len(view.places))
    hours = (day * _DAY_H + first)[:, None] + np.arange(width)
    town = chance.integers(0, 21, len(view.places))[:, None]
    return {name: year[name][town, hours] for name in names}


# Centre and spread of daily values: drawn, not derived, for a province has no year behind it.
_DAYS = {
    "temperature_max_day": (28.0, 7.0),
    "temperature_min_day": (18.0, 7.0),
    "temperature_mean_day": (23.0, 7.0),
    "relative_humidity_mean_day": (75.0, 12.0),
    "hot_day_run": (-1.0, 2.0),
    "precipitation_day": (-5.0, 20.0),
    "precipitation_day_20": (-5.0, 20.0),
    "ffmc": (80.0, 10.0),
    "dmc": (30.0, 20.0),
    "dc": (300.0, 200.0),
    "fwi": (8.0, 10.0),
}


def _derived(view: View, now: Instants) -> Iterator[Batch]:
    """The days: what had ended, and what is foretold."""
    chance = np.random.default_rng(7)
    clocks: dict[Clock, list[str]] = {}
    for name in view.quantities:
        if quantity(name).meaning == "day":
            clocks.setdefault(Clock.of(quantity(name)), []).append(name)
    for clock, names in clocks.items():
        today = int(clock.running(now)[0])
        spans: tuple[tuple[Kind, int, int], ...] = (
            ("observation", today - view.days_back, today),
            ("forecast", today, today + view.days_ahead),
        )
        for kind, first, last in spans:
            if first < last:
                shape = (len(view.places), last - first)
                values = {name: _days(name, shape, chance) for name in names}
                ends = np.arange(first, last) * _DAY_H - BEIJING_OFFSET_H + clock.ends
                yield _told(kind, DERIVED, view, ends.astype("datetime64[h]"), values)


def _days(name: str, shape: tuple[int, int], chance: np.random.Generator) -> Values:
    centre, spread = _DAYS.get(name, (0.0, 1.0))
    return stepped(name, chance.normal(centre, spread, shape))


def _told(kind: Kind, source: str, view: View, hours: Instants, values: dict[str, Values]) -> Batch:
    """A statement about all places; of an hour that has passed, made in that hour."""
    at = _AS_OF
    if source != DERIVED and kind == "observation":
        at = from64(hours[-1].astype("datetime64[s]"))
    analysis = np.uint8(Flag.ANALYSIS)
    return Batch(
        source=source,
        kind=kind,
        issued_at=at,
        available_at=at + LATENCY,
        places=view.places,
        valid_at=hours.astype("datetime64[s]"),
        values={name: np.ascontiguousarray(array) for name, array in values.items()},
        flags={name: np.full(array.shape, analysis) for name, array in values.items()},
    )
