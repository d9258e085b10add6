"""Choosing: constraints first, then what is wanted, then what changes least; and never by few events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from stage import district

from pipeline.tune.board import Board, Trial, folds
from pipeline.tune.candidates import Candidate
from pipeline.tune.figures import (
    COLUMNS,
    FALSE,
    HIT,
    LEAD,
    MISS,
    NIGHT,
    PAGE,
    Calendar,
    Cases,
    gain,
    score,
)
from pipeline.tune.intervals import differences, figures
from pipeline.tune.plan import Bound, Plan, Search
from pipeline.tune.propose import Choice
from pipeline.tune.search import search
from rules.level import Level

BEIJING = timezone(timedelta(hours=8))
YEARS = Calendar(
    start=datetime(2014, 1, 1, tzinfo=BEIJING), end=datetime(2019, 12, 31, 23, tzinfo=BEIJING)
)
VALUES = (35.0, 36.0, 37.0, 38.0)


def plan(**changes: Any) -> Plan:
    """A plan with one key."""
    vary = {"ladder.orange.at_least": VALUES}
    told: dict[str, Any] = {"hazard": "heat", "vary": vary, "maximise": "csi", "level": Level.ORANGE}
    return Plan(**{**told, **changes})


def cases(hits: Sequence[int], misses: int = 0, wrong: int = 0, nights: int = 0) -> Cases:
    """So many hits in each year from 2014 on; the rest spread over the six years."""
    rows, days = [], []
    for year, number in enumerate(hits):
        for count in range(number):
            rows += [(HIT, 1.0), (LEAD, 6.0)]
            days += [date(2014 + year, 7, 1 + count).toordinal()] * 2
    for column, number in ((MISS, misses), (FALSE, wrong), (PAGE, nights), (NIGHT, nights)):
        rows += [(column, 1.0)] * number
        days += [date(2014 + count % 6, 8, 1).toordinal() for count in range(number)]
    table = np.zeros((len(rows), COLUMNS))
    for row, (column, value) in enumerate(rows):
        table[row, column] = value
    return Cases(days=np.array(days, np.int64), rows=table)


def board(found: dict[float, Cases], now: float = 37.0, **changes: Any) -> Board:
    """A board of some ladders, today's first."""
    block = district().hazards["heat"]
    order = sorted(found, key=lambda value: value != now)
    trials = [
        Trial(candidate=Candidate(values=(value,), block=block, today=value == now), cases=found[value])
        for value in order
    ]
    return Board.of(plan(**changes), YEARS, trials)


def best(found: dict[float, Cases], **changes: Any) -> object:
    """The value that is chosen."""
    made = board(found, **changes)
    return made.trials[made.best(made.every)].candidate.values[0]


def test_the_most_of_what_is_wanted_wins():
    """Of those that may be chosen."""
    assert best({37.0: cases([2], misses=3), 36.0: cases([5])}) == 36.0


def test_of_equal_ladders_todays_stays():
    """No change is worth nothing."""
    same = cases([3], wrong=1)
    assert best({35.0: same, 36.0: same, 37.0: same}) == 37.0


def test_of_equally_better_ladders_the_nearest_to_todays_wins():
    """The smaller change."""
    better = cases([5])
    assert best({37.0: cases([2], misses=3), 35.0: better, 36.0: better}) == 36.0


@pytest.mark.parametrize(
    ("constraints", "value"),
    [
        ({}, 35.0),
        ({"night_pages_per_month": Bound(at_most=0.1)}, 36.0),
        ({"pod": Bound(at_least=0.99), "far": Bound(at_most=0.05)}, 35.0),
    ],
)
def test_constraints_come_before_what_is_wanted(constraints: dict[str, Bound], value: float):
    """Where none keeps all, the one that breaks them least."""
    found = {37.0: cases([2], misses=3), 36.0: cases([4], misses=1), 35.0: cases([5], nights=30)}
    assert best(found, constraints=constraints) == value


def test_a_figure_that_cannot_be_told_is_never_the_best():
    """0/0 is ignorance."""
    assert best({37.0: cases([]), 36.0: cases([1], misses=1)}) == 36.0


@pytest.mark.parametrize(
    ("years", "parts", "sizes"), [(10, 5, [2] * 5), (3, 5, [1, 1, 1]), (2, 2, [1, 1]), (1, 5, [])]
)
def test_folds_are_whole_neighbouring_years(years: int, parts: int, sizes: list[int]):
    """Each year is left out once; one year cannot be."""
    found = folds(years, parts)
    assert [int(fold.sum()) for fold in found] == sizes
    if found:
        assert np.sum(found, axis=0).tolist() == [1] * years


def test_the_front_holds_what_nothing_beats():
    """And of equal ladders the one nearest to today's."""
    made = board(
        {
            37.0: cases([2], misses=3),
            36.0: cases([5], wrong=1),
            35.0: cases([5], wrong=1),
            38.0: cases([2], misses=3, wrong=2),
        }
    )
    assert [made.trials[one].candidate.values[0] for one in made.front(made.every)] == [36.0, 37.0]


def choice(today: Cases, other: Cases, **changes: Any) -> Choice:
    """Today's ladder and another."""
    events = int(today.sums[HIT] + today.sums[MISS])
    return Choice(board=board({37.0: today, 36.0: other}, **changes), events=events)


@pytest.mark.parametrize(
    ("today", "other", "verdict"),
    [
        (cases([1] * 6, misses=6), cases([2] * 6), "better"),
        (cases([2] * 6), cases([1] * 6, misses=6), "no_better"),
        (cases([1, 0], misses=2), cases([3, 0]), "few_events"),
        (cases([]), cases([], wrong=2), "no_events"),
        (cases([2] * 5 + [1], misses=1), cases([2] * 6), "no_better"),
    ],
)
def test_what_may_be_said_of_a_proposal(today: Cases, other: Cases, verdict: str):
    """One hit more of twelve is no proof, and three events are none at all."""
    assert choice(today, other).verdict() == verdict


def test_where_no_ladder_keeps_the_constraints_that_is_said():
    """The one that breaks them least is shown all the same."""
    found = choice(cases([1] * 6, misses=6), cases([2] * 6), constraints={"csi": Bound(at_least=1.5)})
    assert found.verdict() == "infeasible"


def test_years_left_out_are_judged_by_the_choice_of_the_others():
    """A ladder that is good in one year alone is not held up by the years that did not see it."""
    lucky = cases([12, 0, 0, 0, 0, 0], wrong=0)
    steady = cases([1] * 6, misses=6)
    held = choice(steady, lucky).held_out()["csi"]
    assert held[0] <= choice(steady, lucky).row(1).figures["csi"].value


def test_the_difference_of_a_ladder_to_itself_is_nothing():
    """Both are drawn from the same blocks."""
    blocks = YEARS.by_block(cases([3, 2, 1, 2, 3, 2], misses=4, wrong=3))
    found = differences(("csi", "pages_per_month"), (blocks, blocks), YEARS, 200, 1)
    assert [found["csi"].value, found["csi"].low, found["csi"].high] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(("number", "how"), [(9, "exact"), (24, "bootstrap")])
def test_shares_of_few_events_have_exact_intervals(number: int, how: str):
    """A bootstrap of nine events knows too little."""
    blocks = YEARS.by_block(cases([number - 9, 2, 3, 1], misses=3))
    found = figures(("pod",), blocks, YEARS, 200, 1)["pod"]
    assert found.how == how
    assert found.low < found.value < found.high


def test_events_of_one_season_are_no_certainty():
    """Every draw gives the same share, and its interval is the exact one all the same."""
    blocks = YEARS.by_block(cases([12]))
    found = figures(("pod",), blocks, YEARS, 200, 1)["pod"]
    assert (found.how, found.high) == ("exact", 1.0)
    assert found.low < 0.9


@pytest.mark.parametrize(
    ("name", "value"),
    [("pod", 0.5), ("far", 0.25), ("csi", 3 / 7), ("hits", 3), ("misses", 3), ("lead_h", 6.0)],
)
def test_figures_are_those_of_their_names(name: str, value: float):
    """From sums of cases."""
    sums = cases([3], misses=3, wrong=1).sums
    assert score(name, sums, 12.0) == pytest.approx(value)


@pytest.mark.parametrize(("name", "one", "other"), [("pod", 0.9, 0.8), ("far", 0.1, 0.2), ("bias", 1.1, 0.5)])
def test_more_gain_is_better_for_every_figure(name: str, one: float, other: float):
    """Of what is a burden less is more, and of the bias what is nearer to one."""
    assert gain(name, one) > gain(name, other) > gain(name, float("nan"))


def test_a_bayesian_search_finds_the_top_with_fewer_tries_and_always_the_same_way():
    """The seed decides all of its chance."""
    pytest.importorskip("sklearn")
    axis = tuple(range(12))
    both = {"ladder.orange.a": axis, "ladder.orange.b": axis}
    wanted = plan(vary=both, search=Search(kind="bayesian", tries=48))

    def tried() -> list[tuple[object, ...]]:
        seen: list[tuple[object, ...]] = []

        def worth(every: Sequence[tuple[Any, ...]]) -> np.ndarray:
            seen.extend(every)
            return np.array([-((a - 8) ** 2) - (b - 3) ** 2 if a != b else -np.inf for a, b in every], float)

        assert search(wanted, worth) == 48
        return seen

    first = tried()
    assert (8, 3) in first
    assert len(set(first)) == 48
    assert tried() == first
