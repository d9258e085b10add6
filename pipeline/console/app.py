"""The pages: opening a link shows what happened; only pressing the button (POST) acknowledges."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, select_autoescape

from alerts import store
from alerts.links import BadLink, Claim, read_token
from alerts.routing import task_of
from alerts.store import Acknowledgement
from alerts.transition import Transition
from ingest.database import reading
from ingest.errors import FengsuiError
from ingest.times import BEIJING
from pipeline.acknowledge import acknowledge, word_of
from pipeline.climate import waiting_for_baseline
from pipeline.health import health
from pipeline.ports import Ports

_HERE = Path(__file__).parent
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# Long enough to tell somebody who opens last week's link that it has expired, and is not wrong.
_REMEMBERED = timedelta(days=30)

Clock = Callable[[], datetime]
Handler = Callable[[Request], Awaitable[Response]]


def make_app(ports: Ports, clock: Clock) -> FastAPI:
    """The application of one instance; `clock` gives the present moment."""
    app = FastAPI(title="烽燧 Fengsui", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    pages = _Pages(ports)

    @app.middleware("http")
    async def safe(request: Request, call_next: Handler) -> Response:
        answer = await call_next(request)
        answer.headers.update(_SAFE)
        return answer

    @app.get("/ack/{token}", response_class=HTMLResponse)
    def show(token: str) -> Response:
        return pages.show(token, clock())

    @app.post("/ack/{token}", response_class=HTMLResponse)
    def take(token: str, name: Annotated[str, Form(max_length=200)] = "") -> Response:
        return pages.take(token, name, clock())

    @app.get("/health")
    def probe() -> Response:
        waiting = waiting_for_baseline(ports.config, ports.baseline)
        report = health(ports.engine, ports.config, clock(), waiting)
        return JSONResponse(report.as_json(), status_code=200 if report.healthy else 503)

    return app


class _Pages:
    """The two faces of an acknowledgement link."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape()
        )
        self._templates.filters["beijing"] = _beijing

    def show(self, token: str, now: datetime) -> Response:
        """What happened, who has it, and a button; changes nothing."""
        try:
            claim = self._claim(token, now)
        except BadLink as error:
            return self._page("refused.html", 410, message=str(error))
        return self._call_page(claim, None, now)

    def take(self, token: str, name: str, now: datetime) -> Response:
        """Acknowledge by name; a second word changes nothing and says who was first."""
        try:
            claim = self._claim(token, now)
            by = name or self._name(claim)
            word = word_of(
                alert=claim.alert,
                subsystem=claim.subsystem,
                by=by,
                via="link",
                at=now,
                transition=claim.transition,
            )
            kept = acknowledge(self._ports, word)
        except BadLink as error:
            return self._page("refused.html", 410, message=str(error))
        except (FengsuiError, ValueError) as error:
            return self._page("refused.html", 400, message=str(error))
        return self._call_page(claim, kept, now)

    def _claim(self, token: str, now: datetime) -> Claim:
        valid = self._ports.config.service.link_valid
        with reading(self._ports.engine) as connection:
            signed = store.claims(connection, now - valid - _REMEMBERED, valid)
        return read_token(self._ports.link_key, token, signed, now)

    def _name(self, claim: Claim) -> str:
        person = self._ports.config.routes.people.get(claim.person)
        return person.name if person else claim.person

    def _call_page(self, claim: Claim, kept: Acknowledgement | None, now: datetime) -> Response:
        with reading(self._ports.engine) as connection:
            change = store.transition(connection, claim.transition)
            words = store.acknowledgements(connection, claim.alert)
        if change is None:
            return self._page("refused.html", 404, message="没有这条预警 / no such alert")
        mine = [word for word in words if word.subsystem == claim.subsystem]
        subsystem = self._ports.config.routes.subsystems[claim.subsystem]
        return self._page(
            "call.html",
            200,
            change=change,
            hazard=self._ports.config.hazards[change.hazard].conduct.name,
            text=self._text(change, claim),
            because=self._ports.desk.texts.because(change, "zh"),
            subsystem=subsystem,
            name=self._name(claim),
            words=mine,
            kept=kept,
            now=now,
        )

    def _text(self, change: Transition, claim: Claim) -> str:
        part = self._ports.config.routes.matrix.get(change.hazard, {}).get(claim.subsystem)
        return self._ports.desk.texts.render(
            change,
            language="zh",
            subsystem=self._ports.config.routes.subsystems[claim.subsystem].name,
            role=part.role if part else "inform",
            task=task_of(part, change.to_level).get("zh", ""),
            ack_link=None,
        )

    def _page(self, template: str, status: int, **facts: Any) -> Response:
        body = self._templates.get_template(template).render(**facts)
        return HTMLResponse(body, status_code=status)


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"
