"""Changes keys of a YAML text and leaves every other character as it is: comments, layout, order, quotes."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from pipeline.configuration.yaml_lines import Trail

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Text that no reader takes for anything else, and that needs no quotes.
_BARE = re.compile(r"[0-9]{1,6}[smhd]|[A-Za-z_][A-Za-z0-9_]*")
_TAKEN = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def spliced(text: str, trail: Trail, value: object) -> str:
    """The text with the value of one key changed, added, or with None taken away.

    A value that replaces a scalar stays where it stands; a key that is added comes last in its block, and so
    do blocks on the way to it that are not there. KeyError where there is no such place: nothing of a list
    can be added or taken away.
    """
    root = yaml.compose(text, _LOADER)
    at: Any = root
    for depth, step in enumerate(trail):
        pair = _pair(at, step)
        if pair is None:
            return _added(text, at, trail[depth:], value)
        key, child = pair
        if depth == len(trail) - 1:
            return _removed(text, at, key) if value is None else _replaced(text, child, value)
        at = child
    raise KeyError(trail)


def _pair(node: Any, step: str | int) -> tuple[Any, Any] | None:
    """(node of the key, node of the value) of a child; None where a block has no such key."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return None, node.value[step]
    if not isinstance(node, yaml.MappingNode):
        raise KeyError(step)
    return next((pair for pair in node.value if pair[0].value == step), None)


def _replaced(text: str, node: Any, value: object) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        # The mark of what is empty may stand right behind the colon.
        gap = " " if text[start - 1 : start] == ":" else ""
        return text[:start] + gap + flow(value) + text[end:]
    # A block of lines begins on a line of its own: its value stands behind the key instead.
    begin = text.rindex(":", 0, start) + 1
    stop = begin + len(text[begin:end].rstrip())
    return f"{text[:begin]} {flow(value)}{text[stop:]}"


def _added(text: str, node: Any, rest: Trail, value: object) -> str:
    named = all(isinstance(step, str) for step in rest)
    if value is None or not named or not isinstance(node, yaml.MappingNode):
        raise KeyError(rest)
    for step in reversed(rest[1:]):
        value = {str(step): value}
    line = f"{flow(str(rest[0]))}: {flow(value)}"
    if node.flow_style:
        close = node.end_mark.index - 1
        body = text[:close].rstrip()
        comma = "" if body.endswith(("{", ",")) else ","
        return f"{body}{comma}{' ' if comma else ''}{line}{text[close:]}"
    last = node.value[-1][1]
    end = _line_end(text, _last_index(last, text))
    indent = " " * node.start_mark.column
    new = "\r\n" if "\r\n" in text else "\n"
    before = "" if text[:end].endswith("\n") or end == 0 else new
    return f"{text[:end]}{before}{indent}{line}{new}{text[end:]}"


def _removed(text: str, node: Any, key: Any) -> str:
    pairs = node.value
    place = next(row for row, pair in enumerate(pairs) if pair[0] is key)
    if not node.flow_style:
        start = text.rfind("\n", 0, key.start_mark.index) + 1
        if text[start : key.start_mark.index].strip():
            raise KeyError(key.value)
        end = _line_end(text, _last_index(pairs[place][1], text))
        return text[:start] + text[end:]
    if place + 1 < len(pairs):
        return text[: key.start_mark.index] + text[pairs[place + 1][0].start_mark.index :]
    start = pairs[place - 1][1].end_mark.index if place else key.start_mark.index
    return text[:start] + text[pairs[place][1].end_mark.index :]


def _last_index(node: Any, text: str) -> int:
    """Where the last character of a value stands; the mark of a block is where the next thing begins."""
    while isinstance(node, yaml.MappingNode | yaml.SequenceNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    # The end of text of several lines is where the next key begins.
    end = len(text[: node.end_mark.index].rstrip())
    return max(end, int(node.start_mark.index))


def _line_end(text: str, index: int) -> int:
    """The begin of the line after the one an index is on."""
    found = text.find("\n", index)
    return len(text) if found < 0 else found + 1


def flow(value: object) -> str:
    """A value on one line, as the configuration would write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{flow(str(key))}: {flow(own)}" for key, own in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(own) for own in value) + "]"
    if isinstance(value, str) and _BARE.fullmatch(value) and value.lower() not in _TAKEN:
        return value
    return json.dumps(value, ensure_ascii=False)
