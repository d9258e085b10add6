"""The picture of the models: what each said of the next day, and the levels it would have led to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd
from cases.past import Told
from cases.spells import ORDER, at

from ingest.times import HOUR
from pipeline.reports import courses
from pipeline.reports.figures.style import INK, LEVELS, QUIET, TODAY
from pipeline.reports.figures.ticks import time_axis
from pipeline.reports.language import Tongue, tongue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODELS = ("ifs", "aifs", "gfs", "icon", "gem")
NAMES = {
    **{model: (model.upper(), model.upper()) for model in MODELS},
    "mean": ("五模式平均", "mean of five"), "corrected": ("平均并订正", "mean, corrected"),
}  # fmt: skip
"""Whose forecasts, in Chinese and English."""
_STYLES = ("s-", "^-", "v-", "D-", "x-")
_WARMEST = 17
_TALL = 0.38


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A period as several forecasts would have had it warned of."""

    days: pd.DataFrame
    """Day -> ``measured``, and ``MODEL_1`` as said a day before [°C]."""
    played: Mapping[str, Told]
    """Model -> its replay."""
    start: datetime
    """First moment."""
    end: datetime
    """Last moment."""


def draw(figure: Figure, spoken: Tongue, compared: Compared) -> None:
    """Above what was said a day ahead and what came; below the levels that each would have led to."""
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2.4])
    figure.subplots_adjust(left=0.13, right=0.98, top=0.93, bottom=0.1, hspace=0.08)
    _degrees(above, spoken, compared)
    for row, told in enumerate(compared.played.values()):
        _band(below, row, told)
    names = [spoken.say(*NAMES[model]) for model in compared.played]
    below.set_yticks(range(len(names)), names)
    below.set_ylim(len(names) - 0.5, -0.5)
    time_axis(below, (compared.start, compared.end), 9, spoken)


def _degrees(axes: Axes, spoken: Tongue, compared: Compared) -> None:
    days = compared.days
    hours = [(at(day.date(), _WARMEST) - compared.start) / HOUR for day in days.index]
    for model, style in zip(MODELS, _STYLES, strict=True):
        name = spoken.say(*NAMES[model])
        axes.plot(hours, days[f"{model}_1"], style, color=QUIET, linewidth=1, markersize=3, label=name)
    axes.plot(hours, days["mean_1"], color=TODAY, linewidth=2.2, label=spoken.say(*NAMES["mean"]))
    measured = spoken.say("实测", "measured")
    axes.plot(hours, days["measured"], "o-", color=INK, linewidth=2, label=measured)
    for level, limit in ORDER.items():
        axes.axhline(limit, color=LEVELS[level], linewidth=1.5, zorder=0)
    title = spoken.say(
        "日最高气温（℃）：前一晚的预报与实测", "daily maximum (°C): said the evening before, and measured"
    )
    axes.set_title(title, loc="left", color=QUIET, fontsize=12)
    axes.legend(ncols=4, loc="lower left", fontsize=9)
    axes.set_ylim(30, 43)


def _band(axes: Axes, row: int, told: Told) -> None:
    """Levels in force of one replay, as a band."""
    panel = courses.panel("heat", told.replay, None, told.config, tongue("en"))
    steps = panel.today.steps
    ends = [*[hour for hour, _ in steps][1:], panel.length]
    for (begin, level), end in zip(steps, ends, strict=True):
        if level:
            axes.broken_barh(
                [(begin, end - begin)], (row - _TALL, 2 * _TALL),
                facecolor=LEVELS[level], edgecolor=INK, linewidth=0.4,
            )  # fmt: skip
