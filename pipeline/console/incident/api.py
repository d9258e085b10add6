"""The twins for programs: alerts, evidence, previews, orders, releases and verdicts as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from alerts.record import ledger, store, versions
from ingest.database import reading
from pipeline.console.house import InHouse, needs
from pipeline.console.incident import acting, past
from pipeline.console.incident.acting import Asking
from pipeline.console.incident.deciding import offered
from pipeline.console.incident.facts import head_of, knowing, tasks
from pipeline.console.incident.plain import (
    AlertView,
    EvidenceView,
    PreviewView,
    alert_view,
    evidence_view,
    preview_view,
)
from pipeline.console.incident.reading import cards_of, evidence_moment, like_of
from pipeline.console.incident.story import story_of
from pipeline.console.pages import tongue_of
from pipeline.console.people.visitor import Right, Visitor
from pipeline.console.refusals import refuse
from pipeline.standing import overview
from rules.level import parse_level

api = APIRouter(prefix="/api/v1", tags=["incident"])

Alert = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
_Page = Annotated[int, Query(ge=1, le=100_000)]
_Text = Annotated[str, Query(max_length=64)]
Reader = Annotated[Visitor, needs(Right.READ)]
Forecaster = Annotated[Visitor, needs(Right.ORDER)]
Approver = Annotated[Visitor, needs(Right.APPROVE)]
Judge = Annotated[Visitor, needs(Right.VERDICT)]
LevelKey = Literal["none", "blue", "yellow", "orange", "red"]


class Decision(BaseModel):
    """What is to be looked at, or done."""

    kind: str = Field(max_length=64, description="An order, or approve or refuse")
    level: LevelKey = "none"
    hours: int = Field(12, ge=1, le=24)
    why: str = Field("", max_length=500)
    about: str = Field("", max_length=200, description="Newest change that was seen; empty: whatever it is")

    @property
    def asking(self) -> Asking:
        """The same, as the pages ask it."""
        return Asking(
            kind=self.kind, level=parse_level(self.level), hours=self.hours, why=self.why, about=self.about
        )


class Word(BaseModel):
    """The word of an approver."""

    decision: Literal["approve", "refuse"]
    why: str = Field("", max_length=500)
    about: str = Field("", max_length=200)


class Judgement(BaseModel):
    """What an officer says of an alert afterwards."""

    judged: Literal["hit", "false_alarm", "near_hit", "too_late"]
    why: str = Field(max_length=500)
    onset: datetime | None = None


class Done(BaseModel):
    """What was kept, or is the newest."""

    alert: str
    """Identifier of the alert."""
    id: str
    """Number or name of what was kept."""
    status: str
    """How it stands."""


@api.get("/alerts")
def alerts(house: InHouse, who: Reader) -> list[dict[str, Any]]:
    """Alerts that are pending, open, clearing, or ended within a day; the highest level first."""
    with reading(house.ports.engine) as connection:
        return [row.as_json() for row in overview(connection, house.ports.config, house.clock())]


@api.get("/alerts/{alert}")
def alert(  # noqa: PLR0913 - what may be asked of it
    request: Request,
    house: InHouse,
    alert: Alert,
    who: Reader,
    kind: _Text = "",
    page: _Page = 1,
    people: _Page = 1,
) -> AlertView:
    """One alert: where it stands, who has it, who knows, and what happened."""
    with reading(house.ports.engine) as connection:
        found = head_of(connection, house.ports, alert)
        changes = {change.id: change for change in found.changes}
        asked = (kind or None, page, tongue_of(request))
        return alert_view(
            found,
            tasks(connection, house.ports, found),
            knowing(connection, house.ports, alert, people),
            story_of(connection, house.pages, changes, alert, asked),
            list(offered(found)),
            house.ports.desk.exercise,
        )


@api.get("/alerts/{alert}/newest")
def newest(house: InHouse, alert: Alert, who: Reader) -> Done:
    """The newest change of an alert, for whoever waits for one: cheap to ask again and again."""
    with reading(house.ports.engine) as connection:
        changes = store.transitions(connection, alert=alert)
    if not changes:
        raise refuse(404, f"没有预警“{alert}” / there is no alert {alert!r}")
    return Done(alert=alert, id=changes[-1].id, status=changes[-1].reason.value)


@api.get("/evidence")
def evidence(
    request: Request,
    house: InHouse,
    hazard: _Text,
    who: Reader,
    town: _Text = "",
    at: _Text = "",
) -> EvidenceView:
    """Why a hazard says of a town what it says; without a town, of the worst one."""
    with reading(house.ports.engine) as connection:
        tick = ledger.last_tick(connection)
        moment = evidence_moment(at, house.clock(), house.clock() if tick is None else tick.at)
        cards = cards_of(request)
        made = cards.evidence(connection, hazard, town or None, moment)
        like = like_of(None, made)
        return evidence_view(
            made,
            past.cases(connection, like),
            past.events(cards.catalogue, like),
            versions.newest(connection, moment) or versions.newest(connection),
        )


@api.post("/alerts/{alert}/preview")
def preview(house: InHouse, alert: Alert, asked: Decision, who: Reader) -> PreviewView:
    """What a decision would send to whom, word for word; changes nothing."""
    about = acting.head(house, alert).newest
    return preview_view(acting.rehearse(house, who, alert, asked.asking), about)


@api.post("/alerts/{alert}/orders")
def order(house: InHouse, alert: Alert, asked: Decision, who: Forecaster) -> Done:
    """Give an order for the next tick."""
    given = acting.give_order(house, who, alert, asked.asking)
    return Done(alert=alert, id=str(given.id), status="given")


@api.post("/alerts/{alert}/releases")
def release(house: InHouse, alert: Alert, word: Word, who: Approver) -> Done:
    """Approve or refuse what waits."""
    asked = Asking(kind=word.decision, why=word.why, about=word.about)
    row = acting.vote(house, who, alert, asked)
    return Done(alert=alert, id=row.transition, status=row.decision.value)


@api.post("/alerts/{alert}/verdict")
def verdict(house: InHouse, alert: Alert, said: Judgement, who: Judge) -> Done:
    """Say whether an alert was right."""
    kept = acting.judge(house, who, alert, said.judged, said.why, _aware(said.onset))
    return Done(alert=alert, id=str(kept.id), status=kept.judged)


def _aware(moment: datetime | None) -> datetime | None:
    if moment is not None and moment.tzinfo is None:
        raise refuse(422, "时间须带时区 / give the time with its offset")
    return moment
