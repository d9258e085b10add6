"""Derived quantities: daily values that remember, computed day after day and archived like any other.

A derivation looks at the 24 hours of one day, at what other derivations made of the same day and at the days
before it. `pipeline.derive` runs them in the order of their needs, for the days that ended and for those the
forecast covers, and archives what is new as batches of a source of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter

import numpy as np
import numpy.typing as npt

from ingest.errors import ConfigMistake
from ingest.quantities import quantity
from rules.baseline import Baseline
from rules.ladder import reached
from rules.windows import highest, lowest

HOT_DAY_C = 35.0
"""Daily maximum from which the meteorological service counts a hot day (高温日) [°C]."""

Towns = npt.NDArray[np.float64]
"""One value per town, (place,)."""
Series = npt.NDArray[np.float64]
"""Hours or days per town, (place, time), newest last."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """What a derivation may look at: one day of all towns.

    Towns are independent: many looks at one date may be stacked along the place axis. Of nothing known
    follows nothing.
    """

    date: np.datetime64
    """Beijing date on which the day ends (``datetime64[D]``); midnight ends the date before it."""
    hours: Mapping[str, Series]
    """Quantity -> its 24 hours (place, 24); NaN where missing."""
    before: Mapping[str, Series]
    """Quantity -> the days before this one (place, n), newest last; NaN where unknown."""
    same: Mapping[str, Towns]
    """Quantity -> what an earlier derivation made of this same day."""
    latitude: Towns
    """Latitude of each town [degrees north]."""
    baseline: Baseline | None
    """The climate of the district; None where none was fitted."""

    @property
    def month(self) -> int:
        """Month of the date, 1 to 12."""
        return int(self.date.astype("datetime64[M]").astype(int) % 12) + 1


Compute = Callable[[Day], Mapping[str, Towns]]


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """How some daily quantities follow from the hours of a day and from days before."""

    gives: tuple[str, ...]
    """Daily quantities it makes, all of days that end at the same hour."""
    compute: Compute
    """Makes them; NaN where they cannot be known."""
    hours: tuple[str, ...] = ()
    """Hourly quantities it reads."""
    before: Mapping[str, int] = field(default_factory=dict)
    """Daily quantity -> days it looks back [d]."""
    same: tuple[str, ...] = ()
    """Daily quantities of the same day that must be made first."""

    @property
    def ends(self) -> int:
        """Hour of Beijing time at which its day ends."""
        return quantity(self.gives[0]).day_ends


_DERIVATIONS: dict[str, Derivation] = {}


def derivation(
    *gives: str,
    hours: tuple[str, ...] = (),
    before: Mapping[str, int] | None = None,
    same: tuple[str, ...] = (),
) -> Callable[[Compute], Compute]:
    """Register the decorated function as the one that makes some daily quantities."""
    if len({quantity(name).day_ends for name in gives}) != 1:
        raise ConfigMistake(f"{', '.join(gives)} end at different hours; derive them apart")

    def register(compute: Compute) -> Compute:
        made = Derivation(
            gives=gives, compute=compute, hours=hours, before=dict(before or {}), same=same
        )
        for name in gives:
            if name in _DERIVATIONS:
                raise ConfigMistake(f"{name} is derived twice; rename one")
            _DERIVATIONS[name] = made
        return compute

    return register


def derivations(wanted: tuple[str, ...]) -> Iterator[Derivation]:
    """The derivations that make the wanted quantities and all they need, in an order that works."""
    needs: dict[str, set[str]] = {}
    waiting = [name for name in wanted if name in _DERIVATIONS]
    while waiting:
        name = waiting.pop()
        if name not in needs:
            made = _DERIVATIONS[name]
            needs[name] = set(made.same)
            waiting += [*made.same, *(own for own in made.before if own in _DERIVATIONS)]
    told: set[int] = set()
    for name in TopologicalSorter(needs).static_order():
        made = _DERIVATIONS[name]
        if id(made) not in told:
            told.add(id(made))
            yield made


def day_maximum(hours: Series, max_gap: int = 2) -> Towns:
    """Daily maximum temperature per town [°C].

    Parameters
    ----------
    hours : array (place, hour), the hours of one day [°C]
    max_gap : int
        Longest run of missing hours that is bridged [h]; a longer one makes the day NaN, because the
        maximum may lie in it.
    """
    bounds = highest(hours, max_gap)
    return np.where(np.isfinite(bounds.high), bounds.low, np.nan)


def day_minimum(hours: Series, max_gap: int = 2) -> Towns:
    """Daily minimum temperature per town [°C]; gaps as in `day_maximum`."""
    bounds = lowest(hours, max_gap)
    return np.where(np.isfinite(bounds.high), bounds.low, np.nan)


def day_mean(hours: Series, most_missing: int = 2) -> Towns:
    """Mean of the hours of a day per town; NaN where more than `most_missing` of them are missing."""
    known = ~np.isnan(hours)
    count = known.sum(axis=-1)
    total = np.where(known, hours, 0.0).sum(axis=-1)
    enough = count >= hours.shape[-1] - most_missing
    return np.where(enough, total / np.maximum(count, 1), np.nan)


def day_sum(hours: Series) -> Towns:
    """Sum of the hours of a day per town, exact in tenths; NaN where one is missing: it could hold all."""
    total: Towns = np.rint(hours * 10.0).sum(axis=-1) / 10.0
    return total


def hot_day_run(maximum: Towns, before: Towns) -> Towns:
    """Number of hot days in a row up to this day, per town [d].

    Parameters
    ----------
    maximum : array (place,), this day's maximum [°C]; NaN makes the run unknown (NaN)
    before : array (place,), yesterday's run [d]; NaN counts as none, so the run is then a lower bound
    """
    hot = reached(maximum, HOT_DAY_C, quantity("temperature_2m").resolution)
    run = np.where(hot, np.nan_to_num(before) + 1.0, 0.0)
    return np.where(np.isnan(maximum), np.nan, run)


@derivation(
    "temperature_max_day", "temperature_min_day", "temperature_mean_day", hours=("temperature_2m",)
)
def _temperature(day: Day) -> dict[str, Towns]:
    hours = day.hours["temperature_2m"]
    return {
        "temperature_max_day": day_maximum(hours),
        "temperature_min_day": day_minimum(hours),
        "temperature_mean_day": day_mean(hours),
    }


@derivation("relative_humidity_mean_day", hours=("relative_humidity_2m",))
def _humidity(day: Day) -> dict[str, Towns]:
    return {"relative_humidity_mean_day": day_mean(day.hours["relative_humidity_2m"])}


@derivation("hot_day_run", before={"hot_day_run": 1}, same=("temperature_max_day",))
def _hot_days(day: Day) -> dict[str, Towns]:
    run = hot_day_run(day.same["temperature_max_day"], day.before["hot_day_run"][:, -1])
    return {"hot_day_run": run}


@derivation("precipitation_day", hours=("precipitation",))
def _rain(day: Day) -> dict[str, Towns]:
    return {"precipitation_day": day_sum(day.hours["precipitation"])}


@derivation("precipitation_day_20", hours=("precipitation",))
def _rain_20(day: Day) -> dict[str, Towns]:
    return {"precipitation_day_20": day_sum(day.hours["precipitation"])}
