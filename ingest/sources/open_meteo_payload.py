"""Reading one Open-Meteo answer: hours and values of every place asked, or one sentence why not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType

import numpy as np

from ingest.answers import Refused, parse_json
from ingest.batch import Values
from ingest.errors import BadPayload
from ingest.places import Place
from ingest.quantities import quantity
from ingest.times import Instants

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
_NUMBERS = frozenset({int, float, NoneType})
_AGAIN = "it is asked again at the next pull"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """What one answer says of its places."""

    valid_at: Instants
    """Hours of the weather, every hour from the first to the last."""
    values: Mapping[str, Values]
    """Quantity -> array (place, hour) in the unit of the table; NaN where the answer holds null."""


def refusal(payload: object) -> str | None:
    """The reason of an error body, ``{"error": true, "reason": ...}``; None where it is no error.

    The server sends it with status 400, 429 or 503, and in the middle of a stream with 200.
    """
    if not isinstance(payload, dict) or payload.get("error") is not True:
        return None
    return " ".join(str(payload.get("reason", "no reason given")).split())[:200]


def reason_of(error: Refused, host: str) -> str | None:
    """The server's own reason in the body of a refused call; None where the body holds none."""
    try:
        return refusal(parse_json(error.body, host))
    except BadPayload:
        return None


def read_hours(payload: object, towns: Sequence[Place], names: Sequence[str]) -> Hours:
    """Read an answer of one object (one place) or an array (several), in the order asked.

    The latitude and longitude of an answer are those of the grid cell, so places are matched by
    `location_id` (absent from the first) or, without any, by order. Hours out of order are sorted,
    repeated ones dropped where they agree. Raises BadPayload naming the place or quantity where the
    answer is not what was asked for.
    """
    answers = _by_place(payload, towns)
    read = [
        _read_place(answer, names, town) for town, answer in zip(towns, answers, strict=True)
    ]
    valid_at = read[0][0]
    for town, (hours, _) in zip(towns, read, strict=True):
        if not np.array_equal(hours, valid_at):
            raise _bad(town, "covers other hours than the first place", _AGAIN)
    stacked = np.stack([values for _, values in read], axis=1)
    return Hours(valid_at=valid_at, values=dict(zip(names, stacked, strict=True)))


def _by_place(payload: object, towns: Sequence[Place]) -> list[dict[str, object]]:
    answers = payload if isinstance(payload, list) else [payload]
    if len(answers) != len(towns):
        raise BadPayload(
            f"Open-Meteo answered for {len(answers)} places instead of {len(towns)}; {_AGAIN}"
        )
    found: dict[object, dict[str, object]] = {}
    for index, answer in enumerate(answers):
        if isinstance(answer, dict):
            found[answer.get("location_id", index)] = answer
    for index, town in enumerate(towns):
        if index not in found:
            raise _bad(town, "is missing from the answer", _AGAIN)
    return [found[index] for index in range(len(towns))]


def _read_place(
    answer: Mapping[str, object], names: Sequence[str], town: Place
) -> tuple[Instants, Values]:
    """Hours and values (quantity, hour) of one place."""
    if answer.get("utc_offset_seconds") != 0:
        raise _bad(town, "is told in local time though GMT was asked", "check for a proxy between")
    units, hourly = answer.get("hourly_units"), answer.get("hourly")
    if not isinstance(units, dict) or not isinstance(hourly, dict):
        raise _bad(town, "has no hourly values", "check that base_url is a forecast or archive")
    _check_units(units, names)
    hours = _times(hourly.get("time"), town)
    columns = [_column(hourly.get(name), hours.size, name, town) for name in names]
    return _in_order(hours, np.stack(columns), town)


def _check_units(units: Mapping[str, object], names: Sequence[str]) -> None:
    if units.get("time") != "iso8601":
        raise BadPayload(
            f"Open-Meteo sent times as {units.get('time')}, expected iso8601; check for a proxy"
        )
    for name in names:
        expected = quantity(name).unit
        if units.get(name) != expected:
            raise BadPayload(
                f"Open-Meteo sent {name} in {units.get(name)}, expected {expected}; nothing of this"
                " answer is used"
            )


def _times(texts: object, town: Place) -> Instants:
    if not isinstance(texts, list) or not texts:
        raise _bad(town, "has no hours", _AGAIN)
    if not all(isinstance(text, str) and _TIME.fullmatch(text) for text in texts):
        raise _bad(town, "has times that are not written YYYY-MM-DDTHH:MM", _AGAIN)
    try:
        return np.array(texts, dtype="datetime64[s]")
    except ValueError:
        raise _bad(town, "has times that do not exist", _AGAIN) from None


def _column(column: object, hours: int, name: str, town: Place) -> Values:
    if not isinstance(column, list):
        raise _bad(town, f"has no {name}", "take it out of the quantities if the model lacks it")
    if len(column) != hours:
        raise _bad(town, f"has {len(column)} values of {name} for {hours} hours", _AGAIN)
    if not set(map(type, column)) <= _NUMBERS:
        raise _bad(town, f"has a {name} that is no number", _AGAIN)
    try:
        values = np.array(column, dtype=np.float64)
    except OverflowError:
        values = np.full(hours, np.inf)
    if np.isinf(values).any():
        raise _bad(town, f"has an infinite {name}", _AGAIN)
    return values


def _in_order(hours: Instants, values: Values, town: Place) -> tuple[Instants, Values]:
    """Sort by hour and drop repeated hours; BadPayload where they differ or hours are skipped."""
    order = np.argsort(hours, kind="stable")
    hours, values = hours[order], values[:, order]
    repeated = np.flatnonzero(np.diff(hours) == np.timedelta64(0, "s"))
    if not np.array_equal(values[:, repeated], values[:, repeated + 1], equal_nan=True):
        raise _bad(town, "has two different values for one hour", _AGAIN)
    hours, values = np.delete(hours, repeated), np.delete(values, repeated, axis=1)
    seconds = hours.astype(np.int64)
    if (seconds % 3600).any() or (np.diff(seconds) != 3600).any():
        raise _bad(town, "is not told hour by hour", "choose a model with hourly values")
    return hours, values


def _bad(town: Place, what: str, remedy: str) -> BadPayload:
    return BadPayload(f"Open-Meteo: {town.name} ({town.id}) {what}; {remedy}")
