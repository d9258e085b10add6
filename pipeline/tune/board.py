"""All ladders of a plan with what they were worth, year by year: who is best, and on which years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.tune.candidates import Candidate, Values
from pipeline.tune.figures import Array, Calendar, Cases, gain, score
from pipeline.tune.plan import Plan
from pipeline.verify.table import Number

Years = npt.NDArray[np.bool_]
"""Which years of the calendar count, (year,)."""

AXES = ("pod", "far", "night_pages_per_month")
"""What a front is about: nothing on it can be had better without something else getting worse."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One ladder and its cases."""

    candidate: Candidate
    """The ladder."""
    cases: Cases
    """What it would have done."""


@dataclass(frozen=True, kw_only=True)
class Board:
    """Ladders side by side, today's first."""

    plan: Plan
    """What is wanted."""
    calendar: Calendar
    """The years."""
    trials: tuple[Trial, ...]
    """Every ladder tried."""
    by_year: Array
    """Sums (trial, year, column)."""

    @classmethod
    def of(cls, plan: Plan, calendar: Calendar, trials: Sequence[Trial]) -> Board:
        """A board of trials."""
        sums = np.stack([calendar.by_year(trial.cases) for trial in trials])
        return cls(plan=plan, calendar=calendar, trials=tuple(trials), by_year=sums)

    @property
    def every(self) -> Years:
        """All years."""
        return np.ones(len(self.calendar.years), np.bool_)

    def figure(self, name: str, years: Years) -> Array:
        """A figure of each trial on some years, (trial,)."""
        sums = self.by_year[:, years].sum(axis=1)
        return np.atleast_1d(score(name, sums, self.calendar.months_of(years)))

    def lacking(self, years: Years) -> Array:
        """By how much each trial breaks the constraints, in parts of them, (trial,); 0 where it keeps all."""
        total = np.zeros(len(self.trials))
        for name, bound in self.plan.constraints.items():
            values = self.figure(name, years)
            for limit, turned in ((bound.at_least, 1.0), (bound.at_most, -1.0)):
                if limit is not None:
                    short = turned * (limit - values) / max(abs(limit), 1e-9)
                    total += np.where(np.isnan(short), 1.0, np.maximum(short, 0.0))
        return total

    def worth(self) -> Array:
        """What is wanted less a penalty for what the constraints lack, on all years, (trial,)."""
        wanted = np.atleast_1d(gain(self.plan.maximise, self.figure(self.plan.maximise, self.every)))
        finite = wanted[np.isfinite(wanted)]
        width = float(np.ptp(finite)) if finite.size else 0.0
        lacking = self.lacking(self.every)
        return np.asarray(wanted - lacking * (width or 1.0) - (lacking > 0) * (width or 1.0))

    def best(self, years: Years) -> int:
        """The trial that keeps the constraints and has the most of what is wanted.

        Of equal ones that which changes least, so today's where it is as good as any. Where none keeps the
        constraints, that which breaks them least.
        """
        lacking = self.lacking(years)
        wanted = -np.atleast_1d(gain(self.plan.maximise, self.figure(self.plan.maximise, years)))
        order = np.lexsort((self._distance, np.round(wanted, 12), np.round(lacking, 12)))
        return int(order[0])

    def front(self, years: Years) -> list[int]:
        """Trials on the front of `AXES`; of those with equal figures that which changes least."""
        gains = np.stack(
            [np.atleast_1d(gain(name, self.figure(name, years))) for name in AXES], axis=1
        )
        gains = np.where(np.isfinite(gains), gains, -1e9)
        _, first = np.unique(gains[np.argsort(self._distance, kind="stable")], axis=0, return_index=True)
        chosen = np.argsort(self._distance, kind="stable")[first]
        kept = [int(one) for one in chosen if not _beaten(gains[one], gains[chosen])]
        return sorted(kept, key=lambda one: tuple(-gains[one]))

    @property
    def _distance(self) -> Array:
        """How far each trial is from today's: keys that differ, then how much, (trial,)."""
        now = self.trials[0].candidate.values
        scale = self._places
        return np.array([_distance(trial.candidate.values, now, scale) for trial in self.trials])

    @property
    def _places(self) -> Sequence[Mapping[object, float]]:
        """Value -> its place among the values of its key, 0 to 1."""
        return [
            {value: row / max(len(values) - 1, 1) for row, value in enumerate(values)}
            for values in self.plan.choices.values()
        ]


def _distance(values: Values, now: Values, places: Sequence[Mapping[object, float]]) -> float:
    differ = [one != other for one, other in zip(values, now, strict=True)]
    far = [
        abs(place.get(one, 0.0) - place.get(other, 0.0))
        for one, other, place in zip(values, now, places, strict=True)
    ]
    return sum(differ) + sum(far) / (len(far) + 1)


def _beaten(one: Array, others: Array) -> bool:
    """Whether some other is nowhere worse and somewhere better."""
    no_worse = (others >= one).all(axis=1)
    return bool((no_worse & (others > one).any(axis=1)).any())


def folds(years: int, parts: int) -> list[Years]:
    """Neighbouring years that are left out together, as many parts as wanted or as there are years.

    Hot summers come in rows, and years side by side share them: so whole years are left out, in one piece.
    Empty where there are not two years.
    """
    if years < 2:
        return []
    found = []
    for part in np.array_split(np.arange(years), min(parts, years)):
        left_out = np.zeros(years, np.bool_)
        left_out[part] = True
        found.append(left_out)
    return found


def difference(name: str, mine: Number, other: Number) -> Number:
    """How much better one figure is than another, more being better."""
    return np.subtract(gain(name, mine), gain(name, other))
