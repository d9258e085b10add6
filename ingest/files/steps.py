"""From the time steps of a grid to hours: a sum or mean must stand for one hour, or be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ingest.batch import Flag, Values
from ingest.files.days import spread, together
from ingest.files.plan import Plan
from ingest.files.refusal import refuse
from ingest.files.series import Series, completed
from ingest.times import Instants

_HOUR = np.timedelta64(3600, "s")
_RAIN = "precipitation"
_Spans = npt.NDArray[np.timedelta64]


@dataclass(frozen=True, kw_only=True)
class Steps:
    """Makes hours of the steps of one file.

    Sums and means of longer steps than an hour are refused, rain excepted where the plan spreads it (flag
    RECONSTRUCTED, but for steps without rain). Sums that run on from the start of a forecast are told apart
    where the plan says they do.
    """

    path: Path
    """File, for messages."""
    plan: Plan
    """What is allowed."""
    summed: Mapping[str, str]
    """Quantities that stand for the time before them -> their names in the file."""

    def observed(
        self, towns: tuple[str, ...], valid_at: Instants, arrays: Mapping[str, Values]
    ) -> Series:
        """Hours of an analysis, (town, time); a step here and there that is longer is a gap."""
        self._full_hours(valid_at)
        spans = np.diff(valid_at)
        usual = np.median(spans.astype(np.int64)) if spans.size else 3600
        if usual <= 3600 or not self.summed:
            return Series(places=towns, valid_at=valid_at, values=completed(dict(arrays)))
        # After a gap a value stands for as long as ever, and not for the gap.
        usual_span = np.timedelta64(int(usual), "s")
        spans = np.minimum(np.append(usual_span, spans), usual_span)
        return self._apart(towns, valid_at, spans, dict(arrays))

    def foretold(
        self, towns: tuple[str, ...], issue: np.datetime64, leads: _Spans, arrays: Mapping[str, Values]
    ) -> Series:
        """Hours of one forecast, (town, lead)."""
        valid_at: Instants = issue + leads
        self._full_hours(valid_at)
        values = dict(arrays)
        if self.plan.accumulated:
            for name in self.summed:
                values[name] = np.diff(values[name], axis=1, prepend=0.0)
        spans = np.diff(leads, prepend=leads[:1] * 0)
        if not self.summed or (spans <= _HOUR).all():
            return Series(places=towns, valid_at=valid_at, values=completed(values))
        return self._apart(towns, valid_at, spans, values)

    def _full_hours(self, valid_at: Instants) -> None:
        if (valid_at.astype(np.int64) % 3600 != 0).any():
            refuse(self.path, "", "it tells of times between full hours", "give full hours")

    def _apart(
        self, towns: tuple[str, ...], valid_at: Instants, spans: _Spans, values: dict[str, Values]
    ) -> Series:
        for name, variable in self.summed.items():
            if name != _RAIN or self.plan.spread is None:
                remedy = "give hourly values, or for rain add --rain-spread even"
                refuse(self.path, variable, "a value stands for more than one hour", remedy)
        rest = {name: array for name, array in values.items() if name != _RAIN}
        wet = self._rain(towns, valid_at, (spans // _HOUR).astype(np.int64), values[_RAIN])
        if not rest:
            return wet
        return together([wet, Series(places=towns, valid_at=valid_at, values=completed(rest))])

    def _rain(
        self, towns: tuple[str, ...], valid_at: Instants, sizes: npt.NDArray[np.int64], rain: Values
    ) -> Series:
        over = self.plan.spread or 1
        steps = [(at, int(size)) for at, size in enumerate(sizes) if size > 0]
        hours = np.concatenate(
            [valid_at[at] - _HOUR * np.arange(size - 1, -1, -1) for at, size in steps]
        )
        told = np.concatenate([spread(rain[:, at], size, over) for at, size in steps], axis=1)
        wet = np.repeat(rain != 0, np.maximum(sizes, 0), axis=1)
        drawn = wet & (np.repeat(sizes, np.maximum(sizes, 0)) > 1)
        bits = np.where(drawn, np.uint8(Flag.RECONSTRUCTED), np.uint8(0))
        return Series(places=towns, valid_at=hours, values={_RAIN: told}, flags={_RAIN: bits})
