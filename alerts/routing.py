"""The 1+N matrix: who hears of a change, in which role, and why - and who does not, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.incidents import Engaged
from alerts.people import Part, Role, Routes, Step, Who
from alerts.rota import shift_at
from alerts.transition import ABOUT_DATA, CALLING, Reason, Transition
from rules.level import Level

FIRST_STEP: tuple[int, Who] = (0, "duty")
"""The step every call begins with."""
_TO_THE_WARNED = frozenset({Reason.LOWERED, Reason.ENDED})


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One decision of the router: a person who is told, or a subsystem that is not."""

    subsystem: str
    """Id of the subsystem."""
    person: str | None
    """Id of the person; None where nobody is told."""
    role: Role
    """Role of the subsystem for this hazard."""
    task: dict[str, str]
    """Language -> what the subsystem is asked to do; empty where nothing is."""
    step: int
    """Step of the call ladder, 0 for the first."""
    why: str
    """The reason in words, for yes and for no."""
    spared: bool = False
    """True where the subsystem need not answer, because it is called for the same incident already."""

    @property
    def told(self) -> bool:
        """Whether somebody is told."""
        return self.person is not None


@dataclass(frozen=True, kw_only=True)
class Warned:
    """Somebody who was told of an alert."""

    subsystem: str
    """Id of the subsystem through which."""
    person: str
    """Id of the person."""


def route(
    change: Transition,
    routes: Routes,
    now: datetime,
    warned: Iterable[Warned] = (),
    engaged: Iterable[Engaged] = (),
) -> list[Notice]:
    """Decide for every subsystem who hears of a change at `now`.

    Openings, rises, spreads and extensions follow the matrix; what lowers or ends an alert goes to exactly
    those in `warned`, a lowering also to those whom the level that is left concerns and who were not; lost
    data goes to the operators and, where an alert is open, to its lead. Of those who are told, the ones in
    `engaged` need not answer for the same or a lower level again.
    """
    parts = routes.matrix.get(change.hazard, {})
    heard, busy = list(warned), list(engaged)
    notices = []
    for subsystem in routes.subsystems:
        part = parts.get(subsystem)
        if change.reason in _TO_THE_WARNED:
            people = {item.person for item in heard if item.subsystem == subsystem}
            notices += _afterwards(change, routes, part, subsystem, people, now)
        else:
            notices += _by_the_matrix(change, routes, part, subsystem, now)
    if not busy or change.reason not in CALLING:
        return notices
    return [_spare(notice, change, routes, busy) for notice in notices]


def _spare(
    notice: Notice, change: Transition, routes: Routes, engaged: Iterable[Engaged]
) -> Notice:
    """The notice without a demand to answer, where the subsystem has the incident already."""
    reasons = [
        other
        for other in engaged
        if other.subsystem == notice.subsystem
        and other.level >= change.to_level
        and (notice.role != "lead" or _leads(other, routes))
    ]
    if not reasons or not must_answer(change, notice):
        return notice
    other = max(reasons, key=lambda one: one.level)
    done = "has acknowledged" if other.answered else "already called for"
    why = f"{notice.why}; {done} {other.hazard} {other.level.key} in this incident"
    return replace(notice, spared=True, why=why)


def _leads(other: Engaged, routes: Routes) -> bool:
    """Whether the subsystem is called as the lead: "I have it" of a supporter is too little to lead by."""
    part = routes.matrix.get(other.hazard, {}).get(other.subsystem)
    return part is not None and part.role == "lead"


def _by_the_matrix(
    change: Transition, routes: Routes, part: Part | None, subsystem: str, now: datetime
) -> list[Notice]:
    refusal = _refusal(change, routes, part, subsystem)
    if refusal is not None:
        return [_nobody(subsystem, part, refusal)]
    return call(routes, subsystem, part, change.to_level, FIRST_STEP, now)


def _refusal(
    change: Transition, routes: Routes, part: Part | None, subsystem: str
) -> str | None:
    """Why a subsystem does not hear of a change; None where it does."""
    if change.reason in ABOUT_DATA:
        leads = part is not None and part.role == "lead" and change.to_level > Level.NONE
        concerned = routes.subsystems[subsystem].operator or leads
        return None if concerned else "lost data concerns the operators and the lead of an open alert"
    if part is None:
        return f"no part in {change.hazard} in the matrix"
    if change.reason is Reason.NARROWED:
        return "a narrowing is recorded, not sent"
    if change.to_level < part.lowest:
        return f"hears of {part.lowest.key} and above, this is {change.to_level.key}"
    return None


def call(
    routes: Routes,
    subsystem: str,
    part: Part | None,
    level: Level,
    step: tuple[int, Who],
    now: datetime,
) -> list[Notice]:
    """Notices for one step of a call; where its rota is empty the command centre is told instead."""
    number, who = step
    target = _centre(routes) if who == "centre" else subsystem
    people = _on_duty(routes, target, who, now)
    why = f"{who} of {target}"
    if not people:
        why = f"nobody is {who} of {target}: the command centre is told instead"
        people = _on_duty(routes, _centre(routes), "duty", now)
    if not people:
        return [_nobody(subsystem, part, f"nobody is {who} of {target}, nor at the command centre")]
    role: Role = part.role if part else "inform"
    if part:
        why = f"{role} from {part.lowest.key} up; {why}"
    return [
        Notice(
            subsystem=subsystem,
            person=person,
            role=role,
            task=task_of(part, level),
            step=number,
            why=why,
        )
        for person in people
    ]


def ladder(routes: Routes, level: Level) -> tuple[Step, ...]:
    """The call ladder of a level; empty where nobody is called after the first message."""
    return routes.ladders.get(level, ())


def must_answer(change: Transition, notice: Notice) -> bool:
    """Whether the subsystem of a notice is called until somebody acknowledges the change."""
    called = change.reason in CALLING and notice.role != "inform"
    return called and notice.told and not notice.spared


def _afterwards(
    change: Transition,
    routes: Routes,
    part: Part | None,
    subsystem: str,
    warned: set[str],
    now: datetime,
) -> list[Notice]:
    """Notices of a lowering or an end, to those of a subsystem who were warned.

    Whoever never heard of an alert needs no all-clear, but must hear of the level that stands. Who left the
    configuration since has no address any more; a change must not fail for that.
    """
    people = sorted(warned & routes.people.keys())
    if people:
        return [_to_a_warned(change, subsystem, part, person) for person in people]
    if change.reason is Reason.LOWERED and _refusal(change, routes, part, subsystem) is None:
        return call(routes, subsystem, part, change.to_level, FIRST_STEP, now)
    gone = "was warned through people the configuration has no more"
    return [_nobody(subsystem, part, gone if warned else "was not warned of this alert")]


def _to_a_warned(change: Transition, subsystem: str, part: Part | None, person: str) -> Notice:
    return Notice(
        subsystem=subsystem,
        person=person,
        role=part.role if part else "inform",
        task=task_of(part, change.to_level),
        step=0,
        why="was warned of this alert",
    )


def _nobody(subsystem: str, part: Part | None, why: str) -> Notice:
    role: Role = part.role if part else "inform"
    return Notice(subsystem=subsystem, person=None, role=role, task={}, step=0, why=why)


def task_of(part: Part | None, level: Level) -> dict[str, str]:
    """Language -> what a subsystem is asked to do at a level; empty where the matrix asks nothing."""
    if part is None:
        return {}
    known = [own for own in sorted(part.tasks) if own <= level]
    if not known:
        return {}
    advice = part.tasks[known[-1]]
    return {"zh": advice.zh, "en": advice.en}


def _centre(routes: Routes) -> str:
    return next(name for name, subsystem in routes.subsystems.items() if subsystem.centre)


def _on_duty(routes: Routes, subsystem: str, who: Who, now: datetime) -> tuple[str, ...]:
    shift = shift_at(routes.subsystems[subsystem], now)
    if shift is None:
        return ()
    return shift.deputy if who == "deputy" else shift.duty
