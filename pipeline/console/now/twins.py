"""The twins of the present for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from alerts.answers.reports import Report
from pipeline.console.house import InHouse, needs
from pipeline.console.now.acting import Facts, Taken, take, tell
from pipeline.console.now.facts import Board, LevelKey, Town
from pipeline.console.now.live import InLive
from pipeline.console.now.routes import Reader
from pipeline.console.people.visitor import Right, Visitor
from rules.level import Level

api = APIRouter(prefix="/api/v1", tags=["now"])

_Alert = Annotated[str, Field(max_length=128)]


class Word(BaseModel):
    """An acknowledgement."""

    subsystem: str = Field(max_length=64)
    """Id of the subsystem it is for."""
    transition: str = Field(max_length=128)
    """The change that was seen, as ``/now`` gives it under ``asked``."""


class Told(BaseModel):
    """The three facts of one subsystem; what is left out is taken from the report before."""

    subsystem: str = Field(max_length=64)
    """Id of the subsystem."""
    commander: str = Field("", max_length=2000)
    """Who commands."""
    affected: str = Field("", max_length=2000)
    """What is affected."""
    moved: str = Field("", max_length=2000)
    """Who was moved."""


class Point(BaseModel):
    """Where a town is."""

    type: Literal["Point"] = "Point"
    """GeoJSON."""
    coordinates: tuple[float, float]
    """Longitude and latitude [degrees, WGS-84]."""


class Properties(BaseModel):
    """What is known of a town."""

    id: str
    """Its code."""
    name: str
    """Its name in Chinese."""
    name_en: str
    """Its name in Latin letters."""
    level: LevelKey | Literal["unknown"]
    """Highest level in force; ``unknown`` where none is and something cannot be judged."""
    levels: dict[str, LevelKey]
    """Hazard -> level in force."""
    unknown: list[str]
    """Hazards that cannot be judged there."""
    age_h: float | None
    """Hours since the newest observation [h]."""


class Feature(BaseModel):
    """One town."""

    type: Literal["Feature"] = "Feature"
    """GeoJSON."""
    geometry: Point
    """Its position."""
    properties: Properties
    """What is known of it."""


class Towns(BaseModel):
    """The towns of the district as GeoJSON."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    """GeoJSON."""
    features: list[Feature]
    """One per town."""


@api.get("/now")
def now(live: InLive, who: Reader) -> Board:
    """The present: open incidents and who has them, towns, what is wrong with the system itself."""
    return live.known().board


@api.get("/map")
def towns(house: InHouse, live: InLive, who: Reader) -> Towns:
    """The towns with their levels, as GeoJSON points."""
    board = live.known().board
    known = {town.id: town for town in board.towns}
    return Towns(
        features=[
            Feature(
                geometry=Point(coordinates=(town.lon, town.lat)),
                properties=Properties(
                    id=town.id, name=town.name, name_en=town.name_en, **_properties(known[town.id])
                ),
            )
            for town in house.ports.config.district.towns
        ]
    )


def _properties(town: Town) -> dict[str, Any]:
    top = max(town.levels.values(), default=Level.NONE)
    return {
        "level": "unknown" if town.unknown and not top else top,
        "levels": dict(town.levels),
        "unknown": list(town.unknown),
        "age_h": town.age_h,
    }


@api.post("/alerts/{alert}/acknowledge")
def acknowledge(
    house: InHouse, who: Annotated[Visitor, needs(Right.ACKNOWLEDGE)], alert: _Alert, word: Word
) -> Taken:
    """Acknowledge an alert for a subsystem; a second word changes nothing and says who was first."""
    return take(house, who, alert, word.subsystem, word.transition)


@api.post("/alerts/{alert}/report")
def report(
    house: InHouse, who: Annotated[Visitor, needs(Right.REPORT)], alert: _Alert, told: Told
) -> Report:
    """Report the three facts of an alert for a subsystem; they also acknowledge, where nobody did."""
    facts = Facts(commander=told.commander, affected=told.affected, moved=told.moved)
    return tell(house, who, alert, told.subsystem, facts)
