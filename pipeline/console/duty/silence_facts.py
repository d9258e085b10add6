"""Silences in force, and how long each has left: none can be forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.duty import silences
from alerts.duty.people import Routes, Silence
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from pipeline.config import Config
from pipeline.console.duty.shapes import Called, Instant, LevelKey, Somebody, somebody, subsystem
from rules.level import Level

SOON = timedelta(minutes=30)
"""A silence that has less left than this ends soon."""


@dataclass(frozen=True, kw_only=True)
class Quieted:
    """A silence in force."""

    id: int
    """Its number, by which it is lifted."""
    hazard: Called | None
    """The hazard; None silences all."""
    subsystem: Called | None
    """The subsystem; None silences all."""
    alert: str | None
    """The one alert it is about, with which it ends; None is about all."""
    level: LevelKey
    """What is above this level is told all the same."""
    by: Somebody
    """Who gave it, and hears before it ends."""
    why: str
    """The reason."""
    begun_at: Instant
    """From when on."""
    until: Instant
    """Until when."""
    left_s: int
    """Time left [s]."""
    share: int
    """Part of its time that is over [%]."""

    @property
    def soon(self) -> bool:
        """Whether it ends within half an hour."""
        return self.left_s < SOON.total_seconds()


@dataclass(frozen=True, kw_only=True)
class OpenOne:
    """An open alert that could be silenced by itself."""

    alert: str
    """Its identifier."""
    hazard: Called
    """Its hazard."""
    level: LevelKey
    """Its level."""


@dataclass(frozen=True, kw_only=True)
class Silences:
    """Everything about silences."""

    at: Instant
    """The moment."""
    silences: tuple[Quieted, ...]
    """Those in force, the one that ends first first."""
    longest_s: int
    """The longest a silence may last [s]."""
    open: tuple[OpenOne, ...]
    """Open alerts, the most severe first."""


def in_force(connection: Connection, config: Config, desk: Desk, now: datetime) -> Silences:
    """The silences in force, and what could be silenced."""
    found = [quieted(one, config, desk.routes, now) for one in silences.in_force(connection, now)]
    return Silences(
        at=now,
        silences=tuple(sorted(found, key=lambda one: one.until)),
        longest_s=int(silences.LONGEST.total_seconds()),
        open=_open(connection, config),
    )


def quieted(one: Silence, config: Config, routes: Routes, now: datetime) -> Quieted:
    """A silence with its names and the time it has left."""
    whole = max(one.until - one.begun_at, timedelta(seconds=1))
    left = max(one.until - now, timedelta(0))
    return Quieted(
        id=one.id,
        hazard=None if one.hazard is None else hazard(one.hazard, config),
        subsystem=None if one.subsystem is None else subsystem(one.subsystem, routes),
        alert=one.alert,
        level=one.level,
        by=somebody(one.by, routes),
        why=one.why,
        begun_at=one.begun_at,
        until=one.until,
        left_s=int(left.total_seconds()),
        share=round(100 * min(1.0, max(0.0, 1 - left / whole))),
    )


def hazard(name: str, config: Config) -> Called:
    """A hazard by name; one that left the configuration stands for itself."""
    block = config.hazards.get(name)
    if block is None:
        return Called(id=name, name=name, name_en=name)
    return Called(id=name, name=block.conduct.name, name_en=block.conduct.name_en)


def _open(connection: Connection, config: Config) -> tuple[OpenOne, ...]:
    states = store.states(connection, config.district.place_ids).values()
    found = [
        OpenOne(alert=state.alert, hazard=hazard(state.hazard, config), level=state.top)
        for state in states
        if state.alert is not None and state.top > Level.NONE
    ]
    return tuple(sorted(found, key=lambda one: -one.level))
