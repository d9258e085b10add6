"""Accounts and sessions: who may come in, and who is in. Passwords and tokens come here as hashes alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from alerts.record.account_tables import account, session
from ingest.errors import UnknownName


@dataclass(frozen=True, kw_only=True)
class Account:
    """Somebody who may come in."""

    name: str
    """What they sign in with."""
    title: str
    """Name of the person, as it stands under what they do."""
    hash: str
    """Argon2 hash of the password; empty where they come through a sign-in service alone."""
    roles: tuple[str, ...]
    """What they are: see `pipeline.console.people.visitor.Role`."""
    subsystems: tuple[str, ...] = ()
    """Subsystems they are duty officers of."""
    person: str | None = None
    """Who they are in ``routes.yaml``; None where they are nobody there."""
    made_at: datetime
    """When the account was made."""
    changing: bool = False
    """Whether the password was given by somebody else and must be changed first."""
    failures: int = 0
    """Wrong passwords in a row."""
    locked_until: datetime | None = None
    """Until when nobody is let in with it."""
    closed_at: datetime | None = None
    """Since when the account is closed; None while it is open."""
    subject: str | None = None
    """Who they are to a sign-in service."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who is in."""

    hash: str
    """SHA-256 of the token their browser keeps."""
    account: str
    """Whose it is."""
    begun_at: datetime
    """When they signed in."""
    seen_at: datetime
    """When they were last here."""
    until: datetime
    """When they must sign in again in any case."""


def number(connection: Connection) -> int:
    """How many accounts there are, closed ones too."""
    return connection.scalars(select(func.count()).select_from(account)).one()


def everybody(connection: Connection) -> list[Account]:
    """All accounts by name."""
    return [_account(row) for row in connection.execute(select(account).order_by(account.c.name))]


def find(connection: Connection, name: str) -> Account | None:
    """The account of a name; None where there is none."""
    row = connection.execute(select(account).where(account.c.name == name)).one_or_none()
    return None if row is None else _account(row)


def of_subject(connection: Connection, subject: str) -> Account | None:
    """The account of somebody a sign-in service knows; None where there is none."""
    row = connection.execute(select(account).where(account.c.subject == subject)).one_or_none()
    return None if row is None else _account(row)


def add(connection: Connection, new: Account) -> None:
    """Keep a new account."""
    row = asdict(new)
    connection.execute(insert(account), row | {"roles": list(new.roles), "subsystems": list(new.subsystems)})


def change(connection: Connection, name: str, parts: Mapping[str, object]) -> None:
    """Change columns of an account; UnknownName where there is no such one."""
    if connection.execute(update(account).where(account.c.name == name), dict(parts)).rowcount == 0:
        raise UnknownName(f"没有账号“{name}” / there is no account {name!r}")


def begin(connection: Connection, new: Session) -> None:
    """Keep a session; those that are over go."""
    connection.execute(delete(session).where(session.c.until < new.begun_at))
    connection.execute(insert(session), asdict(new))


def session_of(connection: Connection, digest: str) -> Session | None:
    """The session of a token's hash; None where there is none."""
    row = connection.execute(select(session).where(session.c.hash == digest)).one_or_none()
    return None if row is None else Session(**row._mapping)


def seen(connection: Connection, digest: str, at: datetime) -> None:
    """Keep that somebody was here."""
    connection.execute(update(session).where(session.c.hash == digest), {"seen_at": at})


def end(connection: Connection, digest: str) -> None:
    """End one session."""
    connection.execute(delete(session).where(session.c.hash == digest))


def end_all(connection: Connection, name: str, but: str = "") -> None:
    """End every session of an account, but for the one of a hash."""
    connection.execute(delete(session).where(session.c.account == name, session.c.hash != but))


def _account(row: Row[Any]) -> Account:
    parts = dict(row._mapping)
    return Account(**parts | {name: tuple(parts[name]) for name in ("roles", "subsystems")})
