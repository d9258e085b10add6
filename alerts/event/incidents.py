"""Incidents: alerts of one chain of hazards are told together, and do not call the same people twice.

Rain, then ponding, then slides are one event to those who must act. What a hazard's lifecycle decides never
depends on the others: incidents are laid over the steps of a tick afterwards. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from alerts.event.conduct import Conduct
from alerts.event.lifecycle import Step
from alerts.event.state import State
from alerts.event.transition import ABOUT_DATA, CALLING, OVER, Reason, Transition
from ingest.times import utc
from rules.level import Level


def share(
    steps: Mapping[str, Step],
    conducts: Mapping[str, Conduct],
    now: datetime,
    resting: Mapping[str, State] = MappingProxyType({}),
) -> dict[str, Step]:
    """Give every alert its incident, and tell each change which other alerts are open in it.

    An alert that opens joins the incident of its chain while an alert of that is open, or ended less than
    its `incident_linger` ago; otherwise it begins a new one. An alert keeps its incident until it ends.

    Parameters
    ----------
    steps : mapping
        Hazard name -> its step at `now`, of all hazards that take one, in any order.
    resting : mapping
        Hazard name -> state, of further hazards that take no step at `now`.
    """
    if not any(step.transitions or _begins(step) for step in steps.values()):
        return dict(steps)
    states = _joined(steps, resting, conducts, now)
    return {name: _shared(step, states) for name, step in steps.items()}


def _shared(step: Step, states: Mapping[str, State]) -> Step:
    state = states[step.state.hazard]
    if not step.transitions and state is step.state:
        return step
    placed = tuple(_placed(change, states) for change in step.transitions)
    return Step(state=state, transitions=placed, still=step.still)


def in_order(steps: Iterable[Step]) -> list[Transition]:
    """The changes of one tick as they are announced: the most severe first, then by name of the hazard.

    Whoever is called for the greater danger need not be called again for the lesser one of the same tick.
    """
    changes = [change for step in steps for change in step.transitions]
    return sorted(changes, key=lambda change: (-change.to_level, change.hazard))


def _begins(step: Step) -> bool:
    """Whether an alert has just opened, or is open since before alerts had incidents."""
    if step.state.alert is not None and step.state.incident is None:
        return True
    return any(change.reason is Reason.OPENED for change in step.transitions)


def _joined(
    steps: Mapping[str, Step],
    resting: Mapping[str, State],
    conducts: Mapping[str, Conduct],
    now: datetime,
) -> dict[str, State]:
    states = dict(resting) | {name: _dated(step, now) for name, step in steps.items()}
    begun = [name for name, step in steps.items() if _begins(step)]
    alive = _alive(states, conducts, now)
    for name in begun:
        state, chain = states[name], conducts[name].incident
        incident = state.alert
        if chain is not None:
            incident = alive.setdefault(chain, f"{state.district}-{chain}-{utc(now):%Y%m%dT%H%M%SZ}")
        states[name] = replace(state, incident=incident, ended_at=None)
    return states


def _dated(step: Step, now: datetime) -> State:
    ended = any(change.reason in OVER for change in step.transitions)
    return replace(step.state, ended_at=now) if ended else step.state


def _alive(
    states: Mapping[str, State], conducts: Mapping[str, Conduct], now: datetime
) -> dict[str, str]:
    """Chain -> its incident, where an alert of it is open or ended a short while ago."""
    found: dict[str, str] = {}
    for name, state in states.items():
        conduct = conducts[name]
        lingers = state.ended_at is None or now - state.ended_at < conduct.incident_linger
        if conduct.incident and state.incident and lingers:
            # Two can be alive only where the configuration was changed meanwhile: the later one goes on.
            found[conduct.incident] = max(found.get(conduct.incident, ""), state.incident)
    return found


def _placed(change: Transition, states: Mapping[str, State]) -> Transition:
    """A change with its incident; news of data without an open alert belongs to none but its own."""
    incident = states[change.hazard].incident
    if incident is None or (change.reason in ABOUT_DATA and not change.to_level):
        return replace(change, incident=change.alert)
    open_ones = {
        name: state.top
        for name, state in states.items()
        if name != change.hazard and state.alert is not None and state.incident == incident
    }
    ranked = sorted(open_ones.items(), key=lambda one: (-one[1], one[0]))
    return replace(change, incident=incident, related=dict(ranked))


@dataclass(frozen=True, kw_only=True)
class Page:
    """A call that was made for a change."""

    incident: str
    """Incident of the change."""
    alert: str
    """Alert of the change."""
    hazard: str
    """Its hazard."""
    subsystem: str
    """Id of the subsystem that was called."""
    level: Level
    """Level it was called for."""
    begun_at: datetime
    """When."""
    answered: bool
    """Whether somebody acknowledged; else it is still being called, or was a moment ago."""


@dataclass(frozen=True, kw_only=True)
class Engaged:
    """A subsystem that is already called for, or has acknowledged, another alert of an incident."""

    subsystem: str
    """Id of the subsystem."""
    hazard: str
    """Hazard of the other alert."""
    level: Level
    """The level it was called for, or the lower one at which that alert stands now."""
    answered: bool
    """Whether somebody acknowledged."""


def engaged(pages: Iterable[Page], change: Transition) -> list[Engaged]:
    """Which calls count when a change is announced: those of other alerts of its incident that are open.

    A call counts for no more than the level at which its alert still stands: who was called for a red that
    has been lowered since has stood down. For a change that calls nobody none counts.
    """
    if change.reason not in CALLING:
        return []
    return [
        Engaged(
            subsystem=page.subsystem,
            hazard=page.hazard,
            level=min(page.level, change.related[page.hazard]),
            answered=page.answered,
        )
        for page in pages
        if page.incident == change.incident
        and page.alert != change.alert
        and page.hazard in change.related
    ]
