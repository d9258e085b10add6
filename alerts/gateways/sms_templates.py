"""Which approved template a message goes out under, and what fills its variables.

Operators in China let only texts through that they approved beforehand, so a gateway is given the id
of a template and the values of its variables in place of the words. Both gateways that work like this
read their configuration here, in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal, get_args

from alerts.event.transition import ABOUT_DATA
from alerts.outgoing.delivery import Message, Purpose
from ingest.errors import DeliveryError
from ingest.times import BEIJING, floor_hour, parse_instant, utc
from rules.level import Level, parse_level

Fact = Literal[
    "level", "hazard", "towns", "time", "until", "token", "subsystem", "text", "title", "exercise"
]
"""What a variable of a template may hold."""
FACTS: tuple[str, ...] = get_args(Fact)
"""The same names, in the order documents list them."""

DRILL = "exercise"
"""First part of the keys for drills."""
TOKEN_CHARACTERS = 22
"""Length of a token of `alerts.answers.links`; a shorter piece of one opens nothing."""
NOTHING = "无"
"""What fills a variable where there is no such fact: gateways refuse empty ones."""
OMITTED = "略"
"""What fills a variable where no part of the fact fits."""

_ABOUT_DATA = frozenset(reason.value for reason in ABOUT_DATA)
_LINK = re.compile(r"https?://[!-~]+")
# What must not be cut: a number with its point, clock, range and unit, or a word of letters.
_PIECE = re.compile(r"[0-9A-Za-z]+(?:[.:/_-][0-9A-Za-z]+)*[%℃]?|.", re.DOTALL)
_LOOSE_ENDS = " \n，。、；：,;:（("


def check_templates(templates: Mapping[str, str]) -> None:
    """Refuse with ValueError a block that has no template, or an empty key or id."""
    if not templates:
        raise ValueError("templates must name at least one approved template, such as default")
    if not all(key.strip() and id.strip() for key, id in templates.items()):
        raise ValueError("templates must have no empty key and no empty id")


def check_facts(names: Iterable[str], longest: int | None) -> None:
    """Refuse with ValueError a fact that does not exist, or a token that would be cut.

    Parameters
    ----------
    names : iterable of str
        Facts that variables are filled with.
    longest : int or None
        Most characters of one variable; None knows no limit.
    """
    if longest is not None and longest < 1:
        raise ValueError("longest must be at least 1 character")
    for name in names:
        if name not in FACTS:
            raise ValueError(f"{name!r} is no fact; write one of {', '.join(FACTS)}")
        if name == "token" and longest is not None and longest < TOKEN_CHARACTERS:
            raise ValueError(
                f"a token has {TOKEN_CHARACTERS} characters and longest is {longest}; leave it "
                "out, or raise longest where the gateway allows that"
            )


def template_of(templates: Mapping[str, str], message: Message) -> str:
    """The id of the template for a message; the most specific key wins.

    Of a change: ``<hazard>.<reason>``, ``<hazard>.<level>``, ``<reason>``, ``<level>``, ``default``,
    where the level is that after the change. What is no change goes by its purpose in place of the
    reason. Of a drill only the same keys behind ``exercise.`` count, and ``exercise`` alone; without
    one DeliveryError with ``retry=False``: a drill never goes out under a real template, nor a real
    message under one for drills.
    """
    for key in _keys(message):
        if key in templates:
            return templates[key]
    if message.exercise is not None:
        raise DeliveryError(
            "no template is meant for drills, and a drill never goes out under a real one; "
            f"have one approved and enter it in templates under {DRILL}",
            retry=False,
        )
    raise DeliveryError(
        "no template fits this message; have one approved and enter it in templates, "
        "for all others under default",
        retry=False,
    )


def _keys(message: Message) -> list[str]:
    """Keys from the most to the least specific."""
    hazard = message.data.get("hazard")
    reason = str(message.data.get("reason") or message.purpose.value)
    # A memo, or news of lost data, at red is not the red alert that a template of that name tells of.
    tells = message.purpose is Purpose.ALERT and reason not in _ABOUT_DATA
    known = [reason, message.level.key] if tells and message.data.get("to") else [reason]
    keys = [f"{hazard}.{kind}" for kind in known if hazard] + known
    if message.exercise is not None:
        return [f"{DRILL}.{key}" for key in keys] + [DRILL]
    return [key for key in [*keys, "default"] if key.partition(".")[0] != DRILL]


def fact(name: str, message: Message, longest: int | None = None) -> str:
    """One fact of a message in at most `longest` characters, never empty and never with a link.

    A moment and the towns have shorter forms, of which the longest that fits is taken; the rest is
    cut by `shorten`. ``level`` 红色, 解除 after the end; ``hazard`` name of the hazard; ``towns``
    names or number of the towns; ``time`` of the change and ``until`` its end, Beijing time;
    ``token`` last part of the link for acknowledging; ``subsystem`` its name; ``text`` the words
    without links; ``title`` a short heading; ``exercise`` name of the drill. DeliveryError with
    ``retry=False`` where a token does not fit.
    """
    forms = [form for form in _FORMS[name](message) if form]
    for form in forms:
        if longest is None or len(form) <= longest:
            return form
    if not forms:
        return NOTHING
    if name == "token":
        raise DeliveryError(
            "the token is longer than a variable may be; leave it out of the template", retry=False
        )
    assert longest is not None
    return shorten(forms[-1], longest)


def shorten(text: str, longest: int) -> str:
    """`text` in at most `longest` characters, cut between words and never inside a number.

    Chinese is cut between any two characters; punctuation that would end the piece is dropped.
    OMITTED where not even the first word fits.
    """
    kept = ""
    for piece in _PIECE.findall(text):
        if len(kept) + len(piece) > longest:
            return kept.rstrip(_LOOSE_ENDS) or OMITTED
        kept += piece
    return kept


def _level(message: Message) -> list[str]:
    to = message.data.get("to")
    if to is None:
        return []
    level = parse_level(str(to))
    return ["解除" if level is Level.NONE else level.zh]


def _towns(message: Message) -> list[str]:
    places = message.data.get("places")
    number = [f"{len(places)}个镇街"] if isinstance(places, Mapping) and places else []
    return [_words(message, "towns"), *number]


def _time(message: Message) -> list[str]:
    at = _moment(message, "at") or utc(message.at)
    return [*_dated(at), f"{at.astimezone(BEIJING):%H:%M}"]


def _until(message: Message) -> list[str]:
    end = _moment(message, "expires")
    if end is None:
        return []
    hour = floor_hour(end)
    # A rounded end must not fall before the true one, and without its day it would be read as today.
    return [*_dated(end), *_dated(hour if hour == end else hour + timedelta(hours=1))]


def _dated(at: datetime) -> list[str]:
    """``8月19日14时30分``, ``19日14时30分``; the minutes only where there are some."""
    local = at.astimezone(BEIJING)
    clock = f"{local:%H}时{local:%M}分" if local.minute else f"{local:%H}时"
    return [f"{local.month}月{local.day}日{clock}", f"{local.day}日{clock}"]


def _moment(message: Message, key: str) -> datetime | None:
    """An instant among the facts; None where there is none that can be read."""
    told = message.data.get(key)
    try:
        return parse_instant(told) if isinstance(told, str) else None
    except ValueError:
        return None


def _words(message: Message, *keys: str) -> str:
    """The first of these facts that is a text with something in it."""
    told = (message.data.get(key) for key in keys)
    return next((text for text in told if isinstance(text, str) and text.strip()), "")


def _plain(text: str) -> str:
    """One line without links: gateways refuse a variable with an address in it."""
    return " ".join(_LINK.sub("", text).split())


_FORMS: Mapping[str, Callable[[Message], list[str]]] = {
    "level": _level,
    "hazard": lambda message: [_words(message, "hazard_name", "hazard")],
    "towns": _towns,
    "time": _time,
    "until": _until,
    "token": lambda message: [(message.link or "").rstrip("/").rpartition("/")[2]],
    "subsystem": lambda message: [_words(message, "subsystem_name") or message.subsystem],
    "text": lambda message: [_plain(message.text)],
    "title": lambda message: [_plain(message.title)],
    "exercise": lambda message: [message.exercise or ""],
}
"""Fact -> its forms, the fullest first; empty ones count as missing."""
