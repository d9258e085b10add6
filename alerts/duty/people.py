"""The 1 and the N: who is on duty where, and how each is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import BeforeValidator

from ingest.registry import Duration
from ingest.times import parse_instant
from rules.level import Level, LevelName

Role = Literal["lead", "support", "inform"]
Who = Literal["duty", "deputy", "centre"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

Moment = Annotated[
    datetime, BeforeValidator(lambda text: parse_instant(text) if isinstance(text, str) else text)
]
"""A moment, written in ISO 8601 with its offset."""
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, kw_only=True)
class Quiet:
    """Hours in which lesser messages wait for the morning; a red never does."""

    start: str
    """Begin, ``HH:MM``."""
    end: str
    """End, ``HH:MM``; at or before the start is next day."""
    pierced_by: LevelName = Level.RED
    """Messages of this level and above are sent all the same."""
    zone: str = "Asia/Shanghai"
    """Time zone of the hours."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can be called."""

    name: str
    """Name as texts write it."""
    phone: str
    """Mobile number, digits only."""
    channels: tuple[str, ...]
    """Names of the channels that reach this person, all used at once."""
    fallback: tuple[str, ...] = ()
    """Further channels, tried one after the other where the first show no sign that they reached anybody."""
    addresses: dict[str, str] = field(default_factory=dict)
    """Channel -> what the person is called there: a user id, an e-mail address, a topic."""
    quiet: Quiet | None = None
    """Hours of one's own in which lesser messages wait; None takes those of the roster."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A part of the week and who holds it, in the zone of its subsystem.

    An end at or before the start is next day.
    """

    start: str
    """Begin of the shift, ``HH:MM``."""
    end: str
    """End of the shift, ``HH:MM``."""
    duty: tuple[str, ...]
    """Ids of the people on duty."""
    deputy: tuple[str, ...] = ()
    """Ids of their deputies."""
    days: tuple[Day, ...] = WEEK
    """Days on which the shift begins."""
    first: str | None = None
    """First day on which it begins, ``YYYY-MM-DD``; None has always been."""
    last: str | None = None
    """Last day on which it begins, ``YYYY-MM-DD``; None goes on."""


@dataclass(frozen=True, kw_only=True)
class Override:
    """Others on duty than the shifts say, for a while."""

    start: Moment
    """From when on, ISO 8601 with offset."""
    end: Moment
    """Until when, ISO 8601 with offset."""
    duty: tuple[str, ...]
    """Ids of the people on duty."""
    deputy: tuple[str, ...] = ()
    """Ids of their deputies; without any, those of the shift stay."""
    by: str = ""
    """Who arranged it."""
    why: str = ""
    """The reason, as `who-gets` tells it."""


@dataclass(frozen=True, kw_only=True)
class Swap:
    """Two people who stand in for each other for a while, wherever either is on the rota."""

    start: Moment
    """From when on, ISO 8601 with offset."""
    end: Moment
    """Until when, ISO 8601 with offset."""
    one: str
    """Id of a person."""
    other: str
    """Id of the other."""
    why: str = ""
    """The reason, as `who-gets` tells it."""


@dataclass(frozen=True, kw_only=True)
class Subsystem:
    """The command centre or one of the N specialised systems."""

    name: str
    """Name in Chinese."""
    name_en: str
    """Name in English."""
    rota: tuple[Shift, ...]
    """Shifts; the first that covers a moment counts."""
    centre: bool = False
    """True for the one command centre."""
    operator: bool = False
    """True for those who run Fengsui: they hear of lost data."""
    zone: str = "Asia/Shanghai"
    """Time zone of the shifts."""
    overrides: tuple[Override, ...] = ()
    """Exceptions to the shifts; the last that covers a moment counts."""
    swaps: tuple[Swap, ...] = ()
    """Exchanges of people, applied after the overrides."""


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What a subsystem is asked to do, in both languages."""

    zh: str
    """Chinese text."""
    en: str
    """English text."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One cell of the matrix hazard x subsystem."""

    role: Role
    """Whether the subsystem leads, supports or is informed."""
    lowest: LevelName
    """Lowest level it hears of."""
    tasks: dict[LevelName, Advice]
    """Level -> task; a level without one takes the next lower that has one."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a call ladder."""

    who: Who
    """Who is called: duty and deputy of the subsystem, or the command centre."""
    after: Duration
    """Time without acknowledgement since the call began."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an acknowledgement of a level must lead to."""

    unread: Duration = timedelta(minutes=3)
    """Unread for so long after it was sent, a call goes out over the person's next channel."""
    facts: bool = False
    """Whether who acknowledges must tell who commands, what is affected and who was moved."""
    facts_within: Duration = timedelta(minutes=15)
    """Time for the facts after the acknowledgement; without them the call goes on up its ladder."""
    closing_within: Duration = timedelta(minutes=30)
    """Time for the closing report after the end of an alert that asked for facts."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """Who must approve a level before anybody is told."""

    approvers: tuple[str, ...]
    """Ids of the people who are asked: as many as `needed` at once, then one more after each pause."""
    needed: int = 1
    """Approvals by different people."""
    after: Duration = timedelta(minutes=5)
    """Pause before the next approver is asked, and after the last before it is decided without."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How many messages an officer can take in; what is above it is told in digests."""

    pages: int = 1
    """Messages in a period (EEMUA 191: about one in ten minutes)."""
    per: Duration = timedelta(minutes=10)
    """The period, and the pace of the digests."""


@dataclass(frozen=True, kw_only=True)
class Roster:
    """Who there is, who is on duty when, and who is called when nobody answers."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    people: dict[str, Person]
    """Id -> person."""
    subsystems: dict[str, Subsystem]
    """Id -> subsystem."""
    ladders: dict[LevelName, tuple[Step, ...]]
    """Level -> call ladder; a level without one is told once and not called after."""
    answers: dict[LevelName, Answer] = field(default_factory=dict)
    """Level -> what an acknowledgement must lead to; a level without one asks for nothing further."""
    release: dict[LevelName, Release] = field(default_factory=dict)
    """Level -> who must approve; a level without one is released at once."""
    quiet: Quiet | None = None
    """Hours in which lesser messages wait; None has none."""
    budget: Budget | None = None
    """Messages an officer can take in; None never folds any."""
    reissue: Duration = timedelta(hours=12)
    """A level that comes again within this time begins its call one step higher."""
    supervisor: tuple[str, ...] = ()
    """Ids of the people who hear of gaps in the rotas and of releases that nobody decided."""


@dataclass(frozen=True, kw_only=True)
class Silence:
    """Somebody's word that some need not hear of some changes for a while."""

    id: int
    """Its number, by which it is lifted."""
    hazard: str | None
    """Name of the hazard; None silences all."""
    subsystem: str | None
    """Id of the subsystem; None silences all."""
    alert: str | None
    """Identifier of the one alert it is about, with which it ends; None is about all."""
    level: Level
    """What is above this level is told all the same."""
    by: str
    """Who gave it."""
    why: str
    """The reason."""
    begun_at: datetime
    """From when on."""
    until: datetime
    """Until when."""


@dataclass(frozen=True, kw_only=True)
class Routes(Roster):
    """Everything about who hears of what: the roster, the matrix of parts, and the silences in force."""

    matrix: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)
    """Hazard name -> subsystem id -> part, as the hazards' blocks give it."""
    patient: frozenset[str] | None = None
    """Hazards that come slowly enough to wait for the morning (`can_wait`); None where all may."""
    silences: tuple[Silence, ...] = ()
    """Those in force at the moment; see `alerts.outgoing.desks`."""
