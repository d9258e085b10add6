"""Keys of departments: a program comes in with one, for what it was made for and nothing else."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from alerts.record.account_tables import api_key
from ingest.errors import UnknownName

PREFIX = "fsk_"
"""What every key begins with, so that one that leaked is recognised."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """What is kept of a key; the key itself is told once, to who made it."""

    id: str
    """Its public part."""
    hash: str
    """SHA-256 of the whole."""
    title: str
    """Department that holds it."""
    rights: tuple[str, ...]
    """What it may do: see `pipeline.console.people.visitor.Right`."""
    subsystems: tuple[str, ...] = ()
    """Subsystems it acts for."""
    by: str
    """Who made it."""
    made_at: datetime
    """When."""
    until: datetime | None = None
    """Until when it works; None for as long as nobody ends it."""
    ended_at: datetime | None = None
    """Since when it is ended."""


def make() -> tuple[str, str, str]:
    """A new key: its id, the key itself, and the hash to keep."""
    public, secret = secrets.token_hex(4), secrets.token_urlsafe(24)
    whole = f"{PREFIX}{public}_{secret}"
    return public, whole, _hash(whole)


def add(connection: Connection, key: Key) -> None:
    """Keep a new key."""
    row = asdict(key) | {"rights": list(key.rights), "subsystems": list(key.subsystems)}
    connection.execute(insert(api_key), row)


def find(connection: Connection, whole: str, now: datetime) -> Key | None:
    """The key that was brought, where it works; compared by its hash, so that time tells nothing of it."""
    row = connection.execute(select(api_key).where(api_key.c.hash == _hash(whole))).one_or_none()
    found = None if row is None else _key(row)
    if found is None or found.ended_at is not None or (found.until is not None and now >= found.until):
        return None
    return found


def everyone(connection: Connection) -> list[Key]:
    """All keys, the oldest first."""
    return [_key(row) for row in connection.execute(select(api_key).order_by(api_key.c.made_at))]


def end(connection: Connection, name: str, at: datetime) -> None:
    """End a key; UnknownName where there is no such one."""
    changed = update(api_key).where(api_key.c.id == name, api_key.c.ended_at.is_(None))
    if connection.execute(changed, {"ended_at": at}).rowcount == 0:
        raise UnknownName(f"没有在用的密钥“{name}” / there is no key {name!r} in use")


def _hash(whole: str) -> str:
    return hashlib.sha256(whole.encode()).hexdigest()


def _key(row: Row[Any]) -> Key:
    parts = dict(row._mapping)
    return Key(**parts | {name: tuple(parts[name]) for name in ("rights", "subsystems")})
