"""The district's climate: where its baseline lies, and the months that a new instance has not seen itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ingest.batch import MASKING, Batch, Flag, Values
from ingest.climate import ARCHIVE, Climate
from ingest.climate.series import Days
from ingest.errors import FengsuiError
from ingest.http import HttpClient
from ingest.source import Request
from ingest.sources.open_meteo import OpenMeteo
from ingest.times import BEIJING_OFFSET_H, Instants, beijing_day, beijing_midnight, instant64
from pipeline.config import Config
from pipeline.ports import Judging
from pipeline.settings import reveal
from pipeline.view import DERIVED
from rules.baseline import Baseline
from rules.derived import Day, day_maximum, day_mean, day_minimum, day_sum
from rules.hazards.drought import DAYS_NEEDED, PARTS, drought_parts

FILE = "baseline.npz"
"""Name of the baseline in the data folder."""
DAILY = (
    "precipitation_day", "temperature_max_day", "temperature_min_day", "temperature_mean_day",
    "relative_humidity_mean_day",
)  # fmt: skip
"""Daily quantities that can be filled in for the past."""
BACK = DAYS_NEEDED + 70
"""Days filled in: those of the longest sum, and before the first of sixty days that are judged [d]."""

_HOURLY = ("temperature_2m", "relative_humidity_2m", "precipitation")
# ERA5 is some five days late; the analysis of the forecast model covers what it does not reach yet.
_RECENT_DAYS = 10
_DAY_H = 24


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What became known of the past."""

    first: date
    """First day looked at."""
    last: date
    """Last day that had ended."""
    fresh: int
    """Days of which something new is known in any town [d]."""
    missing: int
    """Days whose rain is still unknown in some town [d]; drought stays unknown for so long after each."""
    index_days: int
    """Days for which the parts of the drought index were worked out [d]; 0 without a baseline."""


def load_baseline(config: Config, folder: Path) -> Baseline | None:
    """The baseline of the district's towns; None where none was made.

    StoreError with the remedy where the file is damaged, of another version, or lacks a town: a start with
    half a climate would leave towns unjudged without a word.
    """
    path = folder / FILE
    return Baseline.load(path, config.district.place_ids) if path.exists() else None


def waiting_for_baseline(config: Config, baseline: Baseline | None = None) -> tuple[str, ...]:
    """Names of the enabled hazards that stay UNKNOWN without a baseline; none where there is one."""
    if baseline is not None:
        return ()
    return tuple(
        name
        for name, block in config.hazards.items()
        if block.conduct.enabled and set(block.rule.quantities) & set(PARTS)
    )


def fetch_past(
    config: Config, now: datetime, http: HttpClient, *, archive: str = ARCHIVE
) -> Climate:
    """The last days before `now` as Open-Meteo knows them: ERA5, and a model's analysis after its end.

    Both are asked for the hours at every town, in some 120 weighted calls for 21 towns; days are made of them
    as the daily run makes them. The address of the forecast, and the key of a paid plan, are those of the
    district's own `open_meteo` source, where it has one. Raises SourceError or BadPayload as a pull does.
    """
    own = _own_source(config)
    older = OpenMeteo(
        base_url=archive, mode="archive", model="era5", days_back=BACK + 1, quantities=_HOURLY
    )
    newer = replace(own, past_days=_RECENT_DAYS, forecast_days=1, quantities=_HOURLY)
    request = Request(
        now=now, since=None, district=config.district, http=http,
        reveal=lambda secret: reveal(secret, config.folder),
    )  # fmt: skip
    batches = [batch for part in (older, newer) for batch in part.fetch("past", request)]
    told = [batch for batch in batches if batch.kind == "observation"]
    return Climate(
        places=config.district.place_ids,
        days=_days_before(now),
        series=days_of(told, now),
        source="Open-Meteo.com (CC BY 4.0), ERA5 and model analysis",
    )


def days_of(batches: Sequence[Batch], now: datetime) -> dict[str, Values]:
    """Daily quantities of the last `BACK` Beijing days from hourly observations, (place, day).

    Where two batches know an hour the later one is taken; a value that a quality flag masks counts as
    missing. Which missing hours make a day NaN is said by `rules.derived`.
    """
    first = instant64(beijing_midnight(now)) - np.timedelta64(BACK * _DAY_H, "h")
    hours = {name: _hours(batches, name, first) for name in _HOURLY}
    warmth, rain = hours["temperature_2m"][:, :-1], hours["precipitation"][:, 1:]
    by_day = (warmth.shape[0], BACK, _DAY_H)
    warm = warmth.reshape(by_day)
    return {
        "temperature_max_day": day_maximum(warm),
        "temperature_min_day": day_minimum(warm),
        "temperature_mean_day": day_mean(warm),
        "relative_humidity_mean_day": day_mean(
            hours["relative_humidity_2m"][:, :-1].reshape(by_day)
        ),
        "precipitation_day": day_sum(rain.reshape(by_day)),
    }


def fill(
    connection: Connection, now: datetime, judging: Judging, past: Climate, *, measured: bool
) -> Filled:
    """Archive what `past` knows of days that the archive does not know, and the drought index of these days.

    The values become known at `now`, as a batch of the derived source with the flag ANALYSIS unless they were
    `measured`; what is archived already stays. A climate that holds none of the days is refused with
    FengsuiError.
    """
    days = _days_before(now)
    told = _told(connection, now, judging)
    offered = _offered(past, days, judging.view.places)
    known = {
        name: np.where(np.isnan(told[name]), offered.get(name, np.nan), told[name]) for name in DAILY
    }
    fresh = {name: np.where(np.isnan(told[name]), known[name], np.nan) for name in DAILY}
    parts = _parts(known, days, judging)
    fresh |= {name: np.where(np.isnan(told[name]), parts[name], np.nan) for name in PARTS}
    judging.archive.append(connection, _batch(fresh, days, now, judging, measured))
    rain_known = ~np.isnan(known["precipitation_day"])
    return Filled(
        first=days[0].astype(date),
        last=days[-1].astype(date),
        fresh=int(sum(_any_town(fresh, DAILY))),
        missing=int((~rain_known.all(axis=0)).sum()),
        index_days=int(sum(_any_town(fresh, PARTS))),
    )


def _own_source(config: Config) -> OpenMeteo:
    sources = [block.source for block in config.sources.values() if block.feed.enabled]
    own = [source for source in sources if isinstance(source, OpenMeteo) and source.mode == "forecast"]
    return own[0] if own else OpenMeteo()


def _days_before(now: datetime) -> Days:
    """The dates of the last `BACK` days that had ended."""
    today = np.datetime64(beijing_day(now), "D")
    dates: Days = today - np.arange(BACK, 0, -1)
    return dates


def _hours(batches: Sequence[Batch], name: str, first: np.datetime64) -> Values:
    """Every hour from the midnight `first` to that of today, both included, (place, hour)."""
    hours = np.full((len(batches[0].places), BACK * _DAY_H + 1), np.nan)
    for batch in batches:
        columns = ((batch.valid_at - first) / np.timedelta64(1, "h")).astype(np.int64)
        inside = (columns >= 0) & (columns < hours.shape[1])
        masked = (batch.flags_of(name) & np.uint8(MASKING)) > 0
        fresh = np.where(masked, np.nan, batch.values[name])[:, inside]
        kept = hours[:, columns[inside]]
        hours[:, columns[inside]] = np.where(np.isnan(fresh), kept, fresh)
    return hours


def _told(connection: Connection, now: datetime, judging: Judging) -> dict[str, Values]:
    """What the archive knows of the days, (place, day)."""
    view = replace(
        judging.view, quantities=(*DAILY, *PARTS), hours_back=1, hours_ahead=0,
        days_back=BACK, days_ahead=0,
    )  # fmt: skip
    block = judging.archive.block(connection, [now], view)
    return {name: block.variables[name].values[0] for name in view.quantities}


def _offered(past: Climate, days: Days, places: Sequence[str]) -> dict[str, Values]:
    """What a climate knows of the days and towns."""
    columns = (days - past.days[0]).astype(np.int64)
    inside = (columns >= 0) & (columns < past.days.size)
    if not inside.any():
        raise FengsuiError(
            f"{past.source} holds no day from {days[0]} to {days[-1]}; give a newer file, or fetch the"
            " days with `fengsui baseline --fill`"
        )
    rows = [past.places.index(place) for place in places]
    found = {}
    for name in past:
        found[name] = np.full((len(places), days.size), np.nan)
        found[name][:, inside] = past[name][np.ix_(rows, columns[inside])]
    return found


def _parts(known: Mapping[str, Values], days: Days, judging: Judging) -> dict[str, Values]:
    """The parts of the drought index of every day, (place, day)."""
    towns = judging.config.district.towns
    parts = {name: np.full((len(towns), days.size), np.nan) for name in PARTS}
    latitude = np.array([town.lat for town in towns])
    for column in range(DAYS_NEEDED - 1, days.size):
        day = Day(
            date=days[column],
            hours={},
            before={name: values[:, :column] for name, values in known.items()},
            same={name: values[:, column] for name, values in known.items()},
            latitude=latitude,
            baseline=judging.baseline,
        )
        for name, values in drought_parts(day).items():
            parts[name][:, column] = values
    return parts


def _any_town(fresh: Mapping[str, Values], names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Whether a day has anything new, (day,)."""
    said: npt.NDArray[np.bool_] = ~np.isnan(np.concatenate([fresh[name] for name in names])).all(axis=0)
    return said


def _batch(
    fresh: Mapping[str, Values], days: Days, now: datetime, judging: Judging, measured: bool
) -> Iterator[Batch]:
    """One batch of the days that have anything new; none where nothing is."""
    said = _any_town(fresh, tuple(fresh))
    if not said.any():
        return
    values = {name: array[:, said] for name, array in fresh.items() if not np.isnan(array).all()}
    bits = np.uint8(0 if measured else Flag.ANALYSIS)
    yield Batch(
        source=DERIVED, kind="observation", issued_at=now, available_at=now,
        places=judging.view.places, valid_at=_ends(days[said]), values=values,
        flags={name: np.full(array.shape, bits) for name, array in values.items()},
    )  # fmt: skip


def _ends(days: Days) -> Instants:
    """The instant at which each Beijing day ended."""
    midnights: Instants = (days + 1).astype("datetime64[s]")
    return midnights - np.timedelta64(BEIJING_OFFSET_H, "h")
