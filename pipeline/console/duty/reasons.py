"""The router's reasons in Chinese. They are kept in English; what no sentence here fits stays as it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from re import Match

from alerts.duty.people import Routes
from rules.level import parse_level

ROLES: Mapping[str, tuple[str, str, str]] = {
    "lead": ("牵头", "lead", "★"),
    "support": ("配合", "support", "●"),
    "inform": ("知会", "inform", "○"),
}
"""Role -> its name in Chinese and in English, and its sign."""
WHO: Mapping[str, tuple[str, str]] = {
    "duty": ("值班员", "on duty"),
    "deputy": ("副班", "deputy"),
    "centre": ("指挥中心", "command centre"),
}
"""Step of a ladder -> who is called, in Chinese and in English."""

_Say = Callable[[Match[str], Routes], str]


def in_chinese(why: str, routes: Routes) -> str:
    """A reason in Chinese."""
    silenced = re.fullmatch(r"silenced until (\S+ \S+) by (.+?): (.*)", why, re.DOTALL)
    if silenced is not None:
        until, by, said = silenced.groups()
        known = routes.people.get(by)
        return f"静默至{until}，{known.name if known else by}：{said}"
    return "；".join(_part(part, routes) for part in why.split("; "))


def _part(part: str, routes: Routes) -> str:
    # What is behind a swap or a stand-in is somebody's own words.
    said, _, special = part.partition(" (")
    for pattern, say in _SENTENCES:
        found = re.fullmatch(pattern, said)
        if found is not None:
            more = f"（{why_another(special.removesuffix(')'))}）" if special else ""
            return say(found, routes) + more
    return why_another(part)


def why_another(words: str) -> str:
    """Why somebody else is on duty than the shifts say, in Chinese."""
    for english, chinese in (("stand-in", "顶班"), ("swap", "换班")):
        if words.startswith(english):
            said = words.removeprefix(english)
            return chinese + said.replace(" by ", "，经办", 1).replace(": ", "：", 1)
    return words


def _name(subsystem: str, routes: Routes) -> str:
    found = routes.subsystems.get(subsystem)
    return found.name if found else subsystem


def _zh(level: str) -> str:
    return parse_level(level).zh


_LEVEL = "(none|blue|yellow|orange|red)"
_SENTENCES: tuple[tuple[str, _Say], ...] = (
    (r"no part in \S+ in the matrix", lambda m, r: "矩阵中与此灾害无关"),
    (
        rf"hears of {_LEVEL} and above, this is {_LEVEL}",
        lambda m, r: f"只收{_zh(m[1])}及以上，这次是{_zh(m[2])}",
    ),
    (rf"(lead|support|inform) from {_LEVEL} up", lambda m, r: f"{ROLES[m[1]][0]}，{_zh(m[2])}起"),
    (r"centre of \S+", lambda m, r: WHO["centre"][0]),
    (r"(duty|deputy) of (\S+)", lambda m, r: f"{_name(m[2], r)}{WHO[m[1]][0]}"),
    (
        r"nobody is (duty|deputy|centre) of (\S+): the command centre is told instead",
        lambda m, r: f"{_name(m[2], r)}没有{WHO[m[1]][0]}，改报指挥中心",
    ),
    (
        r"nobody is (duty|deputy|centre) of (\S+), nor at the command centre",
        lambda m, r: f"{_name(m[2], r)}没有{WHO[m[1]][0]}，指挥中心也无人值班",
    ),
    (
        rf"has acknowledged (\S+) {_LEVEL} in this incident",
        lambda m, r: f"同一事件的{_zh(m[2])}已确认",
    ),
    (
        rf"already called for (\S+) {_LEVEL} in this incident",
        lambda m, r: f"同一事件的{_zh(m[2])}已在叫应",
    ),
)
