"""A batch refuses parts that do not fit together."""

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from ingest.batch import Batch
from ingest.errors import UnknownName

NOON = datetime(2022, 8, 18, 12, tzinfo=UTC)
HOURS = np.array(["2022-08-18T11", "2022-08-18T12"], dtype="datetime64[s]")


def batch(**parts):
    """A fitting batch of one place and two hours, some parts replaced."""
    whole = {
        "source": "station",
        "kind": "observation",
        "issued_at": NOON,
        "available_at": NOON,
        "places": ("500153001",),
        "valid_at": HOURS,
        "values": {"temperature_2m": np.array([[40.1, np.nan]])},
    }
    return Batch(**{**whole, **parts})


@pytest.mark.parametrize("time", ["issued_at", "available_at"])
def test_a_naive_time_is_refused(time):
    """Both stamps of a batch need a zone."""
    with pytest.raises(ValueError, match="no time zone"):
        batch(**{time: NOON.replace(tzinfo=None)})


@pytest.mark.parametrize("time", ["issued_at", "available_at"])
def test_a_time_with_an_offset_is_kept_as_utc(time):
    """A stamp in Beijing time comes out as the same instant in UTC."""
    beijing = NOON.astimezone(timezone(timedelta(hours=8)))
    kept = getattr(batch(**{time: beijing}), time)
    assert (kept, kept.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    ("hours", "says"),
    [
        (["2022-08-18T11:30", "2022-08-18T12:30"], "whole UTC hours"),
        (["2022-08-18T11:00:01", "2022-08-18T12:00"], "whole UTC hours"),
        (["2022-08-18T11", "2022-08-18T11"], "strictly increasing"),
        (["2022-08-18T12", "2022-08-18T11"], "strictly increasing"),
        (["2022-08-18T11", "NaT"], "NaT"),
        ([], "empty"),
    ],
)
def test_hours_that_are_no_hours_are_refused(hours, says):
    """Half hours, repeated, decreasing, absent and missing hours all stop the batch."""
    with pytest.raises(ValueError, match=says):
        batch(valid_at=np.array(hours, dtype="datetime64[s]"))


def test_hours_may_be_left_out():
    """A gap between hours is no mistake."""
    gap = np.array(["2022-08-18T01", "2022-08-18T12"], dtype="datetime64[h]")
    assert batch(valid_at=gap).valid_at.dtype == np.dtype("datetime64[s]")


@pytest.mark.parametrize("places", [(), ("500153001", "500153001")])
def test_places_are_given_each_once(places):
    """No place at all and a place given twice are refused."""
    with pytest.raises(ValueError, match="each once"):
        batch(places=places)


@pytest.mark.parametrize("shape", [(2,), (2, 1), (1, 3), (1, 2, 1), (1, 1)])
@pytest.mark.parametrize("part", ["values", "flags"])
def test_an_array_of_another_shape_is_refused(part, shape):
    """Values and flags must be (place, hour); the message names the quantity and both shapes."""
    array = np.zeros(shape, dtype=np.uint8 if part == "flags" else float)
    with pytest.raises(ValueError, match=r"temperature_2m has shape .* expected .*\(1, 2\)"):
        batch(**{part: {"temperature_2m": array}})


def test_an_unknown_quantity_is_refused():
    """The message lists the quantities there are."""
    with pytest.raises(UnknownName, match="temperature_2m"):
        batch(values={"temprature_2m": np.zeros((1, 2))})


def test_flags_without_values_are_refused():
    """Flags belong to values."""
    with pytest.raises(ValueError, match="flags for precipitation"):
        batch(flags={"precipitation": np.zeros((1, 2), dtype=np.uint8)})


def test_flags_nobody_set_are_zeros():
    """A quantity without flags reads as unflagged, in the shape of its values."""
    bits = batch().flags_of("temperature_2m")
    assert (bits.shape, bits.dtype, bits.any()) == ((1, 2), np.uint8, False)


def test_checked_parts_make_the_same_batch():
    """What was checked when it was archived is not checked again when it is read."""
    first = batch()
    assert vars(Batch.checked(**vars(first))) == vars(first)


def test_a_batch_cannot_be_changed():
    """What a source said once stays said."""
    with pytest.raises(FrozenInstanceError):
        batch().source = "another"
