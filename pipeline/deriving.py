"""Runs of the daily job: what each of them knows of days, and derives of them.

Runs that follow each other are made together. The days that had ended are derived run after run, for one run
looks at what those before it said; the days to come concern no later run, and are derived date by date, all
runs that foretell a date at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date, timedelta
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr
from sqlalchemy import Connection

from ingest.batch import PROVENANCE, Batch, Flags
from ingest.block import View, Walk
from ingest.quantities import quantity
from pipeline.day_book import AHEAD, Book, Turn
from pipeline.ports import Judging
from rules.baseline import Baseline
from rules.derived import Day, Derivation, Towns
from rules.windows import Group, groups

_DAY = timedelta(days=1)
_DAY_H = 24
# What the runs made together may hold in memory.
_BYTES = 96 * 1024 * 1024
_VALUE_BYTES = 9
# Towns times runs that are derived of at once: more gain nothing.
_ROWS = 512
_T = TypeVar("_T", bound=np.generic)
# How values lie in memory, and what they are.
_Side = tuple[tuple[int, ...], bytes]


def derive_turns(
    connection: Connection, turns: Sequence[Turn], judging: Judging, chain: Sequence[Derivation]
) -> int:
    """Run the job at some moments, the earliest first; returns the number of new batches.

    Each run sees what was known at its moment, what the runs before it said included.
    """
    count, done = 0, 0
    while done < len(turns):
        portion = turns[done : done + _together(turns[done:], judging, chain)]
        told = _told(connection, portion, judging, chain)
        count += judging.archive.append(connection, told)
        done += len(portion)
    return count


def _together(turns: Sequence[Turn], judging: Judging, chain: Sequence[Derivation]) -> int:
    """How many of the next turns fit into memory, at least one."""
    again = 0
    for number, turn in enumerate(turns):
        again = max(again, turn.again)
        if number and (number + 1) * _bytes(_view(judging, chain, again)) > _BYTES:
            return number
    return len(turns)


def _bytes(view: View) -> int:
    """What one turn holds: hours once; days as they are read, told and derived."""
    daily = sum(quantity(name).meaning == "day" for name in view.quantities)
    hourly = len(view.quantities) - daily
    columns = hourly * (view.hours_back + view.hours_ahead) + 3 * daily * (view.days_back + AHEAD)
    return columns * len(view.places) * _VALUE_BYTES


def _view(judging: Judging, chain: Sequence[Derivation], again: int) -> View:
    """What a chain of derivations needs to derive so many ended days again."""
    hourly = dict.fromkeys(name for made in chain for name in made.hours)
    daily = dict.fromkeys(
        name for made in chain for name in (*made.gives, *made.before, *made.same)
    )
    return replace(
        judging.view,
        quantities=(*hourly, *daily),
        hours_back=_DAY_H * (again + 1),
        hours_ahead=_DAY_H * (AHEAD + 1),
        days_back=again + max((max(made.before.values(), default=0) for made in chain), default=0),
        # What was foretold before is foretold anew, or not at all.
        days_ahead=0,
    )


def _told(
    connection: Connection, turns: Sequence[Turn], judging: Judging, chain: Sequence[Derivation]
) -> list[Batch]:
    """What the job says at some turns, made together."""
    view = _view(judging, chain, max(turn.again for turn in turns))
    walk = judging.archive.walk(connection, [turn.now for turn in turns], view)
    deriving = _Deriving(judging)
    books, ended = [], []
    for turn, book in zip(turns, _books(walk, turns, view), strict=True):
        for made in chain:
            for offset in range(-turn.again, 0):
                deriving.derive(made, [(book, offset)])
        ended.append(book.batches("observation", chain))
        for batch in ended[-1].values():
            walk.say(batch)
        books.append(book)
    for made in chain:
        for looks in _by_date(books, made.ends):
            deriving.derive(made, looks)
    found: list[Batch] = []
    for book, past in zip(books, ended, strict=True):
        ahead = book.batches("forecast", chain)
        for ends in dict.fromkeys(made.ends for made in chain):
            found += [told[ends] for told in (past, ahead) if ends in told]
    return found


def _books(walk: Walk, turns: Sequence[Turn], view: View) -> Iterator[Book]:
    """The book of each turn, opened when what was said at the turn before is laid."""
    block: xr.Dataset | None = None
    found: dict[int, Group] = {}
    for row, turn in enumerate(turns):
        walk.step()
        if block is None:
            block = walk.block()
            numbers = np.arange(len(turns))
            found = {int(row): group for group in groups(block) for row in numbers[group.rows]}
        yield Book.opened(block, row, turn, found[row], view)


def _by_date(books: Sequence[Book], ends: int) -> Iterator[list[tuple[Book, int]]]:
    """The days to come of all books, those of one date together, the earliest first."""
    looks: dict[date, list[tuple[Book, int]]] = {}
    for book in books:
        first = book.date(ends, 0)
        for offset in range(AHEAD):
            looks.setdefault(first + offset * _DAY, []).append((book, offset))
    for day in sorted(looks):
        yield looks[day]


class _Deriving:
    """Derives days, and remembers those that had ended: the next run mostly finds the same hours."""

    def __init__(self, judging: Judging) -> None:
        self._latitude = np.array([town.lat for town in judging.config.district.towns])
        self._baseline = judging.baseline
        self._most = max(1, _ROWS // self._latitude.size)
        self._climates: dict[int, Baseline] = {}
        self._last: dict[tuple[str, str], tuple[list[_Side], Mapping[str, Towns]]] = {}

    def derive(self, made: Derivation, looks: Sequence[tuple[Book, int]]) -> None:
        """Derive one date as seen from some books, and write down there what can be known of it."""
        for start in range(0, len(looks), self._most):
            part = looks[start : start + self._most]
            day = self._day(made, part)
            if not _is_told(day):
                continue
            found = self._computed(made, day) if part[0][1] < 0 else made.compute(day)
            bits = _provenance(made, part).reshape(len(part), -1)
            for name, values in found.items():
                each = values.reshape(len(part), -1)
                for (book, offset), own, flags in zip(part, each, bits, strict=True):
                    book.write(name, offset, own, flags)

    def _day(self, made: Derivation, looks: Sequence[tuple[Book, int]]) -> Day:
        """The day of all looks as one, their towns one after the other."""
        return Day(
            date=np.datetime64(looks[0][0].date(made.ends, looks[0][1]), "D"),
            hours={
                name: _stacked([book.hours_of(name, made.ends, offset) for book, offset in looks])
                for name in made.hours
            },
            before={
                name: _stacked([book.days[name][:, book.before(offset, back)] for book, offset in looks])
                for name, back in made.before.items()
            },
            same={
                name: _stacked([book.days[name][:, book.column(offset)] for book, offset in looks])
                for name in made.same
            },
            latitude=np.tile(self._latitude, len(looks)),
            baseline=self._climate(len(looks)),
        )

    def _climate(self, times: int) -> Baseline | None:
        """The climate of the towns, so many times over."""
        if self._baseline is None or times == 1:
            return self._baseline
        if not self._climates:
            self._climates[self._most] = self._baseline.select(self._baseline.places * self._most)
        if times not in self._climates:
            rows = times * self._latitude.size
            self._climates[times] = _first(self._climates[self._most], rows)
        return self._climates[times]

    def _computed(self, made: Derivation, day: Day) -> Mapping[str, Towns]:
        """What a derivation makes of a day; the same, where it looks at just the same as the last time."""
        key = (made.gives[0], str(day.date))
        sides = [*day.hours.values(), *day.before.values(), *day.same.values()]
        # The order of the values in memory is that of their summing up.
        seen = [(side.strides, side.tobytes()) for side in sides]
        if key not in self._last or self._last[key][0] != seen:
            self._last[key] = (seen, made.compute(day))
        return self._last[key][1]


def _first(climate: Baseline, rows: int) -> Baseline:
    """The first rows of a climate, in the same memory."""
    held = {field.name: getattr(climate, field.name) for field in fields(climate)}
    cut: dict[str, Any] = {
        name: array[:rows] for name, array in held.items() if isinstance(array, np.ndarray)
    }
    fits = {name: fit[:rows] for name, fit in climate.fits.items()}
    return replace(climate, places=climate.places[:rows], fits=fits, **cut)


def _is_told(day: Day) -> bool:
    """Whether anything at all is known of a day or of those before it: of nothing follows nothing."""
    sides = (*day.hours.values(), *day.same.values(), *day.before.values())
    return any(bool((side == side).any()) for side in sides)


def _stacked(parts: Sequence[npt.NDArray[_T]]) -> npt.NDArray[_T]:
    """Rows of all parts, with the values in memory in the order in which they are in the parts."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _provenance(made: Derivation, looks: Sequence[tuple[Book, int]]) -> Flags:
    """Where the inputs of a derivation came from, as flag bits (look and town,)."""
    sides = [
        _stacked([book.flags_of(name, made.ends, offset) for book, offset in looks])
        for name in made.hours
    ]
    sides += [
        _stacked([book.day_flags[name][:, book.before(offset, back)] for book, offset in looks])
        for name, back in made.before.items()
        if name not in made.gives
    ]
    sides += [
        _stacked([book.day_flags[name][:, book.before(offset + 1, 1)] for book, offset in looks])
        for name in made.same
    ]
    bits = np.zeros(len(looks) * len(looks[0][0].places), np.uint8)
    for side in sides:
        bits |= np.bitwise_or.reduce(side, axis=1)
    return bits & np.uint8(PROVENANCE)
