"""The form for what somebody saw, the reports that stand, and their photographs."""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, RedirectResponse, Response
from pydantic import BaseModel, Field, ValidationError

from alerts.record import sightings
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.console.damage import photos
from pipeline.console.damage.facts import COUNTED, Hand, Seen, Told, moment, reports, take
from pipeline.console.house import House, InHouse, needs
from pipeline.console.pages import HERE
from pipeline.console.people.visitor import Right, Visitor
from pipeline.console.refusals import refuse

pages = APIRouter(include_in_schema=False)
api = APIRouter(prefix="/api/v1", tags=["damage"])

Reader = Annotated[Visitor, needs(Right.READ)]
Witness = Annotated[Visitor, needs(Right.DAMAGE)]
_DEGREES = r"^(-?\d{1,3}(\.\d{1,8})?)?$"
_Number = Annotated[int | None, Field(ge=0, le=10_000_000)]


class _Counts(BaseModel):
    """How many; what nobody counted is left out."""

    affected: _Number = None
    moved: _Number = None
    injured: _Number = None
    dead_or_missing: _Number = None
    houses: _Number = None
    mu: _Number = None

    def told(self) -> dict[str, int]:
        """What was counted."""
        return self.model_dump(exclude_none=True)


class _Report(BaseModel):
    """A report as a program sends it."""

    hazard: str = Field(max_length=64)
    what: str = Field(min_length=1, max_length=1000)
    town: str = Field("", max_length=64)
    spot: str = Field("", max_length=200)
    since: datetime | None = None
    certainty: Literal["certain", "likely", "doubtful"] = "likely"
    lat: float | None = Field(None, ge=-90, le=90)
    lon: float | None = Field(None, ge=-180, le=180)
    counts: _Counts = Field(default_factory=_Counts)
    sent: str = Field(min_length=8, max_length=64)


class _Filled(BaseModel):
    """The form as a browser sends it: every field is text, and empty where nothing was filled in."""

    hazard: str = Field(max_length=64)
    what: str = Field(max_length=1000)
    sent: str = Field(min_length=8, max_length=64)
    town: str = Field("", max_length=64)
    spot: str = Field("", max_length=200)
    day: str = Field("", max_length=10)
    clock: str = Field("", max_length=8)
    certain: str = Field("", max_length=8)
    lat: str = Field("", pattern=_DEGREES)
    lon: str = Field("", pattern=_DEGREES)
    affected: str = Field("", max_length=9)
    moved: str = Field("", max_length=9)
    injured: str = Field("", max_length=9)
    dead_or_missing: str = Field("", max_length=9)
    houses: str = Field("", max_length=9)
    mu: str = Field("", max_length=9)

    def seen(self, now: datetime) -> Seen:
        """What it says; ValueError names what is wrong."""
        if not self.what.strip():
            raise ValueError("请写明发生了什么 / say what happened")
        counted = {name: getattr(self, name) for name in COUNTED if getattr(self, name).strip()}
        known = bool(self.lat and self.lon)
        return Seen(
            hazard=self.hazard,
            town=self.town,
            spot=self.spot.strip(),
            what=self.what,
            since=moment(self.day, self.clock, now),
            counts=_Counts.model_validate(counted).told(),
            sent=self.sent,
            certainty="certain" if self.certain else "likely",
            lat=float(self.lat) if known else None,
            lon=float(self.lon) if known else None,
        )


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What became of a report."""

    id: int
    """Its number."""
    new: bool
    """False where it had come before."""


@dataclass(frozen=True, kw_only=True)
class Reports:
    """The reports that stand, newest first."""

    reports: list[Told] = field(default_factory=list)
    """At most a hundred."""


@pages.get("/damage")
def damage_page(request: Request, house: InHouse, who: Reader, said: str = "") -> Response:
    """The form for whoever may report, and the reports below."""
    return _page(request, house, who, said=said)


def _page(
    request: Request, house: House, who: Visitor, status: int = 200, **more: object
) -> Response:
    with reading(house.ports.engine) as connection:
        found = reports(connection)
    known = {name: block.conduct for name, block in house.ports.config.hazards.items()}
    facts = {
        "reports": found,
        "counted": COUNTED,
        "hazards": {name: conduct for name, conduct in known.items() if not conduct.aside},
        "towns": {town.id: town for town in house.ports.config.district.towns},
        "filled": defaultdict(str),
        "token": secrets.token_urlsafe(16),
        "said": "",
        "why": "",
    }
    return house.pages.view(request, "damage/damage.html", who, status, **facts | more)


@pages.post("/damage")
async def report_page(
    request: Request,
    house: InHouse,
    who: Witness,
    photo: Annotated[Sequence[UploadFile], File()] = (),
) -> Response:
    """Keep a report; a phone that sends it again is answered as the first time."""
    form = {name: value for name, value in (await request.form()).items() if isinstance(value, str)}
    taken = tuple([await one.read() for one in photo[: photos.MOST] if one.size])
    return await run_in_threadpool(_reported, request, house, who, form, taken)


def _reported(
    request: Request, house: House, who: Visitor, form: dict[str, str], taken: tuple[bytes, ...]
) -> Response:
    try:
        seen = _Filled.model_validate(form).seen(house.clock())
        _, new = _keep(house, who, seen, taken)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"“{first['loc'][0]}”填得不对：{first['msg']}"
    except (ValueError, FengsuiError) as error:
        why = str(error)
    else:
        return RedirectResponse(f"/damage?said={'kept' if new else 'known'}", 303)
    return _page(request, house, who, 400, filled=defaultdict(str, form), why=why)


def _keep(house: House, who: Visitor, seen: Seen, taken: tuple[bytes, ...]) -> tuple[int, bool]:
    ports = house.ports
    hand = Hand(by=who.title, at=house.clock(), photos=taken, folder=ports.folder)
    with writing(ports.engine) as connection:
        number, new = take(connection, ports.config, seen, hand)
        if new:
            house.done(connection, who, "damage", subject=str(number), photos=len(taken))
    return number, new


@pages.get("/damage/photo/{name}")
def photo_of(name: str, house: InHouse, who: Reader) -> Response:
    """A photograph that a report names, and nothing else of the folder."""
    with reading(house.ports.engine) as connection:
        known = sightings.filed(connection, name)
    if not known:
        raise refuse(404, "没有这张照片 / there is no such photo")
    return Response(
        photos.read(house.ports.folder, name),
        media_type=photos.type_of(name),
        headers={"Cache-Control": "private, max-age=86400"},
    )


@pages.get("/damage/worker.js")
def worker() -> Response:
    """The script that lets the form open without a connection; it rules over this page alone."""
    script = HERE / "static" / "damage_worker.js"
    return FileResponse(script, media_type="text/javascript", headers={"Service-Worker-Allowed": "/damage"})


@api.get("/damage")
def all_reports(house: InHouse, who: Reader) -> Reports:
    """The damage reports that stand."""
    with reading(house.ports.engine) as connection:
        return Reports(reports=reports(connection))


@api.post("/damage", status_code=201)
def report_damage(told: _Report, house: InHouse, who: Witness) -> Kept:
    """Report what happened; the same `sent` again is the same report."""
    parts = told.model_dump(exclude={"counts", "since"})
    if told.since is not None and told.since.tzinfo is None:
        raise refuse(422, "“since”缺时区，例如 2026-08-01T14:30:00+08:00 / since needs an offset")
    seen = Seen(**parts, since=told.since or house.clock(), counts=told.counts.told())
    try:
        number, new = _keep(house, who, seen, ())
    except ValueError as error:
        raise refuse(422, str(error)) from error
    return Kept(id=number, new=new)
