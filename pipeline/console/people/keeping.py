"""The page of operators: accounts, keys of departments, and what was done last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, StringConstraints

from ingest.database import reading
from ingest.errors import FengsuiError
from ingest.times import BEIJING
from pipeline.console.house import House, InHouse, needs
from pipeline.console.people import actions
from pipeline.console.people.facts import people
from pipeline.console.people.key_ring import KeyWish
from pipeline.console.people.names import DEED_NAMES, RIGHT_NAMES
from pipeline.console.people.roll import Wish
from pipeline.console.people.signing import in_tongue
from pipeline.console.people.visitor import ROLE_NAMES, Right, Role, Visitor

pages = APIRouter(include_in_schema=False)

Operator = Annotated[Visitor, needs(Right.OPERATE)]
"""Somebody who may make accounts and keys."""
AccountName = Annotated[str, Path(max_length=64)]
"""Name of an account in an address."""
_Word = Annotated[str, StringConstraints(max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Being(BaseModel):
    """The form of an account."""

    name: _Word = ""
    title: _Word = ""
    roles: Annotated[list[Role], Field(max_length=len(Role))] = []
    subsystems: Annotated[list[_Word], Field(max_length=50)] = []
    person: _Word = ""

    def wish(self, name: str) -> Wish:
        """What it asks for."""
        return Wish(
            name=name, title=self.title, roles=tuple(self.roles), subsystems=tuple(self.subsystems),
            person=self.person or None,
        )  # fmt: skip


class _KeyForm(BaseModel):
    """The form of a key."""

    title: _Word = ""
    rights: Annotated[list[Right], Field(max_length=len(Right))] = []
    subsystems: Annotated[list[_Word], Field(max_length=50)] = []
    until: date | Literal[""] = ""

    def wish(self) -> KeyWish:
        """What it asks for."""
        return KeyWish(
            title=self.title, rights=tuple(dict.fromkeys(self.rights)),
            subsystems=tuple(dict.fromkeys(self.subsystems)),
            until=None if self.until == "" else _end_of(self.until),
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Desk:
    """The page, for whoever is before it."""

    request: Request
    house: House
    who: Visitor

    def page(
        self, status: int = 200, *, said: str = "", why: str = "", secret: tuple[str, str, str] | None = None
    ) -> Response:
        """The page; `secret` is what, whose, and the secret itself."""
        with reading(self.house.ports.engine) as connection:
            found = people(connection, self.house.wall())
        routes = self.house.ports.config.routes
        return self.house.pages.view(
            self.request, "people/people.html", self.who, status, found=found, said=said, why=why,
            secret=secret, roles=ROLE_NAMES, rights=RIGHT_NAMES, subsystems=routes.subsystems,
            persons=routes.people, deeds=DEED_NAMES, here="/people",
        )  # fmt: skip

    def told(self, step: Callable[[], tuple[str, str, str]]) -> Response:
        """The page with a secret that a step made; where it cannot be done, with the sentence why."""
        try:
            return self.page(secret=step())
        except FengsuiError as error:
            return self.page(409, why=in_tongue(self.request, error))

    def done(self, step: Callable[[], object], said: str) -> Response:
        """Back to the page after a step; where it cannot be done, with the sentence why."""
        try:
            step()
        except FengsuiError as error:
            return self.page(409, why=in_tongue(self.request, error))
        return RedirectResponse(f"/people?said={said}", 303)


def _desk(request: Request, house: InHouse, who: Operator) -> _Desk:
    return _Desk(request=request, house=house, who=who)


_AtDesk = Annotated[_Desk, Depends(_desk)]


@pages.get("/people")
def page(desk: _AtDesk, said: str = "") -> Response:
    """Accounts, keys and deeds."""
    return desk.page(said=said)


@pages.post("/people/accounts")
def make_account(desk: _AtDesk, form: Annotated[_Being, Form()]) -> Response:
    """Make an account, and show its password this one time."""
    wish = form.wish(form.name.strip())
    return desk.told(lambda: ("password", wish.name, actions.make_account(desk.house, desk.who, wish)))


@pages.post("/people/accounts/{name}/password")
def give_password(desk: _AtDesk, name: AccountName) -> Response:
    """Give somebody a new password, and show it this one time."""
    return desk.told(lambda: ("password", name, actions.give_password(desk.house, desk.who, name)))


@pages.post("/people/accounts/{name}/roles")
def assign(desk: _AtDesk, name: AccountName, form: Annotated[_Being, Form()]) -> Response:
    """Change what somebody is."""
    return desk.done(lambda: actions.assign(desk.house, desk.who, form.wish(name)), "roles")


@pages.post("/people/accounts/{name}/{what}")
def change(
    desk: _AtDesk,
    name: AccountName,
    what: Literal["unlock", "close", "reopen"],
    why: Annotated[_Word, Form()] = "",
) -> Response:
    """Unlock, close or reopen an account."""
    house, who = desk.house, desk.who
    steps: dict[str, Callable[[], object]] = {
        "unlock": lambda: actions.unlock(house, who, name),
        "close": lambda: actions.close(house, who, name, why.strip()),
        "reopen": lambda: actions.reopen(house, who, name),
    }
    return desk.done(steps[what], what)


@pages.post("/people/keys")
def make_key(desk: _AtDesk, form: Annotated[_KeyForm, Form()]) -> Response:
    """Make a key, and show it this one time."""
    wish = form.wish()
    return desk.told(lambda: ("key", wish.title, actions.make_key(desk.house, desk.who, wish)[1]))


@pages.post("/people/keys/{name}/end")
def end_key(desk: _AtDesk, name: AccountName) -> Response:
    """End a key."""
    return desk.done(lambda: actions.end_key(desk.house, desk.who, name), "key_ended")


def _end_of(day: date) -> datetime:
    """The first moment after a day in Beijing."""
    return datetime.combine(day + timedelta(days=1), time(), BEIJING)
