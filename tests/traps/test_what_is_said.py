"""Traps 5, 6 and 16: every town is named, half a millimetre counts, and the times are in order."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from stage import HOUR, changes, district, instance, play, rewrite

from alerts.event.transition import Transition
from alerts.outgoing.delivery import Delivery
from ingest.times import parse_instant
from pipeline.config import Config, init, load, with_only
from tests.traps.weather import (
    NOW,
    TOWNS,
    Weather,
    about,
    calm_people,
    every,
    heat,
    told,
)

NAMES = {town.id: town.name for town in district().district.towns}
ENDED = int((NOW - NOW.replace(day=1, hour=16, minute=0) + 24 * HOUR) / HOUR)
"""Row of the last hour that ended before NOW."""


def rain(*amounts: tuple[int, int, float]) -> Weather:
    """Rain in single hours: town, hour after the last that ended, amount [mm]; dry elsewhere."""
    values = np.zeros((len(TOWNS), 40 * 24))
    for town, hour, amount in amounts:
        values[town, ENDED + hour] = amount
    return Weather(values={"precipitation": values})


def storm(folder: Path, weather: Weather, until: datetime = NOW, **runs: Weather) -> Any:
    """Judge rain as told at NOW, and what further runs tell an hour later."""
    batches = [*weather.at(NOW), *(batch for one in runs.values() for batch in one.at(NOW + HOUR))]
    with instance(folder, calm_people(told(batches, "rainstorm"))) as ports:
        play(ports, NOW, until)
        return changes(ports), about(ports)


def named(rows: list[Delivery], *towns: int) -> bool:
    """Whether every message names every one of the towns."""
    return bool(rows) and all(NAMES[TOWNS[town]] in row.text for row in rows for town in towns)


@pytest.mark.parametrize("amounts", [(60.0, 60.0), (120.0, 60.0), (60.0, 120.0)])
def test_trap_05_two_zones_over_threshold_are_both_named(
    tmp_path: Path, amounts: tuple[float, float]
):
    """PRISM's loop over zones kept the last zone's message and lost the ones before it.

    Two towns over a threshold, at the same level or at two: every message names both.
    """
    weather = rain((3, 2, amounts[0]), (11, 2, amounts[1]))
    (opened,), rows = storm(tmp_path, weather)
    assert set(opened.places) == {TOWNS[3], TOWNS[11]}
    assert named(rows, 3, 11)


def test_trap_05_a_town_that_joins_later_does_not_push_the_first_out(tmp_path: Path):
    """Neither in the record nor in the words of the spread."""
    first, both = rain((3, 2, 120.0)), rain((3, 2, 120.0), (11, 3, 120.0))
    (_, spread), rows = storm(tmp_path, first, NOW + HOUR, later=both)
    assert spread.reason == "spread"
    assert set(spread.places) == {TOWNS[3], TOWNS[11]}
    assert named([row for row in rows if row.transition == spread.id], 11)


def drizzle(folder: Path) -> Config:
    """The district warned of drizzle: blue from half a millimetre in an hour."""
    init(folder)
    rewrite(
        folder / "hazards/rainstorm.yaml",
        (r"^  blue: .*$", "  blue: {hours: 1, at_least: 0.5, clear_below: 0.3, keep: 1h}"),
    )
    return load(folder)


@pytest.mark.parametrize(("amount", "opens"), [(0.4, False), (0.5, True), (0.6, True)])
def test_trap_06_half_a_millimetre_can_be_a_threshold(tmp_path: Path, amount: float, opens: bool):
    """PRISM takes whole numbers only as thresholds.

    0.5 mm is written in the file, met exactly at 0.5 and not at 0.4, and told with its decimal.
    """
    own = with_only(drizzle(tmp_path / "config"), ("rainstorm",))
    usual = calm_people(told(rain((3, 1, amount)).at(NOW), "rainstorm"))
    config = replace(own, sources=usual.sources, channels=usual.channels)
    with instance(tmp_path / "data", config) as ports:
        play(ports, NOW, NOW)
        found = changes(ports)
        rows = about(ports)
    assert bool(found) is opens
    assert all(change.threshold == 0.5 for change in found)
    assert all(f"{amount:g}" in row.text for row in rows)


# What people drew is a day's peaks in four groups of towns, then how it goes on.
QUICK = settings(
    max_examples=3,
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
PEAKS = st.lists(
    st.lists(st.sampled_from([30.0, 35.5, 37.5, 40.5, float("nan")]), min_size=6, max_size=6),
    min_size=3,
    max_size=3,
)


def groups(peaks: list[list[float]]) -> Weather:
    """Daily maxima from 14 August on, in three groups of towns."""
    rows = [heat({14 + number: top for number, top in enumerate(own)}) for own in peaks]
    return Weather(values={"temperature_2m": np.array([rows[town % 3] for town in range(len(TOWNS))])})


def in_order(change: Transition) -> None:
    """Effective is when it was sent: what is told begins then or later, and ends after it began."""
    if change.onset is not None:
        assert change.at <= change.onset, change
    if change.expires is not None:
        assert change.at <= change.expires, change
    if change.onset is not None and change.expires is not None:
        assert change.onset <= change.expires, change
    assert change.opened_at <= change.at


def moments(row: Delivery) -> list[datetime]:
    """Sent, effective, onset and expires as machines are told."""
    names = ("at", "at", "onset", "expires")
    return [parse_instant(str(row.data[name])) for name in names if row.data[name] is not None]


@QUICK
@given(PEAKS)
def test_trap_16_sent_effective_onset_and_expires_are_in_order(peaks: list[list[float]]):
    """SkywarnPlus mixed onset and effective (#126); cap-composer sent an alert that was long over (#135).

    Over random weather, holes included: sent <= effective <= onset <= expires in every row and message.
    """
    weather = groups(peaks)
    batches = [batch for at in every(12 * HOUR, NOW, NOW + 12 * HOUR) for batch in weather.at(at)]
    with tempfile.TemporaryDirectory() as folder, instance(Path(folder), told(batches, "heat")) as ports:
        play(ports, NOW, NOW + 15 * HOUR)
        found, rows = changes(ports), about(ports)
    for change in found:
        in_order(change)
    for row in rows:
        assert moments(row) == sorted(moments(row))
        assert row.planned_at <= row.due_at <= row.expires_at
        assert row.sent_at is None or row.due_at <= row.sent_at <= row.expires_at


SHOWERS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(-20, 60), st.sampled_from([0.2, 20.0, 55.0, 110.0])),
    max_size=12,
)


@QUICK
@example([(0, 0, 110.0), (0, 1, 10.0)])
@example([(0, -1, 55.0), (4, 3, 55.0)])
@given(SHOWERS)
def test_trap_16_the_times_of_rain_are_in_order(showers: list[tuple[int, int, float]]):
    """Rain that has begun, that comes, and that both has and comes: none is told to begin in the past."""
    weather = rain(*showers)
    batches = [batch for at in every(6 * HOUR, NOW, NOW + 6 * HOUR) for batch in weather.at(at)]
    with (
        tempfile.TemporaryDirectory() as folder,
        instance(Path(folder), told(batches, "rainstorm")) as ports,
    ):
        play(ports, NOW, NOW + 8 * HOUR)
        found, rows = changes(ports), about(ports)
    for change in found:
        in_order(change)
    assert all(moments(row) == sorted(moments(row)) for row in rows)
