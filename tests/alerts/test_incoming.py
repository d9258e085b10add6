"""An answer that comes in pieces is the answer that comes whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.outgoing.incoming import BrokenOff, Incoming, Raw

BODY = b"\r\n\r\nhello"
PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nx-a: b\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"


def taken(pieces: list[bytes], largest: int = 100) -> tuple[Incoming, Raw | None]:
    """What came of these."""
    incoming, raw = Incoming(largest), None
    for piece in pieces:
        assert raw is None
        raw = incoming.take(piece)
    return incoming, raw


@given(cuts=st.lists(st.integers(1, len(PLAIN) - 1), unique=True))
def test_pieces_of_any_size_make_the_same_answer(cuts: list[int]):
    """Whole with its last byte, and not before."""
    pieces = [PLAIN[a:b] for a, b in pairwise([0, *sorted(cuts), len(PLAIN)])]
    _, raw = taken(pieces)
    assert raw is not None
    assert (raw.head.status, raw.head.fields["x-a"], raw.body, raw.keep) == (200, "b", BODY, True)


@pytest.mark.parametrize("length", range(len(PLAIN)))
def test_an_answer_that_ends_too_soon_is_none(length: int):
    """At whatever byte."""
    with pytest.raises(BrokenOff):
        taken([PLAIN[:length], b""])


def test_what_follows_the_answer_spoils_the_connection():
    """It was not asked for, so nobody knows what it belongs to."""
    _, raw = taken([PLAIN + b"HTTP/1.1 200"])
    assert raw is not None
    assert not raw.keep


@pytest.mark.parametrize(("largest", "length"), [(9, 9), (8, 9)])
def test_a_promise_of_too_much_is_refused_at_once(largest: int, length: int):
    """By a body that is longer than allowed, whose connection is not used again."""
    _, raw = taken([PLAIN], largest)
    assert raw is not None
    assert (len(raw.body), raw.keep) == (length, largest == 9)


def test_an_answer_without_a_length_is_left_to_others():
    """From its first byte on."""
    incoming, raw = taken([CHUNKED[:60], CHUNKED[60:]][:1])
    assert raw is None
    assert (incoming.odd, incoming.content) == (True, CHUNKED[:60])


@pytest.mark.parametrize("said", [b"SMTP ready\r\n\r\n", b"x" * 70_000])
def test_what_is_no_http_is_no_answer(said: bytes):
    """Nor a head without an end."""
    with pytest.raises(BrokenOff):
        taken([said])
