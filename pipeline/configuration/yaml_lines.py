"""YAML as plain data with a line number for every key, without the surprises of YAML 1.1."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from ingest.errors import ConfigMistake

Trail = tuple[str | int, ...]
"""Way from the top of a file to a value: keys, and positions in lists counted from 0."""

DEEPEST = 30
"""So many levels below each other are refused: no block of ours needs ten."""

# The parser in C is some ten times faster; both give the same events.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


@dataclass(frozen=True, kw_only=True)
class Document:
    """One file of configuration as plain data."""

    file: str
    """Its name as the operator knows it."""
    data: dict[str, object]
    """Its keys; values are None, bool, int, float, str, list and dict."""
    lines: Mapping[Trail, int]
    """Line of every key and list item, counted from 1."""

    def line(self, trail: Trail) -> int:
        """Line of a value; a value that is not there has the line of the block it belongs to."""
        while trail and trail not in self.lines:
            trail = trail[:-1]
        return self.lines.get(trail, 1)

    def mistake(self, trail: Trail, sentence: str) -> str:
        """One line ``file:line: key: sentence`` about a value."""
        return _located(self.file, self.line(trail), trail, sentence)


def dotted(trail: Trail) -> str:
    """A trail in words, such as ``towns[3].lat``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in trail)
    return "".join(parts).removeprefix(".")


def read(path: Path) -> Document:
    """Read one file; ConfigMistake with one line per mistake, each naming file and line."""
    return parse(_text(path), str(path))


def parse(text: str, file: str) -> Document:
    """Read YAML from a text that came from `file`.

    Only ``true`` and ``false`` are booleans; ``yes``, ``on``, ``22:30``, ``2022-08-01``, ``0500``
    stay text. Refused with ConfigMistake: broken YAML, duplicate keys, keys that are not text,
    anchors, aliases, tags, merge keys, numbers that are not finite, a second document, a file
    without keys.
    """
    reader = _Reader(file, text)
    try:
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        raise ConfigMistake(_broken(file, error)) from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise ConfigMistake(f"{file}:{line}: holds a control character; remove it") from None
    if reader.mistakes:
        raise ConfigMistake("\n".join(reader.mistakes))
    return Document(file=file, data=data, lines=reader.lines)


class _Reader:
    """Builds data from the events of the parser, noting lines and mistakes on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.lines: dict[Trail, int] = {}
        self.mistakes: list[str] = []
        self._events = _LOADER(text)

    def document(self) -> dict[str, object]:
        """The only document of the file, which must be a block of keys."""
        self._events.get_event()
        if self._events.check_event(yaml.StreamEndEvent):
            raise ConfigMistake(f"{self.file}:1: the file is empty; write its keys or remove it")
        self._events.get_event()
        data = self._value(())
        self._events.get_event()
        if not self._events.check_event(yaml.StreamEndEvent):
            line = self._events.peek_event().start_mark.line + 1
            self._note(line, (), "a second document begins here; remove the --- above it")
        if not isinstance(data, dict):
            self._note(1, (), "the file must hold keys such as name: value")
            return {}
        return data

    def _note(self, line: int, trail: Trail, sentence: str) -> None:
        self.mistakes.append(_located(self.file, line, trail, sentence))

    def _value(self, trail: Trail) -> object:
        event = self._events.get_event()
        line = event.start_mark.line + 1
        self.lines.setdefault(trail, line)
        if len(trail) > DEEPEST:
            raise ConfigMistake(_located(self.file, line, trail[:3], "is nested too deep"))
        self._refuse(event, line, trail)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, line, trail)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(trail)
        return self._block(trail) if isinstance(event, yaml.MappingStartEvent) else None

    def _refuse(self, event: Any, line: int, trail: Trail) -> None:
        if isinstance(event, yaml.AliasEvent):
            self._note(line, trail, f"the alias *{event.anchor} is not allowed; write its value")
        elif event.anchor is not None:
            self._note(line, trail, f"the anchor &{event.anchor} is not allowed; remove it")
        elif event.tag is not None:
            self._note(line, trail, "tags that begin with ! are not allowed; remove it")

    def _scalar(self, event: Any, line: int, trail: Trail) -> object:
        if not event.implicit[0]:
            return event.value
        value = _plain(event.value)
        if isinstance(value, float) and not isfinite(value):
            self._note(line, trail, f"{event.value} is not finite; write a number such as 40.0")
        return value

    def _list(self, trail: Trail) -> list[object]:
        items: list[object] = []
        while not self._events.check_event(yaml.SequenceEndEvent):
            items.append(self._value((*trail, len(items))))
        self._events.get_event()
        return items

    def _block(self, trail: Trail) -> dict[str, object]:
        block: dict[str, object] = {}
        while not self._events.check_event(yaml.MappingEndEvent):
            key, line = self._key(trail)
            first = self.lines.setdefault((*trail, key), line)
            value = self._value((*trail, key))
            if key in block:
                again = f"is written twice, first on line {first}; remove one"
                self._note(line, (*trail, key), again)
            block.setdefault(key, value)
        self._events.get_event()
        return block

    def _key(self, trail: Trail) -> tuple[str, int]:
        event = self._events.get_event()
        line = event.start_mark.line + 1
        if not isinstance(event, yaml.ScalarEvent):
            sentence = "a key must be text, not a list, a block or an alias; write a name"
            raise ConfigMistake(_located(self.file, line, trail, sentence))
        self._refuse(event, line, trail)
        key = _plain(event.value) if event.implicit[0] else event.value
        if not isinstance(key, str):
            self._note(line, trail, f"the key {event.value} is not text; write it in quotes")
        elif event.implicit[0] and key == "<<":
            self._note(line, trail, "the merge key << is not allowed; write the keys out")
        return str(event.value), line


def _located(file: str, line: int, trail: Trail, sentence: str) -> str:
    name = dotted(trail)
    return f"{file}:{line}: {name}: {sentence}" if name else f"{file}:{line}: {sentence}"


def _plain(text: str) -> object:
    """What an unquoted scalar means (the core schema of YAML 1.2, narrowed)."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _ENDLESS.fullmatch(text):
        return float(text.replace(".", "").lower())
    return float(text) if _NUMBER.fullmatch(text) else text


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigMistake(f"{path}: the file is missing; add it") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigMistake(f"{path}:{line}: is not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        why = (error.strerror or "unknown reason").lower()
        raise ConfigMistake(f"{path}: cannot be read ({why}); mend it or its permissions") from None


def _broken(file: str, error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    problem = error.problem or "it cannot be understood"
    if "quoted scalar" in (error.context or ""):
        # The parser notices at the end of the file; what helps is where the quote was opened.
        mark, problem = error.context_mark or mark, "the quote opened here is not closed properly"
    line = mark.line + 1 if mark else 1
    if "cannot start any token" in problem:
        problem = "a tab, @, % or ` stands where a value or a key must begin"
    remedy = "check the indentation, colons, brackets and quotes of this line and the one above"
    return f"{file}:{line}: broken YAML, {problem}; {remedy}"
