"""From a board to a proposal: the choice, how it does on years left out, and what may be said of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.configuration.yaml_lines import dotted
from pipeline.tune.board import Board, Years, folds
from pipeline.tune.figures import FALSE, HIT, MISS, Array, gain, score
from pipeline.tune.intervals import differences, figures, gained
from pipeline.tune.result import FIGURES, Fold, Row, Verdict
from pipeline.verify.bootstrap import FEW, Figure


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A board, and the ladder chosen on it."""

    board: Board
    """Every ladder."""
    events: int
    """Events of the level."""

    @property
    def chosen(self) -> int:
        """The trial that is best on all years."""
        return self.board.best(self.board.every)

    def row(self, trial: int) -> Row:
        """A ladder with its figures and intervals."""
        board, one = self.board, self.board.trials[trial]
        sums = one.cases.sums
        return Row(
            values=self._values(trial),
            figures=figures(FIGURES, self._blocks(trial), board.calendar, *self._chance),
            hits=int(sums[HIT]),
            misses=int(sums[MISS]),
            false_alarms=int(sums[FALSE]),
            keeps=bool(board.lacking(board.every)[trial] == 0),
            today=trial == 0,
            proposed=trial == self.chosen,
        )

    def front(self) -> tuple[Row, ...]:
        """The ladders of the front."""
        return tuple(self.row(trial) for trial in self.board.front(self.board.every))

    def folds(self) -> list[tuple[Fold, int, Years]]:
        """Each part of the years that is left out, with what the others would choose."""
        board, calendar = self.board, self.board.calendar
        found = []
        for left_out in folds(len(calendar.years), board.plan.folds):
            trial = board.best(~left_out)
            years = tuple(year for year, out in zip(calendar.years, left_out, strict=True) if out)
            fold = Fold(
                years=years,
                values=self._values(trial),
                figures=self._on(trial, left_out),
                today=self._on(0, left_out),
            )
            found.append((fold, trial, left_out))
        return found

    def held_out(self) -> dict[str, tuple[float, float]]:
        """Name -> (choices made without them, today's), over all years left out together."""
        parts = [(trial, left_out) for _, trial, left_out in self.folds()]
        if not parts:
            return {}
        by_year = self.board.by_year
        chosen = np.sum([by_year[trial, out].sum(axis=0) for trial, out in parts], axis=0)
        months, today = self.board.calendar.months, by_year[0].sum(axis=0)
        return {
            name: (float(score(name, chosen, months)), float(score(name, today, months)))
            for name in self._names
        }

    def differences(self) -> dict[str, Figure]:
        """The proposal minus today, with intervals."""
        pair = (self._blocks(0), self._blocks(self.chosen))
        return differences(self._names, pair, self.board.calendar, *self._chance)

    def verdict(self) -> Verdict:
        """What may be said: an optimum is never claimed on few events, nor where left-out years deny it."""
        if not self.events:
            return "no_events"
        if self.board.lacking(self.board.every)[self.chosen] > 0:
            return "infeasible"
        if self.chosen == 0:
            return "no_better"
        if self.events < FEW:
            return "few_events"
        return "better" if self._surely and self._lasts else "no_better"

    @property
    def _surely(self) -> bool:
        """Whether all of the interval of the difference is in its favour, or today's breaks a constraint."""
        if self.board.lacking(self.board.every)[0] > 0:
            return True
        pair = (self._blocks(0), self._blocks(self.chosen))
        return gained(self.board.plan.maximise, pair, self.board.calendar, *self._chance) > 0

    @property
    def _lasts(self) -> bool:
        """Whether choices did no worse than today's ladder on years they had not seen."""
        held = self.held_out().get(self.board.plan.maximise)
        if held is None:
            return False
        chosen, today = (float(gain(self.board.plan.maximise, value)) for value in held)
        return chosen >= today

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*FIGURES, self.board.plan.maximise)))

    @property
    def _chance(self) -> tuple[int, int]:
        return self.board.plan.draws, self.board.plan.seed

    def _values(self, trial: int) -> Mapping[str, object]:
        keys = (dotted(trail) for trail in self.board.plan.choices)
        return dict(zip(keys, self.board.trials[trial].candidate.values, strict=True))

    def _blocks(self, trial: int) -> Array:
        return self.board.calendar.by_block(self.board.trials[trial].cases)

    def _on(self, trial: int, years: Years) -> dict[str, float]:
        board = self.board
        return {name: float(board.figure(name, years)[trial]) for name in FIGURES}
