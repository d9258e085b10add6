"""Tries the ladders of a plan on a past: measured once, then each ladder's course, cases and figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ingest.errors import ConfigMistake
from pipeline.config import Config, HazardBlock
from pipeline.replay.run import Period
from pipeline.tune.board import Board, Trial
from pipeline.tune.candidates import Candidate, Values, Workshop
from pipeline.tune.course import Course
from pipeline.tune.figures import Calendar, Judge
from pipeline.tune.gather import Progress
from pipeline.tune.plan import Plan
from pipeline.tune.search import search
from pipeline.tune.sweep import THRESHOLDS, Swept, sweep

T = TypeVar("T")

MOST_SHAPES = 64
"""A plan whose windows and conditions make more metrics than this is refused."""


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A past, and what is asked of it."""

    plan: Plan
    """What varies, and what is wanted."""
    config: Config
    """The configuration in force."""
    period: Period
    """The past."""
    judge: Judge
    """Counts what a course was worth."""
    workshop: Workshop
    """Makes ladders."""
    progress: Progress
    """Told how far the past is read."""
    spent: dict[str, float] = field(default_factory=dict)
    """What it took so far: ``measure_s``, ``try_s`` [s] and ``kept_mb`` [MB]."""

    @property
    def calendar(self) -> Calendar:
        """The years of the past."""
        return Calendar(start=self.period.start, end=self.period.end)

    def board(self) -> tuple[Board, Swept]:
        """Every ladder of the plan and what it was worth, today's first; and the past they were tried on."""
        today = self.workshop.today()
        swept = self._timed("measure_s", lambda: self._measured(today))
        self.spent["kept_mb"] = swept.kept_bytes / 1e6
        trials = self._timed("try_s", lambda: self._tried(swept, [today]))

        def worth(every: Sequence[Values]) -> npt.NDArray[np.float64]:
            fresh = {values: self.workshop.make(values) for values in every}
            # What the file leaves to a default may be written out in the plan: that is today's ladder too.
            made = [one for one in fresh.values() if one is not None and one.block != today.block]
            trials.extend(self._timed("try_s", lambda: self._tried(swept, made)))
            return self._worth(trials, every)

        search(self.plan, worth)
        return Board.of(self.plan, self.calendar, trials), swept

    def courses(self, swept: Swept, blocks: Sequence[HazardBlock]) -> Iterator[Course]:
        """The courses of some ladders; where thresholds are not all there is to them, judged anew."""
        if not swept.knows(blocks):
            swept = sweep(self.config, self.period, blocks, self.progress)
        return swept.courses(blocks)

    def _measured(self, today: Candidate) -> Swept:
        """The past by every shape that the plan can make."""
        blocks = [today.block, *self._shapes(today)]
        return sweep(self.config, self.period, blocks, self.progress)

    def _shapes(self, today: Candidate) -> list[HazardBlock]:
        """A hazard of each shape: what is no threshold varies, thresholds are those of the first that fit."""
        choices = self.plan.choices
        wide = {trail: values for trail, values in choices.items() if trail[-1] not in THRESHOLDS}
        if not wide:
            return []
        number = int(np.prod([len(values) for values in wide.values()], dtype=float))
        if number > MOST_SHAPES:
            raise ConfigMistake(
                f"the plan varies {', '.join('.'.join(map(str, t)) for t in wide)} in {number} ways, and each"
                f" reads the past anew; name fewer of them, {MOST_SHAPES} ways at most"
            )
        found = [self._fitting(dict(zip(wide, one, strict=True)), today) for one in product(*wide.values())]
        return [block for block in found if block is not None]

    def _fitting(self, fixed: dict[object, object], today: Candidate) -> HazardBlock | None:
        """A hazard with some values fixed, with any thresholds that it allows."""
        choices = self.plan.choices
        now = dict(zip(choices, today.values, strict=True))
        present = [(fixed.get(trail, now[trail]),) for trail in choices]
        every = [(fixed[trail],) if trail in fixed else values for trail, values in choices.items()]
        for options in (present, every):
            for values in product(*options):
                made = self.workshop.make(values)
                if made is not None:
                    return made.block
        return None

    def _tried(self, swept: Swept, made: Sequence[Candidate]) -> list[Trial]:
        courses = self.courses(swept, [one.block for one in made])
        return [
            Trial(candidate=one, cases=self.judge.cases(course))
            for one, course in zip(made, courses, strict=True)
        ]

    def _worth(self, trials: Sequence[Trial], every: Sequence[Values]) -> npt.NDArray[np.float64]:
        """How good each of some ladders is for a search: what is wanted, less what constraints lack."""
        board = Board.of(self.plan, self.calendar, trials)
        found = dict(zip((one.candidate.values for one in trials), board.worth(), strict=True))
        return np.array([found.get(values, -np.inf) for values in every], float)

    def _timed(self, name: str, step: Callable[[], T]) -> T:
        begun = time.monotonic()
        found = step()
        self.spent[name] = self.spent.get(name, 0.0) + time.monotonic() - begun
        return found
