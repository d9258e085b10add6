"""Plain data into the dataclasses of the house: strictly, and with every mistake told at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from difflib import get_close_matches
from functools import lru_cache
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from ingest.errors import ConfigMistake, FengsuiError, UnknownName
from ingest.registry import Registry
from pipeline.configuration.words import NO_BLOCK, Excerpt, place, sentences, suggest
from pipeline.configuration.yaml_lines import Document, Trail

T = TypeVar("T")
P = TypeVar("P")


def decode(kind: type[T], excerpt: Excerpt) -> T:
    """Make a `kind` of an excerpt; nothing is converted and no unknown key is let through.

    Raises ConfigMistake with one line per mistake. A validator whose message begins with a key
    and a colon (``red: lower it``) has its mistake located at that key.
    """
    try:
        text = json.dumps(excerpt.data)
        made: T = _adapter(cast(Any, kind)).validate_json(text, strict=True, extra="forbid")
        return made
    except ValidationError as error:
        found = error.errors(include_url=False)
        raise ConfigMistake("\n".join(sentences(kind, excerpt, found))) from None
    except OverflowError:
        sentence = "holds a number that is too large to be meant; write a smaller one"
        raise ConfigMistake(excerpt.document.mistake(excerpt.base, sentence)) from None
    except FengsuiError as error:
        raise ConfigMistake(excerpt.document.mistake(*place(str(error), excerpt))) from None


@lru_cache(maxsize=256)
def _adapter(kind: Any) -> TypeAdapter[Any]:
    """What it takes to read a `kind` takes longer to work out than to use."""
    return TypeAdapter(kind)


def decode_block(
    common: type[T], registry: Registry[P], document: Document, base: Trail = ()
) -> tuple[T, P]:
    """Make the two halves of a plug-in's block: the keys all have, and those of its kind.

    Parameters
    ----------
    common : type
        Dataclass of the keys every block of this sort has, among them ``kind``.
    registry : Registry
        Where the kind is looked up.
    document, base
        The file, and the way to the block in it.
    """
    data = _block(document, base)
    shared = _names(common)
    own = {key: value for key, value in data.items() if key not in shared}
    rest = {key: value for key, value in data.items() if key in shared}
    mistakes: list[str] = []
    kind = attempt(mistakes, lambda: _kind(registry, data.get("kind"), document, base))
    strange = [key for key in own if kind is not None and key not in _names(kind)]
    meant = [name for key in strange for name in get_close_matches(key, shared, n=1)]
    first = Excerpt(
        document=document, data=rest, base=base,
        excused=("kind", *(name for name in meant if name not in data)),
    )
    second = Excerpt(document=document, data=own, base=base, also=shared)
    head = attempt(mistakes, lambda: decode(common, first))
    body = None if kind is None else attempt(mistakes, lambda: decode(kind, second))
    if head is None or body is None:
        raise ConfigMistake("\n".join(line for line in mistakes if line))
    return head, body


def attempt(mistakes: list[str], step: Callable[[], T]) -> T | None:
    """Do one step; None where it was refused, with its mistakes added to the list."""
    try:
        return step()
    except ConfigMistake as mistake:
        mistakes.append(str(mistake))
        return None


def _block(document: Document, base: Trail) -> dict[str, object]:
    data: Any = document.data
    for part in base:
        data = data[part]
    if not isinstance(data, dict):
        raise ConfigMistake(document.mistake(base, NO_BLOCK))
    return data


def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _kind(registry: Registry[P], name: object, document: Document, base: Trail) -> type[P]:
    trail = (*base, "kind")
    if name is None:
        choice = ", ".join(registry.kinds)
        raise ConfigMistake(document.mistake(trail, f"is missing; add one of: {choice}"))
    try:
        return registry[str(name)]
    except UnknownName:
        hint = suggest(str(name), registry.kinds)
        sentence = f'no {registry.sort} is of the kind "{name}"; {hint}'
        raise ConfigMistake(document.mistake(trail, sentence)) from None
