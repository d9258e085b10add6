"""What a course is worth: events hit and missed, warnings in vain, calls and calls at night, case by case.

A case has the Beijing day on which it counts, so that the same cases can be summed by year for folds and by
season or week for intervals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from ingest.times import beijing_day
from pipeline.tune.course import Course
from pipeline.tune.pages import Pager
from pipeline.tune.plan import SMALL_IS_GOOD, Plan
from pipeline.verify.bootstrap import Block, block_of, fitting_block
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import Windows, match
from pipeline.verify.table import Contingency, Number

Array = npt.NDArray[np.float64]

HIT, MISS, FALSE, PAGE, NIGHT, LEAD = range(6)
"""Columns of cases: 1 where the case is one, of LEAD the hours of lead of a hit."""
COLUMNS = 6
_MONTH = timedelta(days=30.436875)


@dataclass(frozen=True, kw_only=True)
class Cases:
    """The cases of one course."""

    days: npt.NDArray[np.int64]
    """Beijing day of each case, as an ordinal (case,)."""
    rows: Array
    """(case, column), see HIT and its like."""

    @property
    def sums(self) -> Array:
        """All of them, (column,)."""
        return np.asarray(self.rows.sum(axis=0))


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The years and the blocks of a period."""

    start: datetime
    """First moment."""
    end: datetime
    """Last moment."""

    @property
    def days(self) -> range:
        """Beijing days as ordinals."""
        return range(beijing_day(self.start).toordinal(), beijing_day(self.end).toordinal() + 1)

    @property
    def months(self) -> float:
        """Its length; a day begun is a day."""
        return len(self.days) * timedelta(days=1) / _MONTH

    @property
    def years(self) -> tuple[int, ...]:
        """Calendar years it has part in."""
        first, last = date.fromordinal(self.days[0]), date.fromordinal(self.days[-1])
        return tuple(range(first.year, last.year + 1))

    def months_of(self, years: npt.NDArray[np.bool_]) -> float:
        """Length of some of its years; at least a day."""
        counted = Counter(date.fromordinal(day).year for day in self.days)
        chosen = [counted[year] for year, used in zip(self.years, years, strict=True) if used]
        return max(sum(chosen), 1) * timedelta(days=1) / _MONTH

    @property
    def block(self) -> Block:
        """What a bootstrap draws as one."""
        return fitting_block(date.fromordinal(self.days[0]), date.fromordinal(self.days[-1]))

    def by_year(self, cases: Cases) -> Array:
        """Sums (year, column)."""
        years = [date.fromordinal(int(day)).year - self.years[0] for day in cases.days]
        return _summed(cases.rows, years, len(self.years))

    def by_block(self, cases: Cases) -> Array:
        """Sums (block, column), of empty blocks too."""
        every = {block_of(date.fromordinal(day), self.block): 0 for day in self.days}
        place = {block: number for number, block in enumerate(every)}
        blocks = [place[block_of(date.fromordinal(int(day)), self.block)] for day in cases.days]
        return _summed(cases.rows, blocks, len(place))


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Counts what a course was worth."""

    plan: Plan
    """What warnings are matched with which events."""
    events: Sequence[Occurrence]
    """What happened in the period."""
    windows: Windows
    """When a warning is about an event."""
    pager: Pager
    """Who is called."""

    def cases(self, course: Course) -> Cases:
        """Every hit, miss, warning in vain and call of a course."""
        warnings = course.warned(self.plan.hazard)
        found = match(warnings, self.events, self.windows, self.plan.level)
        hits = {hit.occurrence.id: hit.lead / timedelta(hours=1) for hit in found.hits}
        told = [
            (event.onset, (MISS, 1.0)) if event.id not in hits else (event.onset, (HIT, 1.0))
            for event in found.deserved
        ]
        told += [(hit.occurrence.onset, (LEAD, hits[hit.occurrence.id])) for hit in found.hits]
        told += [(one.began, (FALSE, 1.0)) for one in found.unmatched]
        for warning in warnings:
            levels = [level for _, level in warning.steps]
            before = [levels[0].NONE, *levels[:-1]]
            for (at, after), was in zip(warning.steps, before, strict=True):
                page = self.pager.page(at, was, after)
                told += [] if page is None else [(at, (PAGE, 1.0))]
                told += [(at, (NIGHT, 1.0))] if page is not None and page.night else []
        return _cases(told)


def _cases(told: Sequence[tuple[datetime, tuple[int, float]]]) -> Cases:
    rows = np.zeros((len(told), COLUMNS))
    for row, (_, (column, value)) in enumerate(told):
        rows[row, column] = value
    days = np.array([beijing_day(at).toordinal() for at, _ in told], np.int64)
    return Cases(days=days, rows=rows)


def _summed(rows: Array, places: Sequence[int], number: int) -> Array:
    sums = np.zeros((number, COLUMNS))
    np.add.at(sums, np.array(places, np.int64), rows)
    return sums


def table_of(sums: Array) -> Contingency:
    """The table of sums (..., column)."""
    return Contingency(
        hits=_plain(sums[..., HIT]), misses=_plain(sums[..., MISS]), false_alarms=_plain(sums[..., FALSE])
    )


def score(name: str, sums: Array, months: float) -> Number:
    """A figure of a plan from sums (..., column): one per leading index.

    ``pod``, ``far``, ``csi``, ``bias``, ``hits``, ``misses`` and ``false_alarms`` are those of events;
    ``lead_h`` is the mean lead of the hits [h]; ``pages_per_month`` counts changes for which somebody is
    called, each once however many are, and ``night_pages_per_month`` those that call somebody at night. NaN
    where it cannot be told.
    """
    if name == "lead_h":
        with np.errstate(divide="ignore", invalid="ignore"):
            return _plain(np.true_divide(sums[..., LEAD], sums[..., HIT]))
    if name in ("pages_per_month", "night_pages_per_month"):
        return _plain(sums[..., PAGE if name == "pages_per_month" else NIGHT] / months)
    found: Number = getattr(table_of(sums), name)
    return found


def gain(name: str, value: Number) -> Number:
    """A figure so that more is better; NaN is worst."""
    turned = -np.asarray(value, float) if name in SMALL_IS_GOOD else np.asarray(value, float)
    if name == "bias":
        turned = -np.abs(turned - 1.0)
    return _plain(np.where(np.isnan(turned), -np.inf, turned))


def _plain(found: npt.NDArray[np.float64] | np.float64) -> Number:
    return float(found) if np.ndim(found) == 0 else np.asarray(found, float)
