"""What may be had for what: the candidates of a tuning, and those that no other beats in everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.reports.figures.style import INK, PROPOSAL, TODAY
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_OTHER = "#b9c2cc"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Candidates in the plane of two scores."""

    across: str
    """What the lower axis measures."""
    up: str
    """What the other one measures."""
    others: Sequence[tuple[float, float]]
    """Candidates that another beats."""
    front: Sequence[tuple[float, float]]
    """Candidates that none beats, in order along the front."""
    today: tuple[float, float] | None
    """The rules in force."""
    proposal: tuple[float, float] | None
    """The candidate that is proposed."""


def draw(figure: Figure, tongue: Tongue, cloud: Cloud) -> None:
    """Candidates as dots, the front as a line through them, today and the proposal by name."""
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    axes.xaxis.set_major_locator(MaxNLocator(5))
    if cloud.others:
        axes.plot(*zip(*cloud.others, strict=True), ".", color=_OTHER, markersize=5, zorder=1,
                  label=tongue.say("候选", "candidates"))  # fmt: skip
    if cloud.front:
        axes.plot(*zip(*cloud.front, strict=True), "-o", color=INK, linewidth=1.4, markersize=5, zorder=2,
                  label=tongue.say("帕累托前沿", "Pareto front"))  # fmt: skip
    marks = (
        (cloud.today, "o", TODAY, TODAY, tongue.say("今", "today")),
        (cloud.proposal, "D", PROPOSAL, "white", tongue.say("方案", "proposal")),
    )
    for spot, marker, colour, face, word in marks:
        if spot is not None:
            axes.plot(*spot, marker, color=colour, markerfacecolor=face, markersize=11,
                      markeredgewidth=2, zorder=3, label=word, linestyle="none")  # fmt: skip
    axes.set_xlabel(cloud.across)
    axes.set_ylabel(cloud.up)
    axes.margins(0.08)
    axes.grid(True)
    axes.set_axisbelow(True)
    figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2)
