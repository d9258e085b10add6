"""From a grid, or from points, to towns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingest.batch import Values
from ingest.files.axes import Axes
from ingest.files.plan import Plan
from ingest.files.refusal import refuse

if TYPE_CHECKING:
    import xarray as xr

FARTHEST_KM = 30.0
"""A point farther from a town than this does not stand for it, unless the plan names it [km]."""
_KM_A_DEGREE = 111.2
_Numbers = npt.NDArray[np.intp]


def carried(one: xr.DataArray, axes: Axes, path: Path, plan: Plan) -> tuple[tuple[str, ...], Values]:
    """Towns and their values: (town, time), or (town, issue, lead) of a forecast.

    On a grid every town takes its nearest cell, or the weighted mean of the four cells around it, of which
    none may be unknown; a town outside the grid by more than a cell is refused. Of points the town takes the
    one that the plan names for it, else the nearest within `FARTHEST_KM`; towns without a point are left out.
    Values are not corrected for height.
    """
    order = [name for name in (axes.time, axes.lead) if name is not None]
    if axes.point is not None:
        return _from_points(one, axes, order, path, plan)
    missing = [name for name in order if name not in one.dims]
    flat = one.expand_dims(missing)
    if one[axes.latitude].ndim == 0:
        values = flat.transpose(*order).to_numpy().astype(np.float64)
        return plan.places, np.repeat(values[None], len(plan.places), axis=0)
    grid = flat.transpose(*order, axes.latitude, axes.longitude).to_numpy().astype(np.float64)
    lat, lon = (one[name].to_numpy() for name in (axes.latitude, axes.longitude))
    rows = _weights(lat, [town.lat for town in plan.towns], plan, path, axes.latitude)
    longitudes = _wrapped(lon, [town.lon for town in plan.towns])
    columns = _weights(lon, longitudes, plan, path, axes.longitude)
    corners = np.einsum("tr,...rc,tc->t...", rows, np.nan_to_num(grid), columns)
    unknown = np.einsum("tr,...rc,tc->t...", rows, np.isnan(grid).astype(np.float64), columns)
    return plan.places, np.where(unknown > 0, np.nan, corners)


def _wrapped(axis: npt.NDArray[np.floating], longitudes: list[float]) -> list[float]:
    """Longitudes of towns in the count of the grid, which may go from 0 to 360."""
    return [lon % 360 if axis.max() > 180 else lon for lon in longitudes]


def _weights(
    axis: npt.NDArray[np.floating], towns: list[float], plan: Plan, path: Path, name: str
) -> Values:
    """Share of each cell of an axis in each town, (town, cell); each row adds up to 1."""
    cells = axis.astype(np.float64)
    step = float(np.abs(np.diff(cells)).max()) if cells.size > 1 else 0.25
    weights = np.zeros((len(towns), cells.size))
    for row, town in enumerate(towns):
        near = np.argsort(np.abs(cells - town), kind="stable")
        if abs(cells[near[0]] - town) > step:
            remedy = "give a grid that covers the district"
            refuse(path, name, f"a town at {town:.2f} lies outside it", remedy)
        weights[row, near[0]] = 1.0
        other = _beyond(cells, near, town)
        if plan.cells == "bilinear" and other is not None:
            share = abs(cells[near[0]] - town) / abs(cells[near[0]] - cells[other])
            weights[row, [near[0], other]] = 1 - share, share
    return weights


def _beyond(cells: Values, near: _Numbers, town: float) -> int | None:
    """The nearest cell on the other side of a town; None at the edge."""
    side = np.sign(cells[near[0]] - town)
    return next((int(cell) for cell in near[1:] if np.sign(cells[cell] - town) == -side != 0), None)


def _from_points(
    one: xr.DataArray, axes: Axes, order: list[str], path: Path, plan: Plan
) -> tuple[tuple[str, ...], Values]:
    missing = [name for name in order if name not in one.dims]
    values = one.expand_dims(missing).transpose(axes.point, *order).to_numpy().astype(np.float64)
    labels = _labels(one, axes.point or "")
    lat, lon = (one[name].to_numpy().astype(np.float64) for name in (axes.latitude, axes.longitude))
    chosen: dict[str, int] = {}
    for number, label in enumerate(labels):
        chosen |= dict.fromkeys(plan.towns_of(label), number)
    for town in plan.towns:
        apart = _KM_A_DEGREE * np.hypot(lat - town.lat, (lon - town.lon) * np.cos(np.radians(town.lat)))
        if town.id not in chosen and apart.min() <= FARTHEST_KM:
            chosen[town.id] = int(apart.argmin())
    towns = tuple(town for town in plan.places if town in chosen)
    if not towns:
        remedy = f"say which town one stands for, such as --place {labels[0]}=CODE"
        refuse(path, axes.point or "", f"no point lies within {FARTHEST_KM:g} km of a town", remedy)
    return towns, values[[chosen[town] for town in towns]]


def _labels(one: xr.DataArray, point: str) -> list[str]:
    """Names of the points: a text coordinate along them, else their numbers."""
    for coordinate in one.coords.values():
        if coordinate.dims == (point,) and coordinate.dtype.kind in "UOS":
            labels = coordinate.values.tolist()
            return [text.decode() if isinstance(text, bytes) else str(text) for text in labels]
    return [str(label) for label in one[point].values.tolist()]
