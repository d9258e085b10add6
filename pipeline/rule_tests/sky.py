"""The weather of a rule test as arrays: what comes, and what forecasts say of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt

from ingest.batch import Values
from ingest.quantities import QUANTITIES, quantity
from ingest.times import BEIJING_OFFSET_H
from pipeline.rule_tests.moments import hour_number
from pipeline.rule_tests.notation import RuleTest
from pipeline.rule_tests.series import Figures, constant, curve, extremes, figures
from pipeline.rule_tests.vocabulary import named
from rules.derived import derivations

DAY_H = 24
DAYS = "days"
_NAMES = {own.name: (own.zh,) for own in QUANTITIES.values()}

Drawn = Mapping[str, Values]
"""Quantity -> (place, hour) or (place, day) over the span; NaN where nobody reports anything."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """Hours and days that are drawn: the test itself, the past that rules remember, what they foresee."""

    first: int
    """First hour [hours since 1970]; a Beijing midnight."""
    days: int
    """Number of days."""

    @property
    def hours(self) -> npt.NDArray[np.int64]:
        """Every hour [hours since 1970]."""
        return self.first + np.arange(self.days * DAY_H)

    def ends(self, name: str) -> npt.NDArray[np.int64]:
        """Hour at which each day of a daily quantity ends [hours since 1970]."""
        ends = quantity(name).day_ends or DAY_H
        return self.first + ends + np.arange(self.days) * DAY_H

    @classmethod
    def around(cls, start: datetime, end: datetime, before: int, after: int) -> Span:
        """From so many days before the one of `start` to so many after that of `end`."""
        first = _midnight(start) - before * DAY_H
        return cls(first=first, days=(_midnight(end) - first) // DAY_H + after + 1)


def _midnight(moment: datetime) -> int:
    hour = int(moment.timestamp()) // 3600 + BEIJING_OFFSET_H
    return hour // DAY_H * DAY_H - BEIJING_OFFSET_H


@dataclass(frozen=True, kw_only=True)
class Painter:
    """Draws the weather of one test."""

    test: RuleTest
    """What is written."""
    span: Span
    """What is drawn."""

    def weather(self) -> Drawn:
        """What comes: what is normal, the weather of the test over it, and that of single towns over both."""
        written = self.test.written
        drawn: dict[str, Values] = {}
        everybody = range(len(self.test.town_names))
        for word in written.normally:
            self._lay(drawn, everybody, word, written.normally[word], ("normally", word))
        self.lay(drawn, written.weather, ("weather",))
        for town, own in written.by_town.items():
            row = self._rows([self.test.town(town, "by_town", town)])
            for word, told in own.items():
                self._lay(drawn, row, word, told, ("by_town", town, word))
        return drawn

    def lay(self, drawn: dict[str, Values], told: Mapping[str, object], trail: tuple[str | int, ...]) -> None:
        """Lay figures over what is drawn, in the towns of the test."""
        rows = self._rows(self.test.towns)
        for word, spec in told.items():
            self._lay(drawn, rows, word, spec, (*trail, word))

    def _rows(self, towns: Iterable[str]) -> list[int]:
        order = list(self.test.town_names)
        return [order.index(town) for town in towns]

    def _lay(
        self,
        drawn: dict[str, Values],
        rows: Iterable[int],
        word: str,
        told: object,
        trail: tuple[str | int, ...],
    ) -> None:
        name = self.test.located(trail, partial(named, word, _NAMES, "quantity"))
        daily = quantity(name).meaning == "day"
        shape = (len(self.test.town_names), self.span.days * (1 if daily else DAY_H))
        array = drawn.setdefault(name, np.full(shape, np.nan)).copy()
        for start, series in self._pieces(name, told, trail):
            cut = slice(max(start, 0), max(start + series.size, 0))
            part = series[max(-start, 0) :][: max(shape[1] - cut.start, 0)]
            array[list(rows), cut.start : cut.start + part.size] = part
        drawn[name] = array

    def _pieces(
        self, name: str, told: object, trail: tuple[str | int, ...]
    ) -> Iterable[tuple[int, Figures]]:
        """Stretches of figures, each with the index at which it begins."""
        daily = quantity(name).meaning == "day"
        flat = constant(told)
        if flat is not None:
            yield 0, np.full(self.span.days * (1 if daily else DAY_H), flat)
        elif isinstance(told, dict):
            for key, part in told.items():
                yield self._piece(name, key, part, (*trail, key))
        else:
            yield self._place(name, self.test.clock.start), self.test.located(trail, partial(figures, told))

    def _piece(
        self, name: str, key: str, part: object, trail: tuple[str | int, ...]
    ) -> tuple[int, Figures]:
        if key == DAYS:
            return self._days(name, part, trail)
        moment = self.test.moment(key, *trail)
        place = self.test.located(trail, partial(self._place, name, moment))
        return place, self.test.located(trail, partial(figures, part))

    def _days(self, name: str, part: object, trail: tuple[str | int, ...]) -> tuple[int, Figures]:
        if quantity(name).meaning != "instant" or not isinstance(part, list):
            sentence = "is for values of the moment, a list of [lowest, highest] of each day; write hours"
            raise self.test.mistake(trail, sentence)
        pairs = [
            self.test.located((*trail, index), partial(extremes, item)) for index, item in enumerate(part)
        ]
        return _midnight(self.test.clock.start) - self.span.first, curve(pairs)

    def _place(self, name: str, moment: datetime) -> int:
        """Index of the hour, or of the day that a moment lies in."""
        if quantity(name).meaning == "day":
            return (_midnight(moment) - self.span.first) // DAY_H
        return hour_number(moment) - self.span.first


def unsaid(needed: Iterable[str], drawn: Drawn) -> list[str]:
    """Quantities that must be written for others to be known: hours, where days can be derived from them."""
    missing: dict[str, None] = {}
    for name in needed:
        if name in drawn:
            continue
        hours = [own for made in derivations((name,)) for own in made.hours]
        if quantity(name).meaning != "day" or not hours:
            missing[name] = None
        missing |= dict.fromkeys(own for own in hours if own not in drawn)
    return list(missing)


def twice(drawn: Drawn) -> list[str]:
    """Daily quantities that are written although they follow from hours that are written too."""
    daily = [name for name in drawn if quantity(name).meaning == "day"]
    return [
        name
        for name in daily
        for made in derivations((name,))
        if name in made.gives and made.hours and set(made.hours) <= drawn.keys()
    ]


def scenarios(painter: Painter, drawn: Drawn) -> list[tuple[datetime, Drawn | None]]:
    """What forecasts say from which moment on, in order; None where there are none."""
    told = painter.test.written.forecast
    start = painter.test.clock.start
    if told is None or told == "as_it_comes":
        return [(start, drawn)]
    if told == "none":
        return [(start, None)]
    if not isinstance(told, list):
        sentence = "write as_it_comes, none, or a list of {from: ..., says: ...}"
        raise painter.test.mistake(("forecast",), sentence)
    found: list[tuple[datetime, Drawn | None]] = [(start, drawn)]
    for index, item in enumerate(told):
        found.append(_scenario(painter, drawn, item, index))
    return sorted(found, key=lambda one: one[0])


def _scenario(
    painter: Painter, drawn: Drawn, item: object, index: int
) -> tuple[datetime, Drawn | None]:
    test, trail = painter.test, ("forecast", index)
    if not isinstance(item, dict) or "from" not in item or not item.keys() <= {"from", "says"}:
        raise test.mistake(trail, "has the keys from and says, nothing else; correct it")
    since = max(test.moment(item["from"], *trail, "from"), test.clock.start)
    says = item.get("says", "as_it_comes")
    if says in ("as_it_comes", "none"):
        return since, drawn if says == "as_it_comes" else None
    if not isinstance(says, dict):
        raise test.mistake((*trail, "says"), "write as_it_comes, none, or weather that differs")
    other = dict(drawn)
    painter.lay(other, says, (*trail, "says"))
    return since, other
