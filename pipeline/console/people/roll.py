"""The roll: who has an account, made and changed by operators, here and at the command line.

A password that somebody else gives is told once and must be changed at the first sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from argon2 import PasswordHasher
from sqlalchemy import Connection

from alerts.duty.people import Routes
from alerts.record import accounts
from alerts.record.accounts import Account
from ingest.errors import FengsuiError, UnknownName
from pipeline.console.people.doors import new_password
from pipeline.console.people.visitor import Role

_NAME = re.compile(r"[\w.-]{1,40}")
"""Without @, which stands in the names of those who come through a sign-in service."""


class NotPossible(FengsuiError):
    """What was asked of an account or a key cannot be; the message says what to do instead."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What somebody shall be."""

    name: str
    """Name of the account."""
    title: str = ""
    """Name of the person; that of the account where it is empty."""
    roles: tuple[Role, ...]
    """What they are."""
    subsystems: tuple[str, ...] = ()
    """Subsystems they are duty officers of."""
    person: str | None = None
    """Who they are in ``routes.yaml``."""


@dataclass(frozen=True, kw_only=True)
class OneTime:
    """A password to be told once."""

    password: str
    """What to tell."""
    hash: str
    """What to keep."""


def one_time(hasher: PasswordHasher) -> OneTime:
    """A new password; takes a part of a second, and so belongs outside of any transaction."""
    password = new_password()
    return OneTime(password=password, hash=hasher.hash(password))


def checked(wish: Wish, routes: Routes) -> Wish:
    """A wish that can be granted, without repetitions; NotPossible or UnknownName says what is wrong."""
    if not wish.roles:
        raise NotPossible("请至少选一个角色 / choose at least one role")
    for name in wish.subsystems:
        known_subsystem(name, routes)
    if wish.person and wish.person not in routes.people:
        raise UnknownName(
            f"routes.yaml中没有“{wish.person}” / nobody is called {wish.person!r} in routes.yaml"
        )
    if Role.OFFICER in wish.roles and not wish.subsystems:
        raise NotPossible("值班员要有分系统 / a duty officer needs a subsystem")
    if Role.APPROVER in wish.roles and not wish.person:
        raise NotPossible(
            "审批人要对应routes.yaml中的人员 / an approver must be a person of routes.yaml: name them"
        )
    return Wish(
        name=wish.name, title=wish.title.strip() or wish.name, person=wish.person or None,
        roles=tuple(dict.fromkeys(wish.roles)), subsystems=tuple(dict.fromkeys(wish.subsystems)),
    )  # fmt: skip


def known_subsystem(name: str, routes: Routes) -> None:
    """Let a subsystem of ``routes.yaml`` through; UnknownName lists what there is."""
    if name not in routes.subsystems:
        names = ", ".join(routes.subsystems)
        raise UnknownName(f"没有分系统“{name}” / no subsystem is called {name!r}; there are {names}")


def make(connection: Connection, wish: Wish, given: OneTime, now: datetime) -> None:
    """Keep a new account of a checked wish; NotPossible where its name is taken or no name."""
    if not _NAME.fullmatch(wish.name):
        raise NotPossible(
            "账号用字母、数字、点、横线，最多40个 / name it with 40 letters, digits, . _ - at most"
        )
    if accounts.find(connection, wish.name) is not None:
        raise NotPossible(f"账号“{wish.name}”已存在 / there is an account {wish.name!r} already")
    accounts.add(connection, Account(
        name=wish.name, title=wish.title, hash=given.hash, roles=_plain(wish.roles),
        subsystems=wish.subsystems, person=wish.person, made_at=now, changing=True,
    ))  # fmt: skip


def give(connection: Connection, name: str, given: OneTime) -> None:
    """Give an account a new password; whoever is in with it is out, and a lock is lifted."""
    fresh = {"hash": given.hash, "changing": True, "failures": 0, "locked_until": None}
    accounts.change(connection, name, fresh)
    accounts.end_all(connection, name)


def unlock(connection: Connection, name: str) -> None:
    """Let somebody try again at once."""
    accounts.change(connection, name, {"failures": 0, "locked_until": None})


def close(connection: Connection, name: str, now: datetime) -> None:
    """Close an account: nobody comes in with it any more, and who is in is out."""
    _spare_the_last(connection, name)
    accounts.change(connection, name, {"closed_at": now})
    accounts.end_all(connection, name)


def reopen(connection: Connection, name: str) -> None:
    """Let somebody in again whose account was closed."""
    accounts.change(connection, name, {"closed_at": None})


def assign(connection: Connection, wish: Wish) -> None:
    """Make somebody what a checked wish says; it counts from their next request on."""
    if Role.OPERATOR not in wish.roles:
        _spare_the_last(connection, wish.name)
    accounts.change(connection, wish.name, {
        "title": wish.title, "roles": list(_plain(wish.roles)),
        "subsystems": list(wish.subsystems), "person": wish.person,
    })  # fmt: skip


def _spare_the_last(connection: Connection, name: str) -> None:
    """NotPossible where nobody else could make accounts afterwards."""
    able = [
        one.name
        for one in accounts.everybody(connection)
        if one.closed_at is None and Role.OPERATOR in one.roles
    ]
    if able == [name]:
        raise NotPossible(
            "这是最后一个运维账号，请先另设一个 / this is the last operator, make another one first"
        )


def _plain(roles: Collection[Role]) -> tuple[str, ...]:
    return tuple(str(role) for role in roles)
