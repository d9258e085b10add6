"""How pages are made: templates in two languages, times in Beijing, the banner of a drill on every one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from ingest.times import BEIJING
from pipeline.console.people.visitor import Right, Visitor
from pipeline.ports import Ports

HERE = Path(__file__).parent
"""Where templates and static files stand."""

Clock = Callable[[], datetime]
"""Gives the present moment."""
Tongue = Literal["zh", "en"]
"""Language of a page."""
TONGUE_COOKIE = "lang"
"""Cookie that keeps the language a person chose."""


class Pages:
    """Renders the templates of one instance; everything people wrote is escaped."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=select_autoescape(),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"beijing": _beijing, "clock": _clock}
        self._templates.globals |= {
            "exercise": ports.desk.exercise,
            "district": ports.config.district,
            "asset": asset,
            "t": _told,
            "menu": _menu,
            "asked_rest": _without_tongue,
        }

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A page of a template, for somebody who is not in: behind a link, in both languages."""
        return HTMLResponse(self.text(template, "zh", **facts), status_code=status)

    def view(
        self, request: Request, template: str, who: Visitor | None, status: int = 200, **facts: Any
    ) -> Response:
        """A page in the language of who asks, inside the shell where they are in."""
        tongue = tongue_of(request)
        given = {"who": who, "here": request.url.path, "asked": str(request.url.query)} | facts
        answer = HTMLResponse(self.text(template, tongue, **given), status_code=status)
        if request.query_params.get(TONGUE_COOKIE) in ("zh", "en"):
            answer.set_cookie(TONGUE_COOKIE, tongue, max_age=31_536_000, samesite="lax")
        return answer

    def text(self, template: str, tongue: Tongue, **facts: Any) -> str:
        """A template in a language."""
        return self._templates.get_template(template).render(tongue=tongue, **facts)

    def refused(self, status: int, message: str) -> Response:
        """A page that says why not, and what to do."""
        return self.page("refused.html", status, message=message)

    def person(self, person: str) -> str:
        """Name of a person; one who left the configuration stands for oneself."""
        known = self.ports.desk.routes.people.get(person)
        return known.name if known else person

    def hazard(self, name: str, tongue: Tongue = "zh") -> str:
        """Name of a hazard; one that left the configuration stands for itself."""
        known = self.ports.config.hazards.get(name)
        if known is None:
            return name
        return known.conduct.name if tongue == "zh" else known.conduct.name_en

    def subsystem(self, name: str, tongue: Tongue = "zh") -> str:
        """Name of a subsystem; one that left the configuration stands for itself."""
        known = self.ports.desk.routes.subsystems.get(name)
        if known is None:
            return name
        return known.name if tongue == "zh" else known.name_en


def tongue_of(request: Request) -> Tongue:
    """The language somebody asks for, or chose before; Chinese where they did neither."""
    for said in (request.query_params.get(TONGUE_COOKIE), request.cookies.get(TONGUE_COOKIE)):
        if said in ("zh", "en"):
            return "en" if said == "en" else "zh"
    return "zh"


@cache
def asset(name: str) -> str:
    """Address of a static file, which changes with its content: a browser may keep it for ever."""
    digest = hashlib.sha256((HERE / "static" / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


_MENU = (
    ("/", "现在", "Now", "◉", Right.READ),
    ("/duty", "调度", "Dispatch", "☎", Right.READ),
    ("/damage", "灾情", "Damage", "⚑", Right.READ),
    ("/studio", "回放与阈值", "Studio", "◷", Right.STUDY),
    ("/brief", "交接班", "Handover", "☰", Right.READ),
)


def _menu(who: Visitor) -> list[tuple[str, str, str, str]]:
    """Path, names and sign of the rooms somebody may enter."""
    return [(path, zh, en, sign) for path, zh, en, sign, right in _MENU if who.may(right)]


def _without_tongue(asked: str) -> str:
    """A query without the choice of a language."""
    return urlencode([pair for pair in parse_qsl(asked) if pair[0] != TONGUE_COOKIE])


@pass_context
def _told(context: Context, zh: str, en: str) -> str:
    """The one of two wordings that is in the language of the page."""
    return en if context.get("tongue") == "en" else zh


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"


def _clock(moment: datetime) -> str:
    """Day and time without the year, for tables."""
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M}"
