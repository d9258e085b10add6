"""From replays to the panels of the timeline: per hazard its metric, its levels and its messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from itertools import pairwise

import numpy as np

from alerts.event.transition import ABOUT_DATA
from ingest.times import HOUR, Instants, instant64
from pipeline.config import Config
from pipeline.replay.result import Replay
from pipeline.reports.figures.nights import Night
from pipeline.reports.figures.timeline import Course, Hours, Panel
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Stretch
from rules.level import Level

_NOTHING = np.zeros(0)
Steps = list[tuple[float, Level]]
"""Hours since the start of the period at which the level of the district became which."""


def hazards_shown(today: Replay, proposal: Replay | None) -> list[str]:
    """Hazards that have something to show: the most severe first, then those most is told of."""
    peaks: dict[str, Level] = {}
    for replay in (today, *([proposal] if proposal else [])):
        for change in replay.transitions:
            known = peaks.get(change.hazard, Level.NONE)
            peaks[change.hazard] = max(known, change.peak_level, change.to_level)
    told = Counter(page.hazard for page in today.pages)
    return sorted(peaks, key=lambda name: (-peaks[name], -told[name], name))


def panel(
    hazard: str, today: Replay, proposal: Replay | None, config: Config, tongue: Tongue
) -> Panel:
    """The panel of one hazard."""
    trace, conduct = today.traces.get(hazard), config.hazards[hazard].conduct
    measure = tongue.say(conduct.measure, conduct.measure_en)
    towns = len(config.district.towns)
    return Panel(
        period=(today.start, today.end),
        measure=f"{measure} ({conduct.unit})" if conduct.unit else measure,
        hours=_NOTHING if trace is None else _hours(trace.nows, today.start),
        value=_NOTHING if trace is None else trace.value,
        unknown=_NOTHING if trace is None else np.minimum(trace.unknown / towns, 1.0),
        falling=trace is not None and trace.falling,
        certain=np.zeros(0, np.int8) if trace is None else trace.floor,
        today=_course(hazard, today, config),
        proposal=None if proposal is None else _course(hazard, proposal, config),
        changes=[
            (number, (change.at - today.start) / HOUR)
            for number, change in enumerate(today.transitions, 1)
            if change.hazard == hazard
        ],
        night=night_of(config),
    )


def _course(hazard: str, replay: Replay, config: Config) -> Course:
    trace = replay.traces.get(hazard)
    ladder = config.hazards[hazard].rule.ladder
    return Course(
        limits={level: rung.limit for level, rung in ladder.items()} if trace is None else trace.limits,
        steps=_steps(hazard, replay),
        pages=[
            ((page.at - replay.start) / HOUR, page.calls) for page in replay.pages if page.hazard == hazard
        ],
    )


def _steps(hazard: str, replay: Replay) -> Steps:
    """Levels in force over the period, by the changes that were told."""
    found: Steps = [(0.0, Level.NONE)]
    for change in replay.transitions:
        if change.hazard == hazard and change.to_level != found[-1][1]:
            found.append(((change.at - replay.start) / HOUR, change.to_level))
    return found


def _hours(nows: Instants, start: datetime) -> Hours:
    hours: Hours = (nows - instant64(start)) / np.timedelta64(1, "h")
    return hours


def band(replay: Replay) -> list[Stretch]:
    """Highest level of all hazards over the period, in percent of it."""
    length = (replay.end - replay.start) / HOUR or 1.0
    moves = [(change.at, change.hazard, change.to_level) for change in replay.transitions
             if change.reason not in ABOUT_DATA]  # fmt: skip
    stretches = []
    for (begin, level), (end, _) in pairwise([*_worst(moves, replay), (length, Level.NONE)]):
        if level and end > begin:
            stretches.append(
                Stretch(left=100 * begin / length, width=100 * (end - begin) / length, level=level)
            )
    return stretches


def _worst(
    moves: Sequence[tuple[datetime, str, Level]], replay: Replay
) -> Iterator[tuple[float, Level]]:
    levels: dict[str, Level] = {}
    last = Level.NONE
    for at, hazard, level in moves:
        levels[hazard] = level
        worst = max(levels.values())
        if worst != last:
            yield (at - replay.start) / HOUR, worst
        last = worst


def silent(today: Replay, config: Config, shown: Sequence[str]) -> list[str]:
    """Hazards that were judged and of which nothing was told."""
    return [
        name for name, block in config.hazards.items() if block.conduct.enabled and name not in shown
    ]


def night_of(config: Config) -> Night:
    """Hours that count as night."""
    begin, end = (time.fromisoformat(text) for text in config.service.night)
    return begin.hour + begin.minute / 60, end.hour + end.minute / 60
