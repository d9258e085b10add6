"""From a figure to a drawing inside the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from markupsafe import Markup

from pipeline.reports.figures.style import settings
from pipeline.reports.fonts import chinese_font
from pipeline.reports.language import Tongue

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[["Figure", Tongue], None]
"""Draws on an empty figure, in the language of the tongue."""

_PIXELS = 72
"""Units of an SVG by matplotlib per inch: sizes given in pixels are its units."""


@dataclass(frozen=True, kw_only=True)
class Sketch:
    """A figure that is still to be drawn."""

    name: str
    """Unique in its report; begins the ids of its parts."""
    alt: str
    """What is to be seen, for those who do not see it."""
    draw: Draw
    """Draws it."""
    width: int
    """Width [px]; letters are 12 px high at this width."""
    height: int
    """Height [px]."""
    fixed: bool = False
    """Whether `draw` sets the margins itself: finding them by trial takes as long as drawing."""


def svg(sketch: Sketch, tongue: Tongue) -> Markup:
    """The drawing as an inline SVG that takes the width it is given; the same bytes in every run.

    Without a font that has Chinese characters the words of the figure are English.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    family = chinese_font()
    spoken = tongue if family else Tongue(language="en")
    name = f"{sketch.name}-{tongue.language}"
    target = io.StringIO()
    with rc_context(settings(family, name)):
        size = (sketch.width / _PIXELS, sketch.height / _PIXELS)
        figure = Figure(figsize=size, layout=None if sketch.fixed else "constrained")
        FigureCanvasSVG(figure)
        sketch.draw(figure, spoken)
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return Markup(_inline(target.getvalue(), name, sketch))


def _inline(text: str, name: str, sketch: Sketch) -> str:
    """The element alone, sized by the page, with ids that no other figure of the page has."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, count=1, flags=re.S)
    body = re.sub(r'\bid="', f'id="{name}.', body)
    body = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{name}.", body)
    body = re.sub(r'\bd="[^"]*"', _rounded, body)
    box = f"0 0 {sketch.width} {sketch.height}"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'class="drawing" viewBox="{box}" role="img" aria-label="{escape(sketch.alt)}">'
    )
    return head + body[body.index(">") + 1 :].strip()


def _rounded(path: re.Match[str]) -> str:
    """The outline with hundredths of a pixel: more cannot be seen, and halves the page."""
    return re.sub(r"(\.\d\d)\d+", r"\1", path[0])
