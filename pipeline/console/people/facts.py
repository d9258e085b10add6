"""What the page of accounts and keys shows, read from the stores: nothing in it is secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from alerts.record import accounts, deeds, keys
from alerts.record.accounts import Account
from alerts.record.deeds import Deed
from alerts.record.keys import Key

NEWEST = 100
"""Deeds that the page shows."""


@dataclass(frozen=True, kw_only=True)
class AccountFact:
    """An account."""

    name: str
    """What they sign in with."""
    title: str
    """Name of the person."""
    roles: tuple[str, ...]
    """What they are."""
    subsystems: tuple[str, ...]
    """Subsystems they are duty officers of."""
    person: str | None
    """Who they are in ``routes.yaml``."""
    state: Literal["open", "changing", "locked", "closed"]
    """``changing`` where they have not yet chosen a password of their own."""
    locked_until: datetime | None
    """Until when nobody is let in, where it is locked."""
    made_at: datetime
    """When it was made."""
    by_service: bool
    """Whether they come through a sign-in service."""


@dataclass(frozen=True, kw_only=True)
class KeyFact:
    """A key of a department."""

    id: str
    """Its public part."""
    title: str
    """Who holds it."""
    rights: tuple[str, ...]
    """What it may do."""
    subsystems: tuple[str, ...]
    """Subsystems it acts for."""
    by: str
    """Who made it."""
    made_at: datetime
    """When."""
    until: datetime | None
    """Until when it works; None for as long as nobody ends it."""
    state: Literal["works", "over", "ended"]
    """``over`` where its time has passed, ``ended`` where somebody ended it."""


@dataclass(frozen=True, kw_only=True)
class DeedFact:
    """Something that somebody did."""

    at: datetime
    """When."""
    by: str
    """Account, or ``key:`` and the id of a key, or ``cli``."""
    title: str
    """Their name, as it was then."""
    what: str
    """What kind of thing."""
    subject: str
    """What it was done to."""
    why: str
    """Reason given."""
    detail: Mapping[str, object]
    """Whatever else was kept."""


@dataclass(frozen=True, kw_only=True)
class People:
    """The whole page."""

    accounts: tuple[AccountFact, ...]
    """By name."""
    keys: tuple[KeyFact, ...]
    """The oldest first."""
    deeds: tuple[DeedFact, ...]
    """The newest first."""


def people(connection: Connection, now: datetime) -> People:
    """The page at a moment of the real clock."""
    return People(
        accounts=all_accounts(connection, now), keys=all_keys(connection, now), deeds=newest(connection)
    )


def all_accounts(connection: Connection, now: datetime) -> tuple[AccountFact, ...]:
    """Every account by name."""
    return tuple(_account(one, now) for one in accounts.everybody(connection))


def all_keys(connection: Connection, now: datetime) -> tuple[KeyFact, ...]:
    """Every key, the oldest first."""
    return tuple(_key(one, now) for one in keys.everyone(connection))


def newest(
    connection: Connection, subject: str | None = None, most: int = NEWEST
) -> tuple[DeedFact, ...]:
    """What was done last, to one subject or to all, newest first."""
    return tuple(_deed(one) for one in deeds.deeds(connection, subject=subject, most=most))


def _account(one: Account, now: datetime) -> AccountFact:
    locked = one.locked_until is not None and now < one.locked_until
    state: Literal["open", "changing", "locked", "closed"] = "changing" if one.changing else "open"
    if one.closed_at is not None:
        state = "closed"
    elif locked:
        state = "locked"
    return AccountFact(
        name=one.name, title=one.title, roles=one.roles, subsystems=one.subsystems, person=one.person,
        state=state, locked_until=one.locked_until if locked else None, made_at=one.made_at,
        by_service=one.subject is not None,
    )  # fmt: skip


def _key(one: Key, now: datetime) -> KeyFact:
    over = one.until is not None and now >= one.until
    return KeyFact(
        id=one.id, title=one.title, rights=one.rights, subsystems=one.subsystems, by=one.by,
        made_at=one.made_at, until=one.until,
        state="ended" if one.ended_at is not None else "over" if over else "works",
    )  # fmt: skip


def _deed(one: Deed) -> DeedFact:
    return DeedFact(
        at=one.at, by=one.by, title=one.title, what=one.what, subject=one.subject, why=one.why,
        detail=one.detail,
    )  # fmt: skip
