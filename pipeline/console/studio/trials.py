"""What a ladder would have done in a past beside today's: measured once, tried at once."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pipeline.config import Config, HazardBlock
from pipeline.configuration.patch import Edit
from pipeline.console.studio.ladders import Ladder, Turned
from pipeline.replay.mail import night_of
from pipeline.tune.course import Course, Step
from pipeline.tune.figures import HIT, MISS, Calendar, Judge
from pipeline.tune.intervals import figures
from pipeline.tune.pages import Page, Pager
from pipeline.tune.plan import Plan
from pipeline.tune.sweep import Swept
from pipeline.verify.bootstrap import FEW, Figure
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Windows, match
from pipeline.verify.warned import Warned
from rules.level import Level

_AFRESH_S = 30.0
_DRAWS, _SEED = 1_000, 1

Fate = Literal["hit", "late", "near", "miss"]
Events = Callable[[], Sequence[Occurrence]]
"""Reads what happened."""


@dataclass(frozen=True, kw_only=True)
class Score:
    """Warnings of a level and above against the events that deserved them."""

    level: Level
    """The level."""
    events: int
    """Events that deserved it."""
    hits: int
    """Those warned of in time."""
    misses: int
    """Those that were not; late and nearly right ones count here."""
    false_alarms: int
    """Warnings without an event in time; nearly right ones count here."""
    pod: Figure
    """Share of the events that were hit, with its 90 % interval."""
    far: Figure
    """Share of the warnings in vain, with its 90 % interval."""
    fates: tuple[tuple[str, Fate], ...]
    """(Event, what became of it), by onset."""

    @property
    def few(self) -> bool:
        """Whether so few events are behind it that nothing should be decided by it alone."""
        return self.events < FEW


@dataclass(frozen=True, kw_only=True)
class Side:
    """One ladder on a past."""

    steps: tuple[Step, ...]
    """Every change of the levels of towns."""
    bands: tuple[tuple[datetime, Level], ...]
    """(Moment, highest level of the district from then on)."""
    scores: tuple[Score, ...]
    """By level, the highest first."""
    pages: int
    """Changes for which somebody is called, each once however many are."""
    night_pages: int
    """Those of them that call somebody at night."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A turned ladder beside today's."""

    id: str
    """Name of the trial: the same for the same ladder on the same past."""
    block: HazardBlock
    """The hazard that was tried."""
    today: Side
    """What the rules in the file do."""
    proposal: Side
    """What the turned ladder does."""
    gone: tuple[Step, ...]
    """Changes under today's rules only."""
    new: tuple[Step, ...]
    """Changes under the proposal only."""
    edits: tuple[Edit, ...]
    """What differs from the file."""
    turned: dict[str, float | int | str]
    """Key -> value of the whole ladder."""
    took_s: float
    """Time it took [s]."""

    @property
    def same(self) -> bool:
        """Whether nothing was turned."""
        return not self.edits


class Ground:
    """A past on which ladders of one hazard are tried."""

    def __init__(
        self, name: str, ladder: Ladder, swept: Swept, span: tuple[datetime, datetime], config: Config,
        known: tuple[Windows, Events],
    ) -> None:  # fmt: skip
        """Nothing is tried yet; `name` is that of the study, `known` how events are matched, and which."""
        self.name, self.ladder, self.config = name, ladder, config
        self.calendar = Calendar(start=span[0], end=span[1])
        self._windows, self._read = known
        self._swept = [swept]
        self._pager = Pager(
            hazard=ladder.hazard, routes=config.routes, dark=night_of(config.service.night)
        )
        self._told: tuple[float, list[Occurrence], Side] | None = None

    @property
    def first(self) -> Swept:
        """The past as today's rules measure it."""
        return self._swept[0]

    @property
    def events(self) -> list[Occurrence]:
        """What happened in the period."""
        return self._today()[0]

    def add(self, swept: Swept) -> None:
        """A past measured in a further way; the oldest of many is forgotten."""
        self._swept[1:] = [*self._swept[1:][-15:], swept]

    def knows(self, block: HazardBlock) -> bool:
        """Whether a hazard can be tried at once, because its metrics are there."""
        return any(swept.knows([block]) for swept in self._swept)

    def try_(self, turned: Turned) -> Outcome:
        """Try a ladder; ConfigMistake where it is none. Its metrics must be there (`knows`)."""
        begun = time.monotonic()
        values = self.ladder.values(turned)
        block = self.ladder.made(values)
        events, today = self._today()
        edits = self.ladder.edits(values)
        proposal = self._side(block, events) if edits else today
        before = {_key(step) for step in today.steps}
        after = {_key(step) for step in proposal.steps}
        full = self.ladder.turned(values)
        return Outcome(
            id=_id(self.name, self.ladder.hazard, full),
            block=block,
            today=today,
            proposal=proposal,
            gone=tuple(step for step in today.steps if _key(step) not in after),
            new=tuple(step for step in proposal.steps if _key(step) not in before),
            edits=edits,
            turned=full,
            took_s=time.monotonic() - begun,
        )

    def course(self, block: HazardBlock) -> Course:
        """What the alerts of a hazard would have done."""
        swept = next(one for one in self._swept if one.knows([block]))
        return next(iter(swept.courses([block])))

    def _today(self) -> tuple[list[Occurrence], Side]:
        """What happened, and what today's rules made of it; read again after half a minute."""
        if self._told is None or time.monotonic() - self._told[0] > _AFRESH_S:
            events = [
                one
                for one in self._read()
                if one.hazard == self.ladder.hazard
                and self.calendar.start <= one.onset <= self.calendar.end
            ]
            self._told = time.monotonic(), events, self._side(self.ladder.today, events)
        return self._told[1:]

    def _side(self, block: HazardBlock, events: Sequence[Occurrence]) -> Side:
        course = self.course(block)
        steps, warnings = tuple(course.steps()), course.warned(self.ladder.hazard)
        pages = [page for step in steps if (page := self._page(step)) is not None]
        bands = [(at, level) for one in warnings for at, level in one.steps]
        levels = sorted(block.rule.ladder, reverse=True)
        return Side(
            steps=steps,
            bands=tuple(bands),
            scores=tuple(self._score(level, warnings, events, course) for level in levels),
            pages=len(pages),
            night_pages=sum(page.night for page in pages),
        )

    def _page(self, step: Step) -> Page | None:
        return self._pager.page(step.at, step.before, step.after)

    def _score(
        self, level: Level, warnings: Sequence[Warned], events: Sequence[Occurrence], course: Course
    ) -> Score:
        found = match(warnings, events, self._windows, level)
        plan = Plan(hazard=self.ladder.hazard, vary={}, maximise="csi", level=level)
        judge = Judge(plan=plan, events=events, windows=self._windows, pager=self._pager)
        cases = judge.cases(course)
        blocks = self.calendar.by_block(cases)
        told = figures(("pod", "far"), blocks, self.calendar, _DRAWS, _SEED)
        fates: dict[str, Fate] = {one.id: "miss" for one in found.deserved}
        fates |= {one.occurrence.id: "near" for one in found.near_hits if one.occurrence.id in fates}
        fates |= {one.occurrence.id: "late" for one in found.late}
        fates |= {one.occurrence.id: "hit" for one in found.hits}
        order = {one.id: one.onset for one in events}
        return Score(
            level=level,
            events=len(found.deserved),
            hits=int(cases.sums[HIT]),
            misses=int(cases.sums[MISS]),
            false_alarms=len(found.unmatched),
            pod=told["pod"],
            far=told["far"],
            fates=tuple(sorted(fates.items(), key=lambda pair: (order[pair[0]], pair[0]))),
        )


def _key(step: Step) -> tuple[object, ...]:
    return step.at, step.before, step.after, tuple(sorted(step.places.items()))


def _id(study: str, hazard: str, turned: dict[str, float | int | str]) -> str:
    said = json.dumps([study, hazard, turned], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:16]
