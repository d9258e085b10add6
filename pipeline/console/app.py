"""The application: every way in over HTTP, behind the headers that keep browsers safe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles

from pipeline.climate import waiting_for_baseline
from pipeline.console.acknowledging import add_acknowledging
from pipeline.console.approving import add_approving
from pipeline.console.inbound import add_inbound
from pipeline.console.pages import HERE, Clock, Pages
from pipeline.health import health
from pipeline.ports import Ports

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAFE = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

Handler = Callable[[Request], Awaitable[Response]]


def make_app(ports: Ports, clock: Clock) -> FastAPI:
    """The application of one instance; `clock` gives the present moment."""
    app = FastAPI(title="烽燧 Fengsui", docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    pages = Pages(ports)

    @app.middleware("http")
    async def safe(request: Request, call_next: Handler) -> Response:
        answer = await call_next(request)
        answer.headers.update(_SAFE)
        return answer

    add_acknowledging(app, pages, clock)
    add_approving(app, pages, clock)
    add_inbound(app, ports, clock)

    @app.get("/health")
    def probe() -> Response:
        waiting = waiting_for_baseline(ports.config, ports.baseline)
        report = health(ports.engine, ports.config, clock(), waiting)
        return JSONResponse(report.as_json(), status_code=200 if report.healthy else 503)

    return app
