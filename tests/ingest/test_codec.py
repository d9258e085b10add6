"""A batch goes to bytes and comes back the same."""

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from simulators.reports import RUN, A, B, T, hour, said

from ingest.batch import Batch, Flag
from ingest.codec import Envelope, decode, encode

ANY = st.floats(width=64)


def through(batch):
    """The batch after a stay in the archive."""
    envelope = Envelope(
        source=batch.source, kind=batch.kind, issued_at=batch.issued_at,
        available_at=batch.available_at,
    )
    return decode(envelope, encode(batch))


def made(values, bits, start=0):
    """A batch of two places with these values, and flags for the second quantity only."""
    hours = np.arange(start, start + values.shape[1])
    return Batch(
        source="station", kind="observation", issued_at=hour(0), available_at=hour(1),
        places=("昌元", B), valid_at=(hours * 3600).astype("datetime64[s]"),
        values={T: values, RUN: values[::-1]}, flags={RUN: bits},
    )


@given(
    values=arrays(np.float64, (2, 3), elements=ANY),
    bits=arrays(np.uint8, (2, 3)),
    start=st.integers(-10**6, 10**6),
)
def test_a_batch_comes_back_bit_for_bit(values, bits, start):
    """NaN, infinities, minus zero, hours before 1970, flags: all as they were."""
    batch = made(values, bits, start)
    back = through(batch)
    assert (back.places, back.available_at, back.kind) == (batch.places, batch.available_at, batch.kind)
    np.testing.assert_array_equal(back.valid_at, batch.valid_at)
    for name in (T, RUN):
        assert back.values[name].tobytes() == np.ascontiguousarray(batch.values[name]).tobytes()
        np.testing.assert_array_equal(back.flags_of(name), batch.flags_of(name))


def test_flags_that_say_nothing_are_left_out():
    """Zeros everywhere are the same as no flags."""
    assert through(said(30, flag=Flag(0))).flags == {}


def test_the_same_batch_makes_the_same_bytes():
    """So that one that is already there is recognised."""
    assert encode(said(30, 31)) == encode(said(30, 31))
    assert encode(said(30, flag=Flag(0))) == encode(said(30))


def test_a_strided_array_is_stored_as_it_reads():
    """Rows cut from a larger array, or the same row for all towns, come back in order."""
    whole = np.arange(12.0).reshape(2, 6)
    bits = np.broadcast_to(np.array([1, 0, 1], np.uint8), (2, 3))
    back = through(made(whole[:, ::2], bits))
    assert back.values[T].tolist() == [[0, 2, 4], [6, 8, 10]]
    assert back.flags[RUN].tolist() == [[1, 0, 1], [1, 0, 1]]


def test_what_comes_back_cannot_be_written():
    """A batch is immutable, also for those who share it."""
    with pytest.raises(ValueError, match="read-only"):
        through(said(30, places=(A,))).values[T][0, 0] = 99


def test_batches_of_the_same_places_share_them():
    """A hundred batches of a province do not keep a hundred lists of its places."""
    assert through(said(30)).places is through(said(31, 32)).places


@pytest.mark.parametrize("keep", [0, 3, 4, 10, -1])
def test_damaged_bytes_are_an_error(keep):
    """A payload cut short is never read as weather."""
    batch = said(30, 31)
    envelope = Envelope(source="s", kind="forecast", issued_at=hour(0), available_at=hour(0))
    with pytest.raises((ValueError, zlib.error)):
        decode(envelope, encode(batch)[:keep])


@pytest.mark.parametrize("place", range(4, 90, 5))
def test_a_changed_byte_is_an_error(place):
    """The bytes are checked by their sum, and nothing else has to be."""
    batch = said(30, 31)
    payload = bytearray(encode(batch))
    payload[place % len(payload)] ^= 0x10
    envelope = Envelope(source="s", kind="forecast", issued_at=hour(0), available_at=hour(0))
    with pytest.raises((ValueError, zlib.error)):
        decode(envelope, bytes(payload))
