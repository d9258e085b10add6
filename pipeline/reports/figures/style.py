"""How figures look: colours that all eyes tell apart, and a second sign beside each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.reports.fonts import LATIN
from rules.level import Level

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK = "#17212b"
"""Lines and text."""
QUIET = "#566271"
"""Text beside, with a contrast of 6:1 on white."""
GRID = "#dfe3e8"
"""Lines that help the eye."""
NIGHT = "#e9ebf4"
"""Ground of the night hours."""
BLIND = "#8a93a0"
"""Hatching of what could not be judged."""
TODAY = "#0b5cad"
"""The rules of today; filled markers."""
PROPOSAL = "#b3400a"
"""The proposal; hollow, larger markers. Every kind of colour blindness tells blue from
vermilion."""
CALLED = "#17212b"
"""Messages that must be answered; solid."""
TOLD = "#9fb2c8"
"""Messages that only inform."""
LEVELS = {
    Level.NONE: "#ffffff",
    Level.BLUE: "#2569c8",
    Level.YELLOW: "#f5c518",
    Level.ORANGE: "#f07f13",
    Level.RED: "#d3212c",
}
"""The colours of Chinese warnings; figures add the height of the band and the initial of the level."""
ON_LEVEL = {
    Level.NONE: INK,
    Level.BLUE: "#ffffff",
    Level.YELLOW: INK,
    Level.ORANGE: INK,
    Level.RED: "#ffffff",
}
"""Text on these colours that has contrast."""


def settings(family: str | None, salt: str) -> dict[Any, Any]:
    """Settings of matplotlib while one figure is drawn.

    Text becomes outlines, so that the page needs no font where it is read; `salt` makes the ids of a figure
    the same in every run.
    """
    return {
        "font.family": [family, LATIN] if family else [LATIN],
        "font.size": 12.0,
        "axes.titlesize": 13.0,
        "axes.labelsize": 12.0,
        "axes.edgecolor": QUIET,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "hatch.linewidth": 0.8,
        "legend.frameon": False,
        "legend.fontsize": 11.0,
        "text.color": INK,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 11.0,
        "ytick.labelsize": 11.0,
        "lines.solid_capstyle": "round",
        "path.simplify": True,
        "svg.fonttype": "path",
        "svg.hashsalt": salt,
    }


def unit_square(axes: Axes, across: str, up: str) -> None:
    """Axes from 0 to 1 both ways, with a light grid."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(True)
    axes.set_axisbelow(True)
