"""How many SMS a text costs, counted as Chinese operators bill it: signature included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

# GSM 03.38 default alphabet without the escape character, and its extension table (3GPP TS 23.038).
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")


@dataclass(frozen=True, kw_only=True)
class Segments:
    """The cost of one text."""

    encoding: Literal["GSM-7", "UCS-2"]
    """GSM-7 where every character is in its alphabet, UCS-2 otherwise."""
    units: int
    """Length: septets of GSM-7, or UTF-16 code units of UCS-2."""
    parts: int
    """Messages billed; an empty text is one."""


def segments(text: str, signature: str = "") -> Segments:
    """Count the SMS that `signature` and `text` cost together.

    GSM-7: 160 septets in one message, 153 a part in several. UCS-2: 70 UTF-16 units in one, 67 a
    part in several. A character of two units (extension table, surrogate pair) is never split.
    """
    whole = signature + text
    if set(whole) <= _BASIC | _EXTENSION:
        widths = [2 if character in _EXTENSION else 1 for character in whole]
        return Segments(encoding="GSM-7", units=sum(widths), parts=_parts(widths, 160, 153))
    widths = [2 if ord(character) > 0xFFFF else 1 for character in whole]
    return Segments(encoding="UCS-2", units=sum(widths), parts=_parts(widths, 70, 67))


def _parts(widths: Iterable[int], single: int, several: int) -> int:
    """Parts needed for characters of these widths, filled in order."""
    widths = tuple(widths)
    if sum(widths) <= single:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > several:
            parts, used = parts + 1, 0
        used += width
    return parts
