"""What the studio draws: the map at a moment, strips of levels, bars of pages, the weather of a town."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from markupsafe import Markup

from ingest.times import BEIJING, beijing_midnight
from pipeline.config import Config
from pipeline.console.drawing.chart import NARROW, WIDE, Limit, Panel, Point, chart
from pipeline.console.drawing.chart import Line as Drawn
from pipeline.console.drawing.district_map import Shade, district_map
from pipeline.console.studio.facts import HOUR, HourFacts, ReplayFacts, levels_at, unjudged_at
from pipeline.console.studio.studying import Studied
from pipeline.console.studio.weather import Line, Weather
from rules.level import Level

STRIP = 1000.0
"""Width of a strip and of the bars in their own unit."""
_MANY_DAYS = 62
_NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A part of a strip or one bar."""

    x: float
    """Its left end."""
    width: float
    """Its width."""
    sort: str
    """Its level, or ``day`` and ``night``."""
    title: str
    """What it says."""
    height: float = 0.0
    """Height of a bar, 0 to 100."""


def strip(
    bands: Sequence[tuple[datetime, Level]], start: datetime, end: datetime, tongue: str
) -> list[Piece]:
    """The highest level of the district over a period, piece by piece; calm times are left out."""
    found = []
    for (at, level), (until, _) in pairwise([*bands, (end, Level.NONE)]):
        if level is not Level.NONE:
            word = level.zh if tongue == "zh" else level.key
            title = f"{word} {_told(at)} – {_told(until)}"
            found.append(_piece((at, until), (start, end), level.key, title))
    return found


def _piece(
    mine: tuple[datetime, datetime], whole: tuple[datetime, datetime], sort: str, title: str
) -> Piece:
    span = whole[1] - whole[0]
    left = (mine[0] - whole[0]) / span * STRIP
    width = max((mine[1] - mine[0]) / span * STRIP, 1.5)
    return Piece(x=round(left, 1), width=round(width, 1), sort=sort, title=title)


def place_of(at: datetime, start: datetime, end: datetime) -> float:
    """Where a moment lies on a strip."""
    return round((at - start) / (end - start) * STRIP, 1)


def bars(facts: ReplayFacts, tongue: str) -> tuple[list[Piece], int]:
    """Pages of every hour, of a long period of every day, dark where at night; and the highest number."""
    span = facts.end - facts.start
    each = timedelta(days=1) if span > timedelta(days=_MANY_DAYS) else HOUR
    sums: dict[datetime, list[HourFacts]] = {}
    for hour in facts.hours:
        begin = hour.at if each == HOUR else beijing_midnight(hour.at)
        sums.setdefault(begin, []).append(hour)
    most = max((sum(hour.pages for hour in found) for found in sums.values()), default=0)
    drawn = []
    for begin, found in sums.items():
        pages, night = (sum(getattr(hour, name) for hour in found) for name in ("pages", "night"))
        said = "{}：{}条，夜间{}条" if tongue == "zh" else "{}: {}, {} at night"
        words = said.format(_told(begin), pages, night)
        sort = "night" if night * 2 > pages else "day"
        piece = _piece((begin, begin + each), (facts.start, facts.end), sort, words)
        drawn.append(
            Piece(
                x=max(piece.x, 0.0),
                width=max(piece.width, 4.0),
                sort=sort,
                title=words,
                height=round(pages / most * 100, 1),
            )
        )
    return drawn, most


def days(start: datetime, end: datetime) -> list[tuple[float, str]]:
    """(Place, day) of some midnights of a strip, ten at most."""
    first = beijing_midnight(start) + timedelta(days=1)
    number = max(int((end - first) / timedelta(days=1)), 0)
    step = max(number // 8, 1)
    moments = [first + timedelta(days=day) for day in range(0, number + 1, step)]
    return [(place_of(at, start, end), f"{at.astimezone(BEIJING):%m-%d}") for at in moments if at < end]


def map_at(
    studied: Studied, facts: ReplayFacts, shown: tuple[datetime, str], config: Config, tongue: str
) -> Markup:
    """The district at a moment, of one hazard or (empty) of all; a town's cell chooses the town."""
    at, hazard = shown
    levels = levels_at(studied.replay.transitions, at, hazard)
    asked = [one.key for one in facts.hazards if hazard in ("", one.key)]
    unjudged = unjudged_at(facts, at, hazard)
    dark = [name for name, towns in unjudged.items() if towns >= len(facts.towns)]
    shades, links = {}, {}
    for town in config.district.towns:
        level: Level | None = levels.get(town.id, Level.NONE)
        if level is Level.NONE and len(dark) == len(asked):
            level = None
        shades[town.id] = Shade(
            level=level,
            title=f"{town.name if tongue == 'zh' else town.name_en}：{_word(level, tongue)}",
            unsure=bool(dark),
        )
        links[town.id] = f"?at={_query(at)}&hazard={hazard}&town={town.id}#weather"
    return district_map(config, shades, tongue, links=links)


def _word(level: Level | None, tongue: str) -> str:
    if level is None:
        return "无法研判" if tongue == "zh" else "cannot be judged"
    if level is Level.NONE:
        return "无预警" if tongue == "zh" else "no warning"
    return level.zh if tongue == "zh" else level.key


def _query(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%Y-%m-%dT%H:%M}"


def charts(
    found: Weather, now: datetime, end: datetime, tongue: str, caption: str
) -> tuple[Markup, Markup]:
    """A town against the ladder, for a desk and for a phone; empty where nothing is known."""
    panels = [_panel(line, found, end, tongue) for line in found.lines]
    wide = chart(panels, now, tongue, caption=caption)
    return wide, chart(panels, now, tongue, width=NARROW if wide else WIDE, caption=caption)


def _panel(line: Line, found: Weather, end: datetime, tongue: str) -> Panel:
    judged = line.levels or tuple(found.limits)
    words = "、".join(level.zh if tongue == "zh" else level.key for level in line.levels)
    if not words:
        title = "全区最重" if tongue == "zh" else "most severe of the district"
    else:
        title = f"{words}看的指标" if tongue == "zh" else f"what {words} looks at"
    return Panel(
        title=f"{title}（{found.unit}）" if found.unit else title,
        lines=(Drawn(kind="judged", points=_stairs(line, end), label=title),),
        limits=tuple(
            Limit(
                level=level,
                value=found.limits[level],
                label=f"{_short(level, tongue)} {found.limits[level]:g}",
            )
            for level in judged
            if level in found.limits
        ),
    )


def _short(level: Level, tongue: str) -> str:
    return level.zh.removesuffix("色") if tongue == "zh" else level.key


def _stairs(line: Line, end: datetime) -> list[Point]:
    """A value holds until the next: corners in place of slopes."""
    known = [(at, _NAN if value is None else value) for at, value in zip(line.at, line.values, strict=True)]
    found: list[Point] = []
    for (at, value), (until, _) in pairwise([*known, (end, _NAN)]):
        found += [(at, value), (until, value)]
    return found


def _told(at: datetime) -> str:
    return f"{at.astimezone(BEIJING):%m-%d %H:%M}"
