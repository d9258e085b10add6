"""Days of a file: archived as days, and drawn into hours where the plan asks for that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Flag, Flags, Values
from ingest.files.names import DAY_RAIN
from ingest.files.plan import DAY_H, Curve, Plan
from ingest.files.refusal import refuse
from ingest.files.series import Series, as_known, in_order, observed
from ingest.quantities import quantity
from ingest.recordings.diurnal import half_cosine
from ingest.times import BEIJING_OFFSET_H, Instants

MAXIMUM, MINIMUM = "temperature_max_day", "temperature_min_day"
_RAIN_BY_END = {0: "precipitation_day", 20: "precipitation_day_20"}
_Dates = npt.NDArray[np.datetime64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Days:
    """Daily values of some places; a rain day carries the date on which it ends."""

    places: tuple[str, ...]
    """Place ids, the first axis."""
    dates: _Dates
    """Beijing dates (``datetime64[D]``), strictly increasing, the second axis."""
    values: Mapping[str, Values]
    """Daily quantity, or `DAY_RAIN`, -> (place, day); NaN where nothing is said."""


def check_days(days: Days, plan: Plan, path: Path) -> None:
    """Refuse what the plan does not say: where a rain day ends, or what the minimum is."""
    if DAY_RAIN in days.values and plan.rain_day is None:
        refuse(
            path, "", "it holds days of rain, and nobody says when such a day ends",
            "add --rain-day 20 (20 to 20 Beijing time), 8 or 0 (the calendar day)",
        )  # fmt: skip
    if DAY_RAIN in days.values and plan.rain_day == 8 and plan.spread is None:
        refuse(
            path, "", "rain from 08 to 08 o'clock is no quantity that anything looks at",
            "add --rain-spread, such as --rain-spread even, to draw hours from it",
        )  # fmt: skip
    lacking = MAXIMUM in days.values and MINIMUM not in days.values
    if plan.curve is not None and plan.curve.swing is None and lacking:
        refuse(
            path, "", "it holds daily maxima without minima, and no curve can be drawn through these",
            "name a daily swing as well, such as --daily-curve 17,5,8",
        )  # fmt: skip


def with_minimum(days: Days, curve: Curve) -> Days:
    """The days with a minimum made from the maximum by the swing, where the file has none."""
    if MINIMUM in days.values or MAXIMUM not in days.values or curve.swing is None:
        return days
    made = np.round(days.values[MAXIMUM] - curve.swing, 1)
    return replace(days, values={**days.values, MINIMUM: made})


def observed_days(days: Days, plan: Plan) -> Iterator[Batch]:
    """Days as they ended, under the name where days are looked for, and the hours drawn from them.

    Days become known `plan.delay` after their end; a drawn hour as if it had been measured, `plan.delay`
    after itself: it knows of the rest of its day, which its flag RECONSTRUCTED admits.
    """
    told = [
        observed(
            part.only(plan.inside(part.valid_at)).flagged(plan.provenance), plan.days_source, plan.delay
        )
        for part in by_end(days, plan.rain_day)
    ]
    hours = drawn(days, plan)
    if hours is not None:
        told.append(as_known(hours, plan))
    return in_order(told)


def foretold_days(
    days: Days, plan: Plan, issued_at: datetime, available_at: datetime
) -> Iterator[Batch]:
    """One statement about days to come: of their hours where the plan draws them, and as days."""
    hours = drawn(days, plan)
    parts = [*by_end(days, plan.rain_day), *([] if hours is None else [hours])]
    for part in parts:
        kept = part.only(part.said() & plan.inside(part.valid_at))
        if kept.valid_at.size:
            yield kept.batch("forecast", plan.source, issued_at, available_at)


def by_end(days: Days, rain_day: int | None) -> list[Series]:
    """The days as series, apart by the hour at which they end; rain of 08 to 08 has no quantity."""
    named = {name: values for name, values in days.values.items() if name != DAY_RAIN}
    rain = _RAIN_BY_END.get(-1 if rain_day is None else rain_day)
    if DAY_RAIN in days.values and rain is not None:
        named[rain] = days.values[DAY_RAIN]
    ends = sorted({quantity(name).day_ends for name in named})
    return [
        Series(
            places=days.places,
            valid_at=ends_of(days.dates, end),
            values={name: array for name, array in named.items() if quantity(name).day_ends == end},
        )
        for end in ends
    ]


def ends_of(dates: _Dates, end: int) -> Instants:
    """Instant at which the day of each date ends: at an hour of Beijing time, 0 being the midnight after."""
    hours = (24 if end == 0 else end) - BEIJING_OFFSET_H
    midnights: Instants = dates.astype("datetime64[s]")
    return midnights + np.timedelta64(hours * 3600, "s")


def drawn(days: Days, plan: Plan) -> Series | None:
    """Hours reconstructed from days as far as the plan asks for it; None where it does not."""
    parts = []
    if plan.curve is not None and MAXIMUM in days.values:
        parts.append(_warmth(with_minimum(days, plan.curve), plan.curve))
    if plan.spread is not None and DAY_RAIN in days.values:
        parts.append(_rain(days, plan.rain_day or 0, plan.spread))
    return together(parts) if parts else None


def together(parts: list[Series]) -> Series:
    """Series of the same places with different quantities, on all hours of any."""
    hours = np.unique(np.concatenate([part.valid_at for part in parts]))
    values: dict[str, Values] = {}
    flags: dict[str, Flags] = {}
    for part in parts:
        columns = np.searchsorted(hours, part.valid_at)
        for name, array in part.values.items():
            values[name] = np.full((len(part.places), hours.size), np.nan)
            values[name][:, columns] = array
            flags[name] = np.zeros(values[name].shape, np.uint8)
            flags[name][:, columns] = part.flags.get(name, 0)
    return Series(places=parts[0].places, valid_at=hours, values=values, flags=flags)


def _warmth(days: Days, curve: Curve) -> Series:
    """Hours of temperature between the extremes of each Beijing day, which no hour of the day leaves."""
    start = days.dates.astype("datetime64[h]").astype(np.int64) - BEIJING_OFFSET_H
    hours = np.arange(start[0], start[-1] + DAY_H)
    values = np.empty((len(days.places), hours.size))
    at = np.searchsorted(start, hours, side="right") - 1
    told = hours - start[at] < DAY_H
    for row, (high, low) in enumerate(zip(days.values[MAXIMUM], days.values[MINIMUM], strict=True)):
        known = ~np.isnan(high) & ~np.isnan(low)
        anchors = dict(zip((start + curve.warmest)[known].tolist(), high[known].tolist(), strict=True))
        anchors |= dict(zip((start + curve.coldest)[known].tolist(), low[known].tolist(), strict=True))
        bounded = np.clip(half_cosine(hours, anchors), low[at], high[at])
        values[row] = np.where(told, bounded, np.nan)
    return _reconstructed(days.places, hours, {"temperature_2m": values})


def _rain(days: Days, end: int, over: int) -> Series:
    """Hours of rain of each day: `over` hours in its middle, as evenly as tenths allow."""
    ends = ends_of(days.dates, end).astype("datetime64[h]").astype(np.int64)
    hours = (ends[:, None] + np.arange(1 - DAY_H, 1)).ravel()
    rain = spread(days.values[DAY_RAIN], DAY_H, over).reshape(len(days.places), -1)
    series = _reconstructed(days.places, hours, {"precipitation": rain})
    # A day without rain has no hour with rain: that is known, not drawn.
    dry = np.repeat(days.values[DAY_RAIN] == 0, DAY_H, axis=1)
    return replace(series, flags={"precipitation": np.where(dry, 0, series.flags["precipitation"])})


def spread(totals: Values, hours: int, over: int) -> Values:
    """Sums (...) over the `over` hours in the middle of a period of `hours`, as tenths: (..., hours) [mm].

    As evenly as tenths of a millimetre allow, and their sum is the total in tenths; NaN stays NaN.
    """
    over = min(over, hours)
    tenths = np.rint(totals * 10.0)[..., None]
    steps = np.floor(np.arange(over + 1) * tenths / over)
    first = (hours - over) // 2
    told = np.zeros((*totals.shape, hours))
    told[..., first : first + over] = np.diff(steps, axis=-1) / 10.0
    return np.where(np.isnan(totals)[..., None], np.nan, told)


def _reconstructed(
    places: tuple[str, ...], hours: npt.NDArray[np.int64], values: dict[str, Values]
) -> Series:
    bits = {name: np.full(array.shape, np.uint8(Flag.RECONSTRUCTED)) for name, array in values.items()}
    valid_at = hours.astype("datetime64[h]").astype("datetime64[s]")
    return Series(places=places, valid_at=valid_at, values=values, flags=bits)


def dates_between(first: np.datetime64, last: np.datetime64) -> _Dates:
    """Every date from the first to the last, both included."""
    dates: _Dates = first + np.arange((last - first).astype(int) + 1)
    return dates


