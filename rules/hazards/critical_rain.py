"""Flash floods (山洪) and debris flows (泥石流) by critical rain: amounts per duration, lower on wet ground.

After the practice of 山洪灾害防御: for each small basin and duration two amounts, 准备转移 (prepare to
move) and 立即转移 (move now), by how wet the ground is. The standard's text was not seen and no table of
this district was found, so every amount is configuration.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import xarray as xr

from ingest.quantities import quantity
from ingest.registry import Duration
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.indices.landslide import antecedent_rain
from rules.indices.rain import Tenths
from rules.ladder import Rung, check_ladder, reached
from rules.level import Level, LevelName
from rules.rain_levels import Limits, Way, judge
from rules.rain_windows import RAIN, Frame, Rain, check_window
from rules.shared import values_of
from rules.towns import of_towns
from rules.windows import Array, Bounds

DAY_RAIN = "precipitation_day"
ANTECEDENT = "antecedent_rain"
"""Effective rain of the days before [mm], by which the ground is dry, normal or wet."""
HOUR_MAX = "hour_max"
_HOUR = timedelta(hours=1)

State = npt.NDArray[np.int8]
"""0 where the ground is dry, 1 normal, 2 wet."""
Amounts = dict[Duration, float]
"""Duration -> critical rain [mm]."""


@dataclass(frozen=True, kw_only=True)
class CriticalRung(Rung):
    """Critical rain [mm] per duration, one table for each state of the ground."""

    dry: Amounts
    """After days with little rain."""
    normal: Amounts
    """After some rain."""
    wet: Amounts
    """After much rain."""

    @property
    def limit(self) -> float:
        """Amount of the shortest duration on dry ground [mm]; the amount met is told with the findings."""
        return self.dry[min(self.dry)]

    @property
    def clearing(self) -> float:
        """The same: a level is left as soon as nothing reaches it, after its `keep`."""
        return self.limit

    @property
    def alike(self) -> object:
        """Amounts are compared duration by duration when the whole ladder is checked."""
        return tuple(self.dry.items())

    @property
    def tables(self) -> tuple[Amounts, Amounts, Amounts]:
        """The tables of dry, normal and wet ground."""
        return self.dry, self.normal, self.wet

    def amounts(self, span: timedelta) -> Array:
        """The amounts [mm] of a duration on dry, normal and wet ground."""
        return np.array([table[span] for table in self.tables])

    def check(self) -> None:
        """Refuse tables of different durations, and amounts that are lower on drier ground."""
        if not self.dry or any(table.keys() != self.dry.keys() for table in self.tables):
            raise ValueError("dry, normal and wet must list the same durations, at least one")
        for span, amount in [pair for table in self.tables for pair in table.items()]:
            if span % _HOUR:
                raise ValueError(f"{span} is no whole number of hours; correct it")
            check_window(span // _HOUR, amount)
        for drier, wetter in pairwise(self.tables):
            for span, amount in drier.items():
                if amount < wetter[span]:
                    raise ValueError(
                        f"{amount:g} mm is below the {wetter[span]:g} of wetter ground; raise it"
                    )


@dataclass(frozen=True, kw_only=True)
class Ground:
    """When the ground counts as dry, normal or wet: by the effective rain of the days before."""

    days: int = 7
    """Days that have ended and are remembered [d]."""
    decay: float = 0.84
    """Share of a day's rain that still counts a day later."""
    normal: float
    """Effective rain [mm] from which the ground is normal; below it is dry."""
    wet: float
    """Effective rain [mm] from which the ground is wet."""

    def check(self) -> None:
        """Refuse what cannot be computed, with ValueError saying the remedy."""
        if self.days < 1:
            raise ValueError("days must be 1 or more")
        if not 0.0 < self.decay <= 1.0:
            raise ValueError("decay must lie above 0 and be at most 1")
        if not 0.0 < self.normal <= self.wet:
            raise ValueError("normal must lie above 0 and must not be above wet")

    def effective(self, days: Array) -> Bounds:
        """Effective rain [mm] from daily rain (now, place, day), newest last; open where a day is missing."""
        missing = np.isnan(days)
        # The series ends with the day under way, which antecedent rain does not look at.
        series = np.concatenate([np.where(missing, 0.0, days), np.zeros((*days.shape[:-1], 1))], axis=-1)
        low = antecedent_rain(series, decay=self.decay, days=self.days)[..., -1]
        if not missing.any():
            return Bounds(low=low, high=low)
        return Bounds(low=low, high=np.where(missing.any(axis=-1), np.inf, low))

    def state(self, rain: Array) -> State:
        """State of the ground by its effective rain [mm]: 0 dry, 1 normal, 2 wet."""
        step = quantity(DAY_RAIN).resolution
        normal, wet = reached(rain, self.normal, step), reached(rain, self.wet, step)
        return normal.astype(np.int8) + wet


@hazard("critical_rain")
@dataclass(frozen=True, kw_only=True)
class CriticalRain(Rule):
    """Rain within windows that straddle now against the critical rain of the ground and of the basin.

    Windows count as in a rainstorm: the storm must go on. The wetter the ground, the lower the amounts;
    where it is not known how wet it is, the dry table says what is certain and the wet one what is possible.
    Rain of the day under way counts in its windows only, not as wetness of the ground.
    """

    ladder: dict[LevelName, CriticalRung]
    """Critical rain [mm] per duration and state of the ground, hold and keep per level."""
    ground: Ground
    """How wet the ground is."""
    continues: Duration = timedelta(hours=3)
    """How long after its last rain a storm still counts as going on."""
    basins: dict[str, str] = field(default_factory=dict)
    """Code of a town -> class of its basins; towns that are not named have the amounts as they stand."""
    factor: dict[str, float] = field(default_factory=dict)
    """Class -> what its amounts are multiplied by."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        try:
            self.ground.check()
        except ValueError as error:
            raise ValueError(f"ground: {error}") from None
        Frame.over(self._hours, self.continues)
        for sentence in (*_basins(self.basins, self.factor), *_milder(self.ladder)):
            raise ValueError(sentence)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Hourly rain, and that of the days before."""
        return (RAIN, DAY_RAIN)

    @property
    def reach(self) -> Reach:
        """The longest window on both sides of now, a day ahead at least, and the days before."""
        hours = self._frame.reach
        return Reach(
            hours_back=hours.hours_back, hours_ahead=hours.hours_ahead, days_back=self.ground.days
        )

    @property
    def towns(self) -> tuple[str, ...]:
        """The towns whose basins are classed."""
        return tuple(self.basins)

    @property
    def _frame(self) -> Frame:
        return Frame.over(self._hours, self.continues)

    @property
    def _hours(self) -> set[int]:
        return {span // _HOUR for rung in self.ladder.values() for span in rung.dry}

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``precipitation`` and ``precipitation_day`` [mm].

        NaN is missing: it can raise what is possible, never what is certain.
        """
        ended = np.flatnonzero(values_of(block, "day") < 0)[-self.ground.days :]
        rain = self.ground.effective(values_of(block, DAY_RAIN)[..., ended])
        surely = self.ground.state(rain.low)
        perhaps = surely if rain.high is rain.low else self.ground.state(rain.high)
        factors = self._factors(block)
        ways = {level: _ways(rung, (surely, perhaps), factors) for level, rung in self.ladder.items()}
        found = judge(name, block, self._frame, ways, self._figures)
        known = np.where(np.isfinite(rain.high), rain.low, np.nan)
        return replace(found, extra={**found.extra, ANTECEDENT: known})

    def _figures(self, rain: Rain) -> dict[str, Array]:
        return {HOUR_MAX: rain.heaviest(rain.lag + max(self._hours))}

    def _factors(self, block: xr.Dataset) -> Array:
        named = {town: self.factor[kind] for town, kind in self.basins.items()}
        return of_towns(block, named, 1.0)


def _ways(rung: CriticalRung, states: tuple[State, State], factors: Array) -> list[Way]:
    """One way per duration; `states` of the ground are the certain and the possible ones."""
    found = []
    for span, amount in sorted(rung.dry.items()):
        steps = np.rint(rung.amounts(span)[:, None] * factors * 10.0).astype(np.int32)
        surely, perhaps = states
        certain = _chosen(steps, surely)
        possible = certain if perhaps is surely else _chosen(steps, perhaps)
        limits = Limits(certain=certain, possible=possible)
        found.append(Way(hours=span // _HOUR, limit=amount, clearing=amount, limits=limits))
    return found


def _chosen(steps: Tenths, state: State) -> Tenths:
    """The amount of each now's and place's state, from amounts (state, place)."""
    if state.size and state.min() == state.max():
        return np.broadcast_to(steps[state.flat[0]], state.shape)
    return np.asarray(np.where(state == 2, steps[2], np.where(state == 1, steps[1], steps[0])))


def _basins(basins: Mapping[str, str], factor: Mapping[str, float]) -> Iterator[str]:
    for town, kind in basins.items():
        if kind not in factor:
            yield f'basins: "{town}" is of the class {kind}, which has no factor; add one'
    for kind, times in factor.items():
        if not 0.1 <= times <= 10.0:
            yield f"factor: {kind} has {times:g}; write a number from 0.1 to 10"


def _milder(ladder: Mapping[Level, CriticalRung]) -> Iterator[str]:
    """One sentence for each amount that is below that of a lower level."""
    for (below, lower), (level, upper) in pairwise(sorted(ladder.items())):
        for one, other in zip(lower.tables, upper.tables, strict=True):
            for span in one.keys() & other.keys():
                if other[span] < one[span]:
                    yield (
                        f"{level.key}: {other[span]:g} mm is below the {one[span]:g} of {below.key};"
                        " thresholds must not fall as the level rises"
                    )
