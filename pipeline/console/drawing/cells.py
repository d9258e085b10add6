"""The plane of a district: its outline, its neighbours, and a cell for each town, which is only a point.

A cell holds what is nearer to its town than to any other (Voronoi) and lies within the outline. It stands for
the town and is not its border.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial import Voronoi

from ingest.places import District

Ring = npt.NDArray[np.float64]
"""Corners of a polygon, (corner, 2): x to the right, y down."""

WIDTH = 640.0
"""Width of the drawing; its height follows from the district."""
_MARGIN = 0.05
_NEIGHBOURS = "neighbours.geojson"
_FAR = 50.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """The cell of one town."""

    place: str
    """Code of the town."""
    ring: Ring
    """Its corners."""
    at: tuple[float, float]
    """Where its name stands."""


@dataclass(frozen=True, kw_only=True)
class Plane:
    """A district laid on paper."""

    height: float
    """Height of the drawing, its width being `WIDTH`."""
    outline: tuple[Ring, ...]
    """Rings of the district."""
    neighbours: Mapping[str, tuple[Ring, ...]]
    """Code of a neighbour -> its rings."""
    cells: tuple[Cell, ...]
    """In the order of the towns."""
    corner: tuple[float, float]
    """Longitude and latitude of the upper left corner [degrees]."""
    scale: tuple[float, float]
    """Length of one degree of longitude and of latitude."""

    def point(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a position [degrees] lies."""
        return ((lon - self.corner[0]) * self.scale[0], (self.corner[1] - lat) * self.scale[1])


@lru_cache(maxsize=8)
def plane_of(folder: Path, district: District) -> Plane:
    """The plane of a district; its outlines are read from the configuration folder once."""
    rings = _rings(folder / district.boundary)
    own = [ring for one in rings.values() for ring in one]
    corner, scale, height = _frame(np.vstack(own))
    outline = tuple(_laid(ring, corner, scale) for ring in own)
    beside = folder / _NEIGHBOURS
    others = _rings(beside) if beside.is_file() else {}
    return Plane(
        height=height,
        outline=outline,
        neighbours={
            code: tuple(_laid(ring, corner, scale) for ring in found) for code, found in others.items()
        },
        cells=_cells(district, outline, corner, scale),
        corner=corner,
        scale=scale,
    )


def _rings(file: Path) -> dict[str, list[Ring]]:
    """Code -> outer rings of each feature of a GeoJSON file, as longitude and latitude."""
    found: dict[str, list[Ring]] = {}
    for feature in json.loads(file.read_text("utf-8"))["features"]:
        shape = feature["geometry"]
        many = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
        rings = [np.array(polygon[0], dtype=float)[:, :2] for polygon in many]
        found.setdefault(str(feature["properties"].get("code", "")), []).extend(rings)
    return found


def _frame(corners: Ring) -> tuple[tuple[float, float], tuple[float, float], float]:
    """Upper left corner, scale and height of the drawing that shows some positions with a margin."""
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    shrink = cos(radians((south + north) / 2))
    wide, high = (east - west) * shrink, north - south
    edge = _MARGIN * max(wide, high)
    a_degree = WIDTH / (wide + 2 * edge)
    corner = (float(west - edge / shrink), float(north + edge))
    return corner, (float(a_degree * shrink), float(a_degree)), float((high + 2 * edge) * a_degree)


def _laid(ring: Ring, corner: tuple[float, float], scale: tuple[float, float]) -> Ring:
    return np.column_stack(((ring[:, 0] - corner[0]) * scale[0], (corner[1] - ring[:, 1]) * scale[1]))


def _cells(
    district: District,
    outline: tuple[Ring, ...],
    corner: tuple[float, float],
    scale: tuple[float, float],
) -> tuple[Cell, ...]:
    places = np.array([(town.lon, town.lat) for town in district.towns])
    sites = _laid(places, corner, scale)
    # Four far points close every cell of a town.
    far = _FAR * WIDTH * np.array([(-1, -1), (-1, 1), (1, -1), (1, 1)])
    voronoi = Voronoi(np.vstack((sites, far)))
    main = max(outline, key=len)
    found = []
    for number, town in enumerate(district.towns):
        region = voronoi.regions[voronoi.point_region[number]]
        ring = _cut(main, _clockwise(voronoi.vertices[region], sites[number]))
        found.append(Cell(place=town.id, ring=ring, at=_middle(ring, sites[number])))
    return tuple(found)


def _clockwise(corners: Ring, centre: Ring) -> Ring:
    angles = np.arctan2(corners[:, 1] - centre[1], corners[:, 0] - centre[0])
    ordered: Ring = corners[np.argsort(angles)]
    return ordered


def _cut(ring: Ring, convex: Ring) -> Ring:
    """The part of a ring within a convex one whose corners run clockwise on paper (Sutherland-Hodgman)."""
    kept: list[Ring] = list(ring[:-1] if np.array_equal(ring[0], ring[-1]) else ring)
    for start, end in zip(convex, np.roll(convex, -1, axis=0), strict=True):
        kept = list(_beside(kept, start, end))
    return np.array(kept) if kept else np.empty((0, 2))


def _beside(corners: list[Ring], start: Ring, end: Ring) -> Iterable[Ring]:
    """What of a ring lies to the right of the line from `start` to `end`, seen on paper."""
    along = end - start
    sides = [along[0] * (one[1] - start[1]) - along[1] * (one[0] - start[0]) for one in corners]
    for number, one in enumerate(corners):
        before, side, was = corners[number - 1], sides[number], sides[number - 1]
        if (side >= 0) != (was >= 0):
            yield before + (one - before) * (was / (was - side))
        if side >= 0:
            yield one


def _middle(ring: Ring, site: Ring) -> tuple[float, float]:
    """The centre of gravity of a ring; its town where the ring is empty."""
    if len(ring) < 3:
        return float(site[0]), float(site[1])
    x, y = ring[:, 0], ring[:, 1]
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    area = cross.sum() / 2
    if abs(area) < 1:
        return float(site[0]), float(site[1])
    middle_x = ((x + np.roll(x, -1)) * cross).sum() / (6 * area)
    middle_y = ((y + np.roll(y, -1)) * cross).sum() / (6 * area)
    return float(middle_x), float(middle_y)
