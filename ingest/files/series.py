"""Weather of many hours as a file holds it, and the batches it would have come in."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Flag, Flags, Values
from ingest.files.names import DEW_POINT, EASTWARD, NORTHWARD
from ingest.files.plan import Mask, Plan, Prognosis
from ingest.files.refusal import refuse
from ingest.times import Instants, from64

_HOUR = np.timedelta64(3600, "s")


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Values of some quantities at some places and hours; NaN where nothing is said."""

    places: tuple[str, ...]
    """Place ids, the first axis."""
    valid_at: Instants
    """Whole UTC hours, strictly increasing, the second axis; hours may be left out."""
    values: Mapping[str, Values]
    """Quantity -> (place, hour) in the unit of the table of quantities."""
    flags: Mapping[str, Flags] = field(default_factory=dict)
    """Quantity -> Flag bits (place, hour); absent means none."""

    def only(self, columns: Mask | npt.NDArray[np.intp]) -> Series:
        """Some of its hours."""
        return replace(
            self,
            valid_at=self.valid_at[columns],
            values={name: values[:, columns] for name, values in self.values.items()},
            flags={name: bits[:, columns] for name, bits in self.flags.items()},
        )

    def flagged(self, flag: Flag | None) -> Series:
        """The same with a flag on every value; values that are NaN carry it as well."""
        if flag is None:
            return self
        bits = {
            name: self.flags.get(name, np.zeros(values.shape, np.uint8)) | np.uint8(flag)
            for name, values in self.values.items()
        }
        return replace(self, flags=bits)

    def said(self) -> Mask:
        """Hours of which anything is known, (hour,)."""
        known = [~np.isnan(values).all(axis=0) for values in self.values.values()]
        return np.any(known, axis=0) if known else np.zeros(self.valid_at.shape, np.bool_)

    def batch(self, kind: str, source: str, issued_at: datetime, available_at: datetime) -> Batch:
        """All of it as one batch."""
        return Batch(
            source=source,
            kind="forecast" if kind == "forecast" else "observation",
            issued_at=issued_at,
            available_at=available_at,
            places=self.places,
            valid_at=self.valid_at,
            values={name: np.ascontiguousarray(values) for name, values in self.values.items()},
            flags={
                name: np.ascontiguousarray(bits) for name, bits in self.flags.items() if bits.any()
            },
        )


def observed(series: Series, source: str, delay: timedelta) -> Iterator[Batch]:
    """One observation batch per hour of which anything is known, known `delay` after the hour.

    Every batch carries every quantity, so that batches that follow each other can be laid at once.
    """
    for column in np.flatnonzero(series.said()).tolist():
        at = from64(series.valid_at[column])
        yield series.only(np.array([column])).batch("observation", source, at, at + delay)


def prognosis(series: Series, plan: Plan, wanted: Prognosis) -> Iterator[Batch]:
    """Forecasts taken from the record's own future: no one could have known them, and each value says so.

    Issued at whole multiples of `wanted.every` since 00 UTC, known `plan.delay` later, from the next hour to
    the horizon; hours and quantities that the record does not know are left out.
    """
    every = int(wanted.every.total_seconds())
    horizon = np.timedelta64(int(wanted.horizon.total_seconds()), "s")
    first = int((series.valid_at[0] - _HOUR).astype(np.int64))
    start, last = -(-first // every) * every, int(series.valid_at[-1].astype(np.int64))
    kept = {
        name: bits & np.uint8(Flag.RECONSTRUCTED | Flag.ANALYSIS) for name, bits in series.flags.items()
    }
    future = replace(series, flags=kept).flagged(Flag.PERFECT_PROGNOSIS)
    for seconds in range(start, last, every):
        issue = np.datetime64(seconds, "s")
        begin, end = np.searchsorted(series.valid_at, [issue, issue + horizon], side="right")
        part = _told(future.only(np.arange(begin, end)))
        if part.values:
            yield part.batch("forecast", plan.source, from64(issue), from64(issue) + plan.delay)


def _told(series: Series) -> Series:
    """Without hours and quantities of which nothing is known."""
    names = [name for name, values in series.values.items() if not np.isnan(values).all()]
    kept = replace(
        series,
        values={name: series.values[name] for name in names},
        flags={name: series.flags[name] for name in names if name in series.flags},
    )
    return kept.only(kept.said())


def as_known(series: Series, plan: Plan) -> Iterator[Batch]:
    """What was observed, hour by hour, and forecasts from its own future where the plan asks for them."""
    cut = series.only(plan.inside(series.valid_at)).flagged(plan.provenance)
    streams = [observed(cut, plan.source, plan.delay)]
    if plan.prognosis is not None and cut.valid_at.size:
        streams.append(prognosis(cut, plan, plan.prognosis))
    return in_order(streams)


def refuse_prognosis(path: Path, plan: Plan) -> None:
    """Refuse to make forecasts beside real ones, or of reports that came late."""
    if plan.prognosis is not None:
        what = "it says itself what was known when, and a perfect prognosis would hide that"
        refuse(path, "", what, "leave out --perfect-prognosis")


def in_order(streams: Iterable[Iterator[Batch]]) -> Iterator[Batch]:
    """Streams of batches, each in the order they became known, as one in that order."""
    return heapq.merge(*streams, key=lambda batch: batch.available_at)


def completed(values: dict[str, Values]) -> dict[str, Values]:
    """Quantities of the table from what stands in for them, which is left out.

    Relative humidity from temperature and dew point where none is told, wind speed and direction from the
    eastward and northward wind (m/s; a direction is where it comes from, and calm has none).
    """
    made = dict(values)
    dew, east, north = (made.pop(name, None) for name in (DEW_POINT, EASTWARD, NORTHWARD))
    if dew is not None and "temperature_2m" in made and "relative_humidity_2m" not in made:
        made["relative_humidity_2m"] = humidity(made["temperature_2m"], dew)
    if east is not None and north is not None and "wind_speed_10m" not in made:
        made["wind_speed_10m"] = np.hypot(east, north).round(2)
        made.setdefault("wind_direction_10m", _direction(east, north))
    return made


def _direction(east: Values, north: Values) -> Values:
    """Where the wind comes from [°], whole; NaN for calm."""
    angle = np.degrees(np.arctan2(-east, -north))
    calm = ~(np.hypot(east, north) > 0)
    return np.where(calm, np.nan, np.mod(np.rint(angle), 360.0))


def humidity(temperature: Values, dew_point: Values) -> Values:
    """Relative humidity over water [%], whole, at most 100, from temperature and dew point [°C]; NaN stays.

    Magnus formula with the coefficients of WMO-No. 8 (17.62, 243.12 °C), good to 0.6 % from -45 to 60 °C.
    """
    pressures = [np.exp(17.62 * part / (243.12 + part)) for part in (dew_point, temperature)]
    share = 100.0 * pressures[0] / pressures[1]
    return np.minimum(np.round(share), 100.0)
