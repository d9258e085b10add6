"""The evidence card: why a hazard says of a town what it says, from what was known at a moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import cos, hypot, radians

import numpy as np
import numpy.typing as npt
import xarray as xr
from sqlalchemy import Connection

from ingest.archive import Statement
from ingest.batch import Flag
from ingest.errors import UnknownName
from ingest.places import District, Place
from ingest.quantities import Quantity, quantity
from ingest.timeline import Clock
from ingest.times import BEIJING_OFFSET_H, HOUR, from64, instant64
from pipeline.config import Config, HazardBlock
from pipeline.learn.because import Because, because
from pipeline.learn.kinds import kind_behind
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging
from rules.findings import Findings, Verdict
from rules.level import Level

NEIGHBOURS = 4
"""Nearest towns shown beside the one asked about."""
SHOWN_H = 48
"""Hours of the main quantity shown on either side of as_of [h]."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One level of the ladder as it stands for the town."""

    level: Level
    """The level."""
    limit: float
    """Threshold of its first criterion."""
    certain: float | None
    """The metric as far as it is certain; None where nothing is known."""
    possible: float | None
    """The most a gap could make of it; None where it could be anything."""
    reached: bool
    """Whether the level is certainly in reach, by this criterion or another one of the rung."""
    margin: float | None
    """How far the certain metric is beyond the threshold; negative where it falls short of it."""


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """What is certain and what is possible of one town."""

    town: Place
    """The town."""
    verdict: Verdict
    """The answer, UNKNOWN where data is missing."""
    floor: Level
    """Certain level."""
    reach: Level
    """Possible level."""
    value: float | None
    """Deciding metric."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Everything a forecaster asks about one hazard in one town at one moment."""

    hazard: HazardBlock
    """The block that judges."""
    at: datetime
    """The moment."""
    as_of: datetime
    """Hour up to which observations are expected."""
    asked: Verdicts
    """The town asked about."""
    threshold: float | None
    """Threshold met."""
    onset: datetime | None
    """First hour that meets it."""
    expires: datetime | None
    """End of the last hour that meets it."""
    age: float
    """Hours since the newest observation [h]; inf where there is none."""
    marks: tuple[str, ...]
    """Provenance of the data used."""
    steps: tuple[Step, ...]
    """The ladder, lowest level first."""
    figures: Mapping[str, float]
    """Further figures of the hazard."""
    neighbours: tuple[Verdicts, ...]
    """Nearest towns."""
    statements: tuple[Statement, ...]
    """Newest statement of each source, by kind."""
    measured: Quantity
    """What the series shows."""
    series: npt.NDArray[np.float64]
    """The main quantity round as_of, hours or days, NaN where unknown."""
    observed: int
    """How many of them are observed; the rest is foretold."""
    beside: Mapping[str, Verdicts] = field(default_factory=dict)
    """Rules of the same hazard beside this one -> what they say of the town: the physical rule of a chance,
    or the chances that watch or stand in for a rule."""
    because: Because | None = None
    """What moved the chance; None for a physical rule, or where no shelf of models was given."""
    towns: tuple[Verdicts, ...] = ()
    """Every town of the district, in its order."""
    times: tuple[datetime, ...] = ()
    """When each value of the series is valid: its hour, or the end of its day."""

    @property
    def apart(self) -> tuple[str, ...]:
        """Rules beside that know, and say something else than this one, which knows too."""
        own = self.asked.verdict
        others = {name: said.verdict for name, said in self.beside.items()}
        pairs = {name: (own, verdict) for name, verdict in others.items()}
        return tuple(
            name for name, pair in pairs.items() if pair[0] != pair[1] and Verdict.UNKNOWN not in pair
        )


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one hazard finds everywhere at one moment: cards of many towns are made of one."""

    block: HazardBlock
    """The block that judges."""
    at: datetime
    """The moment."""
    seen: xr.Dataset
    """What was known then, of every town, see `ingest.block.fill`."""
    found: Findings
    """What the rule makes of it."""
    beside: Mapping[str, Findings]
    """What the other rules of the hazard make of it."""
    statements: tuple[Statement, ...]
    """Newest statement of each source, by kind."""

    def verdicts(self, district: District) -> tuple[Verdicts, ...]:
        """What is certain and possible of every town, in the order of the district."""
        return tuple(_verdicts(self.found, row, town) for row, town in enumerate(district.towns))


def look(connection: Connection, judging: Judging, hazard: str, at: datetime) -> Look:
    """Judge one hazard from what was known at a moment; UnknownName where there is no such hazard."""
    block = _hazard(judging, hazard)
    seen = judging.archive.block(connection, [at], judging.view)
    others = rules_beside(judging.config, block)
    return Look(
        block=block,
        at=at,
        seen=seen,
        found=block.rule.assess(hazard, seen),
        beside={name: other.rule.assess(name, seen) for name, other in others.items()},
        statements=tuple(judging.archive.statements(connection, at)),
    )


def explain(
    connection: Connection,
    judging: Judging,
    hazard: str,
    town: str,
    at: datetime,
    shelf: Shelf | None = None,
) -> Card:
    """The card of a hazard in a town (code or name); UnknownName where there is no such one.

    With a `shelf`, the model behind a chance is asked again what moved it.
    """
    _hazard(judging, hazard)
    place = find_town(judging.config.district, town)
    looked = look(connection, judging, hazard, at)
    card = card_of(looked, judging.config.district, place)
    return replace(card, because=because_of(connection, judging, (looked.block, place), at, shelf))


def card_of(looked: Look, district: District, place: Place) -> Card:
    """The card of a town; no model is asked, see `because_of`."""
    block, found = looked.block, looked.found
    row = district.place_ids.index(place.id)
    name = block.rule.quantities[0]
    series, observed = _series(looked.seen, name, row)
    return Card(
        hazard=block,
        at=looked.at,
        as_of=from64(looked.seen["as_of"].values[0]),
        asked=_verdicts(found, row, place),
        threshold=_number(found.threshold[0, row]),
        onset=_moment(found.onset[0, row]),
        expires=_moment(found.expires[0, row]),
        age=float(found.age[0, row]),
        marks=tuple(str(flag.name).lower() for flag in Flag if found.marks[0, row] & flag),
        steps=tuple(_steps(found, row)),
        figures={
            name: float(figure[0, row])
            for name, figure in found.extra.items()
            if np.isfinite(figure[0, row])
        },
        neighbours=tuple(
            _verdicts(found, district.place_ids.index(near.id), near) for near in nearest(district, place)
        ),
        statements=looked.statements,
        measured=quantity(name),
        series=series,
        observed=observed,
        beside={other: _verdicts(theirs, row, place) for other, theirs in looked.beside.items()},
        towns=looked.verdicts(district),
        times=_times(looked, name, len(series), observed),
    )


def _times(looked: Look, name: str, length: int, observed: int) -> tuple[datetime, ...]:
    """When the values of a series are valid, of which some are observed."""
    measured, newest = quantity(name), from64(looked.seen["as_of"].values[0])
    step = Clock.of(measured).hours * HOUR
    if step > HOUR:
        # The day under way is the first that is foretold; the one before it is the newest that ended.
        running = int(Clock.of(measured).running(np.array([instant64(looked.at)]))[0])
        ends = (running - 1) * 24 - BEIJING_OFFSET_H + measured.day_ends
        newest = from64(np.datetime64(ends * 3600, "s"))
    return tuple(newest + (number - observed + 1) * step for number in range(length))


def rules_beside(config: Config, block: HazardBlock) -> dict[str, HazardBlock]:
    """The enabled rules of the same hazard beside one, by name."""
    target = block.conduct.instead_of
    if target is not None:
        found = {target: config.hazards[target]}
    else:
        found = {
            name: other
            for name, other in config.aside.items()
            if other.conduct.instead_of == block.name
        }
    return {name: other for name, other in found.items() if other.conduct.enabled}


def because_of(
    connection: Connection,
    judging: Judging,
    about: tuple[HazardBlock, Place],
    at: datetime,
    shelf: Shelf | None,
) -> Because | None:
    """What moved the chance of `(block, town)` at a moment; None for a physical rule, or without a shelf."""
    block, place = about
    kind = kind_behind(block)
    if kind is None or shelf is None:
        return None
    asked = (block.rule.quantities[0], place.id)
    return because(connection, at, judging, (kind, shelf), asked)


def find_town(district: District, text: str) -> Place:
    """A town by its code, its name, or the beginning of its Chinese or English name."""
    for town in district.towns:
        if text in (town.id, town.name) or text.lower() == town.name_en.lower():
            return town
    alike = [
        town for town in district.towns
        if town.name.startswith(text) or town.name_en.lower().startswith(text.lower())
    ]
    if len(alike) != 1:
        names = "、".join(town.name for town in district.towns)
        raise UnknownName(f"{text!r} is no town of {district.name}; there are {names}")
    return alike[0]


def nearest(district: District, place: Place) -> list[Place]:
    """The towns nearest to one of them."""

    def distance(town: Place) -> float:
        east = (town.lon - place.lon) * cos(radians(place.lat))
        return hypot(town.lat - place.lat, east)

    others = [town for town in district.towns if town.id != place.id]
    return sorted(others, key=distance)[:NEIGHBOURS]


def _hazard(judging: Judging, name: str) -> HazardBlock:
    blocks = judging.config.hazards | judging.config.aside
    try:
        return blocks[name]
    except KeyError:
        names = ", ".join(blocks)
        raise UnknownName(f"no hazard is called {name!r}; there are {names}") from None


def _verdicts(found: Findings, row: int, town: Place) -> Verdicts:
    return Verdicts(
        town=town,
        verdict=Verdict(int(found.verdict[0, row])),
        floor=Level(int(found.floor[0, row])),
        reach=Level(int(found.reach[0, row])),
        value=_number(found.value[0, row]),
    )


def _steps(found: Findings, row: int) -> list[Step]:
    sign = -1 if found.falling else 1
    steps = []
    for level, seen in sorted(found.metrics.items()):
        certain = _number(seen.low[0, row])
        steps.append(
            Step(
                level=level,
                limit=seen.limit,
                certain=certain,
                possible=_number(seen.high[0, row]),
                reached=int(found.floor[0, row]) >= level,
                margin=None if certain is None else sign * (certain - seen.limit),
            )
        )
    return steps


def _series(seen: xr.Dataset, name: str, row: int) -> tuple[npt.NDArray[np.float64], int]:
    values = seen[name].values[0, row]
    axis = seen[name].dims[2]
    # The hour 0 is the last observed one, the day 0 the first that is foretold.
    line = int(np.searchsorted(seen[axis].values, 1 if axis == "hour" else 0))
    first = max(0, line - SHOWN_H)
    return values[first : line + SHOWN_H], line - first


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def _moment(instant: np.datetime64) -> datetime | None:
    return None if np.isnat(instant) else from64(instant)
