"""The past from Open-Meteo: ERA5 or archived forecasts hour by hour, and forecasts as they were issued."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ingest.answers import Refused, host_of
from ingest.batch import Batch, Flag
from ingest.errors import BadPayload, SourceError
from ingest.files.plan import Plan, Prognosis
from ingest.files.series import Series, as_known
from ingest.http import HttpClient
from ingest.places import Place
from ingest.sources.open_meteo import weight
from ingest.sources.open_meteo_payload import Hours, read_hours, reason_of, refusal
from ingest.times import from64

ARCHIVE = "https://archive-api.open-meteo.com/v1/archive"
HISTORICAL = "https://historical-forecast-api.open-meteo.com/v1/forecast"
PREVIOUS = "https://previous-runs-api.open-meteo.com/v1/forecast"

MOST_DAYS = 7
"""Days back that the server keeps of what was forecast."""

# The free tier allows 600 weighted calls a minute; a daemon on the same line needs its share of them.
_A_MINUTE, _A_CALL = 500.0, 300.0
_REFUSED_S = 61.0
_TRIES = 3
_DAY_H = 24
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked of the server."""

    plan: Plan
    """Towns, name, delay and what else is made of the answer."""
    first: date
    """First UTC day."""
    last: date
    """Last UTC day."""
    quantities: tuple[str, ...]
    """Hourly quantities."""
    base_url: str
    """Address without query."""
    model: str | None = None
    """A model by the server's name; None for its best match."""
    every: timedelta = timedelta(hours=6)
    """Pause between the forecasts that are put together from previous runs, counted from 00 UTC."""
    days: int = 3
    """Days such a forecast reaches, 1 to `MOST_DAYS`."""

    def __post_init__(self) -> None:
        Prognosis(every=self.every)
        if not 1 <= self.days <= MOST_DAYS:
            raise ValueError(f"previous runs reach 1 to {MOST_DAYS} days")
        if self.last < self.first:
            raise ValueError("the last day lies before the first")


@dataclass(frozen=True, kw_only=True)
class Line:
    """The way to the server."""

    http: HttpClient
    """Makes the calls."""
    sleep: Callable[[float], None] = time.sleep
    """Waits between them [s]."""


def fetch_hours(question: Question, line: Line) -> Iterator[Batch]:
    """Every hour as an observation flagged ANALYSIS, known the plan's delay after it, month after month.

    Of the archive these are ERA5 at the height of each town; of the historical forecasts the first hours of
    each run. Hours the server does not know are left out. Raises SourceError with the server's reason, and
    BadPayload where an answer is not what was asked for.
    """
    kept: list[Hours] = []
    for month in _months(question.first, question.last):
        hours = _asked(question, line, month, question.quantities)[""]
        if question.plan.prognosis is None:
            yield from as_known(_series(question.plan, hours, Flag.ANALYSIS), question.plan)
        else:
            kept.append(hours)
    if kept:
        yield from as_known(_series(question.plan, _in_a_row(kept), Flag.ANALYSIS), question.plan)


def fetch_forecasts(question: Question, line: Line) -> Iterator[Batch]:
    """Forecasts as they were issued, from the variables ``..._previous_day1`` and on, month after month.

    ``previous_dayN`` tells of an hour what was forecast 24 x N hours before it. A forecast issued at a moment
    is put together from what had been said by then: its first 24 hours from previous_day1, the next from
    previous_day2, and so on. So no value is younger than the moment; it can be up to a day older, which makes
    the forecast a little worse than the one that was in force, never better. Known the plan's delay after the
    moment. Raises as `fetch_hours` does.
    """
    suffixes = tuple(f"_previous_day{day}" for day in range(1, question.days + 1))
    names = tuple(name + suffix for suffix in suffixes for name in question.quantities)
    for first, last in _months(question.first, question.last):
        reach = min(last + question.days * _ONE_DAY, question.last)
        told = _asked(question, line, (first, reach), names, suffixes)
        yield from _issued(question, told, suffixes, last)


def _issued(
    question: Question, told: Mapping[str, Hours], suffixes: tuple[str, ...], last: date
) -> Iterator[Batch]:
    hours = told[suffixes[0]].valid_at
    ahead = np.arange(1, _DAY_H * question.days + 1)
    every = int(question.every.total_seconds()) // 3600
    end = np.datetime64(last + _ONE_DAY, "s")
    layers = {
        name: np.stack([told[suffix].values[name] for suffix in suffixes])
        for name in question.quantities
    }
    for issue in range(0, hours.size, every):
        if hours[issue] >= end:
            return
        columns = issue + ahead
        inside = columns < hours.size
        layer, columns = (ahead[inside] - 1) // _DAY_H, columns[inside]
        if columns.size:
            values = {name: array[layer, :, columns].T for name, array in layers.items()}
            series = Series(places=question.plan.places, valid_at=hours[columns], values=values)
            kept = series.only(series.said() & question.plan.inside(series.valid_at))
            at = from64(hours[issue])
            if kept.valid_at.size:
                yield kept.batch("forecast", question.plan.source, at, at + question.plan.delay)


def _months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """First and last day of each month of a period."""
    while first <= last:
        following = (first.replace(day=1) + 32 * _ONE_DAY).replace(day=1)
        yield first, min(following - _ONE_DAY, last)
        first = following


def _asked(
    question: Question,
    line: Line,
    period: tuple[date, date],
    names: tuple[str, ...],
    suffixes: tuple[str, ...] = ("",),
) -> dict[str, Hours]:
    """Suffix of the variables -> hours of all towns."""
    parts: dict[str, list[Hours]] = {suffix: [] for suffix in suffixes}
    days = (period[1] - period[0]).days + 1
    for towns in _groups(question.plan.towns, len(names), days):
        payload = _ask(question, line, _params(question, towns, period, names))
        line.sleep(60 * weight(len(towns), len(names), days) / _A_MINUTE)
        for suffix in suffixes:
            answers = _without(suffix, payload, question.quantities)
            parts[suffix].append(read_hours(answers, towns, question.quantities))
    return {suffix: _side_by_side(told) for suffix, told in parts.items()}


def _groups(towns: Sequence[Place], variables: int, days: int) -> Iterator[Sequence[Place]]:
    size = max(1, int(_A_CALL / weight(1, variables, days)))
    for first in range(0, len(towns), size):
        yield towns[first : first + size]


def _params(
    question: Question, towns: Sequence[Place], period: tuple[date, date], names: tuple[str, ...]
) -> dict[str, str]:
    params = {
        "latitude": ",".join(str(town.lat) for town in towns),
        "longitude": ",".join(str(town.lon) for town in towns),
        "elevation": ",".join(str(town.elevation) for town in towns),
        "hourly": ",".join(names),
        "start_date": period[0].isoformat(),
        "end_date": period[1].isoformat(),
        "wind_speed_unit": "ms",
        "precipitation_unit": "mm",
        "temperature_unit": "celsius",
        "timeformat": "iso8601",
        "timezone": "GMT",
    }
    return params | ({"models": question.model} if question.model else {})


def _ask(question: Question, line: Line, params: dict[str, str]) -> object:
    host = host_of(question.base_url)
    for _ in range(_TRIES):
        reason, payload = _answer(question, line, params, host)
        if reason is None:
            return payload
        if not reason.startswith("Minutely"):
            break
        line.sleep(_REFUSED_S)
    raise SourceError(
        f'{host} sent no weather and says: "{reason}"; what came before is archived, go on with --resume'
    )


def _answer(
    question: Question, line: Line, params: dict[str, str], host: str
) -> tuple[str | None, object]:
    """The server's reason to refuse, and its answer; one of them is None."""
    try:
        payload = line.http.get_json(
            question.base_url, params, deadline=timedelta(seconds=90), largest=200_000_000
        )
    except Refused as error:
        reason = reason_of(error, host)
        if reason is None:
            raise
        return reason, None
    reason = refusal(payload)
    return reason, None if reason else payload


def _without(suffix: str, payload: object, names: Sequence[str]) -> object:
    """The answer with the variables of one suffix under the names of their quantities."""
    if not suffix:
        return payload
    answers = payload if isinstance(payload, list) else [payload]
    renamed = []
    for answer in answers:
        if not isinstance(answer, dict):
            raise BadPayload("Open-Meteo sent a place that is no object; start again with --resume")
        plain = {key: _plain(answer.get(key), suffix, names) for key in ("hourly", "hourly_units")}
        renamed.append(answer | plain)
    return renamed


def _plain(block: object, suffix: str, names: Sequence[str]) -> object:
    if not isinstance(block, dict):
        return block
    kept = {name: block[name + suffix] for name in names if name + suffix in block}
    return {"time": block.get("time")} | kept


def _side_by_side(parts: Sequence[Hours]) -> Hours:
    """Groups of towns put together."""
    names = parts[0].values
    values = {name: np.concatenate([part.values[name] for part in parts]) for name in names}
    return Hours(valid_at=parts[0].valid_at, values=values)


def _in_a_row(parts: Sequence[Hours]) -> Hours:
    """Months put together."""
    names = parts[0].values
    values = {name: np.concatenate([part.values[name] for part in parts], axis=1) for name in names}
    return Hours(valid_at=np.concatenate([part.valid_at for part in parts]), values=values)


def _series(plan: Plan, hours: Hours, flag: Flag) -> Series:
    series = Series(places=plan.places, valid_at=hours.valid_at, values=hours.values)
    return series.only(plan.inside(hours.valid_at)).flagged(flag)
