"""What the page of an alert shows of it: where it stands, who has it, where, and who is to do what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.answers import clocks
from alerts.answers.clocks import Clocks
from alerts.answers.facts import Facts
from alerts.answers.reports import Report, reports
from alerts.duty import release_rows
from alerts.duty.people import Role
from alerts.duty.release_rows import Asked, Vote
from alerts.duty.routing import task_of
from alerts.event.stages import Stage, Standing, ended, standing
from alerts.event.state import Cap, State
from alerts.event.transition import ABOUT_DATA, OVER, Transition
from alerts.record import ledger, store, timeline, verdicts
from alerts.record.store import Acknowledgement, Call, CallStatus
from alerts.record.verdicts import Verdict
from ingest.errors import UnknownName
from pipeline.config import Config
from pipeline.ports import Ports
from rules.level import Level

_ROLES: Mapping[Role, int] = {"lead": 0, "support": 1, "inform": 2}


@dataclass(frozen=True, kw_only=True)
class Sibling:
    """Another alert of the same incident."""

    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of the hazard block."""
    level: Level
    """Where it stands; NONE where it is over."""
    over: bool
    """Whether it is."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A release that can still be decided, or was."""

    asked: Asked
    """How it stands."""
    votes: tuple[Vote, ...]
    """Every word on it."""
    approvers: tuple[str, ...]
    """Ids of those who may decide."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """Where an alert stands."""

    alert: str
    """Identifier of the alert."""
    hazard: str
    """Name of the hazard block."""
    standing: Standing
    """Stage, level and towns."""
    change: Transition
    """Its newest change that is about the hazard."""
    newest: str
    """Identifier of its newest change of all: what a decision is made in the sight of."""
    changes: tuple[Transition, ...]
    """All its changes, the oldest first."""
    as_of: datetime
    """Moment of the last tick, by which all this holds."""
    cap: Cap | None
    """What a person set the hazard to, of this alert."""
    siblings: tuple[Sibling, ...]
    """The other alerts of its incident."""
    words: tuple[Acknowledgement, ...]
    """Who has it: of each subsystem the last acknowledgement that ended a call."""
    calls: tuple[Call, ...]
    """Every call made for it."""
    release: Waiting | None
    """The newest release; None where none was needed."""
    verdict: Verdict | None
    """What was said of it afterwards."""

    @property
    def open(self) -> bool:
        """Whether it is not over."""
        return self.standing.stage is not Stage.ENDED

    @property
    def level(self) -> Level:
        """Level that stands."""
        return self.standing.level

    @property
    def until(self) -> datetime | None:
        """What is counted down to: the foreseen lowering or end, or the last hour that meets the level."""
        return self.standing.until or (self.change.expires if self.open else None)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Subsystems that are being called and have not answered."""
        return tuple(dict.fromkeys(one.subsystem for one in self.calls if one.status is CallStatus.OPEN))

    @property
    def evidence_at(self) -> datetime:
        """The moment of its evidence: now while it is open, else when it had its highest level."""
        if self.open:
            return self.as_of
        return next(one.at for one in self.changes if one.to_level == max(c.to_level for c in self.changes))


def head_of(connection: Connection, ports: Ports, alert: str) -> Head:
    """Where an alert stands as of the last tick; UnknownName where it is not recorded."""
    changes = store.transitions(connection, alert=alert)
    if not changes:
        raise UnknownName(f"没有预警“{alert}” / there is no alert {alert!r}")
    told = [one for one in changes if one.reason not in ABOUT_DATA] or changes
    newest, config = told[-1], ports.config
    state = store.states(connection, config.district.place_ids).get(newest.hazard)
    words = store.acknowledgements(connection, alert)
    tick = ledger.last_tick(connection)
    return Head(
        alert=alert,
        hazard=newest.hazard,
        standing=_standing(config, state, newest),
        change=newest,
        newest=changes[-1].id,
        changes=tuple(changes),
        as_of=changes[-1].at if tick is None else tick.at,
        cap=_cap(state, newest),
        siblings=tuple(_siblings(connection, newest)),
        words=tuple({word.subsystem: word for word in words if word.effective}.values()),
        calls=tuple(store.calls(connection, alert=alert)),
        release=_release(connection, ports, alert),
        verdict=verdicts.verdicts(connection).get(alert),
    )


def _standing(config: Config, state: State | None, newest: Transition) -> Standing:
    block = config.hazards.get(newest.hazard)
    if state is not None and block is not None and state.alert == newest.alert:
        found = standing(state, block.rule.ladder, block.conduct.tail)
        if found is not None:
            return found
    return ended(newest)


def _cap(state: State | None, newest: Transition) -> Cap | None:
    """A cap outlives an alert that was cancelled by it; it is no matter of an older one."""
    if state is None or state.cap is None:
        return None
    mine = state.alert == newest.alert or (state.alert is None and state.ended_at == newest.at)
    return state.cap if mine else None


def _siblings(connection: Connection, newest: Transition) -> list[Sibling]:
    found = []
    for alert in timeline.incident_alerts(connection, newest.incident) if newest.incident else []:
        if alert != newest.alert:
            last = store.transitions(connection, alert=alert)[-1]
            over = last.reason in OVER
            level = Level.NONE if over else last.to_level
            found.append(Sibling(alert=alert, hazard=last.hazard, level=level, over=over))
    return sorted(found, key=lambda one: (-one.level, one.hazard))


def _release(connection: Connection, ports: Ports, alert: str) -> Waiting | None:
    row = release_rows.last_of(connection, alert)
    if row is None:
        return None
    rule = ports.desk.routes.release.get(row.level)
    votes = tuple(release_rows.votes(connection, row))
    return Waiting(asked=row, votes=votes, approvers=() if rule is None else rule.approvers)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What one subsystem is to do, and how it answered."""

    subsystem: str
    """Id of the subsystem."""
    role: Role
    """Its role for the hazard."""
    lowest: Level
    """Lowest level it hears of."""
    concerned: bool
    """Whether the level reaches it."""
    task: Mapping[str, str]
    """Language -> what it is asked to do; empty where nothing is."""
    call: Call | None
    """Its newest call; None where it was not called."""
    facts: Facts | None
    """What it reported; None where it reported nothing."""


def tasks(connection: Connection, ports: Ports, head: Head) -> list[Task]:
    """The matrix of the hazard at the level of an alert, the lead first; of one that is over at its peak."""
    level = head.level or head.standing.peak_level
    told = reports(connection, head.alert)
    matrix = ports.desk.routes.matrix.get(head.hazard, {})
    found = [
        Task(
            subsystem=name,
            role=part.role,
            lowest=part.lowest,
            concerned=level >= part.lowest,
            task=task_of(part, level),
            call=next((one for one in reversed(head.calls) if one.subsystem == name), None),
            facts=_facts(told, name),
        )
        for name, part in matrix.items()
    ]
    return sorted(found, key=lambda one: (not one.concerned, _ROLES[one.role]))


def _facts(told: Sequence[Report], subsystem: str) -> Facts | None:
    mine = [one.facts for one in told if one.subsystem == subsystem and one.kind == "facts"]
    return mine[-1] if mine else None


@dataclass(frozen=True, kw_only=True)
class Knowing:
    """Who knows and who does not."""

    people: tuple[Clocks, ...]
    """A page of them, who does not know yet first."""
    known: int
    """How many are known to know."""
    all: int
    """How many were to be told."""
    page: int
    """Which page this is, from 1."""
    pages: int
    """How many there are, at least 1."""


def knowing(connection: Connection, ports: Ports, alert: str, page: int, most: int = 40) -> Knowing:
    """The five clocks of those who were to be told of an alert, a page at a time."""
    found = clocks.clocks(connection, alert, ports.desk.routes.people)
    first = (page - 1) * most
    return Knowing(
        people=tuple(found[first : first + most]),
        known=sum(one.knows for one in found),
        all=len(found),
        page=page,
        pages=max(1, -(-len(found) // most)),
    )




def left(until: datetime | None, now: datetime) -> timedelta | None:
    """Time until a moment; None where there is none, or it is over."""
    return None if until is None or until <= now else until - now
