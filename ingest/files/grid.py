"""Reading NetCDF and Zarr: grids or points, analyses or forecasts, by the names and units of CF."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingest.batch import Batch, Values
from ingest.files.axes import Axes, axes_of, instants
from ingest.files.columns import column_of
from ingest.files.names import Column, meaning
from ingest.files.places_on_grid import carried
from ingest.files.plan import EVERYWHERE, Plan
from ingest.files.refusal import check_installed, refuse
from ingest.files.series import as_known, refuse_prognosis
from ingest.files.steps import Steps
from ingest.files.units import converted
from ingest.quantities import quantity
from ingest.times import from64

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class _Variable:
    """One variable that is read."""

    name: str
    """Its name in the file."""
    column: Column
    """What it holds, with its unit."""

    @property
    def summed(self) -> bool:
        """Whether a value stands for the time before it."""
        return "preceding" in quantity(self.column.quantity).meaning


def read_netcdf(path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches a NetCDF file (version 4) would have come in; see `read_grid`."""
    check_installed("h5netcdf", "h5py")
    import xarray as xr

    try:
        data = xr.open_dataset(path, engine="h5netcdf")
    except (OSError, ValueError) as mistake:
        remedy = "give a NetCDF-4 file with CF times"
        refuse(path, "", f"it cannot be read as NetCDF ({mistake})", remedy)
    with data:
        yield from read_grid(data, path, plan)


def read_zarr(path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches a Zarr store would have come in; see `read_grid`."""
    check_installed("zarr")
    import xarray as xr

    try:
        data = xr.open_zarr(path, chunks=None)
    except (OSError, ValueError, KeyError) as mistake:
        refuse(path, "", f"it cannot be read as Zarr ({mistake})", "give the folder of a Zarr store")
    with data:
        yield from read_grid(data, path, plan)


def read_grid(data: xr.Dataset, path: Path, plan: Plan) -> Iterator[Batch]:
    """The batches that a dataset would have come in, in the order they became known.

    Variables are found by their standard_name, then by their own name, or as `Plan.columns` says; their units
    must be said. Dimensions: time of the weather; or time of issue with a lead (a forecast, one batch per
    issue); perhaps members of an ensemble, of which `Plan.member` takes one or the mean; and latitude and
    longitude, or points. A grid is carried to the towns by the nearest cell or between the four around them,
    see `ingest.files.places_on_grid`.

    Sums and means must stand for one hour each, see `ingest.files.steps`; hours between steps stay unsaid.
    Raises ConfigMistake naming file, variable and remedy.
    """
    variables = _variables(data, path, plan)
    summed = {one.column.name: one.name for one in variables if one.summed}
    steps = Steps(path=path, plan=plan, summed=summed)
    axes = axes_of(data, [variable.name for variable in variables], path)
    towns, arrays = _towns(data, variables, axes, path, plan)
    if axes.lead is None:
        valid_at = instants(data[axes.time].values, path)
        order = np.argsort(valid_at)
        if (np.diff(valid_at[order]) <= np.timedelta64(0, "s")).any():
            refuse(path, axes.time, "a time stands there twice", "give each once")
        told = {name: array[:, order] for name, array in arrays.items()}
        yield from as_known(steps.observed(towns, valid_at[order], told), plan)
        return
    refuse_prognosis(path, plan)
    yield from _issues(data, axes, (towns, arrays), steps)


def _variables(data: xr.Dataset, path: Path, plan: Plan) -> list[_Variable]:
    found: dict[str, _Variable] = {}
    for name in map(str, data.data_vars):
        unit = data[name].attrs.get("units")
        standard = str(data[name].attrs.get("standard_name", ""))
        asked = name in plan.columns or (meaning(standard) is None and meaning(name) is None)
        if asked and name not in plan.columns and data[name].ndim == 0:
            continue  # a grid mapping holds no values
        known = replace(plan, columns={**plan.columns, EVERYWHERE: None})
        label = name if name in plan.columns or meaning(standard) is None else standard
        column = column_of(path, label, known, None if unit is None else str(unit))
        if column is None:
            continue
        if column.daily:
            refuse(path, name, "it tells of days", "give hours; days are read from CSV")
        if column.name in found:
            what = f"{found[column.name].name} says the same"
            refuse(path, name, what, f"leave one out, --column '{name}='")
        found[column.name] = _Variable(name=name, column=column)
    if not found:
        refuse(path, "", "no variable holds a quantity", "name one, such as --column 't=temperature_2m:K'")
    return list(found.values())


def _towns(
    data: xr.Dataset, variables: list[_Variable], axes: Axes, path: Path, plan: Plan
) -> tuple[tuple[str, ...], dict[str, Values]]:
    """Towns, and each variable as (town, ..., time) or (town, issue, lead), converted."""
    towns: tuple[str, ...] = ()
    arrays = {}
    for variable in variables:
        one = _member(data[variable.name], axes, path, plan)
        towns, values = carried(one, axes, path, plan)
        column = variable.column
        arrays[column.name] = converted(column.quantity, column.unit or "", values)
    return towns, arrays


def _member(one: xr.DataArray, axes: Axes, path: Path, plan: Plan) -> xr.DataArray:
    if axes.member is None or axes.member not in one.dims:
        return one
    if plan.member is None:
        remedy = "take one of them or their mean, --member 0 or --member mean"
        refuse(path, axes.member, f"it is an ensemble of {one.sizes[axes.member]}", remedy)
    if plan.member == "mean":
        return one.mean(axes.member, skipna=False)
    labels = [str(label) for label in one[axes.member].values.tolist()]
    if plan.member not in labels:
        remedy = f"take one of {', '.join(labels[:60])}"
        refuse(path, axes.member, f"there is no member {plan.member}", remedy)
    return one.isel({axes.member: labels.index(plan.member)})


def _issues(
    data: xr.Dataset,
    axes: Axes,
    told: tuple[tuple[str, ...], dict[str, Values]],
    steps: Steps,
) -> Iterator[Batch]:
    """One batch per issue, known the plan's delay after it."""
    (towns, arrays), path, plan = told, steps.path, steps.plan
    issues = np.atleast_1d(instants(data[axes.time].values, path))
    leads = _leads(data[axes.lead or ""].values, path, axes.lead or "")
    for row in np.argsort(issues).tolist():
        issue = issues[row]
        parts = {name: array[:, row] for name, array in arrays.items()}
        series = steps.foretold(towns, issue, leads, parts)
        kept = series.only((series.valid_at > issue) & series.said() & plan.inside(series.valid_at))
        if kept.valid_at.size:
            at = from64(issue)
            yield kept.batch("forecast", plan.source, at, at + plan.delay)


def _leads(values: npt.NDArray[np.generic], path: Path, name: str) -> npt.NDArray[np.timedelta64]:
    """Leads as seconds; a plain number counts hours."""
    if values.dtype.kind == "m":
        leads = values.astype("timedelta64[s]")
    elif values.dtype.kind in "iuf":
        leads = np.rint(values.astype(np.float64) * 3600).astype("timedelta64[s]")
    else:
        refuse(path, name, "it is no length of time", "write leads in hours")
    if leads.size > 1 and (np.diff(leads) <= np.timedelta64(0, "s")).any():
        refuse(path, name, "leads do not rise", "sort them")
    return leads
