"""The map of the district: each town in the colour of its level, hatched where nobody knows.

A level stands in words beside its colour, and "no data" has a sign of its own: it is never green.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from ingest.places import District, Place
from pipeline.config import Config
from pipeline.console.drawing.cells import WIDTH, Cell, Plane, Ring, plane_of
from rules.level import Level

Sort = Literal["fire", "station"]


@dataclass(frozen=True, kw_only=True)
class Shade:
    """How one town is shown."""

    level: Level | None
    """Its level; None is UNKNOWN, which is hatched."""
    title: str
    """What is said of it where somebody points at it, and to whoever hears the page."""
    unsure: bool = False
    """Whether something of it is unknown beside the level: hatched over the colour."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A sign on the map."""

    lat: float
    """Latitude [degrees north]."""
    lon: float
    """Longitude [degrees east]."""
    sort: Sort
    """Hot spot or weather station."""
    title: str
    """What it is."""
    text: str = ""
    """A short word beside it, such as a number."""


_ENDS = ("街道", "镇", "乡")
_UNKNOWN = "？"
_SIGNS: Mapping[Sort, str] = {
    "fire": "M0-9C5-4 8-1 8 4A8 8 0 0 1-8 4C-8 1-5-1-4-4-2-3-1-2 0-1 1-4 1-6 0-9z",
    "station": "M0-8 8 6H-8z",
}
_HATCH = (
    '<pattern id="hatch" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="hatch-ground" width="9" height="9"/><path class="hatch-line" d="M0 0V9"/></pattern>'
    '<pattern id="hatch-over" width="12" height="12" patternUnits="userSpaceOnUse"'
    ' patternTransform="rotate(45)"><path class="hatch-line over" d="M0 0V12"/></pattern>'
)


def district_map(
    config: Config,
    shades: Mapping[str, Shade],
    tongue: str,
    *,
    links: Mapping[str, str] | None = None,
    marks: Iterable[Mark] = (),
) -> Markup:
    """The district as SVG; `shades` and `links` are by code of the town, a town without a shade is unknown.

    Colours are those of the style sheet (``now.css``: ``svg.district``). Cells are schematic, see `cells`.
    """
    district = config.district
    plane = plane_of(config.folder, district)
    about = "各镇街等级示意图" if tongue == "zh" else "Levels of the towns (schematic)"
    towns = {town.id: town for town in district.towns}
    nothing = {
        town.id: Shade(level=None, title=town.name if tongue == "zh" else town.name_en)
        for town in district.towns
    }
    shown = [(cell, {**nothing, **shades}[cell.place]) for cell in plane.cells]
    parts = (
        f'<svg class="district" viewBox="0 0 {WIDTH:.0f} {plane.height:.0f}" role="group"',
        f' aria-label="{escape(about)}"><defs>{_HATCH}</defs>',
        _around(plane, district, tongue),
        *(_town(cell, shade, (links or {}).get(cell.place)) for cell, shade in shown),
        f'<path class="outline" d="{"".join(_path(ring) for ring in plane.outline)}"/>',
        *(_mark(plane, mark) for mark in marks),
        '<g class="names" aria-hidden="true">',
        *(_name(cell, towns[cell.place], shade, tongue) for cell, shade in shown),
        "</g></svg>",
    )
    # Every name and title in it is escaped.
    return Markup("".join(parts))


def short(town: Place, tongue: str) -> str:
    """Name of a town as it fits into its cell."""
    if tongue != "zh":
        return town.name_en
    return next((town.name.removesuffix(end) for end in _ENDS if town.name.endswith(end)), town.name)


def _around(plane: Plane, district: District, tongue: str) -> str:
    names = {
        one.code: one.name if tongue == "zh" else one.name_en for one in district.neighbours
    }
    return "".join(
        f'<path class="neighbour" d="{"".join(_path(ring) for ring in rings)}">'
        f"<title>{escape(names.get(code, code))}</title></path>"
        for code, rings in plane.neighbours.items()
    )


def _town(cell: Cell, shade: Shade, link: str | None) -> str:
    kind = _kind(shade)
    path = _path(cell.ring)
    hatched = ' fill="url(#hatch)"' if shade.level is None else ""
    doubtful = shade.unsure and shade.level is not None
    over = f'<path class="over" fill="url(#hatch-over)" d="{path}"/>' if doubtful else ""
    title = escape(shade.title)
    inner = f'<title>{title}</title><path class="cell"{hatched} d="{path}"/>{over}'
    if link is None:
        return f'<g class="town {kind}" role="img" aria-label="{title}">{inner}</g>'
    return f'<a class="town {kind}" href="{escape(link)}" aria-label="{title}">{inner}</a>'


def _name(cell: Cell, town: Place, shade: Shade, tongue: str) -> str:
    """Its name and its level in words, which stand above every cell and mark."""
    (x, y), sign = cell.at, _sign(shade.level, tongue)
    below = f'<tspan class="sign" x="{x:.0f}" dy="1.1em">{sign}</tspan>' if sign else ""
    return (
        f'<text class="{_kind(shade)}" x="{x:.0f}" y="{y - 2 if sign else y + 5:.0f}">'
        f"{escape(short(town, tongue))}{below}</text>"
    )


def _kind(shade: Shade) -> str:
    return "unknown" if shade.level is None else shade.level.key


def _sign(level: Level | None, tongue: str) -> str:
    if level is None:
        return _UNKNOWN
    if level is Level.NONE:
        return ""
    return level.zh.removesuffix("色") if tongue == "zh" else level.key.capitalize()


def _mark(plane: Plane, mark: Mark) -> str:
    x, y = plane.point(mark.lon, mark.lat)
    beside = f'<text x="11" y="6">{escape(mark.text)}</text>' if mark.text else ""
    return (
        f'<g class="mark-{mark.sort}" transform="translate({x:.0f} {y:.0f})">'
        f'<title>{escape(mark.title)}</title><path d="{_SIGNS[mark.sort]}"/>{beside}</g>'
    )


def _path(ring: Ring) -> str:
    if len(ring) < 3:
        return ""
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z"
