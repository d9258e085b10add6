"""A sweep says of any ladder what a full replay says, change for change and town for town."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import xarray as xr
from stage import district
from tuning import made_up, only, replayed, stepped, varied

from pipeline.config import HazardBlock
from pipeline.replay.run import Period
from pipeline.tune.course import Step
from pipeline.tune.sweep import Swept, shape_of, sweep
from pipeline.verify.matching import Warned
from rules.findings import Findings
from rules.hazard import Reach, Rule
from rules.hazards.heat import Heat, HeatRung
from rules.level import Level

WINTRY = ("low_temperature", "cold_wave")
HAZARDS = ["heat", "rainstorm", "gale", "pig_heat", "landslide", "flash_flood", *WINTRY]


PASTS: dict[int, Period] = {}


@pytest.fixture(scope="module", autouse=True)
def put_away() -> Iterator[None]:
    """Close the pasts that were made."""
    yield
    while PASTS:
        PASTS.popitem()[1].engine.dispose()


def past(seed: int) -> Period:
    """A made-up past; even ones are summers, odd ones winters."""
    if seed not in PASTS:
        PASTS[seed] = made_up(seed)
    return PASTS[seed]


def swept(hazard: str, seed: int, blocks: list[HazardBlock]) -> Swept:
    """The past measured for some ladders."""
    return sweep(only(hazard), past(seed), blocks, lambda done, total: None)


def agrees(hazard: str, seed: int, ladders: list[int]) -> int:
    """Changes of all ladders, after holding each against a full replay."""
    blocks = [varied(district().hazards[hazard], ladder) for ladder in ladders]
    found = swept(hazard, seed, blocks)
    courses = [stepped(course) for course in found.courses(blocks)]
    for block, course in zip(blocks, courses, strict=True):
        assert course == replayed(only(hazard, block), past(seed))
    return sum(map(len, courses))


@pytest.mark.parametrize("hazard", HAZARDS)
def test_random_ladders_take_the_course_of_a_full_replay(hazard: str):
    """With holes in the data, late reports, hold, keep, clearing and tail."""
    seed = 1 if hazard in WINTRY else 0
    agrees(hazard, seed, [4, 7])


@pytest.mark.soak
@pytest.mark.parametrize("hazard", HAZARDS)
def test_many_random_ladders_take_the_course_of_a_full_replay(hazard: str):
    """Over several summers and winters."""
    assert sum(agrees(hazard, seed, list(range(20))) for seed in range(4)) > 0


def test_the_past_of_these_tests_is_no_calm_one():
    """Otherwise nothing would be compared."""
    assert agrees("heat", 0, [3]) > 5
    assert agrees("rainstorm", 0, [3]) > 5


def test_where_nothing_is_reached_nothing_changes():
    """A course may be calm from end to end."""
    block = district().hazards["heat"]
    assert isinstance(block.rule, Heat)
    far = {level: replace(rung, at_least=90.0) for level, rung in block.rule.ladder.items()}
    calm = replace(block, rule=replace(block.rule, ladder=far))
    course = next(swept("heat", 0, [calm]).courses([calm]))
    assert (course.changes, list(course.steps()), course.warned("heat")) == ((), [], ())


def test_the_order_and_number_of_ladders_change_nothing():
    """Each takes its course whatever else is tried."""
    blocks = [varied(district().hazards["heat"], seed) for seed in range(6)]
    found = swept("heat", 0, blocks)
    together = [stepped(course) for course in found.courses(blocks)]
    alone = [stepped(next(found.courses([block]))) for block in reversed(blocks)]
    assert together == alone[::-1]


def test_rules_with_other_windows_are_measured_each():
    """A window changes the metric, and both are right."""
    block = district().hazards["heat"]
    orange = replace(block.rule.ladder[Level.ORANGE], within=timedelta(hours=6))
    other = replace(block, rule=replace(block.rule, ladder={**block.rule.ladder, Level.ORANGE: orange}))
    found = swept("heat", 0, [block, other])
    assert len(found.past.kept) == 2
    for one, course in zip([block, other], found.courses([block, other]), strict=True):
        assert stepped(course) == replayed(only("heat", one), past(0))


@pytest.mark.parametrize("key", ["hold", "keep", "at_least", "clear_below"])
def test_thresholds_hold_and_keep_leave_the_shape_as_it_is(key: str):
    """The metric is measured once for all of them."""
    rule = district().hazards["heat"].rule
    assert isinstance(rule, Heat)
    changed: dict[str, Any] = {key: timedelta(hours=7) if key in ("hold", "keep") else 35.0}
    orange = replace(rule.ladder[Level.ORANGE], **changed)
    other = replace(rule, ladder={**rule.ladder, Level.ORANGE: orange})
    assert shape_of(other) == shape_of(rule)


def test_another_gap_or_window_is_another_shape():
    """What changes a metric is told apart."""
    rule = district().hazards["heat"].rule
    assert isinstance(rule, Heat)
    assert shape_of(replace(rule, max_gap=timedelta(hours=5))) != shape_of(rule)


@dataclass(frozen=True, kw_only=True)
class Nightly(Rule):
    """Heat that counts in the afternoon only: its thresholds are not all there is to it."""

    heat: Heat

    @property
    def ladder(self) -> Mapping[Level, HeatRung]:
        """That of the heat."""
        return self.heat.ladder

    @property
    def quantities(self) -> tuple[str, ...]:
        """Those of the heat."""
        return self.heat.quantities

    @property
    def reach(self) -> Reach:
        """That of the heat."""
        return self.heat.reach

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Calm in the morning."""
        found = self.heat.assess(name, block)
        hour = (block.variables["now"].values.astype("datetime64[h]").astype(int) + 8) % 24
        calm = (hour < 12)[:, None]
        return replace(
            found,
            floor=np.where(calm, np.int8(0), found.floor),
            reach=np.where(calm, np.int8(0), found.reach),
            ceiling=np.where(calm, np.int8(0), found.ceiling),
        )


def nightly() -> Iterator[HazardBlock]:
    """Two ladders of such a rule."""
    for seed in (1, 2):
        block = varied(district().hazards["heat"], seed)
        assert isinstance(block.rule, Heat)
        yield replace(block, rule=Nightly(heat=block.rule))


def test_a_rule_that_is_more_than_thresholds_is_judged_anew_for_every_ladder():
    """Slower, and right all the same."""
    blocks = list(nightly())
    found = swept("heat", 0, blocks)
    assert found.direct
    for block, course in zip(blocks, found.courses(blocks), strict=True):
        assert stepped(course) == replayed(only("heat", block), past(0))


def test_the_warnings_of_a_course_are_those_of_its_changes():
    """Level, towns and steps of each alert, as verification takes them from a replay."""
    block = varied(district().hazards["heat"], 4)
    course = next(swept("heat", 0, [block]).courses([block]))
    warned = course.warned("heat")
    for one in warned:
        steps = [step for step in course.steps() if one.began <= step.at and not _over(one, step)]
        assert one.level == max(step.after for step in steps)
        assert one.places == set().union(*(step.places for step in steps))
    assert len(warned) > 1


def _over(one: Warned, step: Step) -> bool:
    return one.ended is not None and step.at >= one.ended
