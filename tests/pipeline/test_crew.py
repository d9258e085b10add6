"""Blocks of a replay are shared out so that each is judged once, by one who has its neighbours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise

import pytest
from stage import day

from pipeline.replay.crew import Block, Crew, Found

NOW = day("08-01 00:05")
ME = -1


@contextmanager
def crew(
    count: int, others: int, slow: frozenset[int] = frozenset(), pause: float = 0.002
) -> Iterator[tuple[Crew, dict[int, list[int]]]]:
    """A crew of threads, and who judged which blocks; a block of n nows is number n - 1."""
    judged: dict[int, list[int]] = {who: [] for who in range(-1, others)}
    pools = [ThreadPoolExecutor(1) for _ in range(others)]

    def judge(block: Block, who: int) -> Found:
        time.sleep(pause if who in slow else 0.0)
        judged[who].append(len(block) - 1)
        return {}

    def ask(block: Block, other: int) -> Future[Found]:
        return pools[other].submit(judge, block, other)

    blocks = [[NOW] * (number + 1) for number in range(count)]
    yield Crew(blocks=blocks, others=others, ask=ask, here=lambda block: judge(block, ME)), judged
    for pool in pools:
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("slow", [(), (ME,), (0,), (1,), (0, 1)])
@pytest.mark.parametrize("others", [1, 2])
@pytest.mark.parametrize("count", [2, 3, 40, 150])
def test_every_block_comes_in_order_and_is_judged_once(count: int, others: int, slow: tuple[int, ...]):
    """Whoever is slow."""
    with crew(count, others, frozenset(slow)) as (together, judged):
        came = [len(block) - 1 for block, _ in together.judged()]
    assert came == list(range(count))
    assert sorted(number for mine in judged.values() for number in mine) == came


def test_the_others_are_asked_for_neighbours():
    """What one process judges lies side by side, but for where a round begins or another helps out."""
    with crew(90, 1, frozenset({ME})) as (together, judged):
        list(together.judged())
    steps = [other - one for one, other in pairwise(judged[0])]
    assert steps.count(1) >= len(steps) - 4


def test_this_process_takes_over_what_a_slow_one_has_left_for_last():
    """Rather than wait."""
    with crew(40, 1, frozenset({0}), pause=0.05) as (together, judged):
        list(together.judged())
    assert len(judged[ME]) > 20
    assert judged[ME][-1] < judged[ME][-2]


def test_one_who_stops_reading_leaves_no_block_asked_for():
    """A replay that is interrupted judges no further."""
    with crew(150, 1, frozenset({0}), pause=0.05) as (together, judged):
        blocks = together.judged()
        next(blocks)
        blocks.close()
    assert len(judged[0]) < 10
