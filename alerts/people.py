"""The 1 and the N: who is on duty where, and how each is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ingest.registry import Duration
from rules.level import LevelName

Role = Literal["lead", "support", "inform"]
Who = Literal["duty", "deputy", "centre"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEK: tuple[Day, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can be called."""

    name: str
    """Name as texts write it."""
    phone: str
    """Mobile number, digits only."""
    channels: tuple[str, ...]
    """Names of the channels that reach this person, all used at once."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A part of the week and who holds it, in Beijing time; an end at or before the start is next day."""

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
class Roster:
    """Who there is, who is on duty when, and who is called when nobody answers."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    people: dict[str, Person]
    """Id -> person."""
    subsystems: dict[str, Subsystem]
    """Id -> subsystem."""
    ladders: dict[LevelName, tuple[Step, ...]]
    """Level -> call ladder; a level without one is told once and not called after."""


@dataclass(frozen=True, kw_only=True)
class Routes(Roster):
    """Everything about who hears of what: the roster, and the part each subsystem has in each hazard."""

    matrix: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)
    """Hazard name -> subsystem id -> part, as the hazards' blocks give it."""
