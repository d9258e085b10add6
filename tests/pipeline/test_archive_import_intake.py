"""Many hours are checked at once, and come out as if each had been pulled by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.archive import Archive, metadata
from ingest.batch import Batch, Flag, Kind
from ingest.database import IN_MEMORY, create_tables, open_engine, writing
from ingest.times import instant64
from pipeline import pull
from pipeline.imports.intake import take_in

START = datetime(2022, 8, 1, tzinfo=UTC)
PLACES = tuple(f"50015300{number}" for number in range(1, 7))
WARMTH, RAIN = "temperature_2m", "precipitation"


def hour(at: int, warm: np.ndarray, kind: Kind = "observation") -> Batch:
    """What was observed, or foretold, of one hour."""
    moment = START + timedelta(hours=at)
    return Batch(
        source="past", kind=kind, issued_at=moment, available_at=moment + timedelta(minutes=5),
        places=PLACES, valid_at=np.array([instant64(moment)]),
        values={WARMTH: warm[:, None], RAIN: np.zeros((len(PLACES), 1))},
    )  # fmt: skip


def archived(batches: list[Batch], how) -> tuple[pull.Pulled, list[tuple]]:
    """What an intake reports of batches, and the rows it leaves behind."""
    engine = open_engine(IN_MEMORY)
    create_tables(engine, metadata)
    archive = Archive()
    with writing(engine) as connection:
        done = how(connection, archive, batches)
        rows = connection.execute(metadata.tables["batch"].select()).all()
    engine.dispose()
    return done, [tuple(row) for row in rows]


# Whole degrees that mostly stay: jumps, runs of equal values, holes and nonsense are all common.
_WARMTH = st.sampled_from([20.0, 20.0, 20.0, 21.0, 34.0, 99.0, np.nan])
_GAPS = st.lists(st.sampled_from([1, 1, 1, 1, 2, 3, 14]), min_size=1, max_size=60)


@settings(max_examples=30)
@given(_GAPS, st.data())
def test_the_rows_are_those_of_a_pull_each_hour(gaps: list[int], data: st.DataObject):
    """Flags know nothing of later hours, whatever jumps, sticks, or is missing."""
    batches = []
    for at in np.cumsum(gaps).tolist():
        one, rest = data.draw(_WARMTH), data.draw(_WARMTH)
        batches.append(hour(at, np.array([one] + [rest] * (len(PLACES) - 1))))
    assert archived(batches, take_in) == archived(batches, pull.take_in)


def test_two_halves_are_as_good_as_the_whole():
    """A run of equal values is found across the months of an import."""
    stuck = [hour(at, np.full(len(PLACES), 20.0)) for at in range(24)]

    def halves(connection, archive, batches):
        first = take_in(connection, archive, batches[:7])
        second = take_in(connection, archive, batches[7:])
        return replace(first, batches=first.batches + second.batches, masked=second.masked)

    assert archived(stuck, halves) == archived(stuck, take_in)


def test_provenance_stays_and_forecasts_are_held_to_the_bounds():
    """What was drawn stays marked; of a forecast only what is impossible is masked."""
    bits = np.full((len(PLACES), 1), np.uint8(Flag.RECONSTRUCTED))
    drawn = replace(hour(1, np.full(len(PLACES), 99.0)), flags={WARMTH: bits})
    foretold = hour(2, np.full(len(PLACES), 99.0), "forecast")
    done, rows = archived([hour(0, np.full(len(PLACES), 20.0)), drawn, foretold], take_in)
    assert done == pull.Pulled(batches=3, masked={"RANGE": 2 * len(PLACES)})
    assert rows == archived([hour(0, np.full(len(PLACES), 20.0)), drawn, foretold], pull.take_in)[1]


@pytest.mark.parametrize("times", [2, 3])
def test_what_is_there_is_not_added_again(tmp_path: Path, times: int):
    """The second import of the same brings nothing."""
    engine = open_engine(f"sqlite:///{tmp_path / 'x.db'}")
    create_tables(engine, metadata)
    batches = [hour(at, np.full(len(PLACES), float(at))) for at in range(30)]
    fresh = []
    for _ in range(times):
        with writing(engine) as connection:
            fresh.append(take_in(connection, Archive(), batches).batches)
    engine.dispose()
    assert fresh == [30] + [0] * (times - 1)
