"""The performance diagram (Roebber, 2009, doi:10.1175/2008WAF2222159.1): four scores in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.reports.figures.style import PROPOSAL, QUIET, TODAY, unit_square
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Bounds = tuple[float, float]
"""Lower and upper bound of an interval."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One set of rules in the diagram."""

    label: str
    """What stands beside it."""
    success: float
    """Success ratio, 1 minus the false-alarm ratio."""
    pod: float
    """Probability of detection."""
    success_bounds: Bounds | None = None
    """Bootstrap interval of the success ratio."""
    pod_bounds: Bounds | None = None
    """Bootstrap interval of the probability of detection."""
    proposed: bool = False
    """Whether it is a proposal, and no rule in force."""


def bounds(low: float, high: float) -> Bounds | None:
    """An interval; None where an end is unknown."""
    return (low, high) if math.isfinite(low) and math.isfinite(high) else None


def draw(figure: Figure, tongue: Tongue, points: Sequence[Point]) -> None:
    """Success ratio across, detection up; lines of equal CSI are curved, those of equal bias straight."""
    axes = figure.subplots()
    across = tongue.say("成功率 1−FAR", "success ratio 1−FAR")
    unit_square(axes, across, tongue.say("命中率 POD", "probability of detection POD"))
    axes.grid(False)
    axes.set_aspect("equal")
    _csi(axes)
    _bias(axes)
    for proposed in (False, True):
        for number, point in enumerate(point for point in points if point.proposed is proposed):
            _point(axes, point, number)
    figure.legend(loc="outside lower center", ncols=3, columnspacing=1.2)


def _csi(axes: Axes) -> None:
    grid = np.linspace(0.001, 1, 200)
    success, pod = np.meshgrid(grid, grid)
    csi = 1 / (1 / success + 1 / pod - 1)
    axes.contourf(success, pod, csi, levels=np.linspace(0, 1, 11), cmap="Greys", vmin=-0.05, vmax=4)
    levels = np.arange(0.1, 1, 0.2)
    axes.contour(success, pod, csi, levels=levels, colors="#aab3bd", linewidths=0.8)
    for level in levels:
        spot = 2 * level / (1 + level)  # where detection and success are equal
        axes.text(spot, spot, f"{level:.1f}", ha="center", va="center", fontsize=9, color=QUIET,
                  bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8})  # fmt: skip


def _bias(axes: Axes) -> None:
    for bias in (0.25, 0.5, 1.0, 2.0, 4.0):
        end = (1, bias) if bias <= 1 else (1 / bias, 1)
        axes.plot((0, end[0]), (0, end[1]), color="#aab3bd", linewidth=0.8, linestyle=(0, (4, 3)))
        right = bias < 1
        axes.annotate(f"{bias:g}", end, xytext=(3, 0) if right else (0, 3), textcoords="offset points",
                      va="center" if right else "bottom", ha="left" if right else "center", fontsize=9,
                      color=QUIET, annotation_clip=False)  # fmt: skip


def _point(axes: Axes, point: Point, number: int) -> None:
    colour, marker = PROPOSAL if point.proposed else TODAY, "os^vPX<>"[number % 8]
    for bounds, across in ((point.success_bounds, True), (point.pod_bounds, False)):
        if bounds is not None:
            ends = (bounds, (point.pod, point.pod)) if across else ((point.success,) * 2, bounds)
            axes.plot(*ends, color=colour, linewidth=2, marker="|" if across else "_", clip_on=False)
    face = "white" if point.proposed else colour
    axes.plot([point.success], [point.pod], marker, color=colour, markerfacecolor=face,
              markersize=13 if point.proposed else 9, markeredgewidth=2,
              label=point.label, clip_on=False, zorder=4, linestyle="none")  # fmt: skip
