"""Indices beside independent libraries in the same run: xclim for fire weather, xarray for rain sums."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from bench.figures import Figure, rounds

from ingest.batch import Values
from rules.indices import fire
from rules.indices.fire import Codes
from rules.indices.rain import running_totals, tenths, window_sum_tenths

_WINDOWS = (1, 3, 6, 12, 24)
# Amounts at which some hazard that ships has a level [mm].
_THRESHOLDS = (20.0, 40.0, 50.0, 60.0, 80.0, 100.0)
# xarray sums windows by itself, or by bottleneck where it is told to; the last way counts in whole tenths.
_WAYS: dict[str, tuple[bool, float]] = {
    "xarray": (False, 1.0),
    "xarray with bottleneck": (True, 1.0),
    "xarray with bottleneck in tenths": (True, 10.0),
}
_UNITS = {"tas": "degC", "pr": "mm/d", "sfcWind": "km/h", "hurs": "%"}
_AUGUST = np.datetime64("2022-08-15")


def measure(*, quick: bool) -> Iterator[Figure]:
    """Fire weather as a series and as one day, and rain sums (a hundredth where it must be quick)."""
    yield from _fire(*((10, 110, 700, 1) if quick else (1_000, 1_096, 70_000, 5)))
    yield from _rain(*((700, 1) if quick else (70_000, 5)))


def _fire(stations: int, days: int, places: int, number: int) -> Iterator[Figure]:
    library = _library()
    series = _fire_weather(stations, days)
    month, latitude = series["tas"]["time"].dt.month.values, np.full(stations, 29.4)
    plain = {name: array.values for name, array in series.items()}
    yield from _beside(
        f"fire weather, {stations:,} stations x {days:,} days",
        rounds(lambda: fire.fwi(*_ordered(plain), month, latitude), number),
        {"xclim": rounds(lambda: _theirs(library, series, latitude), number)},
    )
    codes = Codes(ffmc=np.full(places, 88.0), dmc=np.full(places, 40.0), dc=np.full(places, 300.0))
    sky = _fire_weather(places, 1)
    today = _ordered({name: array.values[:, 0] for name, array in sky.items()})
    everywhere = np.full(places, 29.4)
    yield from _beside(
        f"fire weather, one day x {places:,} places with carried codes",
        rounds(lambda: _one_day(today, everywhere, codes), number),
        {"xclim": rounds(lambda: _theirs(library, sky, everywhere, codes), number)},
    )


def _library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_module("xclim.indices.fire")


def _fire_weather(places: int, days: int) -> dict[str, xr.DataArray]:
    """Noon weather of so many places, as the library wants it."""
    chance = np.random.default_rng(1987)
    shape = (places, days)
    sky = {
        "tas": chance.normal(22.0, 8.0, shape),
        "hurs": chance.uniform(20.0, 100.0, shape),
        "sfcWind": chance.gamma(3.0, 3.0, shape),
        "pr": np.where(chance.random(shape) < 0.35, chance.exponential(8.0, shape), 0.0),
    }
    time = (_AUGUST + np.arange(days)).astype("datetime64[ns]")
    return {
        name: xr.DataArray(
            values, dims=("place", "time"), coords={"time": time}, attrs={"units": _UNITS[name]}
        )
        for name, values in sky.items()
    }


def _ordered(sky: dict[str, Values]) -> tuple[Values, Values, Values, Values]:
    return sky["tas"], sky["hurs"], sky["sfcWind"], sky["pr"]


def _one_day(
    today: tuple[Values, Values, Values, Values], latitude: Values, codes: Codes
) -> Values:
    after = fire.step(*today, np.array(8), latitude, codes)
    return fire.indices(after, today[2])[2]


def _theirs(
    library: Any, sky: dict[str, xr.DataArray], latitude: Values, codes: Codes | None = None
) -> None:
    lat = xr.DataArray(latitude, dims="place", attrs={"units": "degrees_north"})
    carried = {} if codes is None else {"ffmc0": codes.ffmc, "dmc0": codes.dmc, "dc0": codes.dc}
    start = {
        name: xr.DataArray(values, dims="place", attrs={"units": ""})
        for name, values in carried.items()
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.cffwis_indices(**sky, lat=lat, **start)


def _rain(places: int, number: int) -> Iterator[Figure]:
    hours = 240
    # Laid out as a block is: the places of an hour side by side.
    rain = np.ascontiguousarray(_showers(places, hours).T).T
    target = np.empty_like(rain)
    copies = rounds(lambda: np.copyto(target, rain), 9)
    copied = Figure(
        what=f"one copy of the rain, {places:,} places x {hours} h", unit="s", samples=copies
    )
    yield copied
    labelled = xr.DataArray(rain, dims=("place", "hour"))
    what = f"rain sums of {', '.join(map(str, _WINDOWS))} h, {places:,} places"
    ours = rounds(lambda: _our_sums(rain), number)
    theirs = {
        name: rounds(partial(_their_sums, labelled, *way), min(number, 3))
        for name, way in _WAYS.items()
    }
    yield from _beside(what, ours, theirs, copied)
    yield from _wrong(rain, labelled)


def _showers(places: int, hours: int) -> Values:
    """Rain in tenths of a millimetre, dry three hours of four."""
    chance = np.random.default_rng(28592)
    shape = (places, hours)
    found: Values = np.where(
        chance.random(shape) < 0.25, chance.exponential(12.0, shape), 0.0
    ).round(1)
    return found


def _our_sums(rain: Values) -> None:
    """As the hazards do it: totals once, and a difference for each length."""
    totals = running_totals(tenths(np.moveaxis(rain, -1, 0))[0])
    for hours in _WINDOWS:
        np.subtract(totals[hours:], totals[:-hours])


def _their_sums(rain: xr.DataArray, fast: bool, scale: float) -> None:
    amounts = rain if scale == 1.0 else (rain * scale).round()
    for hours in _WINDOWS:
        _their_sum(amounts, hours, fast)


def _their_sum(rain: xr.DataArray, hours: int, fast: bool) -> Values:
    with xr.set_options(use_bottleneck=fast, use_numbagg=False):
        found: Values = rain.rolling(hour=hours).sum().values
    return found


def _wrong(rain: Values, labelled: xr.DataArray) -> Iterator[Figure]:
    """How often a sum that meets a threshold exactly is told to lie under it."""
    whole = tenths(rain)[0]
    sums: dict[str, Callable[[int], Values]] = {
        "ours": lambda hours: window_sum_tenths(whole, hours) / 10.0
    }
    for name, (fast, scale) in _WAYS.items():
        amounts = labelled if scale == 1.0 else (labelled * scale).round()
        sums[name] = partial(_scaled_sum, amounts, fast, scale)
    met = {hours: _exact(rain, hours) for hours in _WINDOWS}
    count = sum(int(here.sum()) for levels in met.values() for here in levels.values())
    for name, summed in sums.items():
        under = 0
        for hours, levels in met.items():
            found = summed(hours)
            under += sum(int((found[here] < limit).sum()) for limit, here in levels.items())
        yield Figure(
            what=f"sums under a threshold that they meet, of {count:,}: {name}",
            unit="1",
            samples=(float(under),),
        )


def _scaled_sum(rain: xr.DataArray, fast: bool, scale: float, hours: int) -> Values:
    return _their_sum(rain, hours, fast) / scale


def _exact(rain: Values, hours: int) -> dict[float, npt.NDArray[np.bool_]]:
    """Threshold -> where the sum of so many hours is just that, counted in whole tenths one by one."""
    whole = np.rint(rain * 10).astype(np.int64)
    total = np.cumsum(whole, axis=-1)
    total[:, hours:] -= total[:, :-hours].copy()
    total[:, : hours - 1] = -1
    return {limit: total == round(limit * 10) for limit in _THRESHOLDS}


def _beside(
    what: str,
    ours: tuple[float, ...],
    theirs: dict[str, tuple[float, ...]],
    copied: Figure | None = None,
) -> Iterator[Figure]:
    """Our figure, against a copy where one is given, then those of the libraries as multiples of it."""
    own = Figure(what=what, unit="s", samples=ours)
    ratio = "" if copied is None else f"{own.median / copied.median:.1f} x a copy"
    yield Figure(what=what, unit="s", samples=ours, ratio=ratio)
    for name, samples in theirs.items():
        peer = Figure(what=f"  the same by {name}", unit="s", samples=samples)
        ratio = f"{peer.median / own.median:.1f} x ours"
        yield Figure(what=peer.what, unit="s", samples=samples, ratio=ratio)
