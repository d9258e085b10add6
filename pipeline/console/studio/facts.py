"""What the page of a replay shows, and its twin for programs: changes as differences, never hour by hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from alerts.event.transition import Transition
from pipeline.config import Config
from pipeline.console.studio.studying import Studied
from pipeline.replay.compare import nights_of
from pipeline.replay.result import Paged, Trace
from pipeline.verify.load import load
from rules.level import Level

HOUR = timedelta(hours=1)

REASONS: Mapping[str, tuple[str, str]] = {
    "opened": ("发出", "opened"),
    "raised": ("升级", "raised"),
    "spread": ("扩大", "spread"),
    "lowered": ("降级", "lowered"),
    "narrowed": ("缩小", "narrowed"),
    "extended": ("延长", "extended"),
    "ended": ("解除", "ended"),
    "corrected": ("更正", "corrected"),
    "cancelled": ("撤销", "cancelled"),
    "data_lost": ("资料中断", "data lost"),
    "data_found": ("资料恢复", "data back"),
}
"""Reason -> its word in Chinese and in English."""


@dataclass(frozen=True, kw_only=True)
class TownFacts:
    """A town."""

    code: str
    """Its code."""
    name: str
    """Its name in Chinese."""
    name_en: str
    """In English."""


@dataclass(frozen=True, kw_only=True)
class HazardFacts:
    """A hazard that was judged."""

    key: str
    """Name of the hazard block."""
    name: str
    """Its name in Chinese."""
    name_en: str
    """In English."""
    unit: str
    """Unit of its metric."""
    changes: int
    """How often its alerts changed."""
    blind_h: float
    """Time in which some town could not be judged [h]."""


@dataclass(frozen=True, kw_only=True)
class ChangeFacts:
    """One change, as a difference."""

    id: str
    """Identifier of the transition."""
    at: datetime
    """When."""
    hazard: str
    """Name of the hazard block."""
    alert: str
    """Identifier of the alert."""
    reason: str
    """Why."""
    before: str
    """Highest level of the district before."""
    after: str
    """Highest level after."""
    towns: dict[str, str]
    """Town -> level from then on, only those that changed."""
    under_warning: int
    """Towns with a level after it."""
    pages: int
    """Messages about it that reached people."""
    calls: int
    """Those that must be answered."""
    night: int
    """Those at night."""


@dataclass(frozen=True, kw_only=True)
class HourFacts:
    """An hour in which somebody was paged."""

    at: datetime
    """Its beginning."""
    pages: int
    """Messages that reached people."""
    calls: int
    """Those that must be answered."""
    night: int
    """Those at night."""
    woken: int
    """People whose sleep it broke."""


@dataclass(frozen=True, kw_only=True)
class PersonFacts:
    """What one person would have got."""

    person: str
    """Id of the person."""
    name: str
    """Name of the person."""
    pages: int
    """Messages."""
    calls: int
    """Those that must be answered."""
    night: int
    """Those at night."""
    nights: int
    """Nights in which the person was woken."""
    busiest: int
    """Most messages in any ten minutes."""
    busiest_at: datetime
    """When those began."""


@dataclass(frozen=True, kw_only=True)
class BlindFacts:
    """A time in which some towns could not be judged."""

    hazard: str
    """Name of the hazard block."""
    start: datetime
    """Its beginning."""
    end: datetime
    """Its end."""
    towns: int
    """How many towns."""


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The whole in numbers."""

    changes: int
    """Changes of alerts."""
    messages: int
    """Messages that would have gone out, over all channels."""
    pages: int
    """Messages that reached people; a digest is one."""
    calls: int
    """Those that must be answered."""
    night: int
    """Those at night."""
    woken: int
    """Nights in which a person was woken, person by person."""


@dataclass(frozen=True, kw_only=True)
class ReplayFacts:
    """A replay."""

    start: datetime
    """First moment."""
    end: datetime
    """Last moment."""
    ticks: int
    """Moments judged."""
    night: tuple[str, str]
    """Hours that count as night, Beijing time."""
    towns: tuple[TownFacts, ...]
    """The towns, in the order of the map."""
    hazards: tuple[HazardFacts, ...]
    """What was judged."""
    totals: Totals
    """The whole in numbers."""
    changes: tuple[ChangeFacts, ...]
    """In order; levels of the towns are the sum of all before."""
    hours: tuple[HourFacts, ...]
    """Hours in which somebody was paged; the others are left out."""
    people: tuple[PersonFacts, ...]
    """Who got most first."""
    blind: tuple[BlindFacts, ...]
    """When towns could not be judged."""


def facts_of(studied: Studied, config: Config) -> ReplayFacts:
    """What was found, as the page shows it."""
    replay = studied.replay
    pages = replay.pages
    about: dict[str, list[Paged]] = defaultdict(list)
    for page in pages:
        about[page.transition].append(page)
    return ReplayFacts(
        start=replay.start,
        end=replay.end,
        ticks=replay.ticks,
        night=config.service.night,
        towns=tuple(
            TownFacts(code=one.id, name=one.name, name_en=one.name_en) for one in config.district.towns
        ),
        hazards=tuple(_hazards(studied, config)),
        totals=Totals(
            changes=len(replay.transitions),
            messages=studied.counted,
            pages=len(pages),
            calls=sum(page.calls for page in pages),
            night=sum(page.night for page in pages),
            woken=len(nights_of(pages)),
        ),
        changes=tuple(_change(one, about[one.id]) for one in replay.transitions),
        hours=tuple(_hours(pages)),
        people=tuple(_people(studied, config)),
        blind=tuple(_blind(studied)),
    )


def levels_at(
    transitions: Iterable[Transition], at: datetime, hazard: str = ""
) -> dict[str, Level]:
    """Town -> highest level in force at a moment, of one hazard or of all; towns without one left out."""
    last: dict[str, Mapping[str, Level]] = {}
    for one in transitions:
        if one.at <= at and hazard in ("", one.hazard):
            last[one.alert] = one.places
    found: dict[str, Level] = {}
    for places in last.values():
        for town, level in places.items():
            found[town] = max(level, found.get(town, Level.NONE))
    return found


def unjudged_at(facts: ReplayFacts, at: datetime, hazard: str = "") -> dict[str, int]:
    """Hazard -> how many towns could not be judged at a moment, of one hazard or of all."""
    return {
        one.hazard: one.towns
        for one in facts.blind
        if one.start <= at < one.end and hazard in ("", one.hazard)
    }


def _hazards(studied: Studied, config: Config) -> Iterable[HazardFacts]:
    counted = Counter(one.hazard for one in studied.replay.transitions)
    for name in studied.replay.traces:
        conduct = config.hazards[name].conduct
        yield HazardFacts(
            key=name,
            name=conduct.name,
            name_en=conduct.name_en,
            unit=conduct.unit,
            changes=counted[name],
            blind_h=studied.replay.blind[name] / HOUR,
        )


def _change(one: Transition, pages: list[Paged]) -> ChangeFacts:
    return ChangeFacts(
        id=one.id,
        at=one.at,
        hazard=one.hazard,
        alert=one.alert,
        reason=one.reason.value,
        before=one.from_level.key,
        after=one.to_level.key,
        towns={town: level.key for town, level in one.changed.items()},
        under_warning=len(one.places),
        pages=len(pages),
        calls=sum(page.calls for page in pages),
        night=sum(page.night for page in pages),
    )


def _hours(pages: Iterable[Paged]) -> Iterable[HourFacts]:
    by_hour: dict[datetime, list[Paged]] = defaultdict(list)
    for page in pages:
        by_hour[page.at.replace(minute=0, second=0, microsecond=0)].append(page)
    for at, found in sorted(by_hour.items()):
        yield HourFacts(
            at=at,
            pages=len(found),
            calls=sum(page.calls for page in found),
            night=sum(page.night for page in found),
            woken=len({page.person for page in found if page.woken}),
        )


def _people(studied: Studied, config: Config) -> Iterable[PersonFacts]:
    nights = Counter(person for person, _ in nights_of(studied.replay.pages))
    for one in load(studied.replay).people:
        known = config.routes.people.get(one.person)
        yield PersonFacts(
            person=one.person,
            name=one.person if known is None else known.name,
            pages=one.pages,
            calls=one.calls,
            night=one.night,
            nights=nights[one.person],
            busiest=one.busiest,
            busiest_at=one.busiest_at,
        )


def _blind(studied: Studied) -> Iterable[BlindFacts]:
    for trace in studied.replay.traces.values():
        yield from _spans(trace, studied.replay.end)


def _spans(trace: Trace, end: datetime) -> Iterable[BlindFacts]:
    """Runs of the number of unjudged towns, from each now to the next."""
    unknown = trace.unknown
    edges = [0, *(np.flatnonzero(unknown[1:] != unknown[:-1]) + 1).tolist()] if unknown.size else []
    ends = [*(_moment(trace.nows[edge]) for edge in edges[1:]), end]
    for edge, until in zip(edges, ends, strict=True):
        if unknown[edge]:
            start = _moment(trace.nows[edge])
            yield BlindFacts(hazard=trace.hazard, start=start, end=until, towns=int(unknown[edge]))


def _moment(now: np.datetime64) -> datetime:
    moment: datetime = now.astype("datetime64[s]").item()
    return moment.replace(tzinfo=UTC)
