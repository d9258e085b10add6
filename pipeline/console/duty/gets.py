"""Who would hear of a hazard: every yes and no with its reason, the ladder after it, the exact words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from alerts.duty.people import Answer, Release, Role
from alerts.duty.routing import Notice, must_answer
from alerts.event.transition import Transition, supposed
from alerts.outgoing import dispatch
from alerts.outgoing.desks import current
from alerts.outgoing.dispatch import Desk
from pipeline.audience import Audience, audience, quiet_words, roads
from pipeline.config import Config
from pipeline.console.duty.reasons import in_chinese
from pipeline.console.duty.shapes import (
    Called,
    Instant,
    LevelKey,
    Somebody,
    several,
    somebody,
    subsystem,
)
from pipeline.console.duty.silence_facts import Quieted, quieted
from rules.level import Level

EXAMPLE = "…"
"""Where the token of a link would stand: a supposed change has none."""


@dataclass(frozen=True, kw_only=True)
class Road:
    """One channel to a person."""

    channel: str
    """Name of the channel block."""
    after_s: float | None
    """So long after the message it is used [s]; None once the ones before have failed."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """Somebody who would be told, or a step of a ladder at which nobody could be."""

    subsystem: Called
    """For which subsystem."""
    person: Somebody | None
    """Who; None where nobody is there."""
    role: Role
    """Role of the subsystem."""
    step: int
    """Step of the call ladder, 0 for the first message."""
    at: Instant
    """When the message goes out, if nobody has acknowledged before."""
    after_s: float
    """So long after the decision [s]."""
    waits: str
    """Quiet hours it waits for; empty where none."""
    roads: tuple[Road, ...]
    """Channels, in the order in which they are used."""
    must_answer: bool
    """Whether the subsystem is called until somebody acknowledges."""
    why: str
    """The reason in Chinese."""
    why_en: str
    """The reason in English."""


@dataclass(frozen=True, kw_only=True)
class NotTold:
    """A subsystem that would not be told."""

    subsystem: Called
    """Which."""
    why: str
    """The reason in Chinese."""
    why_en: str
    """The reason in English."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """The exact words some would get; figures of the weather are left out, for nobody has judged any."""

    subsystem: Called
    """For which subsystem."""
    people: tuple[Somebody, ...]
    """To whom."""
    channels: tuple[str, ...]
    """Over which channels."""
    text: str
    """The words, in the language of the messages."""


@dataclass(frozen=True, kw_only=True)
class Approval:
    """What must happen before anybody is told."""

    people: tuple[Somebody, ...]
    """Who is asked."""
    needed: int
    """Approvals by different people."""
    pause_s: float
    """Pause before the next is asked [s]."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an acknowledgement must lead to."""

    unread_s: float
    """Unread for so long, the next channel is used [s]."""
    facts: bool
    """Whether the three facts are asked for."""
    facts_within_s: float
    """Time for them [s]."""
    closing_within_s: float
    """Time for the closing report after the end [s]."""


@dataclass(frozen=True, kw_only=True)
class WhoGets:
    """The answer to one question."""

    hazard: Called
    """The hazard."""
    level: LevelKey
    """The level it would open at, in every town."""
    at: Instant
    """The moment."""
    told: tuple[Told, ...]
    """The first message."""
    not_told: tuple[NotTold, ...]
    """Who would not hear, and why not."""
    later: tuple[Told, ...]
    """Further steps while nobody acknowledges, the earliest first."""
    approval: Approval | None
    """Who must approve first; None where nobody must."""
    asked: Asked | None
    """What an acknowledgement must lead to; None where to nothing."""
    silences: tuple[Quieted, ...]
    """Silences in force that cover the hazard at this level, for some subsystem or for all."""
    words: tuple[Words, ...]
    """What the first message says."""


def who_gets(
    connection: Connection, config: Config, desk: Desk, asked: tuple[str, Level], at: datetime
) -> WhoGets:
    """Who would hear of an opening of a hazard at a level; UnknownName where there is no such hazard.

    `desk` is that of the configuration; stand-ins and silences of the moment are counted in.
    """
    hazard, level = asked
    present = current(connection, desk, at)
    found = audience(config, hazard, level, at, present.routes)
    change = _change(config, hazard, level, at)
    conduct = config.hazards[hazard].conduct
    first = [_told(item, found, present, change, None) for item in found.notices if item.told]
    later = [_told(item, found, present, change, after) for after, item in found.later]
    return WhoGets(
        hazard=Called(id=hazard, name=conduct.name, name_en=conduct.name_en),
        level=level,
        at=at,
        told=tuple(first),
        not_told=tuple(_not_told(item, present) for item in found.notices if not item.told),
        later=tuple(sorted(later, key=lambda one: one.at)),
        approval=_approval(found.release, present),
        asked=_asked(found.answer),
        silences=tuple(
            quieted(one, config, present.routes, at) for one in found.silences if one.level >= level
        ),
        words=_words(change, found.notices, present, at),
    )


def _change(config: Config, hazard: str, level: Level, at: datetime) -> Transition:
    places = dict.fromkeys(config.district.place_ids, level)
    moment = at.astimezone(UTC)
    return supposed("who-gets", hazard, moment, before=Level.NONE, after=level, places=places)


def _told(
    item: Notice, found: Audience, desk: Desk, change: Transition, after: timedelta | None
) -> Told:
    at = item.not_before or change.at if after is None else change.at + after
    used = roads(item, desk.routes, found.answer)
    return Told(
        subsystem=subsystem(item.subsystem, desk.routes),
        person=None if item.person is None else somebody(item.person, desk.routes),
        role=item.role,
        step=item.step,
        at=at,
        after_s=(at - change.at).total_seconds(),
        waits=quiet_words(item, desk.routes).partition(" ")[0],
        roads=tuple(
            Road(channel=name, after_s=None if pause is None else pause.total_seconds())
            for name, pause in used
        ),
        must_answer=must_answer(change, item),
        why=in_chinese(item.why, desk.routes),
        why_en=item.why,
    )


def _not_told(item: Notice, desk: Desk) -> NotTold:
    return NotTold(
        subsystem=subsystem(item.subsystem, desk.routes),
        why=in_chinese(item.why, desk.routes),
        why_en=item.why,
    )


def _approval(release: Release | None, desk: Desk) -> Approval | None:
    if release is None:
        return None
    return Approval(
        people=several(release.approvers, desk.routes),
        needed=release.needed,
        pause_s=release.after.total_seconds(),
    )


def _asked(answer: Answer | None) -> Asked | None:
    if answer is None:
        return None
    return Asked(
        unread_s=answer.unread.total_seconds(),
        facts=answer.facts,
        facts_within_s=answer.facts_within.total_seconds(),
        closing_within_s=answer.closing_within.total_seconds(),
    )


def _words(
    change: Transition, notices: Sequence[Notice], desk: Desk, at: datetime
) -> tuple[Words, ...]:
    unsigned = replace(desk, sign=lambda change, notice, until: EXAMPLE)
    made: dict[tuple[str, str], tuple[list[str], list[str]]] = {}
    for row in dispatch.deliveries(change, notices, unsigned, at):
        people, channels = made.setdefault((row.subsystem, row.text), ([], []))
        people.append(row.recipient)
        channels.append(row.channel)
    return tuple(
        Words(
            subsystem=subsystem(name, desk.routes),
            people=several(dict.fromkeys(people), desk.routes),
            channels=tuple(dict.fromkeys(channels)),
            text=text,
        )
        for (name, text), (people, channels) in made.items()
    )
