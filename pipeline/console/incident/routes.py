"""The page of an alert, the evidence card by itself, and the forms by which an alert is decided about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from alerts.duty.release_rows import Decision
from alerts.record import ledger, versions
from ingest.database import reading
from ingest.times import BEIJING
from pipeline.console.drawing.chart import NARROW, WIDE, chart, legend
from pipeline.console.house import House, InHouse
from pipeline.console.incident import acting, past
from pipeline.console.incident.acting import Asking, Moved
from pipeline.console.incident.api import Alert, Approver, Forecaster, Judge, Reader, api
from pipeline.console.incident.cards import Cards, Evidence, verdict_words
from pipeline.console.incident.deciding import HOURS, KINDS, offered
from pipeline.console.incident.facts import Head, head_of, knowing, left, tasks
from pipeline.console.incident.past import Like
from pipeline.console.incident.reading import cards_of, evidence_moment, like_of
from pipeline.console.incident.story import KINDS as SORTS
from pipeline.console.incident.story import story_of
from pipeline.console.pages import Tongue, tongue_of
from pipeline.console.people.visitor import Visitor
from pipeline.console.refusals import refuse
from pipeline.verify.hindsight import JUDGED
from rules.level import Level, parse_level

__all__ = ["api", "pages"]
pages = APIRouter(include_in_schema=False)

_Short = Annotated[str, Form(max_length=64)]
_Why = Annotated[str, Form(max_length=500)]
_Page = Annotated[int, Query(ge=1, le=100_000)]
_Text = Annotated[str, Query(max_length=64)]


@pages.get("/alerts/{alert}")
def alert_page(  # noqa: PLR0913 - a page, and what its links ask of it
    request: Request,
    house: InHouse,
    alert: Alert,
    who: Reader,
    town: _Text = "",
    kind: _Text = "",
    page: _Page = 1,
    people: _Page = 1,
) -> Response:
    """Everything about one alert."""
    tongue, now = tongue_of(request), house.clock()
    with reading(house.ports.engine) as connection:
        head = head_of(connection, house.ports, alert)
        changes = {change.id: change for change in head.changes}
        facts: dict[str, Any] = {
            "story": story_of(connection, house.pages, changes, alert, (kind or None, page, tongue)),
            "knowing": knowing(connection, house.ports, alert, people),
            "tasks": tasks(connection, house.ports, head),
        }
        if head.hazard in house.ports.config.hazards:
            made = cards_of(request).evidence(connection, head.hazard, town or None, head.evidence_at)
            facts |= _evidence_facts(connection, cards_of(request), made, like_of(head, made), tongue)
    facts |= _head_facts(house, head, who, now, tongue) | {"sorts": SORTS, "town": town}
    said = request.query_params.get("said", "")
    return house.pages.view(request, "incident/alert.html", who, said=said, judged=JUDGED, **facts)


def _head_facts(
    house: House, head: Head, who: Visitor, now: datetime, tongue: Tongue
) -> dict[str, Any]:
    waits = head.release is not None and head.release.asked.open
    texts = house.ports.desk.texts
    return {
        "head": head,
        "now": now,
        "left": left(head.until, now),
        "title": texts.letter(head.change, tongue).title if head.hazard in texts.conducts else head.hazard,
        "kinds": offered(head),
        "choices": {key: KINDS[key].levels(head, house.ports.config) for key in offered(head)},
        "hours": HOURS,
        "waits": waits,
        "mine": waits and head.release is not None and who.person in head.release.approvers,
        "name": house.pages.person,
        "subsystem": lambda name: house.pages.subsystem(name, tongue),
        "hazard": lambda name: _hazard(house, name, tongue),
        "held": Decision.HELD,
        "levels": Level,
    }


def _hazard(house: House, name: str, tongue: Tongue) -> str:
    """Name of a hazard, of a model beside one too."""
    block = house.ports.config.aside.get(name)
    if block is None:
        return house.pages.hazard(name, tongue)
    return block.conduct.name if tongue == "zh" else block.conduct.name_en


def _evidence_facts(
    connection: Connection, cards: Cards, made: Evidence, like: Like, tongue: Tongue
) -> dict[str, Any]:
    tick = ledger.last_tick(connection)
    latest = made.card.at if tick is None else tick.at
    card, panels = made.card, made.panels(tongue)
    conduct = card.hazard.conduct
    name = conduct.name if tongue == "zh" else conduct.name_en
    past_word = "当时" if tongue == "zh" else "then"
    word = past_word if card.at < latest else ""
    caption = f"{card.asked.town.name} {name}: " + "; ".join(panel.title for panel in panels)
    return {
        "made": made,
        "card": card,
        "charts": [
            (style, chart(panels, card.at, tongue, width=width, caption=caption, word=word))
            for style, width in (("chart-wide", WIDE), ("chart-narrow", NARROW))
        ],
        "legend": legend(panels),
        "cases": past.cases(connection, like),
        "events": past.events(cards.catalogue, like),
        "version": versions.newest(connection, card.at) or versions.newest(connection),
        "in_words": lambda verdict: verdict_words(verdict, tongue),
    }


@pages.get("/evidence")
def evidence_page(
    request: Request,
    house: InHouse,
    who: Reader,
    hazard: _Text = "",
    town: _Text = "",
    at: _Text = "",
) -> Response:
    """The evidence card of any hazard in any town, now or at a moment of the past."""
    tongue, config = tongue_of(request), house.ports.config
    facts: dict[str, Any] = {"card": None, "hazards": config.hazards | config.aside, "at": at}
    if hazard:
        with reading(house.ports.engine) as connection:
            tick = ledger.last_tick(connection)
            moment = evidence_moment(at, house.clock(), house.clock() if tick is None else tick.at)
            cards = cards_of(request)
            made = cards.evidence(connection, hazard, town or None, moment)
            facts |= _evidence_facts(connection, cards, made, like_of(None, made), tongue)
    facts |= {"towns": config.district.towns, "asked_hazard": hazard, "asked_town": town}
    facts["hazard"] = lambda name: _hazard(house, name, tongue)
    return house.pages.view(request, "incident/evidence.html", who, **facts)


class Choice(BaseModel):
    """The fields of the forms by which something is decided."""

    kind: str = Field("", max_length=64)
    """Key of an order, ``approve`` or ``refuse``."""
    level: str = Field("none", max_length=16)
    """Level to set."""
    hours: int = Field(12, ge=1, le=24)
    """For how long [h]."""
    why: str = Field("", max_length=500)
    """The reason."""
    about: str = Field("", max_length=200)
    """Newest change that was seen in the preview."""

    @property
    def asking(self) -> Asking:
        """What is asked for; 422 where the level is none."""
        try:
            level = parse_level(self.level)
        except ValueError as error:
            raise refuse(422, f"没有这个等级 / {error}") from error
        return Asking(kind=self.kind, level=level, hours=self.hours, why=self.why, about=self.about)

    @property
    def seen(self) -> Asking:
        """The same, where it was looked at before; 409 where it was not."""
        if not self.about:
            raise refuse(409, "请先预览将要发出的内容 / look at the preview first")
        return self.asking


Chosen = Annotated[Choice, Form()]


@pages.post("/alerts/{alert}/preview")
def preview(
    request: Request, house: InHouse, alert: Alert, who: Reader, form: Chosen
) -> Response:
    """The exact words and recipients of a decision, and the button that makes it count."""
    return _preview(request, house, who, alert, form.asking)


def _preview(
    request: Request, house: House, who: Visitor, alert: str, asked: Asking, *, moved: bool = False
) -> Response:
    tongue, head = tongue_of(request), acting.head(house, alert)
    made = acting.rehearse(house, who, alert, asked)
    texts = house.ports.desk.texts
    facts: dict[str, Any] = {
        "asked_for": asked,
        "made": made,
        "moved": moved,
        "titles": [texts.letter(change, tongue).title for change in made.changes],
        "order": KINDS.get(asked.kind),
        "yes": acting.VOTES.get(asked.kind),
        "channel": lambda name: name,
    }
    facts = _head_facts(house, head, who, house.clock(), tongue) | facts
    return house.pages.view(request, "incident/preview.html", who, 409 if moved else 200, **facts)


@pages.post("/alerts/{alert}/orders")
def order(
    request: Request, house: InHouse, alert: Alert, who: Forecaster, form: Chosen
) -> Response:
    """Give an order that was seen before."""
    asked = form.seen
    try:
        acting.give_order(house, who, alert, asked)
    except Moved:
        return _preview(request, house, who, alert, asked, moved=True)
    return _back(alert, "ordered")


@pages.post("/alerts/{alert}/releases")
def release(
    request: Request, house: InHouse, alert: Alert, who: Approver, form: Chosen
) -> Response:
    """Approve or refuse what waits, as it was seen before."""
    asked = form.seen
    if asked.kind not in acting.VOTES:
        raise refuse(422, "请选择批准或不批准 / approve or refuse")
    try:
        row = acting.vote(house, who, alert, asked)
    except Moved:
        return _preview(request, house, who, alert, asked, moved=True)
    return _back(alert, "counted" if row.open else row.decision.value)


@pages.post("/alerts/{alert}/verdict")
def verdict(
    house: InHouse,
    alert: Alert,
    who: Judge,
    judged: _Short = "",
    why: _Why = "",
    onset: _Short = "",
) -> Response:
    """Keep what an officer says of an alert afterwards."""
    chosen = next((one for one in JUDGED if one == judged), None)
    if chosen is None:
        raise refuse(422, "请选择评定 / choose a verdict")
    acting.judge(house, who, alert, chosen, why, _local(onset))
    return _back(alert, "judged")


def _back(alert: str, said: str) -> Response:
    return RedirectResponse(f"/alerts/{alert}?said={said}", 303)


def _local(text: str) -> datetime | None:
    """A moment as a form has it, in Beijing time; None where it is empty."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise refuse(422, "时间填得不对 / that is no time") from error
    moment = found if found.tzinfo else found.replace(tzinfo=BEIJING)
    if not datetime(1950, 1, 1, tzinfo=UTC) < moment < datetime(2200, 1, 1, tzinfo=UTC):
        raise refuse(422, "时间填得不对 / that is no time")
    return moment.astimezone(UTC)
