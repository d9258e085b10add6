"""A book of days: hours and days as known at one moment, and what is derived of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.batch import Batch, Flags, Kind, Values
from ingest.block import View
from ingest.quantities import quantity
from ingest.times import HOUR, beijing_day, beijing_midnight, instant64
from pipeline.view import DERIVED
from rules.derived import Derivation
from rules.windows import Group

AHEAD = 7
"""Days of forecast that are derived, the one under way being the first [d]."""
_T = TypeVar("_T", bound=np.generic)


@dataclass(frozen=True, kw_only=True)
class Turn:
    """One run of the job."""

    now: datetime
    """When it runs, aware UTC."""
    again: int
    """How many of the days that had ended then are derived, again if need be [d]."""


@dataclass(frozen=True, kw_only=True)
class Book:
    """Hours and days as known at one now, and what is derived from them; day offsets as in a block."""

    now: datetime
    """The now, aware UTC."""
    again: int
    """How many of the ended days are derived [d]."""
    places: tuple[str, ...]
    """Place ids, the first axis of every array."""
    group: Group
    """Where the hours stand."""
    midnight: datetime
    """Beijing midnight with which the day of the now began."""
    hours: Mapping[str, Values]
    """Hourly quantity -> (place, hour)."""
    hour_flags: Mapping[str, Flags]
    """Hourly quantity -> flag bits."""
    days: Mapping[str, Values]
    """Daily quantity -> (place, day), what is known and what is derived."""
    day_flags: Mapping[str, Flags]
    """Daily quantity -> flag bits."""
    told: Mapping[str, Values]
    """Daily quantity -> (place, day) of the ended days, as archived before."""
    first: int
    """Offset of the first day."""

    @classmethod
    def opened(cls, block: xr.Dataset, row: int, turn: Turn, group: Group, view: View) -> Book:
        """The book of one now of a block, before anything is derived.

        Of days to come nothing is known yet; the arrays of days are the book's own.
        """
        held = {str(name): variable.values for name, variable in block.variables.items()}
        daily = [name for name in view.quantities if quantity(name).meaning == "day"]
        hourly = [name for name in view.quantities if name not in daily]
        return cls(
            now=turn.now,
            again=turn.again,
            places=view.places,
            group=group,
            midnight=beijing_midnight(turn.now),
            hours={name: held[name][row] for name in hourly},
            hour_flags={name: held[f"flags_{name}"][row] for name in hourly},
            days={name: _longer(held[name][row], np.nan) for name in daily},
            day_flags={name: _longer(held[f"flags_{name}"][row], 0) for name in daily},
            told={name: held[name][row] for name in daily},
            first=-view.days_back,
        )

    def column(self, offset: int) -> int:
        """Where a day stands in the arrays of days."""
        return offset - self.first

    def hours_of(self, name: str, ends: int, offset: int) -> Values:
        """The 24 hours of a day, (place, 24); of one that ended, without what was only foretold of it."""
        window = self._window(name, ends, offset)
        hours = self.hours[name][:, window]
        if offset >= 0 or window.stop <= self.group.zero + 1:
            return hours
        told = hours.copy()
        told[:, max(0, self.group.zero + 1 - window.start) :] = np.nan
        return told

    def flags_of(self, name: str, ends: int, offset: int) -> Flags:
        """The flags of the 24 hours of a day, (place, 24)."""
        return self.hour_flags[name][:, self._window(name, ends, offset)]

    def before(self, offset: int, back: int) -> slice:
        """Where the days before a day stand in the arrays of days."""
        column = self.column(offset)
        return slice(max(0, column - back), column)

    def write(self, name: str, offset: int, values: Values, bits: Flags) -> None:
        """Take what was derived of a day, values and flags (place,); NaN leaves what was known."""
        column, known = self.column(offset), ~np.isnan(values)
        np.copyto(self.days[name][:, column], values, where=known)
        np.copyto(self.day_flags[name][:, column], bits, where=known)

    def date(self, ends: int, offset: int) -> date:
        """Beijing date on which a day ends; midnight ends the date before it."""
        return beijing_day(self._end(ends, offset) - timedelta(seconds=1))

    def batches(self, kind: Kind, chain: Sequence[Derivation]) -> dict[int, Batch]:
        """What is new of the days that ended, or of those to come, by the hour at which days end."""
        offsets = range(-self.again, 0) if kind == "observation" else range(AHEAD)
        by_end: dict[int, list[str]] = {}
        for made in chain:
            by_end.setdefault(made.ends, []).extend(made.gives)
        found = {ends: self._batch(kind, offsets, names, ends) for ends, names in by_end.items()}
        return {ends: batch for ends, batch in found.items() if batch is not None}

    def _batch(self, kind: Kind, offsets: range, names: Sequence[str], ends: int) -> Batch | None:
        columns = slice(self.column(offsets.start), self.column(offsets.stop))
        fresh = {name: self.days[name][:, columns] for name in names}
        if kind == "observation":
            fresh = {name: self._changed(name, columns) for name in names}
        said = np.any([~np.isnan(values).all(axis=0) for values in fresh.values()], axis=0)
        if not said.any():
            return None
        ended = [self._end(ends, offset) for offset in np.array(offsets)[said].tolist()]
        return Batch(
            source=DERIVED,
            kind=kind,
            issued_at=self.now,
            available_at=self.now,
            places=self.places,
            valid_at=np.array([instant64(moment) for moment in ended]),
            # All of them each time, also those that say nothing new: batches alike are laid at once.
            values={name: values[:, said] for name, values in fresh.items()},
            flags={name: self.day_flags[name][:, columns][:, said] for name in fresh},
        )

    def _changed(self, name: str, columns: slice) -> Values:
        """Days that differ from what was archived; NaN, which says nothing, where they do not."""
        derived, told = self.days[name][:, columns], self.told[name][:, columns]
        return np.where(derived == told, np.nan, derived)

    def _window(self, name: str, ends: int, offset: int) -> slice:
        # A value of the moment midnight belongs to the day it begins; a sum of the hour before it does not.
        if ends == 0 and quantity(name).meaning == "instant":
            return self.group.day(offset)
        return self.group.frame(offset, ends)

    def _end(self, ends: int, offset: int) -> datetime:
        hours = self.group.ends_at(offset, ends) - self.group.zero + self.group.phase
        return self.midnight + hours * HOUR


def _longer(ended: npt.NDArray[_T], nothing: float) -> npt.NDArray[_T]:
    """Days that ended, with room for those to come, (place, day)."""
    days = np.full((ended.shape[0], ended.shape[1] + AHEAD), nothing, ended.dtype)
    days[:, : ended.shape[1]] = ended
    return days
