"""Changes to a configuration as a file of their own: tried in a replay before anybody applies them.

    title: 高温橙色提前半度
    because: 去年三次橙色都晚了半天
    changes:
      hazards/heat.yaml:
        ladder.orange.at_least: {from: 37.0, to: 36.5}
        ladder.orange.hold: 2h

A key stands with its whole way, `dotted` and with places of lists in brackets. `from` is a guard: where the
key is something else by now, the change is refused. A key that becomes null is taken away, and its default
holds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.errors import ConfigMistake
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document, Trail, dotted, read

_KEYS = ("title", "because", "by", "changes")
_GUARDED = {"from", "to"}
_STEP = re.compile(r"\[(\d+)\]|(?:^|\.)([^.\[\]]+)")
# What the reader takes for text without quotes, and every other reader of YAML too.
_BARE = re.compile(r"\d{1,6}[smhd]")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One key of one file, and what it shall be."""

    file: str
    """Name of the file relative to the folder, such as ``hazards/heat.yaml``."""
    trail: Trail
    """Way from the top of the file to the key."""
    value: object
    """What it shall be, as plain data; None takes the key away, so that its default holds."""
    former: object | None = None
    """What it must be now; None where that is not stated."""
    line: int = field(default=1, compare=False)
    """Line of the patch, counted from 1."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Edits that belong together."""

    edits: tuple[Edit, ...]
    """In the order of the file."""
    title: str = ""
    """What it is called."""
    because: str = ""
    """Why it is proposed."""
    by: str = ""
    """Who proposes it."""
    source: str = field(default="changes", compare=False)
    """Name of the patch file, as mistakes tell it."""

    def mistake(self, edit: Edit, sentence: str, trail: Trail = ()) -> str:
        """One line about an edit, or about a key below it: patch, line, file, key, sentence."""
        return f"{self.source}:{edit.line}: {edit.file}: {dotted(trail or edit.trail)}: {sentence}"


def read_changes(path: Path) -> Changes:
    """Read a patch; ConfigMistake with one line per mistake, each naming file, line and remedy."""
    document = read(path)
    mistakes = list(_strange(document))
    edits = list(_edits(document, mistakes))
    if not edits and not mistakes:
        sentence = "holds no change; write FILE and below it KEY: {from: OLD, to: NEW}"
        mistakes.append(document.mistake(("changes",), sentence))
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    words = {name: str(document.data.get(name) or "") for name in _KEYS[:-1]}
    return Changes(edits=tuple(edits), source=str(path), **words)


def _strange(document: Document) -> Iterator[str]:
    for name, value in document.data.items():
        if name not in _KEYS:
            yield document.mistake((name,), f"there is no such key; {suggest(name, _KEYS)}")
        elif name != "changes" and value is not None and not isinstance(value, str):
            yield document.mistake((name,), "is not text; write it in quotes")


def _edits(document: Document, mistakes: list[str]) -> Iterator[Edit]:
    files = document.data.get("changes")
    if not isinstance(files, dict):
        remedy = "is missing; write the files that change below it, such as hazards/heat.yaml:"
        mistakes.append(document.mistake(("changes",), remedy))
        return
    for file, keys in files.items():
        if not isinstance(keys, dict):
            sentence = "names no key; write below it KEY: {from: OLD, to: NEW}"
            mistakes.append(document.mistake(("changes", file), sentence))
            continue
        for key, said in keys.items():
            trail, line = trail_of(key), document.line(("changes", file, key))
            if trail is None:
                sentence = "is no way to a key; write it such as ladder.orange.at_least or ladders.red[0]"
                mistakes.append(document.mistake(("changes", file, key), sentence))
                continue
            former, value = _said(said)
            yield Edit(file=file, trail=trail, value=value, former=former, line=line)


def _said(said: object) -> tuple[object | None, object]:
    """(What it must be, what it shall be); a block of just these two keys is no value."""
    if isinstance(said, dict) and "to" in said and said.keys() <= _GUARDED:
        return said.get("from"), said["to"]
    return None, said


def trail_of(key: str) -> Trail | None:
    """The way that a dotted key names, such as ``ladders.red[0].after``; None where it is none."""
    steps: list[str | int] = []
    at = 0
    for found in _STEP.finditer(key):
        if found.start() != at:
            return None
        steps.append(int(found[1]) if found[1] is not None else found[2])
        at = found.end()
    whole = at == len(key) and not key.startswith((".", "["))
    return tuple(steps) if steps and whole else None


def written(changes: Changes) -> str:
    """The patch as YAML, which `read_changes` reads back as it was."""
    told = {"title": changes.title, "because": changes.because, "by": changes.by}
    lines = [f"{name}: {_flow(text)}" for name, text in told.items() if text]
    files: dict[str, list[Edit]] = {}
    for edit in changes.edits:
        files.setdefault(edit.file, []).append(edit)
    lines.append("changes:")
    for file, edits in files.items():
        lines.append(f"  {file}:")
        lines += [f"    {_key(edit)}: {_change(edit)}" for edit in edits]
    return "\n".join(lines) + "\n"


def _key(edit: Edit) -> str:
    key = dotted(edit.trail)
    return _flow(key) if "[" in key else key


def _change(edit: Edit) -> str:
    if edit.former is None and not isinstance(edit.value, dict):
        return _flow(edit.value)
    guard = "" if edit.former is None else f"from: {_flow(edit.former)}, "
    return f"{{{guard}to: {_flow(edit.value)}}}"


def _flow(value: object) -> str:
    """A value as JSON, which is YAML of one line; plain lengths of time need no quotes."""
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True, kw_only=True)
class _Patched(Document):
    """A document with edits; mistakes about what was edited name the patch."""

    changes: Changes
    """All of the patch."""
    mine: tuple[Edit, ...]
    """Its edits of this file."""

    def mistake(self, trail: Trail, sentence: str) -> str:
        """One line about a value, in the patch where an edit set it or a part of it."""
        for edit in self.mine:
            shorter = min(len(trail), len(edit.trail))
            if shorter and trail[:shorter] == edit.trail[:shorter]:
                return self.changes.mistake(edit, sentence, trail)
        return super().mistake(trail, sentence)


def patched(documents: Mapping[str, Document], changes: Changes) -> dict[str, Document]:
    """The documents of a folder by their names in it, with the changes made.

    Raises ConfigMistake with one line per edit that names a file or a key that is not there, or that finds
    another value than it says.
    """
    mistakes = []
    for edit in changes.edits:
        if edit.file not in documents:
            sentence = f"no such file is read; {suggest(edit.file, documents)}"
            mistakes.append(changes.mistake(edit, sentence))
    found = dict(documents)
    for file, document in documents.items():
        mine = tuple(edit for edit in changes.edits if edit.file == file)
        if mine:
            found[file] = _edited(document, mine, changes, mistakes)
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return found


def _edited(
    document: Document, mine: tuple[Edit, ...], changes: Changes, mistakes: list[str]
) -> Document:
    data, lines = json.loads(json.dumps(document.data)), dict(document.lines)
    for edit in mine:
        wrong = _refusal(data, edit)
        if wrong is not None:
            mistakes.append(changes.mistake(edit, wrong))
            continue
        _put(data, edit)
        at = document.line(edit.trail)
        lines = {trail: line for trail, line in lines.items() if trail[: len(edit.trail)] != edit.trail}
        lines |= dict.fromkeys(_trails(edit.trail, edit.value), at)
    return _Patched(file=document.file, data=data, lines=lines, changes=changes, mine=mine)


_NOTHING = object()


def _at(data: Any, trail: Trail) -> Any:
    for step in trail:
        inside = (
            step < len(data)
            if isinstance(data, list) and isinstance(step, int)
            else isinstance(data, dict) and step in data
        )
        if not inside:
            return _NOTHING
        data = data[step]
    return data


def _refusal(data: object, edit: Edit) -> str | None:
    """Why an edit cannot be made; None where it can."""
    *above, last = edit.trail
    for number in range(1, len(above) + 1):
        room = _at(data, edit.trail[:number])
        if room is not _NOTHING and not isinstance(room, dict | list):
            return f"{dotted(edit.trail[:number])} holds no keys; change it as a whole"
    room = _at(data, tuple(above))
    if isinstance(room, list) and not (isinstance(last, int) and last < len(room)):
        return f"the list has {len(room)} items, counted from 0; name one of them or change the list"
    present = _at(data, edit.trail)
    if edit.value is None and present is _NOTHING:
        return "is not there to be taken away; remove the line"
    if edit.former is not None and present != edit.former:
        now = "not there" if present is _NOTHING else json.dumps(present, ensure_ascii=False)
        was = json.dumps(edit.former, ensure_ascii=False)
        return f"is {now} now and not {was}; look at the change again and write from: as it is now"
    return None


def _put(data: dict[str, object], edit: Edit) -> None:
    """Set a key; blocks on the way to it that are not there are made."""
    room: Any = data
    for step in edit.trail[:-1]:
        room = room.setdefault(step, {}) if isinstance(room, dict) else room[step]
    if edit.value is None:
        del room[edit.trail[-1]]
    else:
        room[edit.trail[-1]] = edit.value


def _trails(trail: Trail, value: object) -> Iterator[Trail]:
    """The way to a value and to everything in it."""
    if value is None:
        return
    yield trail
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _trails((*trail, key), part)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _trails((*trail, place), part)
