"""The moments of a replay are the ticks of the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage import HOUR, day, instance, play, recorded, telling

from alerts.record import ledger
from ingest.database import reading
from pipeline.replay.times import tick_times

START = day("08-05 00:05")
MINUTES = st.lists(st.integers(-100, 700), unique=True).map(sorted)


def minutes(arrivals: Sequence[int], end: int, heartbeat: int) -> list[int]:
    """Tick times in minutes after START."""
    moments = [START + timedelta(minutes=minute) for minute in arrivals]
    found = tick_times(
        moments, START, START + timedelta(minutes=end), timedelta(minutes=heartbeat)
    )
    return [int((moment - START).total_seconds() // 60) for moment in found]


@pytest.mark.parametrize(
    ("arrivals", "end", "expected"),
    [
        ([], 0, [0]),
        ([], 150, [0, 60, 120]),
        ([], 120, [0, 60, 120]),
        ([0, 30], 60, [0, 30]),
        ([0, 60, 120], 120, [0, 60, 120]),
        ([10], 100, [0, 10, 70]),
        ([130], 200, [0, 60, 120, 130, 190]),
        ([-5, 5], 10, [0, 5]),
        ([5, 500], 10, [0, 5]),
    ],
)
def test_it_ticks_at_each_arrival_and_each_heartbeat_without(
    arrivals: list[int], end: int, expected: list[int]
):
    """Heartbeats count from the tick before, whatever made that one."""
    assert minutes(arrivals, end, 60) == expected


@given(arrivals=MINUTES, end=st.integers(0, 600), heartbeat=st.integers(1, 200))
def test_tick_times_rise_within_the_period(arrivals: list[int], end: int, heartbeat: int):
    """They begin with the start, stay in the period and come at least once a heartbeat."""
    found = minutes(arrivals, end, heartbeat)
    pauses = [late - early for early, late in pairwise(found)]
    assert found[0] == 0
    assert all(0 < pause <= heartbeat for pause in pauses)
    assert end - heartbeat < found[-1] <= end
    assert set(found) >= {minute for minute in arrivals if 0 <= minute <= end}


@pytest.mark.parametrize("holes", [(), (6, 7, 8), tuple(range(5, 40, 3))])
def test_they_are_the_ticks_of_the_daemon(holes: tuple[int, ...], tmp_path: Path):
    """The simulated daemon ticked at these moments, also where data stayed away."""
    end = START + 48 * HOUR
    gone = {START + hole * HOUR for hole in holes}
    batches = [b for b in recorded(day("08-04 00:00"), end) if b.available_at not in gone]
    with instance(tmp_path, telling(batches)) as ports:
        play(ports, START, end)
        with reading(ports.engine) as connection:
            ticks = [tick.at for tick in ledger.ticks(connection)]
            arrivals = ports.archive.arrivals(connection, START - HOUR, end)
    assert ticks == tick_times(arrivals, START, end, HOUR)
