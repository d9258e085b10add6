"""Which dimension of a dataset is which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ingest.files.refusal import refuse
from ingest.times import Instants

if TYPE_CHECKING:
    import xarray as xr

_LEADS = ("step", "lead", "lead_time", "leadtime", "forecast_period", "prediction_timedelta")
_ISSUES = ("forecast_reference_time", "reference_time", "init_time", "issued_at", "run")
_TIMES = ("time", "valid_time")
_MEMBERS = ("member", "number", "realization", "ensemble")
_LATITUDES = ("latitude", "lat")
_LONGITUDES = ("longitude", "lon")


@dataclass(frozen=True, kw_only=True)
class Axes:
    """Names of dimensions and coordinates."""

    time: str
    """Time of the weather; of the issue, where there is a lead."""
    lead: str | None
    """Time from issue to weather; None for observations and analyses."""
    member: str | None
    """Member of an ensemble."""
    latitude: str
    """Coordinate of latitude [degrees]."""
    longitude: str
    """Coordinate of longitude [degrees]."""
    point: str | None
    """Dimension of points; None for a grid."""


def axes_of(data: xr.Dataset, names: Sequence[str], path: Path) -> Axes:
    """The axes of some variables; ConfigMistake where one cannot be found."""
    dims = dict.fromkeys(str(dim) for name in names for dim in data[name].dims)
    lead = next((name for name in _LEADS if name in dims or name in data.coords), None)
    member = next((name for name in _MEMBERS if name in dims), None)
    wanted = (*_ISSUES, *_TIMES) if lead is not None else _TIMES
    time = next((name for name in wanted if name in dims), None)
    if time is None and lead is not None:
        time = next((name for name in wanted if name in data.coords and data[name].ndim == 0), None)
    if time is None:
        refuse(path, "", "no dimension tells the time", "call it time, with units of CF")
    latitude, longitude = (_found(data, options, path) for options in (_LATITUDES, _LONGITUDES))
    return Axes(
        time=time, lead=lead, member=member, latitude=latitude, longitude=longitude,
        point=_point(data, latitude, longitude, path),
    )  # fmt: skip


def _found(data: xr.Dataset, options: tuple[str, ...], path: Path) -> str:
    for name in options:
        if name in data.coords or name in data.variables:
            return name
    refuse(path, "", f"it has no {options[0]}", f"add a coordinate called {options[0]} in degrees")


def _point(data: xr.Dataset, latitude: str, longitude: str, path: Path) -> str | None:
    dims = [tuple(map(str, data[name].dims)) for name in (latitude, longitude)]
    if dims == [(latitude,), (longitude,)] or dims == [(), ()]:
        return None
    if len(dims[0]) == 1 and dims[0] == dims[1]:
        return dims[0][0]
    refuse(path, latitude, "latitude and longitude are no plain axes", "give a regular grid, or points")


def instants(values: npt.NDArray[np.generic], path: Path) -> Instants:
    """Times of CF as ``datetime64[s]``; refused where they are none."""
    if values.dtype.kind != "M" or np.isnat(values).any():
        remedy = "write times with units of CF, such as hours since 1900-01-01"
        refuse(path, "time", "it holds no instants", remedy)
    return values.astype("datetime64[s]")
