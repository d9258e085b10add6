"""Heat wave (高温热浪) by the heat-wave index HI of torridity, for health.

Source: the formulas and grades of GB/T 29457-2012 as a third-party program has them (see
rules/indices/heat.py): light from 2.8, moderate from 6.5, severe from 10.5. The standard's own text was
not seen, and it knows grades, not colours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import xarray as xr

from rules.findings import Basis, Findings
from rules.hazard import Reach, Rule, hazard
from rules.indices.heat import heat_wave_index, torridity
from rules.ladder import Rising, check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, day_age, hits_of, plain
from rules.spans import last_days
from rules.towns import of_towns
from rules.windows import Array, Bounds, Mask, any_known

MAXIMUM, HUMIDITY = "temperature_max_day", "relative_humidity_mean_day"
TORRIDITY, DAY_NUMBER = "torridity", "heat_wave_day"
# The index is compared finer than it is told: 2.79 is no heat wave.
_STEP = 0.01
# Forecast days beyond the ladder's, to see where a heat wave ends.
_EXPIRY_DAYS = 3


@dataclass(frozen=True, kw_only=True)
class HeatWaveRung(Rising):
    """A heat-wave index, and how soon."""

    within_days: int = 1
    """Today and so many days after it."""

    @property
    def alike(self) -> object:
        """All rungs measure the same index."""
        return None

    def check(self) -> None:
        """Refuse days before today."""
        super().check()
        if self.within_days < 0:
            raise ValueError(f"within_days {self.within_days} lies in the past; write 0 or more")


@hazard("heat_wave")
@dataclass(frozen=True, kw_only=True)
class HeatWave(Rule):
    """Highest heat-wave index of today and the days ahead, from daily maximum temperature and mean humidity.

    A day is hot where its torridity TI lies above the place's critical torridity; the index grows with the
    excess and with the hot days in a row before. A run is followed back `run_days` days: a longer one
    counts as that long, which a day more than a month ago changes by a few hundredths. A missing day may
    have been hot or not: it ends the run for what is certain, and leaves the hot days after it open
    upwards.
    """

    ladder: dict[LevelName, HeatWaveRung]
    """Heat-wave indices, hold and keep per level."""
    critical: float
    """Critical torridity TI′ where a town has none of its own: median torridity of days above 33 °C."""
    critical_by_town: dict[str, float] = field(default_factory=dict)
    """Code of a town -> its critical torridity."""
    run_days: int = 30
    """Days that a run of hot days is followed back."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)
        if self.run_days < 1:
            raise ValueError(f"run_days {self.run_days} forgets every run; write 1 or more")

    @property
    def quantities(self) -> tuple[str, ...]:
        """Daily maximum temperature and daily mean humidity."""
        return (MAXIMUM, HUMIDITY)

    @property
    def towns(self) -> tuple[str, ...]:
        """Towns with a critical torridity of their own."""
        return tuple(self.critical_by_town)

    @property
    def reach(self) -> Reach:
        """The days of a run, today, and some days beyond the farthest rung."""
        return Reach(days_back=self.run_days, days_ahead=self._ahead + 1 + _EXPIRY_DAYS)

    @property
    def _ahead(self) -> int:
        return max(rung.within_days for rung in self.ladder.values())

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with the daily quantities (now, place, day) [°C, %].

        Gives ``torridity`` of today and ``heat_wave_day``, the number of hot days in a row that today
        makes [d].
        """
        sheet = Sheet.empty(block, _STEP)
        index = values_of(block, "day")
        days = slice(*np.searchsorted(index, (-self.run_days, self._ahead + 1 + _EXPIRY_DAYS)))
        today = int(np.searchsorted(index[days], 0))
        maximum, humidity = (values_of(block, part)[..., days] for part in self.quantities)
        ti = torridity(maximum, humidity)
        critical = of_towns(block, self.critical_by_town, self.critical)
        ahead = _ahead(ti, critical, today)
        sky = {level: plain(rung, _best(rung, ahead)) for level, rung in self.ladder.items()}
        sheet.climb(slice(None), sky)
        met = hits_of(ahead.low, sheet.floor, self.ladder, _STEP)
        last_days(sheet, block, met, any_known(ti[..., today:]))
        number = _run(ti[..., : today + 1], critical)
        begun = sheet.floor > 0
        sheet.basis[:] = begun * (Basis.FORECAST + (number > 1) * Basis.OBSERVED)
        sheet.mark(
            slice(None),
            *(values_of(block, f"flags_{part}")[..., days] for part in self.quantities),
        )
        extra = {
            TORRIDITY: ti[..., today],
            DAY_NUMBER: np.where(np.isnan(ti[..., today]), np.nan, number),
        }
        return sheet.findings(name, block, day_age(ti[..., :today], block), extra)


def _ahead(ti: Array, critical: Array, today: int) -> Bounds:
    """Heat-wave index of today and the days after it, (now, place, day), as bounds."""
    coming = ti[..., today:]
    low = np.zeros_like(coming)
    # Most of the year no day ahead is hot, and then no day before it matters.
    awake = np.asarray(~(coming <= critical[:, None]).all(axis=-1))
    if not awake.any():
        return Bounds(low=low, high=low)
    high = low.copy()
    first = _first_that_matters(ti, critical, awake, today)
    chosen = np.moveaxis(ti, -1, 0)[first:, awake].T
    waves = _index(chosen, np.broadcast_to(critical, awake.shape)[awake])
    low[awake], high[awake] = waves.low[:, today - first :], waves.high[:, today - first :]
    return Bounds(low=low, high=high)


def _first_that_matters(ti: Array, critical: Array, awake: Mask, today: int) -> int:
    """Index of the last day before today on which no town can have been in a run that goes on; 0 if none."""
    running = awake
    for day in range(today - 1, -1, -1):
        running = running & ~(ti[..., day] <= critical)
        if not running.any():
            return day
    return 0


def _index(ti: Array, critical: Array) -> Bounds:
    """Heat-wave index of each day, (town, day), as bounds: a missing day before may have been hot."""
    index = heat_wave_index(ti, critical)
    unknown = np.isnan(index)
    if not unknown.any():
        return Bounds(low=index, high=index)
    missing = np.isnan(ti)
    least = heat_wave_index(np.where(missing, -np.inf, ti), critical)
    return Bounds(low=np.where(missing, -np.inf, least), high=np.where(unknown, np.inf, index))


def _best(rung: HeatWaveRung, ahead: Bounds) -> Bounds:
    days = slice(rung.within_days + 1)
    return Bounds(low=ahead.low[..., days].max(axis=-1), high=ahead.high[..., days].max(axis=-1))


def _run(ti: Array, critical: Array) -> npt.NDArray[np.int64]:
    """Number of hot days in a row that end with the last one, (now, place)."""
    number = np.zeros(ti.shape[:2], np.int64)
    now, place = np.nonzero(ti[..., -1] > critical)
    if now.size:
        cool = ~(ti[now, place, ::-1] > critical[place, None])
        number[now, place] = np.where(cool.any(axis=-1), np.argmax(cool, axis=-1), ti.shape[-1])
    return number
