"""What every page needs, and how a request proves who makes it."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from alerts.record import deeds, keys
from alerts.record.deeds import Deed
from ingest.database import reading, writing
from pipeline.console.limits import MOST_FIELDS, Gate, Kind
from pipeline.console.pages import Clock, Pages
from pipeline.console.people.doors import COOKIE, Doors
from pipeline.console.people.visitor import Right, Visitor
from pipeline.ports import Ports

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
API = "/api/"
"""Where what is for programs begins."""


@dataclass(frozen=True, kw_only=True)
class House:
    """One console."""

    ports: Ports
    """The instance."""
    pages: Pages
    """Makes pages."""
    clock: Clock
    """The present moment of the instance, which a demonstration plays."""
    wall: Clock
    """The present moment of the people in front of it."""
    doors: Doors
    """Lets people in."""
    gate: Gate = field(default_factory=Gate)
    """Counts how often each of them asks."""

    def done(
        self, connection: Connection, who: Visitor, what: str, *, subject: str = "", why: str = "",
        **detail: object,
    ) -> None:  # fmt: skip
        """Keep, in the transaction that does it, what somebody did."""
        said: dict[str, Any] = {"what": what, "subject": subject, "why": why, "detail": detail}
        deeds.keep(connection, Deed(at=self.clock(), by=who.account, title=who.title, **said))


def house_of(request: Request) -> House:
    """The console that a request came to."""
    house: House = request.app.state.house
    return house


InHouse = Annotated[House, Depends(house_of)]
"""A parameter of this type is the console."""


def needs(right: Right | None) -> Any:
    """A dependency that is the visitor, and refuses whoever may not do this; None asks only that they are in.

    Whoever is not in is sent to sign in, or answered 401 under `API`; who may not is answered 403. A request
    that changes something must bring the word of its session, in the field ``csrf`` or the header ``X-CSRF``.
    """

    async def visitor(request: Request, house: InHouse) -> Visitor:
        return await _admitted(request, house, right)

    return Depends(visitor)


async def _admitted(request: Request, house: House, right: Right | None) -> Visitor:
    who = await run_in_threadpool(visitor_of, request, house)
    count(request, house, who)
    if who is None:
        raise HTTPException(401, "请先登录 / sign in first")
    if who.changing:
        raise HTTPException(403, "请先换一个自己的口令 / choose a password of your own first")
    if request.method not in SAFE and not who.by_key:
        await check_form(request, who.csrf)
    if right is not None and not who.may(right):
        raise HTTPException(403, f"您的账号没有这项权限（{right}） / your account may not do this ({right})")
    return who


def count(request: Request, house: House, who: Visitor | None) -> None:
    """Count a request against who makes it: a session, a key, or an address where nobody known does.

    Pages are not counted, for their readers have no loops.
    """
    if who is None:
        house.gate.admit(Kind.UNKNOWN, address_of(request))
    elif request.method not in SAFE:
        house.gate.admit(Kind.CHANGE, who.csrf or who.account)
    elif request.url.path.startswith(API):
        house.gate.admit(Kind.READ, who.csrf or who.account)


def address_of(request: Request) -> str:
    """The address a request came from; behind a proxy on this machine, the one the proxy names."""
    return request.client.host if request.client else ""


def visitor_of(request: Request, house: House) -> Visitor | None:
    """Who makes a request, None where nobody known does; reads, and seldom notes that they were here."""
    head = request.headers.get("authorization", "")
    now = house.wall()
    if head.lower().startswith("bearer "):
        with reading(house.ports.engine) as connection:
            return _by_key(connection, house, head[7:].strip())
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    with reading(house.ports.engine) as connection:
        who = house.doors.visitor(connection, token, now)
        tell = who is not None and house.doors.worth_noting(connection, token, now)
    if tell:
        with writing(house.ports.engine) as connection:
            house.doors.note(connection, token, now)
    return who


def _by_key(connection: Connection, house: House, secret: str) -> Visitor | None:
    known = keys.find(connection, secret, house.wall())
    if known is None:
        return None
    return Visitor(
        account=f"key:{known.id}",
        title=known.title,
        rights=frozenset(Right(right) for right in known.rights if right in set(Right)),
        subsystems=frozenset(known.subsystems),
        everywhere=house.doors.centre in known.subsystems,
    )


async def check_form(request: Request, csrf: str) -> None:
    """Refuse with 403 a request that does not bring back the word of its session."""
    brought = request.headers.get("x-csrf", "")
    if not brought and _is_form(request.headers):
        form = await request.form(max_fields=MOST_FIELDS)
        said = form.get("csrf")
        brought = said if isinstance(said, str) else ""
    if not csrf or not hmac.compare_digest(brought.encode(), csrf.encode()):
        raise HTTPException(403, "页面已过期，请刷新后重试 / the page is too old, load it again")


def _is_form(headers: Mapping[str, str]) -> bool:
    kind = headers.get("content-type", "")
    return kind.startswith(("application/x-www-form-urlencoded", "multipart/form-data"))


