"""The 1+N matrix: who hears of a change, in which role, and why - and who does not, and why not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache

from alerts.duty.people import Part, Role, Routes, Silence, Step, Who
from alerts.duty.quiet import waits_until
from alerts.duty.rota import Watch, shift_at
from alerts.event.incidents import Engaged
from alerts.event.transition import ABOUT_DATA, CALLING, TO_THE_WARNED, Reason, Transition
from ingest.times import BEIJING
from rules.level import Level

FIRST_STEP: tuple[int, Who] = (0, "duty")
"""The step every call begins with."""
SILENCED = "silenced until"
"""Begin of the reason why somebody did not hear of a change that a silence covers."""
_LEAVING_A_LEVEL = frozenset({Reason.LOWERED, Reason.CORRECTED})
_ALL_CLEAR = TO_THE_WARNED - {Reason.LOWERED}


@dataclass(frozen=True, kw_only=True, slots=True)
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
    not_before: datetime | None = None
    """End of the quiet hours in which the message and its call wait; None where nothing waits."""

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
    `engaged` need not answer for the same or a lower level again. Who is covered by a silence of `routes` is
    not told, and what does not pierce quiet hours waits.
    """
    parts = routes.matrix.get(change.hazard, {})
    heard, busy = _through(warned), list(engaged)
    notices = []
    for subsystem in routes.subsystems:
        part = parts.get(subsystem)
        if change.reason in TO_THE_WARNED:
            people = heard.get(subsystem, set())
            mine = _afterwards(change, routes, part, subsystem, people, now)
        elif (refusal := _refusal(change, routes, part, subsystem)) is not None:
            mine = [_nobody(subsystem, part, refusal)]
        else:
            mine = _by_the_matrix(change, routes, subsystem, now)
        notices += _unless_silenced(mine, change, routes, subsystem) if routes.silences else mine
    if not busy or change.reason not in CALLING:
        return notices
    return [_spare(notice, change, routes, busy) for notice in notices]


def _through(warned: Iterable[Warned]) -> dict[str, set[str]]:
    """Subsystem -> people who were told through it."""
    people: dict[str, set[str]] = {}
    for item in warned:
        people.setdefault(item.subsystem, set()).add(item.person)
    return people


def _unless_silenced(
    notices: list[Notice], change: Transition, routes: Routes, subsystem: str
) -> list[Notice]:
    silence = silence_of(change, routes, subsystem)
    if silence is None or not any(notice.told for notice in notices):
        return notices
    part = routes.matrix.get(change.hazard, {}).get(subsystem)
    until = f"{silence.until.astimezone(BEIJING):%m-%d %H:%M}"
    return [_nobody(subsystem, part, f"{SILENCED} {until} by {silence.by}: {silence.why}")]


def silence_of(change: Transition, routes: Routes, subsystem: str) -> Silence | None:
    """The silence under which a subsystem does not hear of a change; None where it does.

    News of data pierces, for silence is no safety; so does what takes an alert back from those who were told.
    """
    if change.reason in ABOUT_DATA or change.reason in _ALL_CLEAR:
        return None
    weight = max(change.from_level, change.to_level)
    for silence in routes.silences:
        meant = silence.hazard in (None, change.hazard) and silence.subsystem in (None, subsystem)
        if meant and silence.alert in (None, change.alert) and weight <= silence.level:
            return silence
    return None


def _in_the_morning(notice: Notice, change: Transition, routes: Routes, now: datetime) -> Notice:
    """The notice, put off where it falls into quiet hours that the change does not pierce."""
    if _pierces(change, routes, notice.subsystem):
        return notice if notice.not_before is None else replace(notice, not_before=None)
    if notice.not_before is not None:
        return notice
    return _put_off(notice, routes, (change.hazard, _weight(change)), now)


def _weight(change: Transition) -> Level:
    """What a change weighs against quiet hours: an extension asks nothing new, a lowering wakes nobody."""
    if change.reason is Reason.EXTENDED:
        return Level.BLUE
    if change.reason in (Reason.LOWERED, Reason.NARROWED):
        return change.to_level
    return max(change.from_level, change.to_level)


def _pierces(change: Transition, routes: Routes, subsystem: str) -> bool:
    """Whether it is the work of those on duty, whatever the level: lost data is that of the operators."""
    return change.reason is Reason.DATA_LOST and routes.subsystems[subsystem].operator


def _put_off(
    notice: Notice, routes: Routes, weighed: tuple[str | None, Level], now: datetime
) -> Notice:
    hazard, weight = weighed
    if notice.person is None:
        return notice
    until = waits_until(notice.person, routes, weight, now, hazard)
    return notice if until == notice.not_before else replace(notice, not_before=until)


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
    change: Transition, routes: Routes, subsystem: str, now: datetime
) -> list[Notice]:
    notices = call(routes, subsystem, change.hazard, change.to_level, FIRST_STEP, now)
    notices = [_in_the_morning(notice, change, routes, now) for notice in notices]
    wakes = begins(notices, subsystem, now)
    if wakes == now:
        return notices
    # What waits for the morning is for those who are on duty then.
    later = call(routes, subsystem, change.hazard, change.to_level, FIRST_STEP, wakes)
    return [replace(notice, not_before=notice.not_before or wakes) for notice in later]


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
    hazard: str | None,
    level: Level,
    step: tuple[int, Who],
    now: datetime,
) -> list[Notice]:
    """Notices for one step of a call; where its rota is empty the command centre is told instead.

    Role and task are those of the subsystem for the `hazard`; without one it is informed.
    """
    number, who = step
    part = routes.matrix.get(hazard or "", {}).get(subsystem)
    target = centre_of(routes) if who == "centre" else subsystem
    people, special = _on_duty(routes, target, who, now)
    why = f"{who} of {target}"
    if not people:
        why = f"nobody is {who} of {target}: the command centre is told instead"
        people, special = _on_duty(routes, centre_of(routes), "duty", now)
    if not people:
        return [_nobody(subsystem, part, f"nobody is {who} of {target}, nor at the command centre")]
    role: Role = part.role if part else "inform"
    if part:
        why = f"{role} from {part.lowest.key} up; {why}"
    if special:
        why = f"{why} ({special})"
    notices = [
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
    return [_put_off(notice, routes, (hazard, level), now) for notice in notices]


def ladder(routes: Routes, level: Level) -> tuple[Step, ...]:
    """The call ladder of a level; empty where nobody is called after the first message."""
    return routes.ladders.get(level, ())


def must_answer(change: Transition, notice: Notice) -> bool:
    """Whether the subsystem of a notice is called until somebody acknowledges the change."""
    called = change.reason in CALLING and notice.role != "inform"
    return called and notice.told and not notice.spared


def begins(notices: Iterable[Notice], subsystem: str, now: datetime) -> datetime:
    """When the call of a subsystem begins: with the first of its messages that goes out."""
    mine = [item for item in notices if item.subsystem == subsystem and item.told]
    return min((item.not_before or now for item in mine), default=now)


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
        told = [_to_a_warned(change, subsystem, part, person) for person in people]
    elif change.reason in _LEAVING_A_LEVEL and _refusal(change, routes, part, subsystem) is None:
        told = call(routes, subsystem, change.hazard, change.to_level, FIRST_STEP, now)
    else:
        gone = "was warned through people the configuration has no more"
        return [_nobody(subsystem, part, gone if warned else "was not warned of this alert")]
    return [_in_the_morning(notice, change, routes, now) for notice in told]


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
    return _untold(subsystem, part.role if part else "inform", why)


@lru_cache(maxsize=1024)
def _untold(subsystem: str, role: Role, why: str) -> Notice:
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


def centre_of(routes: Routes) -> str:
    """Id of the one command centre."""
    return next(name for name, subsystem in routes.subsystems.items() if subsystem.centre)


def _on_duty(
    routes: Routes, subsystem: str, who: Who, now: datetime
) -> tuple[tuple[str, ...], str]:
    """Ids of the people, and why it is they where the shifts alone do not say so."""
    watch: Watch | None = shift_at(routes.subsystems[subsystem], now)
    if watch is None:
        return (), ""
    return (watch.deputy if who == "deputy" else watch.duty), watch.why
