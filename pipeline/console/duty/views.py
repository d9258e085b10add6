"""The tabs of dispatch as pages, for reading and for whoever filled in a form wrongly."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Annotated

from fastapi import Request
from fastapi.responses import Response

from ingest.database import reading
from pipeline.console.duty.matrix import matrix
from pipeline.console.duty.reasons import ROLES
from pipeline.console.duty.rotas import coverage, rotas
from pipeline.console.duty.silence_facts import in_force
from pipeline.console.house import House, needs
from pipeline.console.people.visitor import Right, Visitor
from rules.level import Level

Reader = Annotated[Visitor, needs(Right.READ)]
"""Somebody who may look."""
Arranger = Annotated[Visitor, needs(Right.ARRANGE)]
"""Somebody who may silence, and arrange who stands in."""
HOURS = (1, 2, 4, 8, 12, 24)
"""How long a silence may be asked for [h]."""
TABS = (
    ("/duty", "矩阵", "Matrix"),
    ("/duty/rotas", "值班", "Rotas"),
    ("/duty/who-gets", "谁会收到", "Who gets"),
    ("/duty/silences", "静默", "Silences"),
    ("/duty/unaware", "谁还不知道", "Unaware"),
)
"""Address and names of the tabs."""
_NOTHING: Mapping[str, str] = {}


def tab(
    request: Request, house: House, who: Visitor, name: str, status: int = 200, **facts: object
) -> Response:
    """One tab."""
    config = house.ports.config
    more = {
        "tabs": TABS,
        "roles": ROLES,
        "hazards": {key: block.conduct for key, block in config.hazards.items()},
        "routes": config.routes,
        "now": house.clock(),
        "may": who.may(Right.ARRANGE),
    }
    return house.pages.view(request, f"duty/{name}.html", who, status, **more | facts)


def matrix_view(request: Request, house: House, who: Visitor, hazard: str) -> Response:
    """The matrix, with one hazard in full: the one asked for, or the one with the highest level now."""
    with reading(house.ports.engine) as connection:
        found = matrix(connection, house.ports.config)
    chosen = found.row(hazard) or found.first
    return tab(request, house, who, "matrix", found=found, chosen=chosen, levels=list(Level)[1:])


def rotas_view(
    request: Request,
    house: House,
    who: Visitor,
    *,
    said: str = "",
    wrong: str = "",
    given: Mapping[str, str] = _NOTHING,
) -> Response:
    """The rotas, with what is wrong with a form and what was filled in."""
    now, desk = house.clock(), house.ports.desk
    with reading(house.ports.engine) as connection:
        found = rotas(connection, desk, now)
        guard = coverage(connection, desk, now)
    more = {"found": found, "guard": guard, "said": said, "wrong": wrong}
    filled = defaultdict(str, given)
    return tab(request, house, who, "rotas", 400 if wrong else 200, given=filled, **more)


def silences_view(
    request: Request,
    house: House,
    who: Visitor,
    *,
    said: str = "",
    wrong: str = "",
    given: Mapping[str, str] = _NOTHING,
) -> Response:
    """The silences, with what is wrong with a form and what was filled in."""
    with reading(house.ports.engine) as connection:
        found = in_force(connection, house.ports.config, house.ports.desk, house.clock())
    filled = defaultdict(str, {"person": who.person or "", "level": "orange", "hours": "4"} | dict(given))
    more = {"found": found, "said": said, "wrong": wrong, "hours": HOURS, "levels": list(Level)[1:]}
    return tab(request, house, who, "silences", 400 if wrong else 200, given=filled, **more)
