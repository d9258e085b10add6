"""The handover brief as a page, as a PDF and for programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ingest.times import BEIJING
from pipeline.console.brief.facts import Brief
from pipeline.console.brief.gathering import brief
from pipeline.console.brief.printing import printed
from pipeline.console.brief.shifts import Which
from pipeline.console.duty.views import Reader
from pipeline.console.house import InHouse
from pipeline.console.pages import tongue_of

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["brief"])

_Shift = Annotated[Which, Query()]


@pages.get("/brief")
def brief_page(request: Request, house: InHouse, who: Reader, shift: _Shift = "now") -> Response:
    """The brief on one page, to be read or printed."""
    found = brief(house.ports, house.clock(), shift)
    return house.pages.view(request, "brief/brief.html", who, brief=found)


@pages.get("/brief.pdf")
def brief_pdf(request: Request, house: InHouse, who: Reader, shift: _Shift = "now") -> Response:
    """The same as a PDF of A4 pages."""
    found = brief(house.ports, house.clock(), shift)
    made = printed(house.pages.text("brief/print.html", tongue_of(request), who=who, brief=found))
    name = f"brief-{found.at.astimezone(BEIJING):%Y%m%d-%H%M}.pdf"
    head = {"Content-Disposition": f'inline; filename="{name}"'}
    return Response(made, media_type="application/pdf", headers=head)


@api.get("/brief")
def read_brief(house: InHouse, who: Reader, shift: _Shift = "now") -> Brief:
    """What whoever takes over must know."""
    return brief(house.ports, house.clock(), shift)
