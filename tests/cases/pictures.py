"""Pictures for the documents: figures of the reports as PNG, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cases.past import Told

from pipeline.reports import courses
from pipeline.reports.figures import timeline
from pipeline.reports.figures.style import QUIET, settings
from pipeline.reports.fonts import chinese_font
from pipeline.reports.language import Tongue, tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_UNIT = 72
_DOTS = 108
_FOOT = 20
"""Room for the credit at the foot [px]."""


def save(
    folder: Path, name: str, draw: Callable[[Figure, Tongue], None], size: tuple[int, int], credit: str
) -> None:
    """Draw a figure of `size` [px] in both languages, ``NAME.png`` Chinese and ``NAME.en.png``."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    family = chinese_font()
    for language, ending in (("zh", ".png"), ("en", ".en.png")):
        spoken = tongue(language if family else "en")
        with rc_context(settings(family, name)):
            figure = Figure(figsize=(size[0] / _UNIT, (size[1] + _FOOT) / _UNIT), facecolor="white")
            FigureCanvasAgg(figure)
            draw(figure, spoken)
            figure.text(0.995, 0.005, credit, ha="right", va="bottom", fontsize=9, color=QUIET)
            path = folder / f"{name}{ending}"
            figure.savefig(path, dpi=_DOTS, metadata={"Software": None})


def course(told: Told, hazard: str) -> Callable[[Figure, Tongue], None]:
    """The panel of a hazard, as in the report of the replay."""
    return partial(_course, told=told, hazard=hazard)


def _course(figure: Figure, spoken: Tongue, told: Told, hazard: str) -> None:
    panel = courses.panel(hazard, told.replay, None, told.config, spoken)
    timeline.draw(figure, spoken, panel)
    figure.subplots_adjust(bottom=(24 + _FOOT) / (figure.get_size_inches()[1] * _UNIT))
