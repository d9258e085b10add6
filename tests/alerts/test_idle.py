"""Until when nothing changes of a hazard: whoever passes over those nows misses nothing."""

from dataclasses import fields, replace
from datetime import timedelta
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pytest
from fakes import AT, AT_ONCE, CONDUCT, HOUR, LADDER, MINUTE, NONE, RED, YELLOW, Story, findings
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.event.idle import next_event
from ingest.times import from64
from rules.findings import Findings
from rules.ladder import Falling

HELD = {level: replace(rung, hold=2 * HOUR) for level, rung in LADDER.items()}
FALLING = {YELLOW: Falling(at_most=5.0, keep=HOUR), RED: Falling(at_most=0.0, hold=HOUR)}
INTERVALS = list(combinations_with_replacement([NONE, YELLOW, RED], 3))
PAUSES = [timedelta(seconds=1), 30 * MINUTE, HOUR, 5 * HOUR]

town = st.sampled_from(INTERVALS)
sky = st.tuples(town, town, st.sampled_from([34.0, 36.0, 41.0, np.nan]), st.sampled_from([5, 20, 90]))
"""Floor, reach and ceiling of two towns, the value of both, and when it ends [h after AT]."""
spell = st.tuples(sky, st.lists(st.sampled_from(PAUSES), min_size=1, max_size=8))
"""The same sky at several nows, so long after each other."""


def block_of(spells: list, falling: bool) -> Findings:
    """The findings of all nows as one."""
    rows, now = [], AT
    for (one, other, value, ends), pauses in spells:
        for pause in pauses:
            now += pause
            floor, reach, ceiling = zip(one, other, strict=True)
            rows.append(findings(floor, now, reach=reach, ceiling=ceiling, expires=AT + ends * HOUR,
                                 value=[value, value]))  # fmt: skip
    return replace(joined(*rows), falling=falling)


def joined(*rows: Findings) -> Findings:
    """Some findings, one after the other."""
    parts: dict[str, Any] = {
        item.name: np.concatenate([getattr(row, item.name) for row in rows])
        for item in fields(Findings)
        if isinstance(getattr(rows[0], item.name), np.ndarray)
    }
    return replace(rows[0], **parts)


@pytest.mark.parametrize(
    ("ladder", "falling"),
    [(AT_ONCE, False), (LADDER, False), (HELD, False), (FALLING, True)],
    ids=["at_once", "kept", "held", "falling"],
)
@settings(max_examples=70)
@given(spells=st.lists(spell, min_size=1, max_size=6))
def test_nothing_happens_before_the_next_event(ladder, falling, spells):
    """Of any weather: a now that is passed over changes nothing, and hands the state back as it came.

    One at rest goes on resting: of it only the clocks move of levels that are not in force.
    """
    found, story, due = block_of(spells, falling), Story(towns=2, ladder=ladder), 0
    for row, moment in enumerate(found.nows):
        before = story.state
        step = story.tick(found.at(row), from64(moment))
        if row < due:
            assert not step.transitions
            assert step.state is before or (before.resting and step.state.resting)
        else:
            due = next_event(step.state, found, row, ladder, CONDUCT)
            assert due > row


def same_sky(first: int, count: int, *floor, **bounds) -> Findings:
    """One sky at so many hours from `first` on."""
    return joined(*(findings(floor, AT + (first + hour) * HOUR, **bounds) for hour in range(count)))


@pytest.mark.parametrize(("floor", "due"), [([NONE, NONE], 30), ([YELLOW, NONE], 1)])
def test_a_hazard_at_rest_waits_for_the_first_level(floor, due):
    """Before the first now of a block nothing is known but the state."""
    calm, stirred = same_sky(0, 1, NONE, NONE), same_sky(1, 29, *floor)
    found = joined(calm, stirred)
    assert next_event(Story(towns=2).state, found, -1, LADDER, CONDUCT) == due


@pytest.mark.parametrize(
    ("told", "due"),
    [({}, 7), ({"reach": [RED, RED], "ceiling": [RED, RED]}, 4)],
    ids=["kept for six hours", "blind for three"],
)
def test_the_next_event_is_when_a_patience_runs_out(told, due):
    """An alert whose level is over ends by its `keep`; lost data is told after a while."""
    found = joined(same_sky(0, 1, YELLOW, NONE), same_sky(1, 29, NONE, NONE, **told))
    story = Story(towns=2)
    for row in range(2):
        story.tick(found.at(row), AT + row * HOUR)
    assert next_event(story.state, found, 1, LADDER, CONDUCT) == due
