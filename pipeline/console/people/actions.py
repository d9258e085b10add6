"""What operators do with accounts and keys, from a form or a program: one transaction each, with its deed."""

from __future__ import annotations

from typing import Any

from alerts.record import keys
from ingest.database import writing
from pipeline.console.house import House
from pipeline.console.people import key_ring, roll
from pipeline.console.people.key_ring import KeyWish
from pipeline.console.people.roll import Wish, checked, one_time
from pipeline.console.people.visitor import Visitor


def make_account(house: House, who: Visitor, wish: Wish) -> str:
    """Make an account; the one-time password to tell its owner."""
    wanted, given = checked(wish, house.ports.config.routes), one_time(house.doors.hasher)
    with writing(house.ports.engine) as connection:
        roll.make(connection, wanted, given, house.wall())
        house.done(connection, who, "account_made", subject=wanted.name, **_shown(wanted))
    return given.password


def give_password(house: House, who: Visitor, name: str) -> str:
    """Give somebody a new one-time password, and end their sessions."""
    given = one_time(house.doors.hasher)
    with writing(house.ports.engine) as connection:
        roll.give(connection, name, given)
        house.done(connection, who, "password_given", subject=name)
    return given.password


def unlock(house: House, who: Visitor, name: str) -> None:
    """Let somebody try again at once."""
    with writing(house.ports.engine) as connection:
        roll.unlock(connection, name)
        house.done(connection, who, "unlocked", subject=name)


def close(house: House, who: Visitor, name: str, why: str = "") -> None:
    """Close an account and end its sessions."""
    with writing(house.ports.engine) as connection:
        roll.close(connection, name, house.wall())
        house.done(connection, who, "account_closed", subject=name, why=why)


def reopen(house: House, who: Visitor, name: str) -> None:
    """Open a closed account again."""
    with writing(house.ports.engine) as connection:
        roll.reopen(connection, name)
        house.done(connection, who, "account_reopened", subject=name)


def assign(house: House, who: Visitor, wish: Wish) -> None:
    """Change what somebody is."""
    wanted = checked(wish, house.ports.config.routes)
    with writing(house.ports.engine) as connection:
        roll.assign(connection, wanted)
        house.done(connection, who, "roles", subject=wanted.name, **_shown(wanted))


def make_key(house: House, who: Visitor, wish: KeyWish) -> tuple[str, str]:
    """Make a key; its id, and the key itself to hand over."""
    with writing(house.ports.engine) as connection:
        routes = house.ports.config.routes
        public, whole = key_ring.cut(connection, wish, routes, who.account, house.wall())
        rights = [str(right) for right in wish.rights]
        house.done(
            connection, who, "key_made", subject=public, holder=wish.title, rights=rights,
            subsystems=list(wish.subsystems),
        )  # fmt: skip
    return public, whole


def end_key(house: House, who: Visitor, name: str) -> None:
    """End a key at once."""
    with writing(house.ports.engine) as connection:
        keys.end(connection, name, house.wall())
        house.done(connection, who, "key_ended", subject=name)


def _shown(wish: Wish) -> dict[str, Any]:
    """What the record keeps of a wish."""
    roles = [str(role) for role in wish.roles]
    return {"roles": roles, "subsystems": list(wish.subsystems), "person": wish.person}
