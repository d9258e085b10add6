"""What a text costs in SMS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.wording.segments import Segments, segments


@pytest.mark.parametrize(
    ("text", "encoding", "units", "parts"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 80 + "a", "GSM-7", 161, 2),
        ("a" * 152 + "€" + "a" * 7, "GSM-7", 161, 2),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("^{}\\[~]|€\f", "GSM-7", 20, 1),
        ("@£$¥Δ\n\r ¿à", "GSM-7", 10, 1),
        ("ç", "UCS-2", 1, 1),
        ("`", "UCS-2", 1, 1),
        ("雨" * 70, "UCS-2", 70, 1),
        ("雨" * 71, "UCS-2", 71, 2),
        ("雨" * 134, "UCS-2", 134, 2),
        ("雨" * 135, "UCS-2", 135, 3),
        ("雨" + "a" * 70, "UCS-2", 71, 2),
        ("🔥" * 35, "UCS-2", 70, 1),
        ("雨" * 66 + "🔥" + "雨" * 3, "UCS-2", 71, 2),
        ("雨" * 66 + "🔥" + "雨" * 66, "UCS-2", 134, 3),
    ],
)
def test_the_boundary_lengths(text, encoding, units, parts):
    """160/153 septets and 70/67 units; what takes two is not split, so a part may stay short."""
    assert segments(text) == Segments(encoding=encoding, units=units, parts=parts)


def test_the_signature_is_billed():
    """67 characters and a signature of four are two messages, not one."""
    assert segments("雨" * 67).parts == 1
    assert segments("雨" * 67, "【烽燧】") == Segments(encoding="UCS-2", units=71, parts=2)


def test_a_chinese_signature_makes_an_english_text_ucs_2():
    """One character outside the alphabet changes the count of all."""
    assert segments("a" * 100, "【烽燧】").parts == 2


@given(st.text(alphabet="a€雨🔥^é", max_size=400), st.text(alphabet="【】烽a", max_size=6))
def test_parts_always_hold_the_text(text, signature):
    """Never fewer parts than the units need, and at most one unit lost to each split."""
    count = segments(text, signature)
    single, several = (160, 153) if count.encoding == "GSM-7" else (70, 67)
    if count.units <= single:
        assert count.parts == 1
    else:
        assert -(-count.units // several) <= count.parts <= -(-count.units // (several - 1))
