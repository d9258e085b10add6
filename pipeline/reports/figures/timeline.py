"""Weather against the ladder: the metric, its thresholds, the level in force, and who was called when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ingest.times import HOUR
from pipeline.reports.figures.nights import SHADED, Night, nights
from pipeline.reports.figures.style import BLIND, CALLED, INK, LEVELS, NIGHT, ON_LEVEL, QUIET, TOLD
from pipeline.reports.figures.ticks import time_axis
from pipeline.reports.language import Tongue
from rules.level import Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Hours = npt.NDArray[np.float64]
"""Hours since the start of the period."""

MOST_POINTS = 2000
"""More points than pixels say nothing: of so many stretches the most severe value is drawn."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """How one hazard went under one set of rules."""

    limits: Mapping[Level, float]
    """Level -> threshold."""
    steps: Sequence[tuple[float, Level]]
    """When the level in force of the district became which [h since the start]."""
    pages: Sequence[tuple[float, bool]]
    """When a message reached somebody [h since the start], and whether it had to be answered."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One hazard over one period."""

    period: tuple[datetime, datetime]
    """First and last moment."""
    measure: str
    """What the metric is, with its unit."""
    hours: Hours
    """When it was judged, shape (now,); empty where no metric was kept."""
    value: Hours
    """Metric of the worst town, shape (now,); NaN where unknown."""
    unknown: npt.NDArray[np.float64]
    """Share of the towns that could not be judged, shape (now,)."""
    falling: bool
    """Whether low values are the dangerous ones."""
    certain: npt.NDArray[np.int8]
    """Highest level that was certain somewhere, shape (now,): a rung may ask more than the metric shows."""
    today: Course
    """Under the rules of today."""
    proposal: Course | None = None
    """Under the proposal, where there is one."""
    night: Night = (22.0, 6.0)
    """Hours that count as night."""
    changes: Sequence[tuple[int, float]] = ()
    """Number of each change of today's alert in the table, and when [h since the start]."""

    @property
    def length(self) -> float:
        """Length of the period [h]."""
        return (self.period[1] - self.period[0]) / HOUR


def draw(figure: Figure, tongue: Tongue, panel: Panel, narrow: bool = False) -> None:
    """Metric above, levels in force below it, messages at the foot, one time axis."""
    courses = [panel.today] if panel.proposal is None else [panel.today, panel.proposal]
    ratios = [3.4, *[1.3] * len(courses), 0.8]
    rows = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios)
    _margins(figure)
    _metric(rows[0], tongue, panel)
    names = ["", ""] if panel.proposal is None else [
        tongue.say("今", "today"), tongue.say("方案", "proposal")
    ]  # fmt: skip
    for axes, course, name in zip(rows[1:-1], courses, names, strict=False):
        _levels(axes, tongue, panel, course, name)
    _changes(rows[1], panel, narrow)
    _pages(rows[-1], tongue, panel)
    for axes in rows:
        _nights(axes, panel)
    time_axis(rows[-1], panel.period, 4 if narrow else 9, tongue)


def _margins(figure: Figure) -> None:
    """Fixed margins [px]: finding them by trial would draw everything twice."""
    width, height = (side * 72 for side in figure.get_size_inches())
    figure.subplots_adjust(
        left=46 / width, right=1 - 68 / width, top=1 - 24 / height, bottom=24 / height, hspace=0.16
    )


def _metric(axes: Axes, tongue: Tongue, panel: Panel) -> None:
    axes.set_title(panel.measure, loc="left", color=QUIET, fontsize=12)
    if panel.hours.size:
        hours, value = bent(*thinned(panel.hours, panel.value, panel.falling))
        axes.plot(hours, value, color=INK, linewidth=1.3, zorder=3)
        _reached(axes, hours, value, panel)
        _blind(axes, panel)
    else:
        axes.text(0.5, 0.5, tongue.say("没有保留指标", "no metric kept"), transform=axes.transAxes,
                  ha="center", va="center", color=QUIET)  # fmt: skip
    _thresholds(axes, tongue, panel)
    axes.grid(True, axis="y")
    axes.tick_params(bottom=False)


def _moved(panel: Panel) -> dict[Level, float]:
    """Thresholds that the proposal sets otherwise."""
    if panel.proposal is None:
        return {}
    now = panel.today.limits
    return {level: limit for level, limit in panel.proposal.limits.items() if now.get(level) != limit}


def _thresholds(axes: Axes, tongue: Tongue, panel: Panel) -> None:
    """Lines with their labels, those of the proposal dotted; labels that would touch are moved apart."""
    sign, word = "≤" if panel.falling else "≥", tongue.say("新", " new")
    lines = [(limit, level, "", (0, (5.0, 3.0))) for level, limit in panel.today.limits.items()]
    lines += [(limit, level, word, (0, (1.0, 1.5))) for level, limit in _moved(panel).items()]
    lines.sort(key=lambda line: line[0])
    for limit, level, _, dashes in lines:
        axes.axhline(limit, color=LEVELS[level], linewidth=1.6, linestyle=dashes, zorder=2)
    low, high = axes.get_ylim()
    spots = apart([(limit - low) / (high - low) for limit, *_ in lines], 0.12)
    for spot, (limit, level, new, _) in zip(spots, lines, strict=True):
        axes.annotate(
            f"{tongue.initial(level)}{new} {sign}{tongue.number(limit, 1)}",
            (1, limit), xycoords=("axes fraction", "data"), xytext=(1.008, spot),
            textcoords="axes fraction", va="center", fontsize=11,
            bbox={"boxstyle": "round,pad=0.15", "fc": "white", "ec": LEVELS[level], "lw": 1.2},
        )  # fmt: skip


def apart(places: Sequence[float], room: float) -> list[float]:
    """Rising places, moved as little as needed so that neighbours have room."""
    moved = list(places)
    for _ in range(20):
        for one in range(len(moved) - 1):
            lack = room - (moved[one + 1] - moved[one])
            if lack > 1e-9:
                moved[one] -= lack / 2
                moved[one + 1] += lack / 2
    return moved


def _reached(axes: Axes, hours: Hours, value: Hours, panel: Panel) -> None:
    """Fill between the metric and each threshold it is beyond, where the level was certain as well."""
    at = np.searchsorted(panel.hours, hours, side="right") - 1
    certain = panel.certain[np.clip(at, 0, None)]
    for level, limit in sorted(panel.today.limits.items()):
        beyond = value <= limit if panel.falling else value >= limit
        where = (beyond & (certain >= level)).tolist()
        axes.fill_between(hours, value, limit, where=where, color=LEVELS[level], alpha=0.45,
                          linewidth=0, zorder=1)  # fmt: skip


def _blind(axes: Axes, panel: Panel) -> None:
    """Hatch the time at which some town could not be judged, densely where none could."""
    found = stretches(panel.hours, panel.unknown, panel.length)
    for hatch, whole in (("/", False), ("////", True)):
        spans = [(begin, end) for begin, end, share in found if (share >= 1) is whole]
        _columns(axes, spans, facecolor="none", edgecolor=BLIND, linewidth=0, zorder=0, hatch=hatch)


def _columns(axes: Axes, spans: Sequence[tuple[float, float]], **look: Any) -> None:
    """Columns from foot to top as one artist: hundreds of single ones take seconds."""
    if spans:
        widths = [(begin, end - begin) for begin, end in spans]
        axes.broken_barh(widths, (0, 1), transform=axes.get_xaxis_transform(), **look)


def stretches(hours: Hours, share: Hours, length: float) -> list[tuple[float, float, float]]:
    """Begin, end and largest share of each run of moments at which the share is above zero.

    A moment lasts until the next one, the last until the end of the period.
    """
    dark = share > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], dark, [False]]).astype(np.int8)))
    until = np.append(hours, length)
    return [
        (float(hours[first]), float(until[after]), float(share[first:after].max()))
        for first, after in edges.reshape(-1, 2)
    ]


def thinned(hours: Hours, value: Hours, falling: bool) -> tuple[Hours, Hours]:
    """The most severe value of each of `MOST_POINTS` equal stretches; NaN where none is known."""
    size = -(-hours.size // MOST_POINTS)
    if size <= 1:
        return hours, value
    count = -(-hours.size // size)
    calm = np.inf if falling else -np.inf
    padded = np.full(count * size, calm)
    padded[: value.size] = np.where(np.isnan(value), calm, value)
    rows = padded.reshape(count, size)
    worst = rows.min(axis=1) if falling else rows.max(axis=1)
    return hours[::size], np.where(np.isinf(worst), np.nan, worst)


def bent(hours: Hours, value: Hours) -> tuple[Hours, Hours]:
    """The line without the points inside its level stretches, which make pages large and change nothing."""
    same = (np.diff(value) == 0) | (np.isnan(value[1:]) & np.isnan(value[:-1]))
    inner = np.zeros(value.shape, np.bool_)
    inner[1:-1] = same[:-1] & same[1:]
    return hours[~inner], value[~inner]


def _levels(axes: Axes, tongue: Tongue, panel: Panel, course: Course, name: str) -> None:
    """Level in force as a staircase: the higher, the worse, whatever the colour."""
    until = [*[hour for hour, _ in course.steps][1:], panel.length]
    spells: dict[Level, list[tuple[float, float]]] = {}
    for (begin, level), end in zip(course.steps, until, strict=True):
        if level and end > begin:
            spells.setdefault(level, []).append((begin, end - begin))
            if end - begin > panel.length / 28:
                axes.text((begin + end) / 2, level / 2, tongue.initial(level), ha="center",
                          va="center", fontsize=11, color=ON_LEVEL[level])  # fmt: skip
    for level, widths in spells.items():
        axes.broken_barh(widths, (0, int(level)), facecolor=LEVELS[level], edgecolor=INK, linewidth=0.5)
    shown = sorted(course.limits) or [level for level in Level if level]
    axes.set_yticks([int(level) for level in shown], [tongue.initial(level) for level in shown])
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.tick_params(bottom=False)
    axes.set_ylim(0, 4.3)
    if name:
        axes.annotate(name, (1, 0.5), xycoords="axes fraction", xytext=(7, 0), va="center",
                      textcoords="offset points", fontsize=11, color=QUIET)  # fmt: skip


def _changes(axes: Axes, panel: Panel, narrow: bool) -> None:
    """Numbers of the changes above the levels, as far as there is room for them."""
    room, last = panel.length * (0.055 if narrow else 0.022), -np.inf
    for number, hour in panel.changes:
        if hour - last >= room:
            axes.annotate(str(number), (hour, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                          textcoords="offset points", ha="center", va="bottom", fontsize=10,
                          color=QUIET)  # fmt: skip
            last = hour


def _pages(axes: Axes, tongue: Tongue, panel: Panel) -> None:
    """How many messages reached people, those that had to be answered in solid."""
    pages, edges = panel.today.pages, np.linspace(0, panel.length, 121)
    called, told = (
        np.histogram([hour for hour, calls in pages if calls is solid], edges)[0] for solid in (True, False)
    )
    axes.stairs(called, edges, fill=True, color=CALLED, linewidth=0)
    axes.stairs(called + told, edges, baseline=called, fill=True, facecolor=TOLD, hatch="////",
                edgecolor="white", linewidth=0)  # fmt: skip
    most = int((called + told).max(initial=1))
    axes.set_ylim(0, most * 1.1)
    axes.set_yticks([0, most])
    axes.tick_params(axis="y", labelsize=9)
    axes.annotate(tongue.say("信息", "sent"), (1, 0.5), xycoords="axes fraction", xytext=(7, 0),
                  va="center", textcoords="offset points", fontsize=11, color=QUIET)  # fmt: skip


def _nights(axes: Axes, panel: Panel) -> None:
    start, end = panel.period
    if end - start <= timedelta(days=SHADED):
        spans = nights(start, end, panel.night)
        _columns(axes, spans, color=NIGHT, linewidth=0, zorder=-1)
