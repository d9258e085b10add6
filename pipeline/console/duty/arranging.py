"""What can be changed here: silences and stand-ins, each kept with who did it and why in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from alerts.answers.reports import plain_text
from alerts.duty import silences, stand_ins
from alerts.duty.silences import Wish
from alerts.duty.stand_ins import StandIn
from ingest.database import writing
from ingest.times import BEIJING
from pipeline.console.house import House
from pipeline.console.people.visitor import Visitor
from pipeline.console.refusals import refuse
from rules.level import parse_level

_LONGEST_NAME = 64
_FIRST, _LAST = 1970, 2200


def _in_our_time(moment: datetime) -> datetime:
    if not _FIRST <= moment.year < _LAST:
        raise ValueError(f"a year from {_FIRST} to {_LAST} is meant")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
"""A moment with its offset, of a year that calendars can be reckoned with."""
Id = Annotated[str, Field(min_length=1, max_length=64)]
"""Id of a hazard, a subsystem or a person."""
Reason = Annotated[str, Field(min_length=1, max_length=500)]
"""Why something is done."""
_LEVELS = r"^(blue|yellow|orange|red)$"
Levels = Annotated[str, Field(pattern=_LEVELS)]
"""Name of a level."""


class SilenceWish(BaseModel):
    """What is to be silenced."""

    level: Levels
    """What is above this level is told all the same."""
    until: Moment
    """Until when, 24 hours from now at most."""
    why: Reason
    """The reason."""
    person: Id | None = None
    """Id of the person who hears before it ends; the visitor's own where none is named."""
    hazard: Id | None = None
    """The hazard; none silences all."""
    subsystem: Id | None = None
    """The subsystem; none silences all."""
    alert: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """The one alert it is about, with which it ends."""


class StandInWish(BaseModel):
    """Who takes over a watch."""

    subsystem: Id
    """Id of the subsystem."""
    duty: Annotated[tuple[Id, ...], Field(min_length=1, max_length=8)]
    """Ids of the people on duty."""
    deputy: Annotated[tuple[Id, ...], Field(max_length=8)] = ()
    """Ids of their deputies; without any, those of the shift stay."""
    start: Moment | None = None
    """From when on; now where none is given."""
    end: Moment
    """Until when."""
    why: Reason
    """The reason."""


def beijing_moment(text: str) -> datetime:
    """The moment of a form's field, ``2022-08-15T20:00`` in Beijing; ValueError says what is wrong."""
    try:
        found = datetime.fromisoformat(text)
        return _in_our_time(found if found.tzinfo else found.replace(tzinfo=BEIJING)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("请写明日期和时间 / give a date and a time of day") from error


def silence(house: House, who: Visitor, wanted: SilenceWish) -> int:
    """Keep a silence and return its number.

    Refused with 400 where its author, its reason or its end is wrong; UnknownName for names there are not.
    """
    person = wanted.person or who.person
    if person is None:
        raise refuse(400, "请选择到期前提醒谁 / name the person who hears before it ends")
    wish = Wish(
        level=parse_level(wanted.level),
        until=wanted.until.astimezone(UTC),
        by=person,
        why=plain_text(wanted.why),
        hazard=wanted.hazard,
        subsystem=wanted.subsystem,
        alert=wanted.alert and plain_text(wanted.alert),
    )
    now = house.clock()
    detail = wanted.model_dump(mode="json", exclude={"why"})
    try:
        with writing(house.ports.engine) as connection:
            number = silences.add(connection, wish, house.ports.desk, now)
            house.done(connection, who, "silence", subject=f"silence {number}", why=wish.why, **detail)
    except ValueError as error:
        raise refuse(400, str(error)) from error
    return number


def lift(house: House, who: Visitor, number: int, why: str) -> None:
    """End a silence before its time; those it covered hear how things stand. UnknownName where it is over."""
    with writing(house.ports.engine) as connection:
        silences.lift(connection, number, _title(who), house.clock())
        house.done(connection, who, "lift", subject=f"silence {number}", why=_words(why))


def stand_in(house: House, who: Visitor, wanted: StandInWish) -> int:
    """Keep a stand-in and return its number; refused like `silence`."""
    now = house.clock()
    wish = StandIn(
        subsystem=wanted.subsystem,
        duty=wanted.duty,
        deputy=wanted.deputy,
        start=(wanted.start or now).astimezone(UTC),
        end=wanted.end.astimezone(UTC),
        by=_title(who),
        why=plain_text(wanted.why),
    )
    detail: dict[str, Any] = wanted.model_dump(mode="json", exclude={"why"})
    try:
        with writing(house.ports.engine) as connection:
            number = stand_ins.add(connection, wish, house.ports.config.routes, now)
            house.done(connection, who, "stand_in", subject=f"stand-in {number}", why=wish.why, **detail)
    except ValueError as error:
        raise refuse(400, str(error)) from error
    return number


def withdraw(house: House, who: Visitor, number: int, why: str) -> None:
    """Take a stand-in back, so that the rota counts again; UnknownName where it is over."""
    with writing(house.ports.engine) as connection:
        stand_ins.withdraw(connection, number, house.clock())
        house.done(connection, who, "withdraw", subject=f"stand-in {number}", why=_words(why))


def _title(who: Visitor) -> str:
    return plain_text(who.title)[:_LONGEST_NAME]


def _words(why: str) -> str:
    said = plain_text(why)
    if not said:
        raise refuse(400, "请写明原因 / give the reason")
    return said
