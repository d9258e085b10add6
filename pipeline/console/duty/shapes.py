"""What the facts of this room are made of: names in both languages, levels by key, moments in UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import Field, PlainSerializer, PlainValidator

from alerts.duty.people import Routes
from ingest.times import utc
from rules.level import Level, parse_level

LevelKey = Annotated[
    Level,
    PlainValidator(parse_level, json_schema_input_type=str),
    PlainSerializer(lambda level: level.key, return_type=str),
]
"""A level, written ``red`` for programs."""
Instant = Annotated[datetime, PlainSerializer(lambda at: utc(at).isoformat(), return_type=str)]
"""A moment, written in ISO 8601 and UTC for programs."""


@dataclass(frozen=True, kw_only=True)
class Called:
    """A hazard or a subsystem and what it is called."""

    id: str
    """Its id in the configuration."""
    name: str
    """Its name in Chinese."""
    name_en: str
    """Its name in English."""


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A person of the roster."""

    id: str
    """Id in ``routes.yaml``."""
    name: str
    """Name; one who left the configuration stands for oneself."""
    phone: Annotated[str, Field(exclude=True)]
    """Number, digits only; empty where none is on file. On pages alone: programs are told no numbers."""


def somebody(person: str, routes: Routes) -> Somebody:
    """A person by id, whether or not the configuration still knows them."""
    found = routes.people.get(person)
    if found is None:
        return Somebody(id=person, name=person, phone="")
    return Somebody(id=person, name=found.name, phone=found.phone)


def several(people: Iterable[str], routes: Routes) -> tuple[Somebody, ...]:
    """People by id."""
    return tuple(somebody(person, routes) for person in people)


def subsystem(name: str, routes: Routes) -> Called:
    """A subsystem by id; one that left the configuration stands for itself."""
    found = routes.subsystems.get(name)
    if found is None:
        return Called(id=name, name=name, name_en=name)
    return Called(id=name, name=found.name, name_en=found.name_en)
