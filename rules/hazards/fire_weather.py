"""The Canadian Fire Weather Index day after day: derived quantities whose codes are their own memory.

Source and equations: `rules.indices.fire`. The codes are archived like any daily value, so a restart of the
service goes on where it stopped.
"""

from __future__ import annotations

import numpy as np

from rules.derived import Day, Series, Towns, day_sum, derivation
from rules.indices.fire import LONG_GAP_DAYS, RECOVERY_DAYS, Codes, indices, step
from rules.windows import Mask

CARRY_DAYS = 10
"""A gap of codes shorter than this is crossed with the codes as they were [d]."""

# The exact constant; at 29 °N the day lengths of both variants are the same.
_VARIANT = "cffdrs"
# Temperature, humidity and wind of noon may come from so many hours before it.
_BRIDGE_H = 2
_KMH = 3.6


@derivation(
    "ffmc", "dmc", "dc", "fwi",
    hours=("temperature_2m", "relative_humidity_2m", "wind_speed_10m", "precipitation"),
    before=dict.fromkeys(("ffmc", "dmc", "dc", "fwi"), CARRY_DAYS),
)  # fmt: skip
def fire_weather(day: Day) -> dict[str, Towns]:
    """Codes and index of a day that ends at noon by the sun (13:00 Beijing time at 105.6 °E).

    Temperature [°C], humidity [%] and wind [m/s, used as km/h] are those of that hour, else of the newest of
    the two hours before it; rain [mm] is that of all 24 hours, and one missing hour makes the day NaN, as
    does any other input. A NaN day leaves the codes as they were; `rules.indices.fire` says what a longer
    gap costs. The codes run all year: 29 °N has no season of snow, so nothing is set back in winter.

    Where no code is known of the last `CARRY_DAYS` days the system starts anew from 85, 6 and 15. The drought
    code then needs some 50 days to forget it and is too low in a drought; the hazard tells of such a start
    by its figure ``fire_code_days``.
    """
    temperature = _at_noon(day.hours["temperature_2m"])
    humidity = _at_noon(day.hours["relative_humidity_2m"])
    wind = _at_noon(day.hours["wind_speed_10m"]) * _KMH
    rain = day_sum(day.hours["precipitation"])
    month = np.array(day.month)
    codes = step(temperature, humidity, wind, rain, month, day.latitude, carried(day), _VARIANT)
    _, _, danger, _ = indices(codes, wind, _VARIANT)
    known = codes.missing == 0
    told = {"ffmc": codes.ffmc, "dmc": codes.dmc, "dc": codes.dc}
    return {name: np.where(known, code, np.nan) for name, code in told.items()} | {"fwi": danger}


def carried(day: Day) -> Codes:
    """The codes that the days before hand to this day; start-up values where none of them is known."""
    names = ("ffmc", "dmc", "dc")
    told = {name: day.before[name] for name in names}
    known = np.all([np.isfinite(codes) for codes in told.values()], axis=0)
    trusted = known & np.isfinite(day.before["fwi"])
    start = Codes.start(day.latitude.shape)
    values = {name: getattr(start, name) for name in names}
    waiting, gap = np.zeros((2, *day.latitude.shape))
    for column in range(_newest_whole(trusted), known.shape[-1]):
        here = known[:, column]
        values = {name: np.where(here, told[name][:, column], values[name]) for name in names}
        # A day with codes and without an index waited after a long gap; the first such day began the wait.
        goes_on = (waiting > 1) & (gap <= LONG_GAP_DAYS)
        left = np.where(goes_on, waiting - 1, float(RECOVERY_DAYS))
        waiting = np.where(here, np.where(trusted[:, column], 0.0, left), waiting)
        gap = np.where(here, 0.0, gap + 1.0)
    never = ~known.any(axis=-1)
    return Codes(**values, missing=np.where(never, 0.0, gap), waiting=np.where(never, 0.0, waiting))


def _newest_whole(trusted: Mask) -> int:
    """The newest day on which every town has its codes and index: those before it count no more."""
    whole = np.flatnonzero(trusted.all(axis=0))
    return int(whole[-1]) if whole.size else 0


def _at_noon(hours: Series) -> Towns:
    """The last hour, else the newest of those before it that may stand for it; NaN where none is known."""
    found: Towns = hours[:, -1].copy()
    for back in range(1, _BRIDGE_H + 1):
        found = np.where(np.isnan(found), hours[:, -1 - back], found)
    return found
