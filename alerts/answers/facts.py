"""What people write back: "1", and the three facts in the loose forms in which they are written. Pure.

Reading is generous and never fails: what is not understood stays words. The words themselves are kept by
whoever asks, so that a person can read again what was read wrong here.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise


class Meaning(StrEnum):
    """What a reply says."""

    ACKNOWLEDGED = "acknowledged"
    """I have it."""
    FACTS = "facts"
    """I have it, and this is how things stand."""
    UNKNOWN = "unknown"
    """It cannot be told."""
    STRANGER = "stranger"
    """It came from a number that is nobody's."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The three facts that a red asks back; empty where one was not told."""

    commander: str = ""
    """Who commands."""
    affected: str = ""
    """What is affected."""
    moved: str = ""
    """Who was moved."""

    @property
    def told(self) -> int:
        """How many of them are there."""
        return sum(map(bool, (self.commander, self.affected, self.moved)))

    @property
    def complete(self) -> bool:
        """Whether all three are."""
        return self.told == len(_NAMES)

    def over(self, before: Facts) -> Facts:
        """These, and where one is missing that of `before`."""
        return Facts(**{name: getattr(self, name) or getattr(before, name) for name in _NAMES})


@dataclass(frozen=True, kw_only=True)
class Understood:
    """A reply as it was understood."""

    meaning: Meaning
    """What it says."""
    facts: Facts = field(default_factory=Facts)
    """The facts in it."""


_NAMES = ("commander", "affected", "moved")
_LONGEST = 1000
_NOT = "(?:未|没有?|无需|无须|无人|无|不需要?|不用|不|暂未|暂无|尚未|尚无)"
_LABELS = {
    "commander": (
        r"(?:谁(?:在|来)?|由谁|现场|总)?指挥(?!中心|部|所|车)(?:员|人员|人|者|长|官)?|(?:现场|带班|总)?负责人"
        r"|带班(?:领导|人)?|\bcommander\b|\bcommanded by\b|\bin command\b"
    ),
    "affected": (
        rf"{_NOT}?(?:受)?影响(?:范围|区域|地区|地方|地点|镇街|哪里|什么|到)?|(?:受灾|受淹|受损)(?:范围|区域|地区)?"
        r"|\baffected\b|\baffects\b"
    ),
    "moved": (
        rf"{_NOT}?(?:已经?|需)?(?:转移|撤离|疏散)(?:安置)?(?:人员|人数|群众|了)?谁?"
        r"|\bmoved\b|\bevacuated\b"
    ),
}
_LABEL = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _LABELS.items()), re.IGNORECASE)
_WORD = (
    "确认收到|已收到|收到了|收到|已确认|确认|知道了|已知悉|知悉|已知晓|明白|收悉|好的|好"
    "|received|roger|okay|ok|ack|yes"
)
# Of letters a whole word, of Chinese what a blank or a stop follows; "1.5" is no answer.
_BOUNDARY = r"(?=$|[\s,;:!~。、.])(?!\.\d)"
_ANSWER = re.compile(rf"(?:1|{_WORD}){_BOUNDARY}", re.IGNORECASE)
_ONLY_ANSWER = re.compile(rf"(?:1*(?:{_WORD})+1?|1+)\Z", re.IGNORECASE)
_BLANK = re.compile(r"[\s,;:!?~。、.\-_()\[\]<>\"'“”‘’【】《》…·*#/]+")
_STOPS = " \t\r\n,;:!?。、.=()-—~/|"
_NUMBERED = re.compile(
    r"(?:^|[\s,;。(])1[.、:)\s]*(?P<a>\D.{0,150}?)(?:[\s,;。(]2(?!\d)|2[.、:)](?!\d))[.、:)\s]*(?P<b>.{0,150}?)"
    r"(?:[\s,;。(]3(?!\d)|3[.、:)](?!\d))[.、:)\s]*(?P<c>.+)\Z",
    re.DOTALL,
)
_ENDS = (",", ";", "。", "\r", "\n")
_AROUND = re.compile(r"^(?:由|是)|(?:已经?|在|任|为|同志)$")
_PARTS = re.compile(r"[;/|\n]")
_COUNTED = re.compile(r"\d|[无没未零一二两三四五六七八九十百千]")
_LAST_MARK = re.compile(r"(?:[\s,;。、(]|^)([123])[.、:)]?\s*\Z")


def understand(text: str) -> Understood:
    """What a reply says; any text at all is taken, of which the first thousand characters are read."""
    text = text[:_LONGEST]
    folded = _fold(text)
    facts = _facts(text, folded)
    if facts.told:
        return Understood(meaning=Meaning.FACTS, facts=facts)
    answer = _ONLY_ANSWER.match(_BLANK.sub("", folded)) or _ANSWER.match(folded.lstrip(_STOPS))
    return Understood(meaning=Meaning.ACKNOWLEDGED if answer else Meaning.UNKNOWN)


def _fold(text: str) -> str:
    """Full-width forms as plain ones, character by character, so that places in the text stay the same."""
    return "".join(_plain(character) for character in text)


def _plain(character: str) -> str:
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


def _facts(text: str, folded: str) -> Facts:
    """The facts as most of the ways to read them find them; labels come before numbers and bare parts."""
    ways = (_labelled(text, folded), _numbered(text, folded), _bare(text, folded))
    return max(ways, key=lambda facts: facts.told)


def _labelled(text: str, folded: str) -> Facts:
    """``指挥张三 影响昌元、广顺 转移320人``, and ``张三指挥，320人已转移``."""
    marks: dict[str, re.Match[str]] = {}
    for found in _LABEL.finditer(folded):
        marks.setdefault(str(found.lastgroup), found)
    ordered = sorted(marks.items(), key=lambda mark: mark[1].start())
    edges = [*(mark.start() for _, mark in ordered[1:]), len(text)]
    told: dict[str, str] = {}
    begin = 0
    for (name, mark), end in zip(ordered, edges, strict=False):
        before, after = text[begin : mark.start()], text[mark.end() : end]
        value = _before(before, folded[begin : mark.start()], folded[mark.end() : end])
        told[name] = value or _after(text[mark.start() : mark.end()], after, folded[mark.end() : end])
        # What belongs to this label cannot also stand before the next one.
        begin = mark.end() if value else end
    return Facts(**told)


def _before(text: str, folded: str, following: str) -> str:
    """``张三`` of ``张三指挥，``: what stands before a label that ends its sentence; else nothing."""
    if following.strip() and not following.lstrip(" \t").startswith(_ENDS):
        return ""
    start = max((folded.rfind(stop) for stop in (" ", "\t", *_ENDS)), default=-1) + 1
    known = _trim(text[start:])
    return "" if _ONLY_ANSWER.match(known) else _AROUND.sub("", known)


def _after(label: str, text: str, folded: str) -> str:
    """``张三`` of ``指挥：张三``; a label that says "none" says so itself."""
    mark = _LAST_MARK.search(folded)
    known = text[: mark.start()] if mark else text
    return _trim(f"{label}{known}" if re.match(_NOT, label) else known)


def _numbered(text: str, folded: str) -> Facts:
    """``1张三 2昌元、广顺 3转移320人``; nothing where not all three are there."""
    found = _NUMBERED.search(folded)
    if found is None:
        return Facts()
    values = [_unlabelled(_trim(text[slice(*found.span(part))])) for part in "abc"]
    return Facts(**dict(zip(_NAMES, values, strict=True))) if all(values) else Facts()


def _unlabelled(value: str) -> str:
    """A value without a label before it."""
    label = _LABEL.match(_fold(value))
    if label is None or re.match(_NOT, label.group()):
        return value
    return _trim(value[label.end() :])


def _bare(text: str, folded: str) -> Facts:
    """``张三；昌元、广顺；320人``: three parts in their order, the last of which counts people."""
    answer = _ANSWER.match(folded.lstrip(_STOPS))
    start = 0 if answer is None else len(folded) - len(folded.lstrip(_STOPS)) + answer.end()
    stops = (start + stop.start() for stop in _PARTS.finditer(folded[start:]))
    edges = [start - 1, *stops, len(text)]
    pieces = [_trim(text[left + 1 : right]) for left, right in pairwise(edges)]
    values = [piece for piece in pieces if piece]
    if len(values) != len(_NAMES) or not _COUNTED.search(_fold(values[-1])):
        return Facts()
    return Facts(**dict(zip(_NAMES, values, strict=True)))


def _trim(value: str) -> str:
    return value.strip(_STOPS + "，；：！？．（）　＝｜／")
