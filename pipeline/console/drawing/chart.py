"""Charts over time as SVG: what was observed and what is foretold on one axis, with the lines of the ladder.

A value that is missing is a gap, never zero. Colours come from ``chart.css``; every kind of line also differs
in its dashes, and every line of the ladder carries its word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor, isfinite, log10
from typing import Literal

from markupsafe import Markup

from ingest.times import BEIJING, HOUR, beijing_midnight
from rules.level import Level

Kind = Literal["observed", "forecast", "judged"]
Point = tuple[datetime, float]
WIDE, NARROW = 760, 360
"""Widths for a desk and for a phone [px]."""
_HIGH, _LEFT, _TOP, _BOTTOM, _BETWEEN = 190, 44, 22, 24, 34
_RIGHT = {"zh": 52, "en": 74}
_APART = 14.0
_STEPS_H = (1, 3, 6, 12, 24, 48, 96, 168, 336, 720)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a panel."""

    kind: Kind
    """How it is drawn: what was observed solid, what is foretold dashed, what a rule made of both thick."""
    points: Sequence[Point]
    """Moments, rising, and values; NaN is a gap."""
    label: str
    """What it shows, for the legend."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """What lies between the lowest and the highest of several sources."""

    points: Sequence[tuple[datetime, float, float]]
    """Moments, lowest and highest values; NaN is a gap."""
    label: str
    """What it shows."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A line of a ladder."""

    level: Level
    """The level."""
    value: float
    """Where it lies."""
    label: str
    """Its word and figure."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One chart of a stack that shares its axis of time."""

    title: str
    """What is shown, with its unit."""
    lines: Sequence[Line]
    """From back to front."""
    bands: Sequence[Band] = ()
    """Behind the lines."""
    limits: Sequence[Limit] = ()
    """The ladder."""

    @property
    def values(self) -> list[float]:
        """Every known value."""
        found = [value for line in self.lines for _, value in line.points]
        found += [value for band in self.bands for _, *both in band.points for value in both]
        return [value for value in found if isfinite(value)]


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Where things lie."""

    begin: datetime
    """Left end of the axis."""
    end: datetime
    """Right end."""
    left: float
    """Its place [px]."""
    right: float
    """Place of the right end [px]."""

    def x(self, at: datetime) -> float:
        """Place of a moment [px]."""
        return self.left + (at - self.begin) / (self.end - self.begin) * (self.right - self.left)


def chart(
    panels: Sequence[Panel],
    now: datetime,
    tongue: str,
    *,
    width: int = WIDE,
    caption: str = "",
    word: str = "",
) -> Markup:
    """The panels under each other; empty where none of them knows anything.

    Parameters
    ----------
    panels : those without a known value are left out
    now : aware moment of the line between what was and what may come
    tongue : ``zh`` or ``en``
    width : of the drawing [px]; its text stays readable only where it is shown as wide
    caption : what is read out in place of the picture
    word : what stands over the line of `now`; "now" where nothing is given
    """
    known = [panel for panel in panels if panel.values]
    if not known:
        return Markup("")
    moments = [at for panel in known for line in panel.lines for at, _ in line.points] + [now]
    end = max(*moments, min(moments) + HOUR)
    right = width - _RIGHT.get(tongue, 60)
    frame = _Frame(begin=min(moments), end=end, left=_LEFT, right=right)
    parts: list[Markup] = []
    top = _TOP
    for panel in known:
        parts += _panel(panel, frame, top)
        top += _HIGH + _BETWEEN
    bottom = top - _BETWEEN
    parts += _time_axis(frame, (_TOP, bottom), width)
    word = word or ("现在" if tongue == "zh" else "now")
    parts += _now_line(frame.x(now), (_TOP, bottom), word)
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">')
    high = bottom + _BOTTOM
    return head.format(width, high, width, high, caption) + Markup("").join(parts) + Markup("</svg>")


def _panel(panel: Panel, frame: _Frame, top: float) -> Iterator[Markup]:
    low, high, ticks = _scale([*panel.values, *(limit.value for limit in _near(panel))])
    span = high - low

    def y(value: float) -> float:
        return top + (high - value) / span * _HIGH

    yield _text("title", 4, top - 8, panel.title)
    for tick in ticks:
        yield _grid(frame, y(tick), f"{tick:g}")
    for band in panel.bands:
        yield from _band(band, frame.x, y)
    yield from _limits(_near(panel), frame, y)
    for line in panel.lines:
        yield from _line(line, frame.x, y)


def _near(panel: Panel) -> list[Limit]:
    """The limits that do not press what is known into a flat line; the nearest one is always among them."""
    if not panel.limits:
        return []
    low, high = min(panel.values), max(panel.values)
    nearest = min(panel.limits, key=lambda one: max(low - one.value, one.value - high, 0.0))
    low, high = min(low, nearest.value), max(high, nearest.value)
    reach = max(high - low, abs(high) * 0.05)
    return [one for one in panel.limits if low - reach <= one.value <= high + reach]


def _scale(values: Sequence[float]) -> tuple[float, float, list[float]]:
    """Lowest and highest of the axis, and its ticks, which are round numbers."""
    low, high = min(values), max(values)
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    raw = (high - low) / 4
    power = 10.0 ** floor(log10(raw))
    step = next(power * part for part in (1, 2, 5, 10) if power * part >= raw)
    first, last = floor(low / step), ceil(high / step)
    return first * step, last * step, [round(number * step, 10) for number in range(first, last + 1)]


def _grid(frame: _Frame, y: float, label: str) -> Markup:
    words = _text("tick end", frame.left - 6, y + 4, label)
    return _path("grid", f"M{frame.left:.1f} {y:.1f}H{frame.right:.1f}") + words


def _path(kind: str, drawn: str) -> Markup:
    return Markup('<path class="{}" d="{}"/>').format(kind, drawn)


def _text(kind: str, x: float, y: float, words: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(kind, x, y, words)


def _limits(
    limits: Sequence[Limit], frame: _Frame, y: Callable[[float], float]
) -> Iterator[Markup]:
    """Lines with their words to the right, which keep clear of each other."""
    taken = float("inf")
    for limit in sorted(limits, key=lambda one: one.value):
        at = y(limit.value)
        words = min(at + 4, taken - _APART)
        taken = words
        yield _path(f"limit {limit.level.key}", f"M{frame.left:.1f} {at:.1f}H{frame.right:.1f}")
        yield _text("word", frame.right + 5, words, limit.label)


def _line(
    line: Line, x: Callable[[datetime], float], y: Callable[[float], float]
) -> Iterator[Markup]:
    for run in _runs(line.points):
        if len(run) == 1:
            dot = Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="2.5"/>')
            yield dot.format(line.kind, x(run[0][0]), y(run[0][1]))
            continue
        path = "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in run)
        yield _path(f"line {line.kind}", f"M{path}")


def _runs(points: Iterable[Point]) -> Iterator[list[Point]]:
    """Stretches of known values."""
    run: list[Point] = []
    for at, value in points:
        if isfinite(value):
            run.append((at, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _band(
    band: Band, x: Callable[[datetime], float], y: Callable[[float], float]
) -> Iterator[Markup]:
    for begin, end in pairwise(band.points):
        corners = [(begin[0], begin[1]), (begin[0], begin[2]), (end[0], end[2]), (end[0], end[1])]
        if all(isfinite(value) for _, value in corners):
            path = "L".join(f"{x(at):.1f} {y(value):.1f}" for at, value in corners)
            yield _path("band", f"M{path}Z")


def _time_axis(
    frame: _Frame, ends: tuple[float, float], width: int
) -> Iterator[Markup]:
    room = max(2, int((frame.right - frame.left) / (62 if width > NARROW else 54)))
    hours = (frame.end - frame.begin) / HOUR
    step = next((step for step in _STEPS_H if hours / step <= room), _STEPS_H[-1])
    at = beijing_midnight(frame.begin)
    while at <= frame.end:
        if at >= frame.begin:
            yield _moment(frame.x(at), ends, at)
        at += timedelta(hours=step)


def _moment(x: float, ends: tuple[float, float], at: datetime) -> Markup:
    local = at.astimezone(BEIJING)
    midnight = local.hour == 0
    words = f"{local:%m-%d}" if midnight else f"{local:%H:%M}"
    kind, weight = ("day", "tick middle strong") if midnight else ("grid", "tick middle")
    drawn = _path(kind, f"M{x:.1f} {ends[0]:.1f}V{ends[1]:.1f}")
    return drawn + _text(weight, x, ends[1] + 16, words)


def _now_line(x: float, ends: tuple[float, float], word: str) -> Iterator[Markup]:
    yield _path("now", f"M{x:.1f} {ends[0] - 4:.1f}V{ends[1]:.1f}")
    yield _text("now-word middle", x, ends[0] - 7, word)


def legend(panels: Iterable[Panel]) -> list[tuple[str, str]]:
    """Kind of line and its words, each once, in the order in which they are drawn."""
    found: dict[tuple[str, str], None] = {}
    for panel in panels:
        if panel.values:
            found |= {(line.kind, line.label): None for line in panel.lines}
            found |= {("band", band.label): None for band in panel.bands}
    return list(found)
