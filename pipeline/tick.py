"""A tick: one look at the weather, and everything that follows from it, in one commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts import calls, ledger, store
from alerts.incidents import engaged, in_order, share
from alerts.lifecycle import Step, Still, advance
from alerts.routing import route
from alerts.state import State
from alerts.transition import Transition
from ingest.database import writing
from pipeline.ports import Judging, Ports
from rules.findings import Findings, Verdict

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class TickReport:
    """What one tick did."""

    at: datetime
    """Its now."""
    transitions: tuple[Transition, ...]
    """Changes, in the order they were announced: the most severe first."""
    still: Mapping[str, Still]
    """Hazard -> why nothing changed."""
    unknown: Mapping[str, int]
    """Hazard -> number of towns that could not be judged."""
    findings: Mapping[str, Findings]
    """Hazard -> findings of this now."""
    planned: int
    """Delivery rows written."""


def assess(
    connection: Connection, nows: Sequence[datetime], judging: Judging
) -> dict[str, Findings]:
    """Hazard -> findings at each of `nows`, from what was known at each."""
    block = judging.archive.block(connection, nows, judging.view)
    return {
        name: found.rule.assess(name, block)
        for name, found in judging.config.hazards.items()
        if found.conduct.enabled
    }


def judge(
    states: Mapping[str, State],
    findings: Mapping[str, Findings],
    now: datetime,
    judging: Judging,
    resting: Iterable[str] = (),
    row: int = 0,
) -> dict[str, Step]:
    """Hazard -> step of its lifecycle, with the incidents the alerts share; pure.

    `now` is the one at `row` of the findings. `resting` names further hazards of which it is known that
    nothing changes at this now: they take no step, and an incident of theirs may go on in others.
    """
    steps = {}
    for name, found in findings.items():
        hazard = judging.config.hazards[name]
        steps[name] = advance(
            states.get(name) or fresh(name, judging),
            found,
            now,
            ladder=hazard.rule.ladder,
            conduct=hazard.conduct,
            row=row,
        )
    conducts = {name: block.conduct for name, block in judging.config.hazards.items()}
    return share(steps, conducts, now, {name: states[name] for name in resting})


def fresh(hazard: str, judging: Judging) -> State:
    """The state of a hazard that was never judged."""
    district = judging.config.district
    return State.fresh(hazard, district.code, district.place_ids)


def tick(now: datetime, ports: Ports) -> TickReport:
    """Judge the weather as known at `now` and write down what follows: one transaction, all or nothing."""
    with writing(ports.engine) as connection:
        states = store.states(connection, ports.config.district.place_ids)
        findings = assess(connection, [now], ports)
        steps = judge(states, findings, now, ports)
        for name, step in steps.items():
            if step.state is not states.get(name):
                store.remember(connection, step.state, now)
        changes = in_order(steps.values())
        planned = sum(_announce(connection, change, ports, now) for change in changes)
        report = TickReport(
            at=now,
            transitions=tuple(changes),
            still={name: step.still for name, step in steps.items() if step.still is not None},
            unknown={name: unknown(found) for name, found in findings.items()},
            findings=findings,
            planned=planned,
        )
        ledger.record_tick(connection, _entry(report))
    for change in report.transitions:
        log.info(
            "%s: %s, %s to %s",
            change.alert,
            change.reason.value,
            change.from_level.key,
            change.to_level.key,
            extra={"action": "transition", "transition": change.id},
        )
    return report


def _announce(connection: Connection, change: Transition, ports: Ports, now: datetime) -> int:
    calls.replace_older(connection, change, now)
    warned = store.warned(connection, change.alert)
    pages = store.pages(connection, change) if change.related else []
    notices = route(change, ports.config.routes, now, warned, engaged(pages, change))
    return calls.announce(connection, change, notices, ports.desk, now)


def unknown(findings: Findings) -> int:
    """Number of towns whose verdict is UNKNOWN at the last now."""
    return int((findings.verdict[-1] == Verdict.UNKNOWN).sum())


def _entry(report: TickReport) -> ledger.Tick:
    return ledger.Tick(
        at=report.at,
        transitions=len(report.transitions),
        still={name: still.value for name, still in report.still.items()},
        unknown=report.unknown,
    )
