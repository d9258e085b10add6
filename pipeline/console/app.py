"""The application: every way in over HTTP, behind the headers that keep browsers safe."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.gzip import GZipMiddleware

from pipeline.climate import waiting_for_baseline
from pipeline.console import rooms
from pipeline.console.description import describe
from pipeline.console.headers import SafeHeaders
from pipeline.console.house import House
from pipeline.console.inbound import add_inbound
from pipeline.console.limits import MOST_BYTES, MOST_FIELDS, BodyLimit, Gate
from pipeline.console.links.acknowledging import add_acknowledging
from pipeline.console.links.approving import add_approving
from pipeline.console.pages import HERE, Clock, Pages
from pipeline.console.people.doors import Doors
from pipeline.console.refusals import add_refusals
from pipeline.health import health
from pipeline.ports import Ports

OPENAPI = "/api/v1/openapi.json"
"""Where the description of the API is."""


def make_app(
    ports: Ports, clock: Clock, wall: Clock | None = None, gate: Gate | None = None
) -> FastAPI:
    """The application of one instance.

    `clock` gives its present moment, which a demonstration plays; `wall` that of the people in front of it,
    by which sessions end, and is the same where it is not given. `gate` counts who asks how often.
    """
    app = FastAPI(
        title="烽燧 Fengsui", version="1", docs_url=None, redoc_url=None, openapi_url=OPENAPI,
        form_limits={"max_fields": MOST_FIELDS, "max_files": 10, "max_part_size": MOST_BYTES},
    )  # fmt: skip
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    pages = Pages(ports)
    centre = next(name for name, one in ports.config.routes.subsystems.items() if one.centre)
    app.state.house = House(
        ports=ports, pages=pages, clock=clock, wall=wall or clock, doors=Doors(centre=centre),
        gate=Gate() if gate is None else gate,
    )  # fmt: skip
    app.add_middleware(BodyLimit)
    app.add_middleware(GZipMiddleware, minimum_size=1_000, compresslevel=5)
    app.add_middleware(SafeHeaders)

    add_refusals(app)
    links = APIRouter(include_in_schema=False)
    add_acknowledging(links, pages, clock)
    add_approving(links, pages, clock)
    add_inbound(links, ports, clock)
    app.include_router(links)
    for router in rooms.routers():
        app.include_router(router)

    @app.get("/health", tags=["health"])
    def probe() -> Response:
        waiting = waiting_for_baseline(ports.config, ports.baseline)
        report = health(ports.engine, ports.config, clock(), waiting)
        return JSONResponse(report.as_json(), status_code=200 if report.healthy else 503)

    describe(app)
    return app
