"""Signing in and out, and a password of one's own."""

from __future__ import annotations

import logging
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from alerts.record import accounts
from alerts.record.accounts import Account
from ingest.database import reading, writing
from pipeline.console.house import House, InHouse, address_of, check_form, count, visitor_of
from pipeline.console.limits import Kind
from pipeline.console.pages import tongue_of
from pipeline.console.people.doors import COOKIE, LONGEST, Locked, Refused, csrf_of
from pipeline.console.people.visitor import Visitor

pages = APIRouter(include_in_schema=False)
log = logging.getLogger(__name__)

_Name = Annotated[str, Form(max_length=64)]
_Password = Annotated[str, Form(max_length=256)]
_Next = Annotated[str, Form(max_length=500)]


@pages.get("/sign-in")
def sign_in_page(request: Request, house: InHouse, next: str = "/") -> Response:
    """The form; whoever is in goes on at once."""
    if visitor_of(request, house) is not None:
        return RedirectResponse(safe(next), 303)
    return door(request, house, safe(next))


@pages.post("/sign-in")
def sign_in(
    request: Request, house: InHouse, name: _Name = "", password: _Password = "", next: _Next = "/"
) -> Response:
    """Let somebody in, or say why not."""
    _from_here(request)
    house.gate.admit(Kind.SIGN_IN, address_of(request))
    try:
        return admitted(house, _token(house, name.strip(), password), next)
    except Refused as error:
        log.warning("somebody was not let in", extra={"action": "not_let_in", "account": name[:64]})
        return door(request, house, safe(next), why=in_tongue(request, error), name=name, status=401)


@pages.post("/sign-out")
async def sign_out(request: Request, house: InHouse) -> Response:
    """End the session."""
    token = request.cookies.get(COOKIE, "")
    if token:
        await check_form(request, csrf_of(token))
        await run_in_threadpool(_leave, house, token)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE)
    return answer


@pages.get("/password")
def password_page(request: Request, house: InHouse) -> Response:
    """The form for a new password; open to whoever must choose one."""
    who = visitor_of(request, house)
    if who is None or who.by_key:
        raise HTTPException(401, "请先登录 / sign in first")
    return house.pages.view(request, "people/password.html", who, why="")


@pages.post("/password")
async def change_password(
    request: Request, house: InHouse, old: _Password = "", new: _Password = "", again: _Password = ""
) -> Response:
    """Keep a new password; every other session of the account ends."""
    who = await run_in_threadpool(visitor_of, request, house)
    count(request, house, who)
    if who is None or who.by_key:
        raise HTTPException(401, "请先登录 / sign in first")
    await check_form(request, who.csrf)
    house.gate.admit(Kind.SIGN_IN, address_of(request))
    try:
        if new != again:
            raise Refused("两次输入的新口令不一样 / the new passwords differ")
        await run_in_threadpool(_change, house, who, (old, new), request.cookies.get(COOKIE, ""))
    except Refused as error:
        why = in_tongue(request, error)
        return house.pages.view(request, "people/password.html", who, 400, why=why)
    return RedirectResponse("/", 303)


def door(
    request: Request, house: House, back: str, *, why: str = "", name: str = "", status: int = 200
) -> Response:
    """The page to sign in on."""
    service = house.ports.config.service.sign_in
    facts = {"next": back, "why": why, "name": name, "service": service}
    return house.pages.view(request, "people/sign_in.html", None, status, **facts)


def admitted(house: House, token: str, back: str) -> Response:
    """On to where somebody wanted to go, with the cookie of their session."""
    answer = RedirectResponse(safe(back), 303)
    keep(house, answer, token)
    return answer


def keep(house: House, answer: Response, token: str) -> None:
    """Give a browser the cookie of a session: no script reads it, and no other site sends it."""
    answer.set_cookie(
        COOKIE, token, max_age=int(LONGEST.total_seconds()), httponly=True, samesite="strict", path="/",
        secure=house.ports.config.service.public_url.startswith("https://"),
    )  # fmt: skip


def safe(back: str) -> str:
    """Where to go on: a page of ours, never another site's."""
    # Browsers take a backslash for a slash, and drop tabs and line ends.
    if not back.startswith("/") or back.startswith("//") or "\\" in back or not back.isprintable():
        return "/"
    parts = urlsplit(back)
    return "/" if parts.scheme or parts.netloc else back


def in_tongue(request: Request, said: Exception) -> str:
    """What is said in two languages, in the one of who asks."""
    zh, _, en = str(said).partition(" / ")
    return en if en and tongue_of(request) == "en" else zh


def _token(house: House, name: str, password: str, *, told: bool = True) -> str:
    """The token of a new session; Refused where there is none. `told` keeps in the record that they came."""
    with reading(house.ports.engine) as connection:
        known = accounts.find(connection, name)
    right = house.doors.fits(known, password)
    said = _settled(house, known, right, told)
    if isinstance(said, Refused):
        raise said
    return said


def _settled(house: House, known: Account | None, right: bool, told: bool) -> str | Refused:
    """What the doors say; a refusal is returned, for what was learned of it must stay in the database."""
    now = house.wall()
    with writing(house.ports.engine) as connection:
        said = house.doors.settle(connection, known, right, now)
        if isinstance(said, str) and told:
            who = house.doors.visitor(connection, said, now)
            assert who is not None
            house.done(connection, who, "sign_in", subject=who.account)
        elif isinstance(said, Locked) and said.new and known is not None:
            who = Visitor(account=known.name, title=known.title, rights=frozenset())
            house.done(connection, who, "locked", subject=known.name)
    return said


def _leave(house: House, token: str) -> None:
    now = house.wall()
    with writing(house.ports.engine) as connection:
        who = house.doors.visitor(connection, token, now)
        house.doors.sign_out(connection, token)
        if who is not None:
            house.done(connection, who, "sign_out", subject=who.account)


def _change(house: House, who: Visitor, words: tuple[str, str], token: str) -> None:
    """Keep a new password; Refused where the old one is wrong, which counts as a try to come in."""
    old, new = words
    hashed = house.doors.hashed(new)
    try:
        _token(house, who.account, old, told=False)
    except Locked:
        raise
    except Refused:
        raise Refused("原口令不对 / the old password is wrong") from None
    with writing(house.ports.engine) as connection:
        house.doors.set_password(connection, who.account, hashed, keeping=token)
        house.done(connection, who, "password", subject=who.account)


def _from_here(request: Request) -> None:
    """Refuse a form that another site sends: signing somebody in unasked is an attack too."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise HTTPException(403, "请从本页登录 / sign in from this page")
