"""Intervals: deterministic, honest with few cases, and right about how often they hold."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from pipeline.verify.bootstrap import (
    Figure,
    block_of,
    exact,
    figure,
    fitting_block,
    interval,
    resample,
    share,
    summed,
    table_of,
)

NAN = math.nan


@pytest.mark.parametrize(
    ("n", "k", "low", "high"),
    [(3, 3, 0.368, 1.0), (3, 2, 0.135, 0.983), (10, 0, 0.0, 0.259), (0, 0, 0.0, 1.0)],
)
def test_exact_intervals_of_few_cases(n, k, low, high):
    """Clopper and Pearson's, as tables give them; of nothing, anything is possible."""
    assert exact(k, n) == pytest.approx((low, high), abs=5e-4)


def test_the_same_blocks_give_the_same_draws():
    """Two runs, same bytes."""
    blocks = np.random.default_rng(1).integers(0, 3, (40, 4)).astype(float)
    assert resample(blocks).tobytes() == resample(blocks).tobytes()


def test_the_order_of_blocks_does_not_matter():
    """Only which blocks there are."""
    blocks = np.random.default_rng(1).integers(0, 3, (40, 4)).astype(float)
    assert resample(blocks).tobytes() == resample(blocks[::-1].copy()).tobytes()


def test_draws_hold_as_many_blocks_as_there_are():
    """Each draw is a year as long as the real one."""
    ones = np.ones((12, 1))
    assert (resample(ones, draws=50) == 12).all()


def test_drawing_equal_blocks_as_one_keeps_the_distribution():
    """Mean and spread of the sums are those of drawing days one by one."""
    days = np.array([1.0] * 20 + [0.0] * 80)[:, None]
    sums = resample(days, draws=20000)[:, 0]
    assert sums.mean() == pytest.approx(20, abs=0.1)
    assert sums.std() == pytest.approx(4, abs=0.1)


def test_rows_are_summed_by_block():
    """In the order of the blocks, whatever the order of the rows."""
    rows = np.array([[1.0], [2], [4]])
    assert summed(rows, [(2, 0), (1, 0), (2, 0)]).tolist() == [[2.0], [5.0]]


@pytest.mark.parametrize(
    ("day", "kind", "block"),
    [
        (date(2022, 12, 31), "season", (2023, 0)),
        (date(2023, 2, 28), "season", (2023, 0)),
        (date(2022, 8, 1), "season", (2022, 2)),
        (date(2021, 1, 3), "week", (2020, 53)),
        (date(2022, 8, 1), "year", (2022, 0)),
    ],
)
def test_the_block_of_a_day(day, kind, block):
    """A winter is one block across the turn of the year."""
    assert block_of(day, kind) == block


@pytest.mark.parametrize(("last", "block"), [(date(2015, 1, 1), "week"), (date(2019, 12, 31), "season")])
def test_years_are_drawn_by_seasons_and_summers_by_weeks(last, block):
    """Days are never drawn alone unless somebody asks for it."""
    assert fitting_block(date(2014, 6, 1), last) == block


def test_an_interval_leaves_out_what_cannot_be_told():
    """As long as most draws can be."""
    assert interval(np.array([0.5] * 60 + [NAN] * 40)) == (0.5, 0.5)
    assert all(math.isnan(end) for end in interval(np.array([0.5] * 40 + [NAN] * 60)))
    assert all(math.isnan(end) for end in interval(np.full(10, np.inf)))


def test_few_equal_cases_are_ignorance():
    """Three of three hits in three weeks give no interval by drawing them again."""
    blocks = np.array([[1.0, 0, 0, 0]] * 3)
    found = figure(1.0, blocks, lambda table: table.pod, 3)
    assert (math.isnan(found.low), found.how) == (True, "none")
    assert share(1.0, 3, 3, found) == Figure(value=1.0, low=exact(3, 3)[0], high=1.0, n=3, how="exact")


def test_with_many_events_the_bootstrap_counts():
    """Blocks that depend on each other widen the interval, which an exact one would not know."""
    blocks = np.array([[10.0, 0, 0, 0], [0, 10.0, 0, 0]] * 4)
    drawn = figure(0.5, blocks, lambda table: table.pod, 80)
    assert share(0.5, 40, 80, drawn) is drawn
    alone = exact(40, 80)
    assert drawn.high - drawn.low > 2 * (alone[1] - alone[0])


@pytest.mark.parametrize(("value", "hits"), [(1.0, 25), (0.0, 0)])
def test_many_that_all_fared_alike_prove_nothing_either(value, hits):
    """25 of 25 drawn again are 25 of 25 each time; the interval says what 25 can say."""
    blocks = np.array([[float(hits > 0), float(hits == 0), 0, 0]] * 25)
    drawn = figure(value, blocks, lambda table: table.pod, 25)
    told = share(value, hits, 25, drawn)
    assert ((told.low, told.high), told.how) == (exact(hits, 25), "exact")


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    """Of 200 worlds with a POD of 0.7, about nine in ten."""
    random, held = np.random.default_rng(9), 0
    for _ in range(200):
        hits = random.random(60) < 0.7
        blocks = np.stack([hits, ~hits, hits * 0, hits * 0], axis=1).astype(float)
        pod = float(table_of(blocks.sum(axis=0)).pod)
        low, high = interval(table_of(resample(blocks, draws=400)).pod)
        held += low <= 0.7 <= high
        assert low <= pod <= high
    assert 0.83 < held / 200 < 0.96


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ((0.667, 0.135, 0.983, 3), "0.67 (n = 3, 0.14-0.98)"),
        ((1.0, NAN, NAN, 3), "1.00 (n = 3, ?)"),
        ((NAN, NAN, NAN, 0), "— (n = 0)"),
    ],
)
def test_a_figure_is_never_bare(parts, words):
    """It says how many cases are behind it, and how sure it is."""
    value, low, high, n = parts
    assert Figure(value=value, low=low, high=high, n=n).words == words


def test_a_figure_in_json_has_no_nan():
    """JSON knows none."""
    found = Figure(value=NAN, low=NAN, high=NAN, n=0, how="none").as_json()
    assert found == {"value": None, "low": None, "high": None, "n": 0, "how": "none"}
