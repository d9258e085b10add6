"""Ways to the present: the page, the part of it that changes, the wall, the stream, and what is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from markupsafe import Markup
from pydantic import BaseModel, Field

from ingest.times import BEIJING
from pipeline.console.drawing.district_map import district_map
from pipeline.console.house import House, InHouse, needs, visitor_of
from pipeline.console.now import shades
from pipeline.console.now.acting import Facts, take, tell
from pipeline.console.now.facts import Board
from pipeline.console.now.live import InLive, InTurn, Live, Part
from pipeline.console.now.words import span_words, waiting_words
from pipeline.console.pages import Tongue, tongue_of
from pipeline.console.people.visitor import Right, Visitor
from rules.level import Level

pages = APIRouter(include_in_schema=False)

Reader = Annotated[Visitor, needs(Right.READ)]
"""Somebody who may look."""
_Hazard = Annotated[str, Query(max_length=64)]
_Call = Annotated[str, Form(max_length=256)]


class _Form(BaseModel):
    """The three facts as they were filled in."""

    subsystem: str = Field("", max_length=64)
    """Id of the subsystem."""
    commander: str = Field("", max_length=2000)
    """Who commands."""
    affected: str = Field("", max_length=2000)
    """What is affected."""
    moved: str = Field("", max_length=2000)
    """Who was moved."""


@dataclass(frozen=True, kw_only=True)
class Seat:
    """From where somebody looks: two of the same seat see the same."""

    template: str
    """What is rendered."""
    tongue: Tongue
    """In which language."""
    hazard: str
    """The one hazard on the map; empty for all."""
    own: frozenset[str]
    """Subsystems that are theirs."""
    answers: frozenset[str]
    """Subsystems they may acknowledge for, those of others on their behalf."""
    reports: frozenset[str]
    """Subsystems they may report for."""


@pages.get("/")
def now_page(request: Request, house: InHouse, live: InLive, who: Reader, hazard: _Hazard = "") -> Response:
    """The present."""
    return _whole(request, house, live, who, _seat("now/part.html", request, house, who, hazard))


@pages.get("/wall")
def wall_page(request: Request, house: InHouse, live: InLive, who: Reader, hazard: _Hazard = "") -> Response:
    """The present for the wall of the command centre: nothing to press, to be read from five metres."""
    return _whole(request, house, live, who, _seat("now/wall_part.html", request, house, who, hazard))


@pages.get("/now/part")
def now_part(
    turn: InTurn, request: Request, house: InHouse, live: InLive, who: Reader, hazard: _Hazard = ""
) -> Response:
    """The part of the page that changes."""
    return _partly(request, live, _seat("now/part.html", request, house, who, hazard))


@pages.get("/wall/part")
def wall_part(
    turn: InTurn, request: Request, house: InHouse, live: InLive, who: Reader, hazard: _Hazard = ""
) -> Response:
    """The part of the wall that changes, which is all of it."""
    return _partly(request, live, _seat("now/wall_part.html", request, house, who, hazard))


@pages.get("/stream")
async def stream(request: Request, house: InHouse, live: InLive, who: Reader) -> Response:
    """News that the present changed, as server-sent events; see `Pulse.stream`."""

    async def still_in() -> bool:
        return await run_in_threadpool(_may_stay, request, house)

    return StreamingResponse(
        live.pulse.stream(still_in),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@pages.post("/alerts/{alert}/acknowledge")
def acknowledge(
    house: InHouse,
    who: Annotated[Visitor, needs(Right.ACKNOWLEDGE)],
    alert: str,
    call: _Call = "",
) -> Response:
    """Acknowledge the call of a button, its subsystem and change, and back to the page."""
    subsystem, _, seen = call.partition(" ")
    taken = take(house, who, alert, subsystem, seen)
    return _back(alert, said=taken.outcome, of=subsystem)


@pages.post("/alerts/{alert}/report")
def report(
    house: InHouse,
    who: Annotated[Visitor, needs(Right.REPORT)],
    alert: str,
    form: Annotated[_Form, Form()],
) -> Response:
    """Keep the three facts, and back to the page."""
    facts = Facts(commander=form.commander, affected=form.affected, moved=form.moved)
    if not facts.words:
        return _back(alert, said="empty", of=form.subsystem)
    kept = tell(house, who, alert, form.subsystem, facts)
    return _back(alert, said="reported" if kept.complete else "incomplete", of=form.subsystem)


def _back(alert: str, **said: str) -> Response:
    return RedirectResponse(f"/?{urlencode(said)}#a-{quote(alert, safe='')}", 303)


def _may_stay(request: Request, house: House) -> bool:
    """Whether the session of a stream goes on; a page that is only open counts as somebody being there."""
    who = visitor_of(request, house)
    return who is not None and who.may(Right.READ)


def _seat(template: str, request: Request, house: House, who: Visitor, hazard: str) -> Seat:
    systems = house.ports.desk.routes.subsystems
    wall = template.startswith("now/wall")
    return Seat(
        template=template,
        tongue=tongue_of(request),
        hazard=hazard if hazard in house.ports.config.hazards else "",
        own=frozenset() if wall else who.subsystems,
        answers=frozenset(one for one in systems if not wall and who.may(Right.ACKNOWLEDGE, one)),
        reports=frozenset(one for one in systems if not wall and who.may(Right.REPORT, one)),
    )


def _whole(request: Request, house: House, live: Live, who: Visitor, seat: Seat) -> Response:
    wall = seat.template.startswith("now/wall")
    part = _render(live, seat)
    asked = urlencode({"hazard": seat.hazard, "lang": seat.tongue})
    return house.pages.view(
        request,
        "now/wall.html" if wall else "now/page.html",
        # The wall has no bar, for nobody stands before it who could use one.
        None if wall else who,
        # Made by our own template, which escapes what people wrote.
        part=Markup(part.html.replace(live.csrf, who.csrf)),
        source=f"{'/wall' if wall else '/now'}/part?{asked}",
        tag=part.tag,
        said=request.query_params.get("said", ""),
        of=request.query_params.get("of", ""),
        house=house.pages,
    )


def _partly(request: Request, live: Live, seat: Seat) -> Response:
    """The rendering, zipped once for everybody; its forms get their word from the page they go into."""
    part = _render(live, seat)
    head = {"ETag": part.tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Cookie"}
    if part.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=head)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(part.zipped, media_type="text/html", headers=head | {"Content-Encoding": "gzip"})
    return Response(part.html, media_type="text/html", headers=head)


def _render(live: Live, seat: Seat) -> Part:
    def render(board: Board) -> str:
        return text_of(live, board, seat)

    return live.part((seat,), render)


def text_of(live: Live, board: Board, seat: Seat) -> str:
    """The part of a seat."""
    house, tongue = live.house, seat.tongue
    config = house.ports.config

    def span(length: timedelta) -> str:
        return span_words(length, tongue)

    def hour(moment: datetime) -> str:
        return f"{moment.astimezone(BEIJING):%H:%M}"

    return house.pages.text(
        seat.template,
        tongue,
        board=board,
        seat=seat,
        csrf=live.csrf,
        house=house.pages,
        span=span,
        hour=hour,
        levels=tuple(reversed(Level)),
        waiting=waiting_words(board, house.pages, tongue),
        map=district_map(
            config,
            shades.shades(config, board, tongue, seat.hazard),
            tongue,
            links=shades.links(board, seat.hazard),
            marks=shades.marks(config, board, tongue),
        ),
    )
