"""At what hour of the day people are reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from pipeline.reports.figures.nights import Night, of_day
from pipeline.reports.figures.style import CALLED, NIGHT, PROPOSAL, TOLD
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(
    figure: Figure,
    tongue: Tongue,
    today: tuple[Sequence[int], Sequence[int]],
    night: Night,
    proposal: Sequence[int] | None = None,
) -> None:
    """Messages by hour in Beijing.

    Parameters
    ----------
    today : two sequences of 24
        Messages that had to be answered, and the others.
    night : pair of float
        Hours that count as night.
    proposal : sequence of 24 or None
        All messages under the proposal.
    """
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    hours = np.arange(24) + 0.5
    for begin, end in of_day(night):
        axes.axvspan(begin, end, color=NIGHT, linewidth=0, zorder=0)
    axes.bar(hours, today[0], 0.8, color=CALLED, label=tongue.say("要确认", "to be answered"), zorder=2)
    axes.bar(hours, today[1], 0.8, bottom=today[0], color=TOLD, hatch="////", edgecolor="white",
             linewidth=0, label=tongue.say("只告知", "only told"), zorder=2)  # fmt: skip
    if proposal is not None:
        axes.stairs(proposal, np.arange(25), color=PROPOSAL, linewidth=2, zorder=3,
                    label=tongue.say("方案，全部", "proposal, all"))  # fmt: skip
    axes.set_xlim(0, 24)
    axes.set_xticks(range(0, 25, 3))
    axes.set_xlabel(tongue.say("北京时（底纹为夜间）", "hour in Beijing (night shaded)"))
    axes.set_ylabel(tongue.say("人次", "messages"))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
    axes.set_ylim(0, max([1, *(a + b for a, b in zip(*today, strict=True)), *(proposal or [])]) * 1.3)
    axes.legend(loc="upper center", ncols=3, columnspacing=1.0, handlelength=1.2)
