"""What the command line asks of an import, made into a plan and a stream of batches."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from ingest import files
from ingest.batch import Batch, Flag
from ingest.errors import ConfigMistake
from ingest.files import EVERYWHERE, Column, Curve, Plan, Prognosis
from ingest.files import open_meteo as online
from ingest.files.moments import zone_of
from ingest.files.names import meaning
from ingest.files.series import in_order
from ingest.http import HttpClient
from ingest.places import District
from ingest.quantities import QUANTITIES
from ingest.registry import parse_duration
from ingest.sources.open_meteo import OpenMeteo
from ingest.times import BEIJING, parse_instant
from pipeline.view import DERIVED

T = TypeVar("T")

READERS: Mapping[str, Callable[[Path, Plan], Iterator[Batch]]] = {
    "csv": files.read_csv,
    "netcdf": files.read_netcdf,
    "zarr": files.read_zarr,
    "isd": files.read_isd,
    "ghcnd": files.read_ghcn,
}
"""Kind of file -> its reader."""
ONLINE = {
    "open-meteo": (online.ARCHIVE, "era5"),
    "historical-forecast": (online.HISTORICAL, None),
    "previous-runs": (online.PREVIOUS, None),
}
"""What is fetched -> its address, and the model that is asked for."""
KINDS = (*READERS, *ONLINE)
ALL = "all"
"""Stands for every town of the district."""
# A run of a global model is published some hours after its time; our choice for all of them.
_DELAYS = {"previous-runs": timedelta(hours=6)}
_DELAY = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The options of `fengsui archive import`."""

    kind: str
    """One of `KINDS`."""
    paths: tuple[Path, ...]
    """Files to read."""
    source: str | None = None
    """Name to archive under; None for one made of the kind."""
    place: tuple[str, ...] = ()
    """``CODE``, ``all``, ``NAME=CODE`` or ``NAME=all``."""
    column: tuple[str, ...] = ()
    """``NAME=QUANTITY:UNIT``, ``NAME=QUANTITY`` or ``NAME=``."""
    zone: str | None = None
    """Zone of times without offset."""
    delay: str | None = None
    """How long after its hour or issue a value became known."""
    start: str | None = None
    """First moment or Beijing day."""
    end: str | None = None
    """Last moment or Beijing day, this day included."""
    analysis: bool = False
    """Whether the values are a model's analysis."""
    daily_curve: str | None = None
    """Hours of the maximum and minimum, perhaps the swing: ``17,5`` or ``17,5,8``."""
    rain_spread: str | None = None
    """``even`` or hours such as ``6h``."""
    rain_day: str | None = None
    """Hour at which the rain day ends."""
    perfect_prognosis: bool = False
    """Whether forecasts are taken from the record itself."""
    issue_every: str | None = None
    """Pause between forecasts that are made here."""
    horizon: str | None = None
    """How far they reach."""
    cells: str = "nearest"
    """``nearest`` or ``bilinear``."""
    member: str | None = None
    """Member of an ensemble."""
    accumulated: bool = False
    """Whether sums run on from the start of a forecast."""
    model: str | None = None
    """Model by the server's name."""
    quantity: tuple[str, ...] = ()
    """Quantities to fetch."""
    address: str | None = None
    """Address to fetch from."""

    @property
    def name(self) -> str:
        """Name to archive under."""
        return self.source or f"past_{self.kind.replace('-', '_')}"


def plan_of(asked: Asked, district: District) -> Plan:
    """The plan that options describe; ConfigMistake with the option that is wrong and its remedy."""
    spread = _spread(asked.rain_spread)
    every, horizon = _spans(asked)
    prognosis = _or_refuse("--issue-every", lambda: Prognosis(every=every, horizon=horizon))
    start, end = _moment("--from", asked.start, last=False), _moment("--to", asked.end, last=True)
    delay = _DELAYS.get(asked.kind, _DELAY)
    if asked.delay is not None:
        delay = _duration("--delay", asked.delay)
    return Plan(
        source=_source(asked.name),
        towns=district.towns,
        stands_for=_places(asked.place, district),
        columns=_columns(asked.column),
        zone=None if asked.zone is None else _or_refuse("--zone", lambda: zone_of(asked.zone or "")),
        delay=delay,
        provenance=Flag.ANALYSIS if asked.analysis else None,
        curve=_curve(asked.daily_curve),
        spread=spread,
        rain_day=None if asked.rain_day is None else int(asked.rain_day),
        prognosis=prognosis if asked.perfect_prognosis else None,
        first=start,
        last=end,
        cells="bilinear" if asked.cells == "bilinear" else "nearest",
        member=asked.member,
        accumulated=asked.accumulated,
        days_source=DERIVED,
    )


def batches_of(
    asked: Asked, plan: Plan, http: HttpClient, since: datetime | None = None
) -> Iterator[Batch]:
    """All that was asked for, in the order it became known; `since` spares the server what is there.

    Raises ConfigMistake where files and kind do not go together, and what readers and server raise.
    """
    if asked.kind in ONLINE:
        return _fetched(asked, plan, http, since)
    if not asked.paths:
        raise ConfigMistake(f"no file is named; write fengsui archive import {asked.kind} FILE")
    for path in asked.paths:
        if not path.exists():
            raise ConfigMistake(f"{path} is not there; check the path")
    read = READERS[asked.kind]
    return in_order([read(path, plan) for path in asked.paths])


def _fetched(
    asked: Asked, plan: Plan, http: HttpClient, since: datetime | None
) -> Iterator[Batch]:
    if asked.paths:
        raise ConfigMistake(f"{asked.kind} is fetched and reads no file; leave {asked.paths[0]} out")
    if plan.first is None or plan.last is None:
        raise ConfigMistake(f"{asked.kind} needs a period; add --from 2022-08-01 --to 2022-08-31")
    if asked.kind == "previous-runs" and plan.prognosis is not None:
        raise ConfigMistake("previous-runs fetches real forecasts; leave out --perfect-prognosis")
    address, model = ONLINE[asked.kind]
    # One day more: what was issued before the moment can tell of hours after it.
    first = plan.first if since is None else max(plan.first, since - timedelta(days=1))
    question = online.Question(
        plan=plan,
        first=min(first, plan.last).astimezone(UTC).date(),
        last=plan.last.astimezone(UTC).date(),
        quantities=asked.quantity or OpenMeteo().quantities,
        base_url=asked.address or address,
        model=asked.model or model,
        every=_spans(asked)[0],
        days=max(1, min(online.MOST_DAYS, -(-_spans(asked)[1] // timedelta(days=1)))),
    )
    line = online.Line(http=http)
    fetch = online.fetch_forecasts if asked.kind == "previous-runs" else online.fetch_hours
    return fetch(question, line)


def _source(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ConfigMistake(f"--source {name}: write small letters, digits and _, such as station_2019")
    return name


def _places(texts: Iterable[str], district: District) -> dict[str, tuple[str, ...]]:
    named = {name: town.id for town in district.towns for name in (town.name, town.name_en, town.id)}
    found: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, town = text.rpartition("=")
        if town != ALL and town not in named:
            what = f"--place {text}: {town!r} is no town of {district.name}"
            raise ConfigMistake(f"{what}; write its code, or all")
        towns = district.place_ids if town == ALL else (named[town],)
        key = name if equals else EVERYWHERE
        found[key] = tuple(dict.fromkeys((*found.get(key, ()), *towns)))
    return found


def _columns(texts: Iterable[str]) -> dict[str, Column | None]:
    found: dict[str, Column | None] = {}
    for text in texts:
        name, equals, rest = text.rpartition("=")
        if not equals:
            raise ConfigMistake(f"--column {text}: write NAME=QUANTITY:UNIT, or NAME= to leave it out")
        held, _, unit = rest.partition(":")
        known = meaning(held)
        if held and known is None:
            names = ", ".join(QUANTITIES)
            raise ConfigMistake(f"--column {text}: no quantity is called {held!r}; there are {names}")
        found[name] = None if known is None else Column(name=known, unit=unit or None)
    return found


def _curve(text: str | None) -> Curve | None:
    if text is None:
        return None
    remedy = "--daily-curve: write the hours of maximum and minimum in Beijing time, such as 17,5"
    found = re.fullmatch(r"(\d{1,2}),(\d{1,2})(?:,(\d+(?:\.\d+)?))?", text)
    if found is None:
        raise ConfigMistake(remedy)
    swing = None if found[3] is None else float(found[3])
    return _or_refuse(
        "--daily-curve", lambda: Curve(warmest=int(found[1]), coldest=int(found[2]), swing=swing)
    )


def _spread(text: str | None) -> int | None:
    if text is None or text == "even":
        return None if text is None else 24
    found = re.fullmatch(r"(\d{1,2})h", text)
    if found is None or not 1 <= int(found[1]) <= 24:
        raise ConfigMistake(f"--rain-spread {text}: write even, or hours such as 6h")
    return int(found[1])


def _spans(asked: Asked) -> tuple[timedelta, timedelta]:
    every = timedelta(hours=6)
    if asked.issue_every is not None:
        every = _duration("--issue-every", asked.issue_every)
    horizon = timedelta(days=3)
    if asked.horizon is not None:
        horizon = _duration("--horizon", asked.horizon)
    return every, horizon


def _moment(option: str, text: str | None, *, last: bool) -> datetime | None:
    """A moment, or the begin or end of a Beijing day."""
    if text is None:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        day = _or_refuse(option, lambda: datetime.fromisoformat(text).replace(tzinfo=BEIJING))
        return (day + timedelta(days=1) if last else day).astimezone(UTC)
    return _or_refuse(option, lambda: parse_instant(text))


def _duration(option: str, text: str) -> timedelta:
    return _or_refuse(option, lambda: parse_duration(text))


def _or_refuse(option: str, make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as mistake:
        raise ConfigMistake(f"{option}: {mistake}") from None
