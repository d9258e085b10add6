"""The pages of the studio: choosing a past, playing it on the map, and turning a ladder."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from alerts.event.transition import ABOUT_DATA
from ingest.errors import FengsuiError
from ingest.times import BEIJING, parse_instant
from pipeline.console.house import InHouse
from pipeline.console.pages import tongue_of
from pipeline.console.studio import api as twins
from pipeline.console.studio.api import InStudio, Student, job_facts, patch_file
from pipeline.console.studio.asked import LONGEST, events, judged
from pipeline.console.studio.facts import HOUR, REASONS, ReplayFacts, facts_of, unjudged_at
from pipeline.console.studio.pictures import bars, charts, days, map_at, place_of, strip
from pipeline.console.studio.studio import Studio
from pipeline.console.studio.studying import Studied
from pipeline.console.studio.told import told
from pipeline.console.studio.trials import Ground, Outcome
from pipeline.console.studio.weather import weather
from pipeline.console.studio.workroom import Job
from rules.level import Level

pages = APIRouter(include_in_schema=False)
api = twins.api

_LEVELS = {level.key: level for level in Level}
_Text = Annotated[str, Form(max_length=80)]
_Asked = Annotated[str, Query(max_length=120)]


class _Wanted(BaseModel):
    """A past that is asked for, as the form has it."""

    event: str = Field("", max_length=80)
    start: str = Field("", max_length=40)
    end: str = Field("", max_length=40)
    hazard: list[str] = Field(default_factory=list, max_length=64)


class _Shown(BaseModel):
    """What of a replay is shown."""

    at: str = Field("", max_length=40)
    hazard: str = Field("", max_length=64)
    town: str = Field("", max_length=32)
    change: str = Field("", max_length=120)


class _Proposed(BaseModel):
    """The words of a patch."""

    hazard: str = Field(max_length=64)
    why: str = Field(min_length=1, max_length=500)
    by: str = Field("", max_length=80)


async def turned_of(request: Request) -> dict[str, str]:
    """The keys of a ladder in a form; every value is text."""
    form = await request.form()
    return _turned((key, value) for key, value in form.items() if isinstance(value, str))


def _turned(pairs: Any) -> dict[str, str]:
    return {key[:120]: value[:24] for key, value in pairs if key.startswith("ladder.")}


Turned = Annotated[dict[str, str], Depends(turned_of)]


@pages.get("/studio")
def index(request: Request, house: InHouse, studio: InStudio, who: Student) -> Response:
    """What can be replayed, what is under way, and what was."""
    return _index(request, house, studio, who, why="")


def _index(
    request: Request, house: InHouse, studio: Studio, who: Student, why: str, status: int = 200
) -> Response:
    tongue = tongue_of(request)
    jobs = [job_facts(job, tongue) for job in studio.room.jobs() if not job.order.blocks]
    return house.pages.view(
        request, "studio/index.html", who, status,
        events=events(), hazards=judged(house.ports.config), jobs=jobs, why=why, longest=LONGEST.days,
    )  # fmt: skip


@pages.post("/studio/replays")
def ask(
    request: Request, house: InHouse, studio: InStudio, who: Student, wanted: Annotated[_Wanted, Form()]
) -> Response:
    """Begin a replay and go to its page; what cannot be is said above the form."""
    try:
        asked = studio.read(wanted.event, (wanted.start, wanted.end), wanted.hazard)
        job = studio.replay(asked, who.title)
    except FengsuiError as error:
        return _index(request, house, studio, who, why=str(error), status=409)
    return RedirectResponse(f"/studio/replays/{job.id}", 303)


@pages.post("/studio/replays/{name}/cancel")
def cancel(name: str, studio: InStudio, who: Student) -> Response:
    """Stop a replay and go back to the list."""
    studio.room.cancel(studio.job(name))
    return RedirectResponse("/studio", 303)


@pages.get("/studio/replays/{name}")
def replay(
    request: Request, studio: InStudio, who: Student, name: str, shown: Annotated[_Shown, Query()]
) -> Response:
    """A replay on the map; how far it is, where it is not done."""
    house, job, tongue, change = studio.house, studio.job(name), tongue_of(request), shown.change
    facts: dict[str, Any] = {"job": job_facts(job, tongue), "levels": _LEVELS}
    if job.state != "done" or job.studied is None:
        return house.pages.view(request, "studio/progress.html", who, **facts)
    found = facts_of(job.studied, house.ports.config)
    keys = [one.key for one in found.hazards]
    chosen = shown.hazard if shown.hazard in keys else ""
    moment = _moment(shown.at, found, chosen)
    facts |= _scene(studio, job, found, (moment, chosen, tongue))
    asked = (shown.town, chosen or _busiest(found), moment, tongue)
    facts |= _town(studio, job.id, job.studied, found, asked)
    messages = [one for one in job.studied.messages if change and one.transition == change]
    return house.pages.view(
        request, "studio/replay.html", who,
        facts=found, at=moment, hazard=chosen, change=change, messages=messages[:100], reasons=REASONS,
        changed=next((one for one in found.changes if one.id == change), None), **facts,
    )  # fmt: skip


def _scene(
    studio: Studio, job: Job, found: ReplayFacts, shown: tuple[datetime, str, str]
) -> dict[str, Any]:
    """The map at a moment, the strip of every hazard, and the pages."""
    moment, hazard, tongue = shown
    assert job.studied is not None
    config, replay = studio.house.ports.config, job.studied.replay
    strips = []
    for one in found.hazards:
        changes = [
            (change.at, change.to_level)
            for change in replay.transitions
            if change.hazard == one.key and change.reason not in ABOUT_DATA
        ]
        strips.append((one, strip(changes, found.start, found.end, tongue)))
    drawn, most = bars(found, tongue)
    mine = [one for one in found.changes if hazard in ("", one.hazard)]
    return {
        "map": map_at(job.studied, found, (moment, hazard), config, tongue),
        "strips": strips, "bars": drawn, "most": most,
        "days": days(found.start, found.end), "cursor": place_of(moment, found.start, found.end),
        "hours": int((found.end - found.start) / HOUR), "hour": int((moment - found.start) / HOUR),
        "unjudged": unjudged_at(found, moment, hazard), "shown": mine,
        "earlier": max((one.at for one in mine if one.at < moment), default=None),
        "later": min((one.at for one in mine if one.at > moment), default=None),
        "names": {one.code: one.name if tongue == "zh" else one.name_en for one in found.towns},
        "called": {one.key: one.name if tongue == "zh" else one.name_en for one in found.hazards},
    }  # fmt: skip


def _busiest(found: ReplayFacts) -> str:
    return max(found.hazards, key=lambda one: one.changes).key


def _town(
    studio: Studio, name: str, studied: Studied, found: ReplayFacts,
    asked: tuple[str, str, datetime, str],
) -> dict[str, Any]:  # fmt: skip
    """The weather of a town against the ladder."""
    town, hazard, moment, tongue = asked
    there = {one.code: one for one in found.towns}
    code = town if town in there else found.towns[0].code
    swept, block = studio.swept(name, hazard), studio.house.ports.config.hazards[hazard]
    known = weather(swept, block, code, studied.replay.traces.get(hazard))
    place = there[code].name if tongue == "zh" else there[code].name_en
    wide, narrow = charts(known, moment, found.end, tongue, f"{place} {block.conduct.name}")
    begin = min((line.at[0] for line in known.lines if line.at), default=found.start)
    return {
        "town": code, "weather": known, "weather_hazard": hazard, "wide": wide, "narrow": narrow,
        "chart_from": begin,
    }  # fmt: skip


def _moment(text: str, found: ReplayFacts, hazard: str) -> datetime:
    """The whole hour of a replay that an address names; that of its highest level where it names none."""
    try:
        plain = datetime.fromisoformat(text)
        local = plain.replace(tzinfo=BEIJING) if plain.tzinfo is None else plain
        moment = parse_instant(local.isoformat())
    except ValueError:
        mine = [one for one in found.changes if hazard in ("", one.hazard)]
        peak = max(mine, key=lambda one: _LEVELS[one.after], default=None)
        moment = found.start if peak is None else peak.at
    hours = -((found.start - min(max(moment, found.start), found.end)) // HOUR)
    return min(found.start + hours * HOUR, found.end)


@pages.get("/studio/replays/{name}/trial")
def trial(
    request: Request, house: InHouse, studio: InStudio, who: Student, name: str, hazard: _Asked
) -> Response:
    """The ladder of a hazard, to be turned, and what that would have done."""
    return _trial(request, studio, who, (name, hazard, _turned(request.query_params.items())))


@pages.post("/studio/replays/{name}/trial")
def turn(name: str, turned: Turned, studio: InStudio, who: Student, hazard: _Text) -> Response:
    """Try a ladder: its page can be gone back to and handed on."""
    ladder = studio.ground(name, hazard).ladder
    fields = {"hazard": hazard} | {
        knob.key: turned[knob.key]
        for knob in ladder.knobs
        if knob.key in turned and turned[knob.key] != str(knob.value)
    }
    return RedirectResponse(f"/studio/replays/{name}/trial?{urlencode(fields)}#outcome", 303)


@pages.get("/studio/replays/{name}/trial/part")
def part(
    request: Request, name: str, studio: InStudio, who: Student, hazard: _Asked
) -> Response:
    """Only what a ladder would have done, for a page that stays; dragging asks and changes nothing."""
    asked = (name, hazard, _turned(request.query_params.items()))
    return _trial(request, studio, who, asked, template="studio/outcome.html")


@pages.post("/studio/replays/{name}/patch")
def patch(
    name: str, turned: Turned, studio: InStudio, who: Student, told_by: Annotated[_Proposed, Form()]
) -> Response:
    """The turned ladder as a file of changes; nothing is applied."""
    found = studio.attempt(name, told_by.hazard, turned, who.title)
    if not isinstance(found, Outcome):
        fields = urlencode({"hazard": told_by.hazard} | turned)
        return RedirectResponse(f"/studio/replays/{name}/trial?{fields}", 303)
    return patch_file(found, ("", told_by.why, told_by.by or who.title))


def _trial(
    request: Request, studio: Studio, who: Student, asked: tuple[str, str, dict[str, str]],
    template: str = "studio/trial.html",
) -> Response:  # fmt: skip
    name, hazard, turned = asked
    job, tongue, why, found = studio.job(name), tongue_of(request), "", None
    ground = studio.ground(name, hazard)
    try:
        found = studio.attempt(name, hazard, turned, who.title)
    except FengsuiError as error:
        why = str(error)
    outcome = found if isinstance(found, Outcome) else None
    facts: dict[str, Any] = {
        "job": job_facts(job, tongue), "block": studio.house.ports.config.hazards[hazard],
        "knobs": ground.ladder.knobs, "turned": turned, "why": why, "stale": studio.stale(ground),
        "waiting": job_facts(found, tongue) if isinstance(found, Job) else None,
        "outcome": None, "levels": _LEVELS, "hazards": studio.house.ports.config.hazards,
        "studied": [one.hazard for one in studio.studied(name).swept],
    }  # fmt: skip
    if outcome is not None:
        facts |= {"outcome": told(outcome, name)} | _strips(ground, outcome, tongue)
    return studio.house.pages.view(request, template, who, 200 if not why else 409, **facts)


def _strips(ground: Ground, outcome: Outcome, tongue: str) -> dict[str, Any]:
    start, end = ground.calendar.start, ground.calendar.end
    events = {one.id: one for one in ground.events}
    return {
        "before": strip(outcome.today.bands, start, end, tongue),
        "after": strip(outcome.proposal.bands, start, end, tongue),
        "days": days(start, end), "events": events,
        "onsets": [(place_of(one.onset, start, end), one) for one in events.values()],
    }  # fmt: skip
