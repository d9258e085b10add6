"""A tick: one look at the weather, and everything that follows from it, in one commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection

from alerts.duty import release
from alerts.event import orders
from alerts.event.incidents import in_order, share
from alerts.event.lifecycle import Step, Still, advance
from alerts.event.orders import Order
from alerts.event.state import State
from alerts.event.transition import Transition
from alerts.outgoing import desks
from alerts.record import ledger, store
from ingest.database import writing
from pipeline.ports import Judging, Ports
from rules.findings import Findings, Verdict
from rules.lending import lent

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
    """Hazard -> findings at each of `nows`, from what was known at each.

    Where a hazard that learned was promoted, the findings of its physical rule have its levels wherever its
    chances are known.
    """
    block = judging.archive.block(connection, nows, judging.view)
    found = {
        name: hazard.rule.assess(name, block)
        for name, hazard in judging.config.hazards.items()
        if hazard.conduct.enabled
    }
    for name, hazard in judging.config.aside.items():
        target = hazard.conduct.instead_of
        if hazard.conduct.enabled and not hazard.conduct.shadow and target in found:
            found[target] = lent(found[target], hazard.rule.assess(name, block))
    return found


def judge(  # noqa: PLR0913 - what is judged, and by what, each given by name
    states: Mapping[str, State],
    findings: Mapping[str, Findings],
    now: datetime,
    judging: Judging,
    resting: Iterable[str] = (),
    row: int = 0,
    given: Mapping[str, Order] = MappingProxyType({}),
) -> dict[str, Step]:
    """Hazard -> step of its lifecycle, with the incidents the alerts share; pure.

    `now` is the one at `row` of the findings. `resting` names further hazards of which it is known that
    nothing changes at this now: they take no step, and an incident of theirs may go on in others. `given` are
    the orders of people by hazard; a replay has none, and tells what the rules alone would have done.
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
            order=given.get(name),
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
        given = orders.untaken(connection)
        # The last word on a hazard counts.
        steps = judge(states, findings, now, ports, given={one.hazard: one for one in given})
        orders.take(connection, given, now)
        for name, step in steps.items():
            if step.state is not states.get(name):
                store.remember(connection, step.state, now)
        changes = in_order(steps.values())
        desk = desks.current(connection, ports.desk, now)
        planned = sum(release.announce(connection, change, desk, now) for change in changes)
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
