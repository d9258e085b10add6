"""Who would hear of a hazard, when, over what, and why; and who would not, and why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerts.duty.people import Answer, Release, Routes, Silence
from alerts.duty.quiet import hours_of
from alerts.duty.routing import Notice, begins, call, must_answer, route
from alerts.event.transition import Transition, supposed
from ingest.errors import UnknownName
from ingest.times import BEIJING
from pipeline.config import Config
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Audience:
    """Who would hear of a hazard, step by step."""

    notices: tuple[Notice, ...]
    """Decisions of the first message, for and against."""
    later: tuple[tuple[timedelta, Notice], ...]
    """Who is called after how long without an answer, with the rota of that moment."""
    release: Release | None = None
    """Who must approve before anybody is told; None where nobody must."""
    answer: Answer | None = None
    """What an acknowledgement must lead to; None where to nothing."""
    silences: tuple[Silence, ...] = ()
    """Silences in force that could cover the hazard."""


def audience(
    config: Config, hazard: str, level: Level, moment: datetime, routes: Routes | None = None
) -> Audience:
    """Who would hear of an opening of `hazard` at `level`; UnknownName where there is no such hazard.

    `routes` are those of the moment, with stand-ins and silences; without them those of the configuration.
    """
    if hazard not in config.hazards:
        names = ", ".join(config.hazards)
        raise UnknownName(f"no hazard is called {hazard!r}; there are {names}")
    present = routes or config.routes
    places = dict.fromkeys(config.district.place_ids, level)
    at = moment.astimezone(UTC)
    change = supposed("who-gets", hazard, at, before=Level.NONE, after=level, places=places)
    notices = route(change, present, moment)
    called = dict.fromkeys(n.subsystem for n in notices if must_answer(change, n))
    later = [
        step
        for subsystem in called
        for step in _ladder(change, subsystem, present, begins(notices, subsystem, moment))
    ]
    return Audience(
        notices=tuple(notices),
        later=tuple(later),
        release=present.release.get(level),
        answer=present.answers.get(level),
        silences=tuple(one for one in present.silences if one.hazard in (None, hazard)),
    )


def _ladder(
    change: Transition, subsystem: str, routes: Routes, begin: datetime
) -> Iterator[tuple[timedelta, Notice]]:
    """The steps after the first, which stand still in quiet hours."""
    for number, step in enumerate(routes.ladders.get(change.to_level, ())):
        if number == 0:
            continue
        asked = (number, step.who)
        then = begin + step.after
        notices = call(routes, subsystem, change.hazard, change.to_level, asked, then)
        wakes = begins(notices, subsystem, then)
        if wakes > then:
            begin += wakes - then
            notices = call(routes, subsystem, change.hazard, change.to_level, asked, wakes)
        yield from ((begin + step.after - change.at, notice) for notice in notices)


def quiet_words(notice: Notice, routes: Routes) -> str:
    """The quiet hours a message waits for, such as ``22:00-07:00 quiet: from 07:00``; empty where none."""
    hours = hours_of(notice.person, routes) if notice.person else None
    if hours is None or notice.not_before is None:
        return ""
    begin = notice.not_before.astimezone(BEIJING)
    return f"{hours.start}-{hours.end} quiet: from {begin:%H:%M}"


def roads(notice: Notice, routes: Routes, answer: Answer | None) -> list[tuple[str, timedelta | None]]:
    """Channel and how long after the message it is used: all first ones at once, further ones one by one.

    None where a further channel is used only once the ones before have failed or shown no sign of life.
    """
    person = routes.people.get(notice.person or "")
    if person is None:
        return []
    pause = answer.unread if answer is not None and notice.role != "inform" else None
    first: list[tuple[str, timedelta | None]] = [(name, timedelta(0)) for name in person.channels]
    return first + [
        (name, None if pause is None else number * pause)
        for number, name in enumerate(person.fallback, start=1)
    ]
