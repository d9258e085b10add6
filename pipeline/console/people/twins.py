"""Accounts, keys and deeds for programs: the same as the page, under ``/api/v1``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from ingest.database import reading
from pipeline.console.house import InHouse, needs
from pipeline.console.people import actions
from pipeline.console.people.facts import (
    AccountFact,
    DeedFact,
    KeyFact,
    People,
    all_accounts,
    all_keys,
    newest,
    people,
)
from pipeline.console.people.keeping import AccountName, Operator
from pipeline.console.people.key_ring import KeyWish
from pipeline.console.people.roll import Wish
from pipeline.console.people.visitor import Right, Role, Visitor

api = APIRouter(prefix="/api/v1", tags=["people"])

_Word = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


@dataclass(frozen=True, kw_only=True)
class Me:
    """Who asks."""

    account: str
    """Account, or ``key:`` and the id of a key."""
    title: str
    """Name of the person or department."""
    rights: tuple[Right, ...]
    """What they may do."""
    subsystems: tuple[str, ...]
    """Subsystems they act for."""
    everywhere: bool
    """Whether they act for every subsystem."""
    person: str | None
    """Who they are in ``routes.yaml``."""
    csrf: str
    """What the header ``X-CSRF`` must bring where they change something; empty for a key."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """A secret, told this one time."""

    name: str
    """Account, or id of the key."""
    secret: str
    """The one-time password, or the key itself; kept nowhere."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """A change that was made."""

    name: str
    """What it was made to."""
    done: str
    """What was done."""


class Being(BaseModel):
    """What somebody shall be."""

    title: _Word = ""
    roles: Annotated[tuple[Role, ...], Field(max_length=len(Role))]
    subsystems: Annotated[tuple[_Word, ...], Field(max_length=50)] = ()
    person: _Word | None = None

    def wish(self, name: str) -> Wish:
        """The same, of an account."""
        own = self.model_dump()
        return Wish(name=name, **own)


class NewAccount(Being):
    """An account to be made."""

    name: _Word


class NewKey(BaseModel):
    """A key to be made."""

    title: _Word
    rights: Annotated[tuple[Right, ...], Field(max_length=len(Right))]
    subsystems: Annotated[tuple[_Word, ...], Field(max_length=50)] = ()
    until: AwareDatetime | None = None


class Reason(BaseModel):
    """Why something is done."""

    why: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")] = ""


@api.get("/me")
def me(who: Annotated[Visitor, needs(None)]) -> Me:
    """Who I am, and what I may do."""
    return Me(
        account=who.account, title=who.title, rights=tuple(right for right in Right if right in who.rights),
        subsystems=tuple(sorted(who.subsystems)), everywhere=who.everywhere, person=who.person,
        csrf=who.csrf,
    )  # fmt: skip


@api.get("/people")
def everything(house: InHouse, _who: Operator) -> People:
    """Accounts, keys and the newest deeds."""
    with reading(house.ports.engine) as connection:
        return people(connection, house.wall())


@api.get("/people/accounts")
def list_accounts(house: InHouse, _who: Operator) -> tuple[AccountFact, ...]:
    """All accounts by name."""
    with reading(house.ports.engine) as connection:
        return all_accounts(connection, house.wall())


@api.post("/people/accounts", status_code=201)
def make_account(house: InHouse, who: Operator, new: NewAccount) -> Told:
    """Make an account; its password is told this one time, and must be changed at the first sign-in."""
    wish = Wish(**new.model_dump())
    return Told(name=wish.name, secret=actions.make_account(house, who, wish))


@api.post("/people/accounts/{name}/password")
def give_password(house: InHouse, who: Operator, name: AccountName) -> Told:
    """Give an account a new one-time password; its sessions end."""
    return Told(name=name, secret=actions.give_password(house, who, name))


@api.post("/people/accounts/{name}/roles")
def assign(house: InHouse, who: Operator, name: AccountName, being: Being) -> Done:
    """Change what somebody is; it counts from their next request on."""
    actions.assign(house, who, being.wish(name))
    return Done(name=name, done="roles")


@api.post("/people/accounts/{name}/{what}")
def change(
    house: InHouse,
    who: Operator,
    name: AccountName,
    what: Literal["unlock", "close", "reopen"],
    reason: Reason | None = None,
) -> Done:
    """Unlock, close or reopen an account."""
    if what == "close":
        actions.close(house, who, name, reason.why.strip() if reason else "")
    elif what == "unlock":
        actions.unlock(house, who, name)
    else:
        actions.reopen(house, who, name)
    return Done(name=name, done=what)


@api.get("/people/keys")
def list_keys(house: InHouse, _who: Operator) -> tuple[KeyFact, ...]:
    """All keys of departments, the oldest first; the keys themselves are kept nowhere."""
    with reading(house.ports.engine) as connection:
        return all_keys(connection, house.wall())


@api.post("/people/keys", status_code=201)
def make_key(house: InHouse, who: Operator, new: NewKey) -> Told:
    """Make a key for a department; it is told this one time."""
    until: datetime | None = new.until
    wish = KeyWish(title=new.title, rights=new.rights, subsystems=new.subsystems, until=until)
    public, whole = actions.make_key(house, who, wish)
    return Told(name=public, secret=whole)


@api.post("/people/keys/{name}/end")
def end_key(house: InHouse, who: Operator, name: AccountName) -> Done:
    """End a key at once."""
    actions.end_key(house, who, name)
    return Done(name=name, done="end")


@api.get("/people/deeds")
def list_deeds(
    house: InHouse,
    _who: Operator,
    subject: Annotated[str | None, Query(max_length=128)] = None,
    most: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> tuple[DeedFact, ...]:
    """What people and keys did, to one subject or to all, newest first."""
    with reading(house.ports.engine) as connection:
        return newest(connection, subject, most)
