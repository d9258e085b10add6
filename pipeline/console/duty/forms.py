"""Silences and stand-ins are arranged and taken back: forms for people, and the same for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError

from ingest.database import reading
from ingest.errors import FengsuiError
from pipeline.console.duty import arranging
from pipeline.console.duty.arranging import SilenceWish, StandInWish, beijing_moment
from pipeline.console.duty.rotas import InPlace, rotas
from pipeline.console.duty.views import Arranger, Reader, rotas_view, silences_view
from pipeline.console.house import House, InHouse

pages = APIRouter(include_in_schema=False)
api = APIRouter()

_Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
_Why = Annotated[str, Query(min_length=1, max_length=500)]
_Said = Annotated[str, Form(max_length=500)]
_WRONG = (HTTPException, FengsuiError, ValueError)


@dataclass(frozen=True, kw_only=True)
class Number:
    """What was arranged."""

    id: int
    """Its number, by which it is taken back."""


class _SilenceForm(BaseModel):
    """The form of a silence: every field is text, and empty where nothing was chosen."""

    level: str = Field("", max_length=16)
    hours: str = Field("", max_length=4)
    why: str = Field("", max_length=500)
    person: str = Field("", max_length=64)
    hazard: str = Field("", max_length=64)
    subsystem: str = Field("", max_length=64)
    alert: str = Field("", max_length=128)

    def wish(self, house: House) -> SilenceWish:
        """What it asks for; ValueError where a field is empty that may not be."""
        return SilenceWish(
            level=self.level,
            until=house.clock() + _span(self.hours),
            why=_needed(self.why),
            person=self.person or None,
            hazard=self.hazard or None,
            subsystem=self.subsystem or None,
            alert=self.alert or None,
        )


class _StandInForm(BaseModel):
    """The form of a stand-in."""

    subsystem: str = Field("", max_length=64)
    duty: str = Field("", max_length=64)
    deputy: str = Field("", max_length=64)
    start: str = Field("", max_length=32)
    end: str = Field("", max_length=32)
    why: str = Field("", max_length=500)

    def wish(self) -> StandInWish:
        """What it asks for; ValueError where a field is empty that may not be."""
        return StandInWish(
            subsystem=self.subsystem,
            duty=(self.duty,),
            deputy=(self.deputy,) if self.deputy else (),
            start=beijing_moment(self.start) if self.start else None,
            end=beijing_moment(self.end),
            why=_needed(self.why),
        )


@pages.post("/duty/silences")
def add_silence_page(
    request: Request, house: InHouse, who: Arranger, form: Annotated[_SilenceForm, Form()]
) -> Response:
    """Silence, or show the form again with what is wrong."""
    try:
        arranging.silence(house, who, form.wish(house))
    except _WRONG as error:
        given = form.model_dump()
        return silences_view(request, house, who, wrong=_what(error), given=given)
    return RedirectResponse("/duty/silences?said=silenced", 303)


@pages.post("/duty/silences/{number}/lift")
def lift_page(
    request: Request, house: InHouse, who: Arranger, number: _Number, why: _Said = ""
) -> Response:
    """Lift a silence."""
    try:
        arranging.lift(house, who, number, why)
    except _WRONG as error:
        return silences_view(request, house, who, wrong=_what(error))
    return RedirectResponse("/duty/silences?said=lifted", 303)


@pages.post("/duty/stand-ins")
def add_stand_in_page(
    request: Request, house: InHouse, who: Arranger, form: Annotated[_StandInForm, Form()]
) -> Response:
    """Arrange a stand-in, or show the form again with what is wrong."""
    try:
        arranging.stand_in(house, who, form.wish())
    except _WRONG as error:
        return rotas_view(request, house, who, wrong=_what(error), given=form.model_dump())
    return RedirectResponse("/duty/rotas?said=arranged", 303)


@pages.post("/duty/stand-ins/{number}/withdraw")
def withdraw_page(
    request: Request, house: InHouse, who: Arranger, number: _Number, why: _Said = ""
) -> Response:
    """Take a stand-in back."""
    try:
        arranging.withdraw(house, who, number, why)
    except _WRONG as error:
        return rotas_view(request, house, who, wrong=_what(error))
    return RedirectResponse("/duty/rotas?said=withdrawn", 303)


@api.post("/silences", status_code=201)
def add_silence(house: InHouse, who: Arranger, wish: SilenceWish) -> Number:
    """Silence some changes for a while."""
    return Number(id=arranging.silence(house, who, wish))


@api.delete("/silences/{number}", status_code=204)
def lift(house: InHouse, who: Arranger, number: _Number, why: _Why) -> None:
    """End a silence before its time."""
    arranging.lift(house, who, number, why)


@api.get("/stand-ins")
def read_stand_ins(house: InHouse, who: Reader) -> list[InPlace]:
    """The stand-ins that count now or later."""
    with reading(house.ports.engine) as connection:
        return list(rotas(connection, house.ports.desk, house.clock()).stand_ins)


@api.post("/stand-ins", status_code=201)
def add_stand_in(house: InHouse, who: Arranger, wish: StandInWish) -> Number:
    """Put somebody else on duty for a while."""
    return Number(id=arranging.stand_in(house, who, wish))


@api.delete("/stand-ins/{number}", status_code=204)
def withdraw(house: InHouse, who: Arranger, number: _Number, why: _Why) -> None:
    """Take a stand-in back, so that the rota counts again."""
    arranging.withdraw(house, who, number, why)


def _span(hours: str) -> timedelta:
    if not hours.isdecimal():
        raise ValueError("请选择静默多久 / choose how long it lasts")
    return timedelta(hours=int(hours))


def _needed(why: str) -> str:
    if not why.strip():
        raise ValueError("请写明原因 / give the reason")
    return why


def _what(error: Exception) -> str:
    """What is wrong with a form, in words."""
    if isinstance(error, HTTPException):
        return str(error.detail)
    if isinstance(error, ValidationError):
        names = "、".join(str(fault["loc"][0]) for fault in error.errors())
        return f"请检查这些栏目：{names} / check these fields: {names}"
    return str(error)

