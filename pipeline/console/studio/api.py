"""The studio for programs: replays, weather, ladders and trials as JSON, and a patch as YAML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from ingest.errors import ConfigMistake
from pipeline.configuration.patch import written
from pipeline.console.house import needs
from pipeline.console.people.visitor import Right, Visitor
from pipeline.console.studio.facts import ReplayFacts, facts_of
from pipeline.console.studio.ladders import MOST_KEYS, Knob
from pipeline.console.studio.studio import Studio, studio_of
from pipeline.console.studio.told import TrialFacts, because, patch_of, told
from pipeline.console.studio.trials import Outcome
from pipeline.console.studio.weather import weather
from pipeline.console.studio.workroom import Job, State

api = APIRouter(prefix="/api/v1", tags=["studio"])

InStudio = Annotated[Studio, Depends(studio_of)]
Student = Annotated[Visitor, needs(Right.STUDY)]
_SHOWN = 500
_TEXT = {"application/yaml": {"schema": {"type": "string"}}}
_YAML: dict[int | str, dict[str, Any]] = {200: {"content": _TEXT}}


class _Wanted(BaseModel):
    """A past to be replayed: an event, or both ends of a period."""

    event: str = Field("", max_length=80)
    start: str = Field("", max_length=40)
    end: str = Field("", max_length=40)
    hazards: list[Annotated[str, Field(max_length=64)]] = Field(default_factory=list, max_length=64)


class _Turned(BaseModel):
    """A ladder to be tried on a replay; keys that are left out stay as they are in the file."""

    replay: str = Field(max_length=32)
    hazard: str = Field(max_length=64)
    ladder: dict[
        Annotated[str, Field(max_length=120)], float | Annotated[str, Field(max_length=24)]
    ] = Field(default_factory=dict, max_length=MOST_KEYS)


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """A replay on its way."""

    id: str
    """Its id."""
    title: str
    """What is replayed."""
    hazards: tuple[str, ...]
    """Hazards that are judged."""
    by: str
    """Who asked for it."""
    state: State
    """``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``."""
    why: str
    """Why it failed; empty otherwise."""
    done: int
    """Steps done: each moment counts once for the replay, and once for every hazard that is measured."""
    total: int
    """All steps; 0 until it is known."""
    per_second: float | None
    """Steps a second; None until it is known."""
    left_s: float | None
    """Time it will still take [s]; None until it is known."""
    spent_s: float
    """Time it has taken [s]."""


@dataclass(frozen=True, kw_only=True)
class ReplayTwin:
    """A replay, and what it found."""

    job: JobFacts
    """How far it is."""
    result: ReplayFacts | None
    """What it found; None until it is done."""


@dataclass(frozen=True, kw_only=True)
class LineTwin:
    """One metric over time; each value holds until the next."""

    levels: tuple[str, ...]
    """Levels that are judged by it."""
    points: tuple[tuple[int, float | None], ...]
    """(Seconds since 1970, value); None where nothing certain is known."""


@dataclass(frozen=True, kw_only=True)
class WeatherTwin:
    """A town against a ladder."""

    hazard: str
    """Name of the hazard block."""
    town: str
    """Code of the town; empty for the most severe of the district, where no town's is known."""
    unit: str
    """Unit of values and thresholds."""
    falling: bool
    """True where low values are the dangerous ones."""
    limits: dict[str, float]
    """Level -> threshold."""
    lines: tuple[LineTwin, ...]
    """What is compared with it."""


@dataclass(frozen=True, kw_only=True)
class MessageTwin:
    """One message that would have gone out."""

    at: str
    """When, ISO 8601."""
    transition: str
    """The change it tells of."""
    subsystem: str
    """Id of the subsystem."""
    person: str
    """Id of the person."""
    channel: str
    """Name of the channel block."""
    text: str
    """Its words."""


@dataclass(frozen=True, kw_only=True)
class KnobTwin:
    """One key of a ladder."""

    key: str
    """Way to it in the hazard's file."""
    level: str
    """Its level."""
    kind: str
    """``threshold``, ``number`` or ``duration``."""
    value: float | int | str
    """What is in force."""
    at_once: bool
    """Whether its effect is seen at once; otherwise the past is read anew for it."""
    low: float
    """Least value of a slider."""
    high: float
    """Most."""
    step: float
    """From one to the next."""


def job_facts(job: Job, tongue: str = "zh") -> JobFacts:
    """How far a job is."""
    rate, left = job.per_second, job.left_s
    return JobFacts(
        id=job.id,
        title=job.order.asked.title(tongue),
        hazards=job.order.asked.hazards,
        by=job.by,
        state=job.state,
        why=job.why,
        done=job.done,
        total=job.total,
        per_second=None if rate is None else round(rate, 1),
        left_s=None if left is None else round(left, 1),
        spent_s=round(job.spent_s, 1),
    )


@api.post("/replays", status_code=202)
def ask(wanted: _Wanted, studio: InStudio, who: Student) -> JobFacts:
    """Replay an event or a period of the archive in the background; one at a time."""
    asked = studio.read(wanted.event, (wanted.start, wanted.end), wanted.hazards)
    return job_facts(studio.replay(asked, who.title))


@api.get("/replays")
def replays(studio: InStudio, who: Student) -> list[JobFacts]:
    """Replays that wait, run, or ended not long ago, the newest first."""
    return [job_facts(job) for job in studio.room.jobs() if not job.order.blocks]


@api.get("/replays/{name}")
def replay(name: str, studio: InStudio, who: Student) -> ReplayTwin:
    """How far a replay is, and what it found."""
    job = studio.job(name)
    config = studio.house.ports.config
    result = facts_of(job.studied, config) if job.state == "done" and job.studied else None
    return ReplayTwin(job=job_facts(job), result=result)


@api.get("/replays/{name}/progress")
def progress(name: str, studio: InStudio, who: Student) -> JobFacts:
    """How far a replay is, or what reads its past anew, without what it found."""
    return job_facts(studio.job(name, measuring=True))


@api.post("/replays/{name}/cancel")
def cancel(name: str, studio: InStudio, who: Student) -> JobFacts:
    """Stop a replay that waits or runs, or what reads its past anew."""
    job = studio.job(name, measuring=True)
    studio.room.cancel(job)
    return job_facts(job)


@api.get("/replays/{name}/weather")
def town_weather(
    name: str, studio: InStudio, who: Student, hazard: str, town: Annotated[str, Query(max_length=32)]
) -> WeatherTwin:
    """The weather of a town against the ladder of a hazard."""
    swept, studied = studio.swept(name, hazard), studio.studied(name)
    block = studio.house.ports.config.hazards[hazard]
    found = weather(swept, block, town, studied.replay.traces.get(hazard))
    return WeatherTwin(
        hazard=hazard,
        town=found.town,
        unit=found.unit,
        falling=found.falling,
        limits={level.key: limit for level, limit in found.limits.items()},
        lines=tuple(
            LineTwin(
                levels=tuple(level.key for level in line.levels),
                points=tuple(
                    (int(at.timestamp()), value) for at, value in zip(line.at, line.values, strict=True)
                ),
            )
            for line in found.lines
        ),
    )


@api.get("/replays/{name}/messages")
def messages(
    name: str, studio: InStudio, who: Student, transition: Annotated[str, Query(max_length=120)] = "",
    offset: Annotated[int, Query(ge=0)] = 0,
) -> list[MessageTwin]:  # fmt: skip
    """The messages of a replay, of one change or of all, 500 at a time."""
    found = [
        one for one in studio.studied(name).messages if transition in ("", one.transition)
    ]
    return [
        MessageTwin(**vars(one) | {"at": one.at.isoformat()}) for one in found[offset : offset + _SHOWN]
    ]


@api.get("/replays/{name}/ladder")
def ladder(name: str, studio: InStudio, who: Student, hazard: str) -> list[KnobTwin]:
    """The keys of a hazard's ladder that can be turned, with what they are in its file."""
    return [_knob(knob) for knob in studio.ground(name, hazard).ladder.knobs]


def _knob(knob: Knob) -> KnobTwin:
    return KnobTwin(
        key=knob.key,
        level=knob.level.key,
        kind=knob.kind,
        value=knob.value,
        at_once=knob.cheap,
        low=knob.low,
        high=knob.high,
        step=knob.step,
    )


@api.post("/trials", responses={202: {"model": JobFacts}})
def attempt(turned: _Turned, studio: InStudio, who: Student, response: Response) -> TrialFacts | JobFacts:
    """What a ladder would have done on a replay, beside today's.

    Answers 202 with a job where a window was turned: the past is then read anew, and asked again after
    that the answer is there.
    """
    found = studio.attempt(turned.replay, turned.hazard, turned.ladder, who.title)
    if isinstance(found, Outcome):
        return told(found, turned.replay)
    response.status_code = 202
    return job_facts(found)


@api.get("/trials/{name}")
def trial(name: str, studio: InStudio, who: Student) -> TrialFacts:
    """A trial by its id."""
    return told(*studio.trial(name))


@api.get("/trials/{name}/patch", response_class=Response, responses=_YAML)
def patch(
    name: str, studio: InStudio, who: Student, why: Annotated[str, Query(max_length=500)] = "",
    by: Annotated[str, Query(max_length=80)] = "", title: Annotated[str, Query(max_length=120)] = "",
) -> Response:  # fmt: skip
    """The trial as a file of changes, which `fengsui config apply` reads; nothing is applied here."""
    outcome, _ = studio.trial(name)
    return patch_file(outcome, (title, why, by or who.title))


def _plain(text: str) -> str:
    """A line of text: what cannot be printed is no part of it."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def patch_file(outcome: Outcome, words: tuple[str, str, str]) -> Response:
    """A file of changes to download; `words` are its title, reason and author. ConfigMistake for none."""
    if outcome.same:
        raise ConfigMistake("什么都没改，没有补丁可下载 / nothing was turned; there is no patch to download")
    title, why, by = map(_plain, words)
    said = "；".join(part for part in (why, because(outcome)) if part)
    conduct = outcome.block.conduct
    changes = patch_of(
        outcome.edits, {"title": title or f"{conduct.name}阈值试验", "because": said, "by": by}
    )
    return Response(
        written(changes),
        media_type="application/yaml",
        headers={"Content-Disposition": f'attachment; filename="{outcome.block.name}-{outcome.id[:6]}.yaml"'},
    )
