"""The brief is gathered from the rows of an instance; it changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from sqlalchemy import Connection

from alerts.answers.call_rows import Call, CallStatus, calls
from alerts.answers.closing import closings
from alerts.duty import release_rows, stand_ins
from alerts.duty.release_rows import Decision
from alerts.duty.rota import turns
from alerts.duty.routing import centre_of
from alerts.event.stages import Stage, standing
from alerts.event.state import State
from alerts.event.transition import OVER, Transition
from alerts.outgoing.desks import current
from alerts.outgoing.dispatch import Desk
from alerts.record import store, verdicts
from alerts.record.troubles import open_troubles
from ingest.database import reading
from pipeline.climate import waiting_for_baseline
from pipeline.configuration.folder import DRILLS
from pipeline.console.brief.facts import (
    Brief,
    ChangeLine,
    CrewLine,
    DamageLine,
    OpenLine,
    OwedLine,
    ReleaseLine,
    Said,
)
from pipeline.console.brief.shifts import Stretch, Which, pair_of
from pipeline.console.duty.rotas import Hole, OnDuty, coverage_of, in_place, on_duty
from pipeline.console.duty.shapes import several, subsystem
from pipeline.console.duty.silence_facts import hazard, in_force
from pipeline.health import health
from pipeline.ports import Ports

MOST = 200
"""So many lines of a sort are gathered at most."""


def brief(ports: Ports, now: datetime, which: Which) -> Brief:
    """The brief of a shift, as things stand at a moment."""
    config = ports.config
    waiting = waiting_for_baseline(config, ports.baseline)
    # Its own transaction, before the one below: neither waits for the other.
    state = health(ports.engine, config, now, waiting)
    with reading(ports.engine) as connection:
        desk = current(connection, ports.desk, now)
        centre = centre_of(desk.routes)
        shift, coming = pair_of(desk.routes.subsystems[centre], now, which)
        book = _Book(ports=ports, connection=connection, desk=desk, now=now, shift=shift, coming=coming)
        silenced = in_force(connection, config, ports.desk, now).silences
        return Brief(
            at=now,
            exercise=desk.exercise,
            which=which,
            shift=shift,
            leaving=book.watches(centre, shift),
            coming=coming,
            open=book.open(),
            watch=book.pending(),
            releases=book.releases(),
            owed=book.owed(),
            sick=book.sick(state.problems),
            notes=tuple(_said(text) for text in state.notes if not text.startswith("静默")),
            holes=book.holes(),
            crews=book.crews(),
            stand_ins=tuple(in_place(one, desk) for one in stand_ins.standing(connection, now)),
            silences=silenced,
            changes=book.changes(),
            damages=book.damages(),
            drills=book.drills(),
        )


@dataclass(frozen=True, kw_only=True)
class _Book:
    """Reads one section after the other."""

    ports: Ports
    connection: Connection
    desk: Desk
    now: datetime
    shift: Stretch
    coming: Stretch

    @cached_property
    def _states(self) -> Mapping[str, State]:
        return store.states(self.connection, self.ports.config.district.place_ids)

    @cached_property
    def _recent(self) -> list[Transition]:
        """Changes of the shift, as far as it has gone."""
        found = store.transitions(self.connection, since=self.shift.start)
        return [change for change in found if change.at < self.shift.end]

    @cached_property
    def _calls(self) -> Mapping[str, list[Call]]:
        """Alert -> its calls that no newer change overtook, of those that are open or ended in the shift."""
        names = [state.alert for state in self._states.values() if state.alert]
        names += [change.alert for change in self._recent if change.reason in OVER]
        return {
            name: [one for one in calls(self.connection, alert=name) if _counts(one)]
            for name in dict.fromkeys(names)
        }

    def open(self) -> tuple[OpenLine, ...]:
        """Open alerts, the most severe first."""
        found = [line for line in self._lines() if line.stage != Stage.PENDING]
        return tuple(sorted(found, key=lambda line: (-line.level, line.hazard.id))[:MOST])

    def pending(self) -> tuple[OpenLine, ...]:
        """What is certain and on hold."""
        found = [line for line in self._lines() if line.stage == Stage.PENDING]
        return tuple(sorted(found, key=lambda line: (-line.level, line.hazard.id))[:MOST])

    def _lines(self) -> Iterable[OpenLine]:
        for state in self._states.values():
            block = self.ports.config.hazards.get(state.hazard)
            # A hazard that left the configuration has no ladder any more, and its alert is open all the same.
            ladder, tail = (block.rule.ladder, block.conduct.tail) if block else ({}, timedelta(0))
            found = standing(state, ladder, tail)
            if found is None:
                continue
            pending = found.stage is Stage.PENDING
            until = found.until if pending else state.told_until
            mine = self._calls.get(found.alert or "", [])
            yield OpenLine(
                alert=found.alert,
                hazard=hazard(state.hazard, self.ports.config),
                level=found.level,
                stage=found.stage.value,
                towns=len(found.places),
                since=found.since if pending else found.opened_at,
                until=until,
                expiring=not pending and until is not None and until <= self.coming.end,
                clears=found.until if found.stage is Stage.CLEARING else None,
                rising=found.rising,
                blind_since=found.unjudged_since,
                waiting=tuple(
                    subsystem(one.subsystem, self.desk.routes)
                    for one in mine
                    if one.status is CallStatus.OPEN
                ),
            )

    def releases(self) -> tuple[ReleaseLine, ...]:
        """What waits for approval, the oldest first."""
        rows = release_rows.asked(self.connection, open_only=True)[:MOST]
        found = []
        for row in rows:
            change = store.transition(self.connection, row.transition)
            rule = self.desk.routes.release.get(row.level)
            asked = rule.approvers[: row.step] if rule is not None else ()
            agreed = release_rows.agreed(self.connection, row)
            found.append(
                ReleaseLine(
                    alert=row.alert,
                    hazard=hazard(change.hazard if change else row.alert, self.ports.config),
                    level=row.level,
                    held=row.decision is Decision.HELD,
                    since=row.asked_at,
                    people=several((one for one in asked if one not in agreed), self.desk.routes),
                )
            )
        return tuple(found)

    def owed(self) -> tuple[OwedLine, ...]:
        """What was asked and not answered, the oldest first."""
        found = [
            self._owed(kind, alert, one.subsystem, one.begun_at)
            for alert, mine in self._calls.items()
            for one in mine
            if (kind := _owes(one))
        ]
        ended = dict.fromkeys(change.alert for change in self._recent if change.reason in OVER)
        found += [
            self._owed("closing", alert, one.subsystem, one.asked_at)
            for alert in ended
            for one in closings(self.connection, alert)
            if one.reported_at is None
        ]
        return tuple(sorted(found, key=lambda line: line.since)[:MOST])

    def _owed(self, kind: str, alert: str, name: str, since: datetime) -> OwedLine:
        named = {state.alert: state.hazard for state in self._states.values() if state.alert}
        named |= {change.alert: change.hazard for change in self._recent}
        return OwedLine(
            kind=kind,
            alert=alert,
            hazard=hazard(named.get(alert, alert), self.ports.config),
            subsystem=subsystem(name, self.desk.routes),
            since=since,
        )

    def sick(self, problems: Iterable[str]) -> tuple[Said, ...]:
        """What is wrong, and what the operators were told of that is not over."""
        known = list(problems)
        told = [one for one in open_troubles(self.connection) if one.text not in known]
        return tuple(_said(text) for text in known) + tuple(_said(one.text, one.since) for one in told)

    def holes(self) -> tuple[Hole, ...]:
        """Gaps up to the end of the shift that takes over."""
        ahead = self.coming.end - self.now
        found = coverage_of(self.desk, self.now, ahead).holes
        return tuple(hole for hole in found if hole.end > max(self.now, self.coming.start))

    def watches(self, name: str, stretch: Stretch) -> tuple[OnDuty, ...]:
        """Who holds a stretch of time."""
        found = turns(self.desk.routes.subsystems[name], stretch.start, stretch.end)
        return tuple(on_duty(turn, self.desk) for turn in found)

    def crews(self) -> tuple[CrewLine, ...]:
        """Who holds the shift that takes over, subsystem by subsystem."""
        return tuple(
            CrewLine(subsystem=subsystem(name, self.desk.routes), turns=self.watches(name, self.coming))
            for name in self.desk.routes.subsystems
        )

    def changes(self) -> tuple[ChangeLine, ...]:
        """What changed in the shift, the newest first."""
        return tuple(
            ChangeLine(
                at=change.at,
                hazard=hazard(change.hazard, self.ports.config),
                reason=change.reason.value,
                before=change.from_level,
                after=change.to_level,
            )
            for change in self._recent[::-1][:MOST]
        )

    def damages(self) -> tuple[DamageLine, ...]:
        """What was reported in the shift, the newest first."""
        towns = {town.id: town.name for town in self.ports.config.district.towns}
        found = [
            one
            for one in verdicts.damages(self.connection)
            if self.shift.start <= one.at < self.shift.end
        ]
        return tuple(
            DamageLine(
                onset=one.onset,
                hazard=hazard(one.hazard, self.ports.config),
                places=tuple(towns.get(place, place) for place in one.places),
                what=one.what,
                source=one.source,
            )
            for one in found[::-1][:MOST]
        )

    def drills(self) -> tuple[Said, ...]:
        """Drills of which a ledger was begun in the shift."""
        found = []
        for folder in sorted((self.ports.folder / DRILLS).glob("*-*Z")):
            name, _, stamp = folder.name.rpartition("-")
            begun = _stamp(stamp)
            if begun is not None and self.shift.start <= begun < self.shift.end:
                found.append(Said(zh=f"演练“{name}”", en=f"drill “{name}”", since=begun))
        return tuple(found)


def _counts(made: Call) -> bool:
    return made.status is not CallStatus.SUPERSEDED


def _owes(made: Call) -> str:
    """What a call still asks for: ``call`` at the end of its ladder, ``facts``, or nothing."""
    if made.status is CallStatus.OPEN:
        return "call" if made.next_at is None else ""
    late = made.facts_due is not None or made.status is CallStatus.OWING
    return "facts" if late and made.facts_at is None else ""


def _said(text: str, since: datetime | None = None) -> Said:
    zh, _, en = text.partition(" / ")
    return Said(zh=zh, en=en or zh, since=since)


def _stamp(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None

