"""Spells: the arithmetic of a lifecycle on intervals is the lifecycle step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tune.spells import Clock, Spells, merged

Mask = np.ndarray


def spells_of(mask: Mask) -> Spells:
    """The spells of a mask (town, now), on a line with one more place for each town."""
    towns, nows = mask.shape
    line = np.concatenate([mask, np.zeros((towns, 1), bool)], axis=1).reshape(-1)
    return Spells.where(line, np.arange(towns * (nows + 1)))


def mask_of(spells: Spells, shape: tuple[int, int]) -> Mask:
    """The mask (town, now) of spells."""
    line = np.arange(shape[0] * (shape[1] + 1))
    return spells.at(line).reshape(shape[0], -1)[:, :-1]


def stepwise(certain: Mask, possible: Mask, seconds: list[int], spans: tuple[int, int]) -> Mask:
    """One level of the lifecycle, tick after tick."""
    hold, keep = spans
    level = np.zeros(certain.shape, bool)
    for town, row in enumerate(level):
        since = clear = None
        for now, at in enumerate(seconds):
            since = (at if since is None else since) if certain[town, now] else None
            clear = None if possible[town, now] else (at if clear is None else clear)
            risen = since is not None and at - since >= hold
            cleared = clear is not None and at - clear >= keep
            row[now] = risen or (now > 0 and row[now - 1] and not cleared)
    return level


bits = st.lists(st.lists(st.sampled_from([0, 0, 1, 2]), min_size=12, max_size=12), min_size=1, max_size=3)
pauses = st.lists(st.sampled_from([0, 60, 3600, 5400]), min_size=12, max_size=12)


@given(bits, pauses, st.sampled_from([0, 60, 3600, 7200]), st.sampled_from([0, 60, 3600, 9000]))
def test_hold_and_keep_on_spells_are_those_of_a_tick_after_a_tick(
    said: list[list[int]], steps: list[int], hold: int, keep: int
):
    """2 is certain, 1 possible, 0 neither; nows at any distance, even at the same second."""
    found, seconds = np.array(said), np.cumsum(steps)
    certain, possible = found == 2, found >= 1
    clock = Clock(seconds=seconds)
    held = clock.held(spells_of(certain), hold)
    kept = clock.kept(held, spells_of(possible), keep)
    want = stepwise(certain, possible, seconds.tolist(), (hold, keep))
    assert (mask_of(kept, found.shape) == want).all()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=12))
def test_merged_spells_hold_what_any_of_them_holds(pairs: list[tuple[int, int]]):
    """They neither overlap nor touch, and rise."""
    first = np.array([start for start, _ in pairs], np.int64)
    end = first + np.array([length for _, length in pairs], np.int64)
    found = merged(first, end)
    line = np.arange(40)
    want = [any(start <= place < start + length for start, length in pairs) for place in line]
    assert found.at(line).tolist() == want
    assert (found.first[1:] > found.end[:-1]).all()


@pytest.mark.parametrize(
    ("span", "place"), [(0, 1), (1, 2), (3600, 2), (3601, 3), (7200, 3), (7201, 4), (10**9, 4)]
)
def test_a_span_ends_at_the_first_now_at_or_after_it(span: int, place: int):
    """What never comes is the end of the town."""
    clock = Clock(seconds=np.array([0, 3600, 7200, 10800]))
    assert clock.after(np.array([1]), span).tolist() == [place]


def test_the_spells_of_two_towns_never_touch():
    """The last now of a town and the first of the next are two spells."""
    found = spells_of(np.array([[False, True], [True, False]]))
    assert found.first.tolist() == [1, 3]
    assert (found | Spells.none()).end.tolist() == [2, 4]
