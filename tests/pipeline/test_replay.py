"""Replay is the production loop fed simulated moments, and sees only what was known then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from stage import EVENT, HOUR, changes, day, district, instance, messages, play, recorded, telling

from alerts.record import ledger
from ingest.batch import Batch
from ingest.database import reading
from ingest.errors import UnknownName
from pipeline.config import Config
from pipeline.ports import Ports
from pipeline.replay.report import as_json
from pipeline.replay.run import Period, Replay, Work, archive_period, event_period, run

FIRST, LAST = day("08-05 00:05"), day("08-08 00:05")
"""Three days that open at orange, are raised to red and spread."""
WARM_UP = day("08-02 00:00")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Config, Period, Ports]]:
    """The whole event, told, derived and ready to be replayed."""
    config, period = event_period(district(), EVENT)
    with instance(tmp_path_factory.mktemp("desk"), config) as ports:
        yield config, period, ports
    period.engine.dispose()


@pytest.fixture(scope="module")
def full(whole: tuple[Config, Period, Ports]) -> Replay:
    """The replay of the whole event."""
    config, period, ports = whole
    return run(config, period, ports.desk)


@pytest.mark.parametrize("hours", [1, 60, 103, 104, 255, 256, 257, 500, 900])
def test_a_part_equals_the_beginning_of_the_whole(
    whole: tuple[Config, Period, Ports], full: Replay, hours: int
):
    """No look-ahead: the first n hours of a replay do not know that others follow."""
    config, period, ports = whole
    end = period.start + hours * HOUR
    part = run(config, replace(period, end=end), ports.desk)
    assert list(part.transitions) == [change for change in full.transitions if change.at <= end]
    assert list(part.deliveries) == [row for row in full.deliveries if row.planned_at <= end]
    assert list(part.pages) == [page for page in full.pages if page.at <= end]


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_size_of_a_block_changes_nothing(
    whole: tuple[Config, Period, Ports], full: Replay, size: int
):
    """A live tick is a block of one; any other size finds the same."""
    config, period, ports = whole
    end = period.start + 200 * HOUR
    part = run(config, replace(period, end=end), ports.desk, work=Work(chunk=size))
    assert list(part.transitions) == [change for change in full.transitions if change.at <= end]


def late(batches: Sequence[Batch], first: datetime, last: datetime, by: timedelta) -> list[Batch]:
    """The same, where what became available in a span comes later."""
    told = [
        replace(batch, available_at=batch.available_at + by)
        if first <= batch.available_at < last
        else batch
        for batch in batches
    ]
    return sorted(told, key=lambda batch: batch.available_at)


def lost(batches: Sequence[Batch], first: datetime, last: datetime) -> list[Batch]:
    """The same without what became available in a span."""
    return [batch for batch in batches if not first <= batch.available_at < last]


def told() -> tuple[Batch, ...]:
    """The event from some days before the test's on."""
    return recorded(WARM_UP, LAST)


SCENARIOS: dict[str, Callable[[], Sequence[Batch]]] = {
    "as it was": told,
    "without forecasts": lambda: recorded(WARM_UP, LAST, "none"),
    "hours late": lambda: late(told(), day("08-07 06:00"), day("08-07 20:00"), 5 * HOUR),
    "a day lost": lambda: lost(told(), day("08-06 00:00"), day("08-07 00:00")),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_replay_equals_the_daemon_row_for_row(scenario: str, tmp_path: Path):
    """What the daemon did tick by tick is what a replay of its archive finds in blocks."""
    with instance(tmp_path, telling(SCENARIOS[scenario](), freshness=12 * HOUR)) as ports:
        play(ports, FIRST, LAST)
        period = Period(name="same", engine=ports.engine, start=FIRST, end=LAST)
        again = run(ports.config, period, ports.desk)
        with reading(ports.engine) as connection:
            assert again.ticks == len(ledger.ticks(connection))
        assert list(again.transitions) == changes(ports)
        assert again.transitions


def first_red(folder: Path, batches: Sequence[Batch]) -> datetime:
    """When a daemon that begins on the eve of the first red day raises it."""
    with instance(folder, telling(batches)) as ports:
        play(ports, day("08-07 18:05"), day("08-08 06:05"))
        return next(change.at for change in changes(ports) if change.to_level.key == "red")


def test_late_data_arrives_late(tmp_path: Path):
    """A forecast that comes five hours late raises what it foretells five hours later."""
    eve = day("08-07 20:00")
    told = recorded(day("08-05 00:00"), day("08-08 06:05"))
    batches = [b for b in told if b.kind == "observation" or b.available_at > eve]
    tardy = [
        replace(batch, available_at=batch.available_at + 5 * HOUR)
        if batch.kind == "forecast"
        else batch
        for batch in batches
    ]
    assert first_red(tmp_path / "calm", batches) == day("08-07 20:05")
    assert first_red(tmp_path / "late", tardy) == day("08-08 01:05")


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ports]:
    """A daemon that lost everything for twelve hours in the middle of the red, forecasts kept six hours."""
    batches = recorded(day("08-12 00:00"), day("08-17 00:00"))
    holed = lost(batches, day("08-15 00:06"), day("08-15 12:00"))
    with instance(tmp_path_factory.mktemp("blind"), telling(holed, freshness=6 * HOUR)) as ports:
        play(ports, day("08-14 12:05"), day("08-16 12:05"))
        yield ports


def test_missing_data_neither_lowers_nor_ends(blind: Ports):
    """The red stands through the gap, in every town."""
    found = changes(blind)
    assert [change.reason.value for change in found] == ["opened", "data_lost", "data_found"]
    assert {change.to_level.key for change in found} == {"red"}
    assert {len(change.places) for change in found} == {21}


def test_lost_data_is_told_to_operators_and_lead(blind: Ports):
    """Nobody else hears of it; both hear when it is over."""
    for reason in ("data_lost", "data_found"):
        told = [row for row in messages(blind) if row.data["reason"] == reason]
        assert {row.subsystem for row in told} == {"operations", "work_safety"}


def test_lost_data_is_told_once_it_lasts(blind: Ports):
    """Forecasts of 20:00 carry for six hours, patience for three; the first judgement after ends it."""
    lost_at, found_at = (change.at for change in changes(blind)[1:])
    assert day("08-15 05:00") <= lost_at <= day("08-15 06:00")
    assert day("08-15 12:05") <= found_at <= day("08-15 13:05")


def test_a_replay_is_published_whole(whole: tuple[Config, Period, Ports], full: Replay):
    """Times carry an offset, nothing is sent, and every message belongs to a change."""
    desk = whole[2].desk
    facts = json.loads(json.dumps(as_json(full, desk.texts, "zh")))
    assert set(facts) == {"event", "ticks", "elapsed_s", "transitions", "deliveries"}
    assert {row["status"] for row in facts["deliveries"]} == {"rehearsed"}
    ids = {change["id"] for change in facts["transitions"]}
    assert {row["transition"] for row in facts["deliveries"]} <= ids
    assert {change["incident"] for change in facts["transitions"]} == {
        change.incident for change in full.transitions
    }
    for change in facts["transitions"]:
        assert datetime.fromisoformat(change["at"]).tzinfo is not None
        assert change["because"]


@pytest.mark.parametrize(
    ("first", "last"),
    [("2030-01-01T00:00Z", "2030-02-01T00:00Z"), ("2022-09-30T00:00Z", "2022-09-01T00:00Z")],
)
def test_a_period_without_data_is_refused(
    whole: tuple[Config, Period, Ports], first: str, last: str
):
    """The message names the period."""
    config, period, _ = whole
    with pytest.raises(UnknownName, match=first):
        archive_period(config, period.engine, first, last)


def test_a_period_without_offset_is_refused(whole: tuple[Config, Period, Ports]):
    """Local times are nobody's."""
    config, period, _ = whole
    with pytest.raises(ValueError, match="time zone"):
        archive_period(config, period.engine, "2022-08-01T00:00", "2022-08-02T00:00Z")
