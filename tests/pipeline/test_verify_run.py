"""A replay scored against what happened: days, load, value, gains, and the notes that go with them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from fakes import AT, HOUR, NONE, ORANGE, RED, YELLOW, change
from stage import district

from alerts.event.transition import Reason, Transition
from ingest.times import instant64
from pipeline.config import with_only
from pipeline.replay.result import Paged, Replay, Trace
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.days import Days
from pipeline.verify.gains import gains, stories
from pipeline.verify.load import load
from pipeline.verify.matching import Windows, match, warned
from pipeline.verify.result import Verification
from pipeline.verify.run import outcomes, verify
from pipeline.verify.terms import Terms
from pipeline.verify.words import lines
from rules.level import Level

DAY = timedelta(days=1)
TOWN = "500153001"
HEAT = with_only(district(), ("heat",))


def spell(begin: float, end: float, level: Level = RED, **parts: Any) -> list[Transition]:
    """An alert of one town from so many hours after `AT` to so many."""
    name = parts.get("alert", f"w{begin}")
    shared: dict[str, Any] = {"alert": name, "changed": {TOWN: level}, **parts}
    opened = change(
        id=f"{name}.1", at=AT + begin * HOUR, to_level=level, places={TOWN: level}, **shared
    )
    ended = change(
        Reason.ENDED, id=f"{name}.2", at=AT + end * HOUR, from_level=level, to_level=NONE,
        places={}, **shared,
    )  # fmt: skip
    return [opened, ended]


def replayed(changes: Sequence[Transition], days: int = 30, **parts: Any) -> Replay:
    """A replay that begins at `AT`."""
    made = Replay(
        event="test", ticks=days * 24, elapsed_s=0.0, transitions=tuple(changes), deliveries=(),
        start=AT, end=AT + days * DAY,
    )  # fmt: skip
    return replace(made, **parts)


def event(hours: float, **parts: Any) -> Occurrence:
    """A red heat so many hours after `AT`."""
    made = Occurrence(
        id=f"e{hours}", hazard="heat", onset=AT + hours * HOUR, source="test", level=RED
    )
    return replace(made, **parts)


def page(minutes: float, **parts: Any) -> Paged:
    """A call of one officer so many minutes after `AT`."""
    made = Paged(
        at=AT + timedelta(minutes=minutes), person="li", subsystem="health", transition="x.1",
        alert="x", hazard="heat", level=RED, reason=Reason.OPENED, calls=True, night=False,
        woken=False,
    )  # fmt: skip
    return replace(made, **parts)


@cache
def found() -> Verification:
    """Two reds in time, one event missed, one warning in vain, in a month of heat."""
    changes = [*spell(24, 72), *spell(240, 260), *spell(400, 410)]
    events = [event(48), event(250), event(600)]
    pages = (page(0), page(5, night=True, woken=True), page(9000, person="wang"))
    return verify(replayed(changes, pages=pages, blind={"heat": 3 * DAY}), events, HEAT, Terms())


def test_events_and_warnings_are_counted():
    """Two hits, a miss, a false alarm, with the lead times of the hits."""
    red = found().hazards["heat"].levels[RED]
    assert red.events.as_json()["hits"] == 2
    assert (red.events.misses, red.events.false_alarms) == (1, 1)
    assert red.leads == (10 * HOUR, 24 * HOUR)
    assert red.time == (48 + 20 + 10) * HOUR


def test_no_score_is_bare():
    """Three events: an exact interval, and a note that says so."""
    pod = found().hazards["heat"].levels[RED].figures["pod"]
    assert (round(pod.value, 2), pod.n, pod.how) == (0.67, 3, "exact")
    assert pod.low < 0.2 < 0.9 < pod.high
    assert any("n = 3" in note.en for note in found().notes)


def test_each_event_has_its_story():
    """How it was warned of, level by level."""
    fates = [(story.occurrence.id, story.fate) for story in found().stories]
    assert fates == [("e48", "hit"), ("e250", "hit"), ("e600", "miss")]
    assert found().stories[0].leads == dict.fromkeys((YELLOW, ORANGE, RED), 24 * HOUR)
    assert found().stories[2].first is None


def test_two_runs_give_the_same_bytes():
    """The bootstrap is seeded."""
    changes, events = [*spell(24, 72), *spell(400, 410)], [event(48), event(600)]
    made = [verify(replayed(changes), events, HEAT, Terms()).as_json() for _ in range(2)]
    assert json.dumps(made[0]) == json.dumps(made[1])


def test_the_json_is_strict():
    """No NaN, no infinity, and everything by its name."""
    told = json.loads(json.dumps(found().as_json(), allow_nan=False))
    assert told["hazards"]["heat"]["levels"]["red"]["hits"][0]["lead_h"] == 24.0
    assert told["load"]["blind_h"] == {"heat": 72.0}


def test_the_words_name_figures_with_their_intervals():
    """In lines for a terminal."""
    said = "\n".join(lines(found(), district()))
    assert "POD 0.67 (n = 3, 0.14-0.98)" in said
    assert "无法判断 blind：heat 72h" in said
    assert "漏报 miss" in said


def test_being_blind_is_noted():
    """Three days of thirty without knowing."""
    assert any("5 %" in note.en for note in found().notes)


def test_a_hazard_of_which_nothing_is_known_is_not_judged():
    """An empty catalogue proves no warning false."""
    only = verify(replayed(spell(24, 72)), [], HEAT, Terms())
    heat = only.hazards["heat"]
    assert not heat.judged
    assert all(math.isnan(one.value) for one in heat.levels[RED].figures.values())
    assert "cannot be judged" in only.notes[0].en
    assert "预警 warnings 1" in "\n".join(lines(only, district()))


def test_a_calm_hazard_is_only_named():
    """No warning and no event: nothing to score."""
    nothing = verify(replayed([]), [], HEAT, Terms())
    assert (dict(nothing.hazards), nothing.quiet) == ({}, ("heat",))


@pytest.mark.parametrize("hours", [-1, 30 * 24 + 1])
def test_events_outside_the_period_are_left_out_and_told(hours):
    """Nobody could have warned of them."""
    scored = verify(replayed(spell(24, 72)), [event(hours), event(48)], HEAT, Terms())
    assert len(scored.stories) == 1
    assert any("outside the period" in note.en for note in scored.notes)


def test_a_warned_day_is_a_beijing_day():
    """08:05 to 09:05 in Beijing is one day; until past midnight it is two."""
    days = Days.of(AT, AT + 5 * DAY)
    assert (days.levels(warned(spell(0, 1))) > 0).tolist() == [True] + [False] * 5
    assert (days.levels(warned(spell(0, 16))) > 0).tolist() == [True, True] + [False] * 4


def test_every_day_is_one_of_four():
    """Hit, miss, false alarm, correct negative."""
    days = Days.of(AT, AT + 9 * DAY)
    table = days.table(warned(spell(24, 50)), [event(48), event(150, end=AT + 180 * HOUR)], RED)
    assert (table.sum(axis=1) == 1).all()
    assert table.sum(axis=0).tolist() == [1, 2, 1, 6]


def test_the_right_level_of_a_day_is_the_highest_known():
    """A day with an event of unknown level is not scored."""
    days = Days.of(AT, AT + 3 * DAY)
    right = days.right([event(1, level=ORANGE), event(2, level=RED), event(30, level=None)])
    assert right[0] == RED
    assert np.isnan(right[1])
    assert right[2] == 0


def test_fates_are_dated_by_onset_and_begin():
    """What the bootstrap draws: events and warnings on their days."""
    days = Days.of(AT, AT + 9 * DAY)
    matches = match(warned([*spell(24, 50), *spell(150, 160)]), [event(48)], Windows(), RED)
    fates = days.fates(matches)
    assert (fates[2].tolist(), fates[6].tolist()) == ([1, 0, 0, 0], [0, 0, 1, 0])


@pytest.mark.parametrize(
    ("minutes", "busiest", "crowded", "floods"),
    [([0], 1, 0, 0), ([0, 9.9], 2, 1, 0), ([0, 10], 1, 0, 0), ([5, 12], 2, 1, 0), (range(11), 10, 1, 0),
     ([0.5 * k for k in range(12)], 12, 1, 1)],
)  # fmt: skip
def test_pages_are_counted_in_ten_minutes(minutes, busiest, crowded, floods):
    """EEMUA's measure: the busiest window anywhere, and crowded ones side by side."""
    (one,) = load(replayed([], pages=tuple(map(page, minutes)))).people
    assert (one.busiest, one.crowded, one.floods) == (busiest, crowded, floods)


def test_the_load_names_people_nights_and_chatterers():
    """Who got most, who was woken, what speaks most."""
    told = found().load
    assert [(one.person, one.pages, one.night, one.woken) for one in told.people] == [
        ("li", 2, 1, 1), ("wang", 1, 0, 0)
    ]  # fmt: skip
    sorts = {one.sort: (one.name, one.count) for one in told.chatterers}
    assert sorts == {"hazard": ("heat", 3), "rule": ("heat red", 3), "town": (TOWN, 6)}
    assert told.per_month == pytest.approx(3 / (30 / 30.436875))


def test_a_subsystem_acts_from_the_level_that_saves_most():
    """The yellow warnings only cost; between equals the lower level is the safer one."""
    yellow = [
        one for k in range(10) for one in spell(100 + 48 * k, 140 + 48 * k, YELLOW, alert=f"y{k}")
    ]
    scored = verify(replayed([*spell(24, 60), *yellow]), [event(40)], HEAT, Terms(cost_loss={"health": 0.2}))
    (health,) = [one for one in scored.worth if one.subsystem == "health"]
    assert health.best is ORANGE
    assert health.value[YELLOW] < 0 < health.value[RED]
    assert health.expense[RED] < health.never


@pytest.mark.parametrize(
    ("proposal", "words"),
    [
        (spell(24, 72), "catches 0 of 2 misses"),
        ([*spell(24, 72), *spell(240, 260)], "catches 1 of 2 misses"),
        (spell(240, 260), "catches 1 of 2 misses, loses 1"),
        (spell(20, 72), "catches 0 of 2 misses, 1 earlier, 0 later"),
    ],
)
def test_what_a_proposal_gains(proposal, words):
    """In the words of the blast radius."""
    events = [event(48), event(250), event(600)]
    then, now = (stories(told, events, HEAT, Terms()) for told in (spell(24, 72), proposal))
    assert gains(then, now).words.en == words


def test_without_events_nothing_can_be_gained():
    """And the words say so."""
    assert "no event" in gains([], []).words.en


def moments(count: int, start: datetime = AT) -> Any:
    """Hourly nows."""
    return instant64(start) + np.arange(count) * np.timedelta64(3600, "s")


@pytest.mark.parametrize(("unit", "scale"), [("概率", 1.0), ("%", 100.0)])
def test_a_metric_that_is_a_probability_is_scored_as_one(unit, scale):
    """It is said of each hour whether an event begins soon or is under way."""
    nows = moments(240)
    value = np.where((nows >= instant64(AT + 24 * HOUR)) & (nows <= instant64(AT + 50 * HOUR)), 0.9, 0.1)
    trace = Trace(
        hazard="heat", nows=nows, value=value * scale, floor=np.zeros(240, np.int8),
        level=np.zeros(240, np.int8), unknown=np.zeros(240, np.int32), limits={}, unit=unit,
        falling=False,
    )  # fmt: skip
    told = event(48, end=AT + 50 * HOUR)
    scored = verify(replayed(spell(24, 50), traces={"heat": trace}), [told], HEAT, Terms())
    reliability = scored.hazards["heat"].reliability
    assert reliability.auc == 1.0
    assert reliability.brier == pytest.approx(0.01)
    assert outcomes(trace, [told], Windows()).sum() == reliability.events == 27
