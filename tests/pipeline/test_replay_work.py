"""How a replay goes about its work changes nothing of what it finds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from stage import EVENT, HOUR, day, recorded, telling

from alerts.outgoing.dispatch import Desk
from ingest import archive
from ingest.archive import Archive
from ingest.database import create_tables, open_engine, writing
from ingest.errors import StoreError
from pipeline.config import Config
from pipeline.replay.checkpoint import Checkpoint
from pipeline.replay.report import published
from pipeline.replay.result import Replay
from pipeline.replay.run import Period, Progress, Work, event_period, run
from pipeline.wiring import desk_of
from rules.level import Level

FIRST, LAST = day("08-01 00:05"), day("08-12 00:05")
KEY = "whsec_a_key_of_the_test"


@pytest.fixture(scope="module")
def filed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Period]:
    """Eleven hot days in a database file, which other processes can read."""
    engine = open_engine(f"sqlite:///{tmp_path_factory.mktemp('filed') / 'archive.db'}")
    create_tables(engine, archive.metadata)
    with writing(engine) as connection:
        Archive().append(connection, recorded(day("07-28 00:00"), LAST))
    yield Period(name="filed", engine=engine, start=FIRST, end=LAST)
    engine.dispose()


def hot() -> Config:
    """Heat only, told by a source that need not be there any more."""
    return telling(())


def desk(config: Config) -> Desk:
    """A desk whose links are signed the same way each time."""
    return desk_of(config, KEY, config.service.public_url)


def replayed(
    period: Period, work: Work | None = None, progress: Progress = lambda done, total: None
) -> Replay:
    """The days, with traces."""
    return run(hot(), period, desk(hot()), progress, keep=True, work=work)


def written(replay: Replay) -> str:
    """The replay as it is published, without the time it took."""
    return json.dumps(published(replace(replay, elapsed_s=0), desk(hot()).texts, "zh"))


@pytest.fixture(scope="module")
def plain(filed: Period) -> Replay:
    """The days in one go, by one process."""
    return replayed(filed)


def same(one: Replay, other: Replay) -> bool:
    """Whether two replays found the same, to the byte where they are published."""
    parts = [field.name for field in dataclasses.fields(Replay) if field.name not in ("traces", "elapsed_s")]
    assert [name for name in parts if getattr(one, name) != getattr(other, name)] == []
    for name, trace in one.traces.items():
        for field in ("nows", "value", "floor", "level", "unknown"):
            np.testing.assert_array_equal(getattr(trace, field), getattr(other.traces[name], field))
    return written(one) == written(other)


def test_two_runs_give_the_same_bytes(filed: Period, plain: Replay):
    """Nothing but the time it took differs."""
    assert same(plain, replayed(filed))
    assert plain.transitions
    assert plain.pages


@pytest.mark.parametrize("chunk", [5, 64, 4096])
def test_the_size_of_a_block_gives_the_same_bytes(filed: Period, plain: Replay, chunk: int):
    """Whether nows are judged five or all at once."""
    assert same(plain, replayed(filed, Work(chunk=chunk)))


def test_the_number_of_processes_gives_the_same_bytes(filed: Period, plain: Replay):
    """Whoever judges a block finds the same."""
    assert same(plain, replayed(filed, Work(chunk=24, workers=3)))


def test_an_archive_in_memory_is_read_by_one_process_alone():
    """More processes are no mistake there; the event is found as ever."""
    config, period = event_period(hot(), EVENT)
    short = replace(period, end=period.start + 60 * HOUR)
    try:
        one, other = (
            run(config, short, desk(config), work=Work(chunk=16, workers=number)) for number in (1, 3)
        )
    finally:
        period.engine.dispose()
    assert one.transitions == other.transitions


def interrupting(after: int) -> Progress:
    """Somebody presses Ctrl-C once so many nows are done."""

    def progress(done: int, total: int) -> None:
        if done >= after:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("after", [1, 100, 250])
def test_an_interrupted_replay_goes_on_to_the_same_bytes(
    filed: Period, plain: Replay, after: int, tmp_path: Path
):
    """What was done is kept, is not done again, and leaves nothing behind at the end."""
    folder = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        replayed(filed, Work(chunk=24, checkpoint=Checkpoint(folder=folder)), interrupting(after))
    begun: list[int] = []
    again = replayed(
        filed,
        Work(chunk=24, checkpoint=Checkpoint(folder=folder)),
        lambda done, total: begun.append(done),
    )
    assert begun[0] == -(-after // 24) * 24
    assert same(plain, again)
    assert not folder.exists()


def test_it_may_be_interrupted_again_and_again(filed: Period, plain: Replay, tmp_path: Path):
    """Each time a little further, in blocks of another size."""
    folder = tmp_path / "kept"
    for after, chunk in ((40, 24), (90, 7), (200, 50)):
        work = Work(chunk=chunk, checkpoint=Checkpoint(folder=folder))
        with pytest.raises(KeyboardInterrupt):
            replayed(filed, work, interrupting(after))
    assert same(plain, replayed(filed, Work(checkpoint=Checkpoint(folder=folder))))


@pytest.mark.parametrize("name", ["changes.jsonl", "seen.bin"])
def test_what_was_half_written_is_cut_off(filed: Period, plain: Replay, name: str, tmp_path: Path):
    """A process that dies while it keeps its work leaves the former mark, which still counts."""
    folder = tmp_path / "kept"
    with pytest.raises(KeyboardInterrupt):
        replayed(filed, Work(chunk=24, checkpoint=Checkpoint(folder=folder)), interrupting(120))
    with (folder / name).open("ab") as file:
        file.write(b'{"half')
    assert same(plain, replayed(filed, Work(checkpoint=Checkpoint(folder=folder))))


@pytest.mark.parametrize("text", ["", "{", '{"nows": "other", "done": 3}'])
def test_a_mark_that_does_not_fit_begins_anew(
    filed: Period, plain: Replay, text: str, tmp_path: Path
):
    """Nothing is trusted that is not whole and of the same moments."""
    (tmp_path / "mark.json").write_text(text)
    assert same(plain, replayed(filed, Work(checkpoint=Checkpoint(folder=tmp_path))))


def test_a_folder_that_cannot_be_written_is_said_in_one_sentence(filed: Period, tmp_path: Path):
    """The remedy is named."""
    (tmp_path / "file").write_text("")
    work = Work(chunk=24, checkpoint=Checkpoint(folder=tmp_path / "file" / "kept"))
    with pytest.raises(StoreError, match="cannot be written"):
        replayed(filed, work, interrupting(50))


def test_messages_are_counted_before_they_are_written(filed: Period):
    """Their number is that of the rows; reading them writes each once."""
    messages = replayed(filed).deliveries
    number = len(messages)
    rows = list(messages)
    assert number == len(rows) > 0
    assert all(one is other for one, other in zip(rows, messages, strict=True))


def test_a_trace_shows_the_weather_against_the_ladder(plain: Replay):
    """One value per now; the level in force is that of the changes."""
    trace = plain.traces["heat"]
    assert trace.nows.shape == trace.value.shape == trace.floor.shape == (plain.ticks,)
    assert trace.limits[Level.RED] == 40.0
    assert trace.unit == "°C"
    assert trace.level.max() == max(change.to_level for change in plain.transitions)
    assert np.nanmax(trace.value) >= 40.0


def test_traces_are_left_out_unless_asked_for(filed: Period):
    """They are large."""
    short = replace(filed, end=filed.start + 30 * HOUR)
    assert run(hot(), short, desk(hot())).traces == {}


def test_time_without_sight_is_counted(filed: Period, plain: Replay):
    """From each now at which a town could not be judged to the next."""
    trace = plain.traces["heat"]
    moments = [*trace.nows.tolist(), plain.end.replace(tzinfo=None)]
    spans = [late - early for early, late in pairwise(moments)]
    blind = sum(span.total_seconds() for span, count in zip(spans, trace.unknown, strict=True) if count)
    assert plain.blind["heat"].total_seconds() == blind
