"""How early the first warning came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.reports.figures.style import PROPOSAL, QUIET, TODAY
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTHS = (0.5, 1, 2, 3, 6, 12, 24, 48, 96)
_BINS = 14
_MOST_HOURS = 120
"""Beyond this the axis counts days."""


def edges(hours: Sequence[float]) -> list[float]:
    """Borders of at most 14 equal classes over some lead times; zero is always a border."""
    low, high = min([0.0, *hours]), max([0.0, *hours])
    width = next((w for w in _WIDTHS if (high - low) / w < _BINS), float(np.ceil((high - low) / _BINS)))
    first, last = int(np.floor(low / width)), int(np.floor(high / width)) + 1
    return [width * step for step in range(first, last + 1)]


def draw(
    figure: Figure, tongue: Tongue, today: Sequence[float], proposal: Sequence[float] | None = None
) -> None:
    """Events by the lead time of their first warning [h]; left of zero it came after the onset."""
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    longest = max((abs(hours) for hours in (*today, *(proposal or []))), default=0.0)
    days = longest > _MOST_HOURS
    today = [hours / 24 for hours in today] if days else today
    proposal = [hours / 24 for hours in proposal] if days and proposal is not None else proposal
    borders = edges([*today, *(proposal or [])])
    axes.hist(today, borders, color=TODAY, alpha=0.85, edgecolor="white", label=tongue.say("今", "today"))
    if proposal is not None:
        counts, _ = np.histogram(proposal, borders)
        axes.stairs(counts, borders, color=PROPOSAL, linewidth=2, label=tongue.say("方案", "proposal"))
        axes.legend(loc="upper right")
    axes.axvline(0, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.set_xlabel(_axis(tongue, days))
    axes.set_ylabel(tongue.say("事件数", "events"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)


def _axis(tongue: Tongue, days: bool) -> str:
    unit = tongue.say("天", "d") if days else tongue.say("小时", "h")
    return tongue.say(f"首次预警早于发生 [{unit}]", f"first warning before the onset [{unit}]")
