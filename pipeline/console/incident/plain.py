"""What the twins of the pages answer: plain facts, times in UTC, levels and verdicts by key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from math import isfinite
from typing import Any

from alerts.record.versions import Version
from pipeline.console.incident.cards import Evidence
from pipeline.console.incident.facts import Head, Knowing, Task
from pipeline.console.incident.past import Case
from pipeline.console.incident.rehearsal import Rehearsal
from pipeline.console.incident.story import Story
from pipeline.explain import Verdicts
from pipeline.verify.catalogue import Occurrence
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class AlertView:
    """One alert with everything its page shows."""

    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of the hazard block."""
    stage: str
    """``pending``, ``active``, ``clearing`` or ``ended``."""
    level: str
    """Level that stands."""
    peak_level: str
    """Highest level so far."""
    as_of: datetime
    """Moment of the last tick."""
    opened_at: datetime | None
    """When it opened."""
    onset: datetime | None
    """First hour that meets the level."""
    expires: datetime | None
    """End of the last hour that meets it."""
    until: datetime | None
    """What is counted down to."""
    value: float | None
    """Most severe metric."""
    threshold: float | None
    """Threshold of the level."""
    exercise: str | None
    """Name of the drill it belongs to; null where it is real."""
    newest: str
    """Newest change: give it back as ``about`` with a decision."""
    incident: str
    """Identifier of the incident."""
    towns: dict[str, str]
    """Town -> level."""
    others: list[dict[str, Any]]
    """Other alerts of the incident."""
    has_it: list[dict[str, Any]]
    """Who acknowledged for which subsystem, and when."""
    waiting: list[str]
    """Subsystems that were called and have not answered."""
    release: dict[str, Any] | None
    """The newest release, with its votes and approvers."""
    orders: list[str]
    """Orders that can be given now."""
    cap: dict[str, Any] | None
    """What a person set it to."""
    stand: dict[str, Any] | None
    """What a person upholds."""
    verdict: dict[str, Any] | None
    """What was said of it afterwards."""
    tasks: list[dict[str, Any]]
    """What each subsystem is to do, and how it answered."""
    people: dict[str, Any]
    """Who knows and who does not: the five clocks."""
    timeline: dict[str, Any]
    """A page of what happened."""


@dataclass(frozen=True, kw_only=True)
class EvidenceView:
    """An evidence card."""

    hazard: str
    """Name of the hazard block."""
    at: datetime
    """The moment."""
    as_of: datetime
    """Hour up to which observations are expected."""
    town: dict[str, Any]
    """The town, its verdict, its value."""
    threshold: float | None
    """Threshold met."""
    unit: str
    """Unit of the metric."""
    onset: datetime | None
    """First hour that meets it."""
    expires: datetime | None
    """End of the last hour that meets it."""
    age_h: float | None
    """Hours since the newest observation; null where there is none."""
    marks: list[str]
    """Provenance of the data."""
    ladder: list[dict[str, Any]]
    """Each step: limit, what is certain and possible, margin, whether it is reached."""
    series: dict[str, Any]
    """The main quantity: moments, values (null where unknown), how many of them are observed."""
    sources: list[dict[str, Any]]
    """What each forecasting source says, and its run."""
    judged: list[dict[str, Any]]
    """What the rule made of it at earlier moments."""
    statements: list[dict[str, Any]]
    """Newest statement of every source."""
    neighbours: list[dict[str, Any]]
    """Nearest towns."""
    towns: list[dict[str, Any]]
    """Every town."""
    beside: dict[str, Any]
    """Other rules of the hazard, such as a model."""
    disagree: list[str]
    """Those of them that say something else."""
    learned: dict[str, Any]
    """What moved the chances of models."""
    figures: dict[str, float]
    """Further figures."""
    cases: list[dict[str, Any]]
    """Past alerts like it, and what came of them."""
    events: list[dict[str, Any]]
    """Events on record like it."""
    version: dict[str, Any] | None
    """The configuration in force: digest, since when, by whom, why."""


@dataclass(frozen=True, kw_only=True)
class PreviewView:
    """What would be sent to whom."""

    changes: list[dict[str, Any]]
    """Changes that would be recorded."""
    sheets: list[dict[str, Any]]
    """Every text, and who would get exactly it."""
    silent: dict[str, str]
    """Subsystem -> why nobody of it would be told."""
    withdrawn: int
    """Waiting messages that would not go out any more."""
    decision: str | None
    """How a release would stand; null for an order."""
    about: str
    """Newest change of the alert: give it back with the decision."""


def _iso(part: Any) -> Any:
    """The same with levels by key, moments as text, and nothing that JSON has no word for."""
    if isinstance(part, datetime):
        return part.isoformat()
    if isinstance(part, float):
        return part if isfinite(part) else None
    if isinstance(part, Level):
        return part.key
    if isinstance(part, Mapping):
        return {str(_iso(name)): _iso(value) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [_iso(value) for value in part]
    return part


def alert_view(
    head: Head, duties: list[Task], known: Knowing, told: Story, orders: list[str], exercise: str | None
) -> AlertView:
    """One alert as its twin answers it."""
    change, row = head.change, head.release
    votes = [] if row is None else [_iso(vars(vote)) for vote in row.votes]
    release = None if row is None else _iso(vars(row.asked)) | {"votes": votes, "approvers": [*row.approvers]}
    return AlertView(
        alert=head.alert,
        hazard=head.hazard,
        stage=head.standing.stage.value,
        level=head.level.key,
        peak_level=head.standing.peak_level.key,
        as_of=head.as_of,
        opened_at=head.standing.opened_at,
        onset=change.onset,
        expires=change.expires,
        until=head.until,
        value=_iso(change.value),
        threshold=_iso(change.threshold),
        exercise=exercise,
        newest=head.newest,
        incident=change.incident,
        towns=_iso(head.standing.places),
        others=[_iso(vars(one)) for one in head.siblings],
        has_it=[{"subsystem": w.subsystem, "by": w.by, "via": w.via, "at": _iso(w.at)} for w in head.words],
        waiting=[*head.waiting],
        release=release,
        orders=orders,
        cap=None if head.cap is None else _iso(vars(head.cap)),
        stand=_stand(head),
        verdict=_said(head),
        tasks=[_task(one) for one in duties],
        people={
            "known": known.known, "all": known.all, "page": known.page, "pages": known.pages,
            "people": [_iso(asdict(one)) for one in known.people],
        },
        timeline={
            "kind": told.kind, "page": told.page, "more": told.more, "counts": dict(told.counts),
            "events": [_iso(vars(one)) for one in told.events],
        },
    )  # fmt: skip


def _stand(head: Head) -> dict[str, Any] | None:
    made = head.standing.stand
    if made is None:
        return None
    levels = {town: Level(level).key for town, level in made.levels.items()}
    plain: dict[str, Any] = _iso(vars(made) | {"levels": levels})
    return plain


def _said(head: Head) -> dict[str, Any] | None:
    said = head.verdict
    if said is None:
        return None
    told = {"judged": said.judged, "by": said.by, "why": said.why, "at": said.at, "onset": said.onset}
    return {name: _iso(part) for name, part in told.items()}


def _task(one: Task) -> dict[str, Any]:
    call = one.call
    return {
        "subsystem": one.subsystem, "role": one.role, "from": one.lowest.key, "concerned": one.concerned,
        "task": dict(one.task), "call": None if call is None else call.status.value,
        "by": None if call is None else call.by, "facts": None if one.facts is None else asdict(one.facts),
    }  # fmt: skip


def evidence_view(
    made: Evidence, cases: list[Case], events: list[Occurrence], version: Version | None
) -> EvidenceView:
    """An evidence card as its twin answers it."""
    card = made.card
    return EvidenceView(
        hazard=card.hazard.name,
        at=card.at,
        as_of=card.as_of,
        town=_verdict(card.asked),
        threshold=card.threshold,
        unit=made.unit,
        onset=card.onset,
        expires=card.expires,
        age_h=_iso(card.age),
        marks=list(card.marks),
        ladder=[_iso(vars(step)) for step in card.steps],
        series={
            "quantity": card.measured.name, "unit": card.measured.unit, "observed": card.observed,
            "times": _iso(card.times), "values": _iso(card.series.tolist()),
        },
        sources=[_iso(vars(one)) for one in made.sources],
        judged=[{"at": _iso(at), "value": _iso(value)} for at, value in made.judged],
        statements=[_iso(vars(one)) for one in card.statements],
        neighbours=[_verdict(one) for one in card.neighbours],
        towns=[_verdict(one) for one in card.towns],
        beside={name: _verdict(one) for name, one in card.beside.items()},
        disagree=list(card.apart),
        learned={name: _iso(asdict(one)) for name, one in made.learned.items()},
        figures=dict(card.figures),
        cases=[_case(one) for one in cases],
        events=[one.as_json() for one in events],
        version=None if version is None else {
            "digest": version.digest, "at": _iso(version.at), "by": version.author, "why": version.reason,
        },
    )  # fmt: skip


def _verdict(one: Verdicts) -> dict[str, Any]:
    return {
        "town": one.town.id, "name": one.town.name, "verdict": one.verdict.name.lower(),
        "floor": one.floor.key, "reach": one.reach.key, "value": one.value,
    }  # fmt: skip


def _case(one: Case) -> dict[str, Any]:
    said = one.verdict
    told = {
        "alert": one.alert, "opened_at": one.opened_at, "ended_at": one.ended_at, "cancelled": one.cancelled,
        "peak_level": one.peak_level, "peak_value": one.peak_value,
        "verdict": None if said is None else {"judged": said.judged, "by": said.by, "why": said.why},
        "damages": [{"onset": that.onset, "what": that.what} for that in one.damages],
    }  # fmt: skip
    return {name: _iso(part) for name, part in told.items()}


def preview_view(made: Rehearsal, about: str) -> PreviewView:
    """What would be sent to whom as its twin answers it."""
    return PreviewView(
        changes=[
            {"id": one.id, "reason": one.reason.value, "from": one.from_level.key, "to": one.to_level.key}
            for one in made.changes
        ],
        sheets=[_iso(asdict(one)) for one in made.sheets],
        silent=dict(made.silent),
        withdrawn=made.withdrawn,
        decision=None if made.asked is None else made.asked.decision.value,
        about=about,
    )
