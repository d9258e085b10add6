"""Every refusal of the decoder in a sentence of our own, with what to write instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_origin, get_type_hints

from pydantic_core import ErrorDetails

from ingest.secret import Secret
from pipeline.configuration.yaml_lines import Document, Trail

_LONGEST = 60

_WANTED = {
    "float": ("a number", "write a number such as 40.0, without quotes"),
    "int": ("a whole number", "write a whole number such as 3, without quotes"),
    "bool": ("true or false", "write true or false, without quotes"),
    "string": ("text", "write it in quotes"),
    "tuple": ("a list", "write [a, b], or lines that begin with - below the key"),
    "list": ("a list", "write [a, b], or lines that begin with - below the key"),
    "dict": ("a block of keys", "write its keys on indented lines below it"),
    "dataclass": ("a block of keys", "write its keys on indented lines below it"),
    "datetime": ("a moment", "write it with its offset, such as 2022-08-01T08:00:00+08:00"),
    "timezone": ("a moment", "write it with its offset, such as 2022-08-01T08:00:00+08:00"),
    "date": ("a date", "write it such as 2022-08-01"),
}
NO_BLOCK = "is not a block of keys; write its keys on indented lines below it"
_STRANGE = "unexpected_keyword_argument"
_BOUNDS = {"gt": "above", "ge": "of at least", "lt": "below", "le": "of at most"}


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """The part of a document that one dataclass is made of."""

    document: Document
    """Where it stands."""
    data: Mapping[str, object]
    """The keys to decode."""
    base: Trail = ()
    """Way from the top of the document to these keys."""
    also: tuple[str, ...] = ()
    """Valid keys of the same block that are decoded elsewhere, for suggestions."""
    excused: tuple[str, ...] = ()
    """Missing keys that are not mentioned, because a misspelt one was."""


def suggest(word: str, options: Iterable[str]) -> str:
    """What the writer of an unknown word may have meant, or all there is to choose from."""
    names = sorted(options)
    near = get_close_matches(word, names, n=1)
    return f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(names) or 'none'}"


def sentences(kind: Any, excerpt: Excerpt, errors: list[ErrorDetails]) -> Iterator[str]:
    """One line per mistake of an excerpt that could not be made a `kind`."""
    told: set[Trail] = {(name,) for name in excerpt.excused}
    # A misspelt key is also a missing one: unknown keys come first and silence what they suggest.
    for error in sorted(errors, key=lambda error: error["type"] == "missing"):
        trail = _trail(error, excerpt.data)
        if trail not in told:
            told.add(trail)
            told.update(_meant(kind, trail, excerpt) if error["type"] == _STRANGE else ())
            yield excerpt.document.mistake(*_told(error, kind, trail, excerpt))


def _told(error: ErrorDetails, kind: Any, trail: Trail, excerpt: Excerpt) -> tuple[Trail, str]:
    where = (*excerpt.base, *trail)
    if error["type"] == "missing":
        return where, "is missing; add it"
    if error["type"] == _STRANGE:
        hint = suggest(str(trail[-1]), _valid(kind, trail, excerpt))
        return where, f"there is no such key; {hint}"
    if Secret in _at(kind, trail) and not isinstance(error["input"], dict):
        return where, "a secret never stands here; write {env: NAME} or {file: PATH} instead"
    shown = _shown(error["input"], kind, trail)
    if error["type"] == "value_error":
        return place(_passed(error, shown), excerpt, trail)
    return where, _sentence(error, shown)


def _valid(kind: Any, trail: Trail, excerpt: Excerpt) -> list[str]:
    """Keys that are allowed where an unknown one stands."""
    return [*_keys(kind, trail[:-1]), *(excerpt.also if len(trail) == 1 else ())]


def _meant(kind: Any, trail: Trail, excerpt: Excerpt) -> Iterator[Trail]:
    for name in get_close_matches(str(trail[-1]), _valid(kind, trail, excerpt), n=1):
        yield (*trail[:-1], name)


def _trail(error: ErrorDetails, data: object) -> Trail:
    """The way to the value at fault, without the names of unions and validators in between."""
    trail: list[str | int] = []
    for part in error["loc"]:
        known = part in data if isinstance(data, dict) else isinstance(data, list)
        if known:
            data = data[part]  # type: ignore[index]  # a dict with this key, or a list
        elif not (isinstance(data, dict) and error["type"] == "missing"):
            continue
        trail.append(part)
    return tuple(trail)


def _options(hint: Any) -> Iterator[Any]:
    """The types a hint allows, with unions and annotations taken apart."""
    origin = get_origin(hint)
    if origin in (dict, list, tuple, Mapping) or is_dataclass(hint):
        yield hint
    else:
        for part in get_args(hint):
            yield from _options(part)


def _step(hint: Any, part: str | int) -> Iterator[Any]:
    for option in _options(hint):
        if is_dataclass(option) and isinstance(option, type):
            yield from (found for name, found in get_type_hints(option).items() if name == part)
        elif arguments := get_args(option):
            yield arguments[-1 if isinstance(part, str) else 0]


def _at(hint: Any, trail: Trail) -> list[Any]:
    """The dataclasses allowed at a trail."""
    hints = [hint]
    for part in trail:
        hints = [found for hint in hints for found in _step(hint, part)]
    return [option for hint in hints for option in _options(hint) if is_dataclass(option)]


def _keys(hint: Any, trail: Trail) -> list[str]:
    return [field.name for option in _at(hint, trail) for field in fields(option)]


def place(words: str, excerpt: Excerpt, trail: Trail = ()) -> tuple[Trail, str]:
    """Where a validator's message belongs, told by the key it begins with.

    The key is taken off where a colon follows it (``red: lower it``).
    """
    base = (*excerpt.base, *trail)
    first, _, rest = words.partition(" ")
    key = first.removesuffix(":")
    trails = [
        known for known in excerpt.document.lines
        if known[: len(base)] == base and known[-1:] == (key,) and len(known) > len(base)
    ]
    nearest = [known for known in trails if len(known) == min(map(len, trails))]
    if len(nearest) != 1:
        return base, words
    return nearest[0], words if first == key else rest


def _passed(error: ErrorDetails, shown: str) -> str:
    """The words of a validator of our own."""
    words = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    if isinstance(value, dict | list) or repr(value) in words:
        return words
    return f"{shown} is refused; {words}"


def _sentence(error: ErrorDetails, shown: str) -> str:
    """The words of the decoder, translated."""
    sort, value, context = error["type"], error["input"], error.get("ctx", {})
    if sort in ("literal_error", "enum"):
        options = re.findall(r"'([^']*)'", str(context["expected"]))
        return f"{shown} is not allowed; {_choice(value, options)}"
    for bound, words in _BOUNDS.items():
        if bound in context:
            return f"{shown} is out of range; write a number {words} {context[bound]}"
    what, remedy = _WANTED.get(sort.split("_")[0], ("", ""))
    if what:
        return f"is empty; write {what}" if value is None else f"{shown} is not {what}; {remedy}"
    return f"{shown} is refused; {_own(error['msg'])}"


def _choice(value: object, options: list[str]) -> str:
    near = get_close_matches(str(value), options, n=1)
    return f'did you mean "{near[0]}"?' if near else f"write one of: {', '.join(options)}"


def _own(words: str) -> str:
    """The library's message in the tone of ours."""
    words = re.sub(r"^.* should (be|have|match) ", r"it must \1 ", words)
    return words[0].lower() + words[1:]


def _shown(value: object, kind: Any, trail: Trail) -> str:
    """A value as the file has it, shortened; not shown where its field is kept out of print."""
    if isinstance(value, dict | list):
        return "a block of keys" if isinstance(value, dict) else "a list"
    holders = [field for option in _at(kind, trail[:-1]) for field in fields(option)]
    if any(not field.repr and trail[-1:] == (field.name,) for field in holders):
        return "the value"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + '..."'
