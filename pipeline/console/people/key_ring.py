"""The key ring: keys of departments, made and ended by operators, here and at the command line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.duty.people import Routes
from alerts.record import keys
from alerts.record.keys import Key
from pipeline.console.people.roll import NotPossible, known_subsystem
from pipeline.console.people.visitor import OF_A_SUBSYSTEM, Right


@dataclass(frozen=True, kw_only=True)
class KeyWish:
    """What a key shall open."""

    title: str
    """Department that will hold it."""
    rights: tuple[Right, ...]
    """What it may do."""
    subsystems: tuple[str, ...] = ()
    """Subsystems it acts for."""
    until: datetime | None = None
    """Until when it works; None for as long as nobody ends it."""


def cut(connection: Connection, wish: KeyWish, routes: Routes, by: str, now: datetime) -> tuple[str, str]:
    """Keep a new key; its id, and the key itself, which is told once and kept nowhere.

    NotPossible or UnknownName says what is wrong with a wish.
    """
    _check(wish, routes, now)
    public, whole, digest = keys.make()
    keys.add(connection, Key(
        id=public, hash=digest, title=wish.title.strip(), rights=tuple(str(right) for right in wish.rights),
        subsystems=wish.subsystems, by=by, made_at=now, until=wish.until,
    ))  # fmt: skip
    return public, whole


def _check(wish: KeyWish, routes: Routes, now: datetime) -> None:
    if not wish.title.strip():
        raise NotPossible("请写明哪个部门持有 / name the department that will hold it")
    if not wish.rights:
        raise NotPossible("请至少选一项权限 / choose at least one right")
    for name in wish.subsystems:
        known_subsystem(name, routes)
    if OF_A_SUBSYSTEM.intersection(wish.rights) and not wish.subsystems:
        raise NotPossible("确认和回报要指定分系统 / acknowledging and reporting need a subsystem")
    if wish.until is not None and wish.until <= now:
        raise NotPossible("到期时间已过 / the key would be over already: name a later day")
