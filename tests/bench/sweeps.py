"""A sweep: many ladders of one hazard on years of hours, the metrics measured once."""

from __future__ import annotations

import random
import resource
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bench.figures import Figure, timed
from bench.weather import long_period, played

from ingest.database import IN_MEMORY
from pipeline.config import HazardBlock, with_only
from pipeline.tune.sweep import Swept, sweep
from rules.hazards.heat import Heat
from rules.level import Level

HAZARD = "heat"
LADDERS, YEARS = 1_000, 10
_QUICK_LADDERS, _QUICK_DAYS = 50, 10
_LIMITS = {Level.YELLOW: (33.0, 37.0), Level.ORANGE: (35.0, 39.0), Level.RED: (37.0, 41.0)}


def measure(*, quick: bool) -> Iterator[Figure]:
    """1,000 ladders, no two alike, on 10 years (50 on 10 days where it must be quick)."""
    config = with_only(played(), (HAZARD,))
    days, number = (_QUICK_DAYS, _QUICK_LADDERS) if quick else (YEARS * 365, LADDERS)
    blocks = ladders(config.hazards[HAZARD], number)
    made = long_period(config, days, IN_MEMORY)
    what = f"{number:,} ladders of {HAZARD}, {days:,} days hourly x 21 towns"
    try:
        took, swept = timed(lambda: sweep(config, made.period, blocks, lambda done, total: None))
    finally:
        made.period.engine.dispose()
    yield Figure(what=f"{what}: metrics, once", unit="s", samples=(took,))
    yield Figure(what=f"{what}: metrics kept", unit="MB", samples=(swept.kept_bytes / 1e6,))
    tries = [timed(lambda: _changes(swept, blocks)) for _ in range(1 if quick else 3)]
    changes = tries[0][1]
    yield Figure(
        what=f"{what} ({changes:,} changes of the district's level)",
        unit="s",
        samples=tuple(sample for sample, _ in tries),
    )
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield Figure(what=f"{what}: most memory, the archive in it", unit="MB", samples=(most,))


def ladders(block: HazardBlock, number: int) -> list[HazardBlock]:
    """So many ladders at random: thresholds, clearing, hold and keep of every rung."""
    chance = random.Random(7)
    return [_varied(block, chance) for _ in range(number)]


def _varied(block: HazardBlock, chance: random.Random) -> HazardBlock:
    rule = block.rule
    assert isinstance(rule, Heat)
    limits = sorted(round(chance.uniform(*_LIMITS[level]), 1) for level in sorted(rule.ladder))
    ladder = {
        level: replace(
            rule.ladder[level],
            at_least=limit,
            clear_below=round(limit - chance.choice((0.0, 0.5, 1.0)), 1),
            hold=timedelta(hours=chance.choice((0, 1, 3))),
            keep=timedelta(hours=chance.choice((3, 6, 12))),
        )
        for level, limit in zip(sorted(rule.ladder), limits, strict=True)
    }
    return replace(block, rule=replace(rule, ladder=ladder))


def _changes(swept: Swept, blocks: list[HazardBlock]) -> int:
    return sum(len(course.changes) for course in swept.courses(blocks))
