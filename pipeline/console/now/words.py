"""Spans of time and lists of people as the page of the present says them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.console.now.facts import Board
from pipeline.console.pages import Pages, Tongue
from rules.level import Level

_PIECES = (("天", "d", 86_400), ("小时", "h", 3_600), ("分钟", "min", 60))


def span_words(length: timedelta, tongue: Tongue) -> str:
    """A span in its two largest units, such as ``2小时10分钟``; less than a minute is said so."""
    rest = int(abs(length.total_seconds()))
    parts: list[str] = []
    for zh, en, seconds in _PIECES:
        number, rest = divmod(rest, seconds)
        if number and len(parts) < 2:
            parts.append(f"{number}{zh}" if tongue == "zh" else f"{number} {en}")
        elif parts:
            break
    if not parts:
        return "不到1分钟" if tongue == "zh" else "less than 1 min"
    return ("" if tongue == "zh" else " ").join(parts)


@dataclass(frozen=True, kw_only=True)
class Unaware:
    """A subsystem that does not have everything it was called for."""

    name: str
    """Its name."""
    level: Level
    """Highest level it was called for and has not acknowledged."""
    hazards: tuple[str, ...]
    """Names of the hazards."""
    since: datetime
    """Since when it has been called."""


def waiting_words(board: Board, pages: Pages, tongue: Tongue) -> list[Unaware]:
    """Who does not know yet, the highest level and the longest wait first."""
    found: dict[str, list[tuple[Level, str, datetime]]] = {}
    for alert in board.open:
        name = alert.name.zh if tongue == "zh" else alert.name.en
        for one in alert.waiting:
            found.setdefault(one.subsystem, []).append((one.level, name, one.since))
    told = [
        Unaware(
            name=pages.subsystem(system, tongue),
            level=max(level for level, _, _ in calls),
            hazards=tuple(dict.fromkeys(name for _, name, _ in calls)),
            since=min(since for _, _, since in calls),
        )
        for system, calls in found.items()
    ]
    return sorted(told, key=lambda one: (-one.level, one.since, one.name))
