"""The chance that slopes give way on a day, from rain windows and the reports of the days before.

The windows are those the physical rule goes by (`rules.hazards.landslide`); a day is a day of the rain gauge.
Reports lag behind slides and come in spells, so that reports of the days before say something rain does not;
where nobody keeps them they are NaN, and the chance leans on rain alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rules.indices.landslide import effective_rain
from rules.learned.level import bounded, level_of
from rules.learned.logistic import (
    LOG,
    PLAIN,
    ROOT,
    Array,
    as_table,
    chances,
    fading,
    last_days,
    season,
)

RAIN_DAYS = 31
"""Days of rain that are looked at, the day itself included [d]."""
REPORT_DAYS = 730
"""Days of reports that are looked at [d]."""
DECAY, DAYS = 0.6, 7
"""Effective rain as the physical rule has it: share still counting a day later, and days."""
FORMS: dict[str, float] = {
    "rain_1": ROOT, "rain_before": ROOT, "rain_2": ROOT, "rain_3": ROOT, "rain_7": ROOT,
    "rain_15": ROOT, "rain_30": ROOT, "effective_rain": ROOT, "wet_ground": ROOT,
    "season_sin": PLAIN, "season_cos": PLAIN, "slides_1": PLAIN, "slides_2": PLAIN,
    "slides_10": LOG, "slides_60": LOG, "slides_365": LOG,
}  # fmt: skip
"""Feature -> the form in which it enters the sum."""
UNITS: dict[str, str] = {
    name: "mm" if form == ROOT else "1" if form == PLAIN else "1/d" for name, form in FORMS.items()
}
"""Feature -> unit, in the order of the columns."""
_WET_DECAY = 0.95


def features(
    rain: Array, slides: Array, day_of_year: npt.ArrayLike, latitude: npt.ArrayLike
) -> Array:
    """What is looked at for one day, (place, feature); NaN where it cannot be known.

    Parameters
    ----------
    rain : array (place, day) [mm]
        Daily rain, newest last: the last column is the day that is judged, foretold or ended. A window that
        reaches before the first day or holds a NaN is NaN.
    slides : array (place, day)
        1 on days with a reported slide, 0 on days without, NaN where nobody would have reported; newest
        last, the last column is the day *before* the one judged.
    day_of_year : 1 to 366, of the day judged; broadcasts to (place,)
    latitude : [°N]; broadcasts to (place,)
    """
    days = last_days(np.asarray(rain, float), RAIN_DAYS)
    reports = last_days(np.asarray(slides, float)[:, -REPORT_DAYS:], 2, at_least=True)
    turn = season(np.asarray(day_of_year, float), np.asarray(latitude, float))
    everywhere = np.zeros(len(days))
    columns = {f"rain_{n}": days[:, -n:].sum(axis=1) for n in (1, 2, 3, 7, 15, 30)} | {
        "rain_before": days[:, -2],
        "effective_rain": effective_rain(days[:, -DAYS - 1 :], decay=DECAY, days=DAYS)[:, -1],
        "wet_ground": days @ _WET_DECAY ** np.arange(RAIN_DAYS)[::-1],
        "season_sin": turn[0] + everywhere,
        "season_cos": turn[1] + everywhere,
        "slides_1": reports[:, -1],
        "slides_2": reports[:, -2],
    }
    columns |= {f"slides_{life}": fading(reports, float(life)) for life in (10, 60, 365)}
    return as_table(columns, tuple(UNITS))


def chance(model: Mapping[str, Any], table: Array) -> Array:
    """Chance of at least one reported slide on the day, (place,); NaN where too much is unknown.

    At the level the model was saved with, and never nearer to none or to certain than `level.RAREST`.
    """
    return level_of(model).applied(bounded(chances(model, table)))
