"""What an SMS is on the air: alphabets, parts with their header, and the text of a delivery receipt.

Sources: 3GPP TS 23.038 (alphabets), TS 23.040 9.2.3.24.1 (concatenation), SMPP 3.4 appendix B (receipt).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.wording.segments import segments
from ingest.errors import DeliveryError

DEFAULT, UCS2 = 0, 8
"""Data codings: the gateway's default alphabet, one octet a character, and UTF-16."""
_CODECS = {1: "ascii", 3: "latin-1", 4: "gbk", UCS2: "utf-16-be", 15: "gbk"}
_MOST_PARTS = 255
_ESCAPE = 0x1B
_FIELD = re.compile(r"\b(id|done date|stat|err):\s*([^\s]+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A text ready for a gateway."""

    coding: int
    """Data coding of every part."""
    parts: tuple[bytes, ...]
    """User data of each part; where there are several, each begins with its header."""

    @property
    def headed(self) -> bool:
        """Whether the parts carry a header."""
        return len(self.parts) > 1


def encode(text: str, mark: int) -> Encoded:
    """Encode a text as `alerts.wording.segments` counts it: as many parts, and no character split.

    Parameters
    ----------
    text : str
        The words, signature included.
    mark : int
        Number that ties the parts together [0-255]; the same again for a repeat, so that a phone
        puts the parts of both into one text. DeliveryError where it takes more than 255 parts.
    """
    plain = segments(text).encoding == "GSM-7"
    characters = [_octets(one) if plain else one.encode("utf-16-be", "replace") for one in text]
    single, several = (160, 153) if plain else (140, 134)
    if sum(map(len, characters)) <= single:
        return Encoded(coding=DEFAULT if plain else UCS2, parts=(b"".join(characters),))
    bodies = _filled(characters, several)
    if len(bodies) > _MOST_PARTS:
        raise DeliveryError("the text is too long for SMS; shorten its template", retry=False)
    heads = (bytes((5, 0, 3, mark, len(bodies), n)) for n in range(1, len(bodies) + 1))
    parts = tuple(head + body for head, body in zip(heads, bodies, strict=True))
    return Encoded(coding=DEFAULT if plain else UCS2, parts=parts)


def _filled(characters: Iterable[bytes], room: int) -> list[bytes]:
    bodies = [bytearray()]
    for one in characters:
        if len(bodies[-1]) + len(one) > room:
            bodies.append(bytearray())
        bodies[-1] += one
    return [bytes(body) for body in bodies]


def _table() -> str:
    """The default alphabet with its extension table from position 128 on."""
    from smpplib.gsm import GSM_CHARACTER_TABLE

    # The library's table lacks the form feed of the extension table.
    place = 0x80 + 0x0A
    return str(GSM_CHARACTER_TABLE[:place] + "\f" + GSM_CHARACTER_TABLE[place + 1 :])


def _octets(character: str) -> bytes:
    place = _table().index(character)
    return bytes([place]) if place < 0x80 else bytes([_ESCAPE, place - 0x80])


def decode(content: bytes, coding: int) -> str:
    """The words of an SMS; what cannot be read is replaced, never refused."""
    codec = _CODECS.get(coding)
    if codec is not None:
        return content.decode(codec, "replace")
    table, shift, text = _table(), 0, ""
    for octet in content:
        if octet == _ESCAPE:
            shift = 0x80
            continue
        text += table[octet + shift] if octet < 0x80 else "\ufffd"
        shift = 0
    return text


def unheaded(content: bytes) -> tuple[bytes, tuple[int, int, int]]:
    """User data without its header, and (mark, parts, number of this part); (0, 1, 1) for a whole."""
    size = content[0] + 1 if content else 0
    header, body = content[1:size], content[size:]
    while len(header) >= 2:
        kind, length = header[0], header[1]
        value, header = header[2 : 2 + length], header[2 + length :]
        if kind == 0 and len(value) == 3:
            return body, (value[0], value[1], value[2])
        if kind == 8 and len(value) == 4:
            return body, (value[0] * 256 + value[1], value[2], value[3])
    return body, (0, 1, 1)


@dataclass(frozen=True, kw_only=True)
class ReceiptText:
    """What a delivery receipt says in its text."""

    id: str
    """The message id as the gateway writes it in receipts."""
    stat: str
    """Its state, in capitals: DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD."""
    err: str
    """The network's own error code, at most three characters by the book."""
    done: str
    """Local time of the state, YYMMDDhhmm or with seconds; empty where it is not told."""


def read_receipt(text: str) -> ReceiptText:
    """Take the text apart; fields that are missing are empty."""
    # What follows `text:` are the first words of the message, and could pose as a field.
    told = re.split(r"\btext:", text, maxsplit=1, flags=re.IGNORECASE)[0]
    found = {name.lower(): value for name, value in reversed(_FIELD.findall(told))}
    return ReceiptText(
        id=found.get("id", ""),
        stat=found.get("stat", "").upper(),
        err=found.get("err", ""),
        done=found.get("done date", ""),
    )
