"""What a probability is worth: reliability, ROC and value by cost and loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.reports.figures.style import PROPOSAL, QUIET, TODAY, TOLD, unit_square
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_DASHES = ("-", (0, (6, 2)), (0, (2, 2)), (0, (8, 2, 2, 2)))
_MARKERS = "oD^s"


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One line of a diagram."""

    label: str
    """What stands in the legend; empty for none."""
    across: Sequence[float]
    """Where, along the lower axis."""
    up: Sequence[float]
    """How much."""
    bounds: tuple[Sequence[float], Sequence[float]] | None = None
    """Lower and upper bound of `up`."""
    proposed: bool = False
    """Whether it belongs to a proposal, and no rule in force."""


def reliability(
    figure: Figure, tongue: Tongue, curve: Curve, counts: Sequence[int], climate: float | None
) -> None:
    """Observed frequency over forecast probability, and below it how often each was forecast."""
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    unit_square(above, "", tongue.say("实际发生频率", "observed frequency"))
    above.plot((0, 1), (0, 1), color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    if climate is not None:
        above.axhline(climate, color=QUIET, linewidth=1, linestyle=(0, (1, 2)))
        above.annotate(tongue.say("气候", "climate"), (1, climate), xytext=(-2, 3), ha="right",
                       textcoords="offset points", fontsize=10, color=QUIET)  # fmt: skip
    _line(above, curve, 0, markers=True)
    width = 0.8 / max(len(counts), 1)
    below.bar(curve.across, counts, width, color=TOLD, edgecolor=QUIET, linewidth=0.6)
    for place, count in zip(curve.across, counts, strict=True):
        below.annotate(str(count), (place, count), xytext=(0, 1), textcoords="offset points",
                       ha="center", fontsize=9)  # fmt: skip
    below.set_ylim(0, max([1, *counts]) * 1.35)
    below.set_yticks([])
    below.set_ylabel(tongue.say("次数", "count"))
    below.set_xlabel(tongue.say("预报概率", "forecast probability"))


def roc(figure: Figure, tongue: Tongue, curves: Sequence[Curve]) -> None:
    """Detection over false alarms, for each threshold; on the diagonal a forecast knows nothing."""
    axes = figure.subplots()
    across = tongue.say("误报率 POFD", "probability of false detection")
    unit_square(axes, across, tongue.say("命中率 POD", "probability of detection"))
    axes.set_aspect("equal")
    axes.plot((0, 1), (0, 1), color=QUIET, linewidth=1, linestyle=(0, (4, 3)))
    for number, curve in _numbered(curves):
        _line(axes, curve, number, markers=True)
    _legend(axes, curves)


def value(
    figure: Figure, tongue: Tongue, curves: Sequence[Curve], stakes: Sequence[tuple[str, float]] = ()
) -> None:
    """Relative economic value over the ratio of cost to loss.

    Parameters
    ----------
    stakes : sequence of (name, ratio)
        Subsystems and their own ratio.
    """
    axes = figure.subplots()
    unit_square(axes, tongue.say("成本/损失 C/L", "cost / loss"), tongue.say("相对价值", "relative value"))
    lowest = min([0.0, *(v for curve in curves for v in curve.up if np.isfinite(v))])
    axes.set_ylim(max(lowest, -0.5) - 0.02, 1.02)
    axes.axhline(0, color=QUIET, linewidth=1)
    for number, curve in _numbered(curves):
        _line(axes, curve, number)
    for name, ratio in stakes:
        axes.axvline(ratio, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.annotate(name, (ratio, 1), xycoords=("data", "axes fraction"), xytext=(2, -2), va="top",
                      rotation=90, textcoords="offset points", fontsize=9, color=QUIET)  # fmt: skip
    _legend(axes, curves)


def _numbered(curves: Sequence[Curve]) -> list[tuple[int, Curve]]:
    """Each with its place among those of its kind, so that both of a pair have the same dashes."""
    groups = [[curve for curve in curves if curve.proposed is proposed] for proposed in (False, True)]
    return [(number, curve) for group in groups for number, curve in enumerate(group)]


def _line(axes: Axes, curve: Curve, number: int, markers: bool = False) -> None:
    colour = PROPOSAL if curve.proposed else TODAY
    if curve.bounds is not None:
        axes.fill_between(curve.across, *curve.bounds, color=colour, alpha=0.18, linewidth=0)
    axes.plot(curve.across, curve.up, color=colour, linewidth=2, linestyle=_DASHES[number % 4],
              marker=_MARKERS[number % 4] if markers else "", clip_on=not markers,
              markersize=8 if curve.proposed else 5, markerfacecolor="white" if curve.proposed else colour,
              label=curve.label or "_")  # fmt: skip


def _legend(axes: Axes, curves: Sequence[Curve]) -> None:
    if any(curve.label for curve in curves):
        axes.figure.legend(loc="outside lower center", ncols=2, columnspacing=1.2)
