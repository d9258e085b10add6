"""Dispatch: five tabs to read, and their twins for programs. What changes something stands in `forms`."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ingest.database import reading
from ingest.errors import UnknownName
from pipeline.console.duty import forms
from pipeline.console.duty.arranging import Levels, Moment, beijing_moment
from pipeline.console.duty.gets import WhoGets, who_gets
from pipeline.console.duty.matrix import Matrix, matrix
from pipeline.console.duty.rotas import Coverage, Rotas, coverage, rotas
from pipeline.console.duty.silence_facts import Silences, in_force
from pipeline.console.duty.unaware import Unaware, unaware
from pipeline.console.duty.views import Reader, matrix_view, rotas_view, silences_view, tab
from pipeline.console.house import InHouse
from rules.level import Level, parse_level

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["duty"])
pages.include_router(forms.pages)
api.include_router(forms.api)

_Name = Annotated[str, Query(max_length=64)]


@pages.get("/duty")
def matrix_page(request: Request, house: InHouse, who: Reader, hazard: _Name = "") -> Response:
    """The matrix, and below it what each subsystem does about one hazard."""
    return matrix_view(request, house, who, hazard)


@api.get("/matrix")
def read_matrix(house: InHouse, who: Reader) -> Matrix:
    """Hazards by subsystems: role, lowest level and tasks."""
    with reading(house.ports.engine) as connection:
        return matrix(connection, house.ports.config)


@pages.get("/duty/rotas")
def rotas_page(request: Request, house: InHouse, who: Reader, said: _Name = "") -> Response:
    """Who is on duty now and next, gaps, and stand-ins."""
    return rotas_view(request, house, who, said=said)


@api.get("/rotas")
def read_rotas(house: InHouse, who: Reader) -> Rotas:
    """Who is on duty now and next, of every subsystem, and the stand-ins."""
    with reading(house.ports.engine) as connection:
        return rotas(connection, house.ports.desk, house.clock())


@api.get("/coverage")
def read_coverage(
    house: InHouse, who: Reader, hours: Annotated[int, Query(ge=1, le=168)] = 24
) -> Coverage:
    """Where nobody would answer in the coming hours."""
    with reading(house.ports.engine) as connection:
        return coverage(connection, house.ports.desk, house.clock(), timedelta(hours=hours))


@pages.get("/duty/who-gets")
def who_gets_page(
    request: Request,
    house: InHouse,
    who: Reader,
    hazard: _Name = "",
    level: _Name = "",
    at: _Name = "",
) -> Response:
    """The question, and its answer where one was asked."""
    ports, wrong, found = house.ports, "", None
    try:
        moment = beijing_moment(at) if at else house.clock()
        if hazard:
            asked = hazard, parse_level(level)
            with reading(ports.engine) as connection:
                found = who_gets(connection, ports.config, ports.desk, asked, moment)
    except (UnknownName, ValueError) as error:
        moment, wrong = house.clock(), str(error)
    given = {"hazard": hazard, "level": level or Level.RED.key, "at": moment}
    facts = {"found": found, "given": given, "wrong": wrong, "levels": list(Level)[1:]}
    return tab(request, house, who, "who-gets", 400 if wrong else 200, **facts)


@api.get("/who-gets")
def read_who_gets(
    house: InHouse, who: Reader, hazard: _Name, level: Levels, at: Moment | None = None
) -> WhoGets:
    """Who would hear of an opening of a hazard at a level, and who would not; 404 for no such hazard."""
    ports, moment = house.ports, at or house.clock()
    with reading(ports.engine) as connection:
        return who_gets(connection, ports.config, ports.desk, (hazard, parse_level(level)), moment)


@pages.get("/duty/silences")
def silences_page(request: Request, house: InHouse, who: Reader, said: _Name = "") -> Response:
    """What is silenced, for how long still, and the form."""
    return silences_view(request, house, who, said=said)


@api.get("/silences")
def read_silences(house: InHouse, who: Reader) -> Silences:
    """The silences in force."""
    with reading(house.ports.engine) as connection:
        return in_force(connection, house.ports.config, house.ports.desk, house.clock())


@pages.get("/duty/unaware")
def unaware_page(request: Request, house: InHouse, who: Reader) -> Response:
    """Who does not know yet."""
    with reading(house.ports.engine) as connection:
        found = unaware(connection, house.ports.config, house.ports.desk, house.clock())
    return tab(request, house, who, "unaware", found=found)


@api.get("/unaware")
def read_unaware(house: InHouse, who: Reader) -> Unaware:
    """Who does not know of which open alert yet, and what happens next."""
    with reading(house.ports.engine) as connection:
        return unaware(connection, house.ports.config, house.ports.desk, house.clock())
