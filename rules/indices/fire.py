"""Canadian Forest Fire Weather Index System: three moisture codes that remember, four indices of today.

Source: Van Wagner and Pickett (1985), Equations and FORTRAN program for the Canadian Forest Fire Weather
Index System, Forestry Technical Report 33; Van Wagner (1987), Development and structure of the Canadian
Forest Fire Weather Index System, Forestry Technical Report 35. Equation numbers are those of the 1985
report. Latitude bands and the two variants: `fire_tables`. No season is started or ended here and no snow is
known; over a winter without a run, start the DC from `overwinter`.

Gaps. A day on which any input is missing gives NaN for every output, and the codes are carried over it
unchanged. After more than `LONG_GAP_DAYS` such days in a row the outputs stay NaN for another
`RECOVERY_DAYS` complete days, while the codes are stepped already: the FFMC forgets its past in about three
days. DMC and DC are carried, never restarted: a restart at 15 in August would hide danger.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import EllipsisType

import numpy as np
import numpy.typing as npt

from rules.indices.fire_equations import danger_indices, drought, duff, fine_fuel
from rules.indices.fire_tables import Array, Ground, Months, variant_named

LONG_GAP_DAYS = 3
"""Longest gap that the codes cross without doubt [d]."""
RECOVERY_DAYS = 3
"""Complete days without output after a longer gap [d]."""
START_FFMC, START_DMC, START_DC = 85.0, 6.0, 15.0
"""Codes three days after the snow has gone, by convention."""

# Elements worked on at once: small enough for the cache, large enough to hide the cost of a call. A place's
# days are read a cache line at a time.
_BLOCK = 4096
_LINE = 8
_OUTPUTS = ("ffmc", "dmc", "dc", "isi", "bui", "fwi", "dsr")


@dataclass(frozen=True, kw_only=True)
class Codes:
    """The state that one day hands to the next; all fields share the shape of the places."""

    ffmc: Array
    """Fine Fuel Moisture Code, 0..101."""
    dmc: Array
    """Duff Moisture Code, 0 or more."""
    dc: Array
    """Drought Code, 0 or more."""
    missing: Array = field(default_factory=lambda: np.zeros(()))
    """Days of the present gap [d]; 0 after a complete day."""
    waiting: Array = field(default_factory=lambda: np.zeros(()))
    """Complete days without output that a long gap still costs [d], today's included."""

    @classmethod
    def start(
        cls,
        shape: tuple[int, ...],
        ffmc: npt.ArrayLike = START_FFMC,
        dmc: npt.ArrayLike = START_DMC,
        dc: npt.ArrayLike = START_DC,
    ) -> Codes:
        """Codes before the first day, without a gap behind them.

        Each code is a number or an array that broadcasts to `shape`; a NaN keeps its place NaN.
        """
        given = {"ffmc": ffmc, "dmc": dmc, "dc": dc}
        values = {name: _placed(name, code, shape).copy() for name, code in given.items()}
        return cls(**values, missing=np.zeros(shape), waiting=np.zeros(shape))

    @property
    def trusted(self) -> npt.NDArray[np.bool_]:
        """Where this day was complete and no long gap is still being forgotten."""
        trusted: npt.NDArray[np.bool_] = (self.missing == 0) & (self.waiting == 0)
        return trusted

    def reshaped(self, shape: tuple[int, ...], part: slice | EllipsisType = ...) -> Codes:
        """The same state with its places in another order of axes, or some of them."""
        everywhere = np.shape(self.ffmc)
        placed = {name: _placed(name, value, everywhere) for name, value in vars(self).items()}
        return Codes(**{name: value.reshape(shape)[part] for name, value in placed.items()})


def fwi(  # noqa: PLR0913 - each is one input of the published system, by name
    tas: npt.ArrayLike,
    hurs: npt.ArrayLike,
    wind: npt.ArrayLike,
    pr: npt.ArrayLike,
    month: npt.ArrayLike,
    latitude: npt.ArrayLike,
    *,
    ffmc: npt.ArrayLike = START_FFMC,
    dmc: npt.ArrayLike = START_DMC,
    dc: npt.ArrayLike = START_DC,
    variant: str = "van_wagner",
) -> dict[str, Array]:
    """Codes and indices of daily series; see the module for the source and the rule for gaps.

    Parameters
    ----------
    tas, hurs, wind, pr : array (..., day)
        At noon local standard time: temperature [°C], relative humidity [%], 10-m wind [km/h]; rain of the
        24 hours up to noon [mm]. Humidity is clipped to 0..100, wind and rain to 0 or more. Days follow
        each other without a jump; NaN or infinity is a missing value.
    month : array (day,) or broadcastable to (..., day)
        Calendar month, 1..12.
    latitude : number or array of the leading axes [°N]
    ffmc, dmc, dc : number or array of the leading axes
        Codes of the day before the first.
    variant : "van_wagner" (as xclim) or "cffdrs"

    Returns
    -------
    dict of arrays (..., day): ffmc, dmc, dc, isi, bui, fwi, dsr, all without unit.

    Raises
    ------
    ValueError
        Names the argument whose shape, month, latitude or variant is impossible.
    """
    weather = _weather(tas, hurs, wind, pr)
    lead, days = weather[0].shape[:-1], weather[0].shape[-1]
    places = int(np.prod(lead))
    start = Codes.start(lead, ffmc, dmc, dc)
    where = _latitudes(latitude, lead).reshape(places)
    months = _months(month, (*lead, days))
    months = months.reshape(1 if months.ndim == 1 else places, days)
    flat = [series.reshape(places, days) for series in weather]
    out = np.empty((len(_OUTPUTS), days, places))
    for first in range(0, places, _BLOCK):
        part = slice(first, first + _BLOCK)
        ground = Ground.at(where[part], variant_named(variant))
        codes = start.reshaped((places,), part)
        own = months if len(months) == 1 else months[part]
        _run([series[part] for series in flat], own, ground, codes, out[..., part])
    series = out.reshape(len(_OUTPUTS), days, *lead)
    return {name: np.moveaxis(row, 0, -1) for name, row in zip(_OUTPUTS, series, strict=True)}


def step(  # noqa: PLR0913 - the inputs of one day, as in `fwi`
    tas: npt.ArrayLike,
    hurs: npt.ArrayLike,
    wind: npt.ArrayLike,
    pr: npt.ArrayLike,
    month: npt.ArrayLike,
    latitude: npt.ArrayLike,
    codes: Codes,
    variant: str = "van_wagner",
) -> Codes:
    """Codes after one more day, for arrays of places; units and clipping as in `fwi`.

    Where an input is missing the three codes come back unchanged and `missing` grows. ValueError names the
    argument whose shape is not that of the codes.
    """
    shape = np.shape(codes.ffmc)
    inputs = zip(_INPUTS, (tas, hurs, wind, pr), strict=True)
    sky = [_placed(name, value, shape).ravel() for name, value in inputs]
    ground = Ground.at(_latitudes(latitude, shape).ravel(), variant_named(variant))
    months = np.broadcast_to(_months(month, shape), shape).ravel()
    return _stepped(sky, months, ground, codes.reshaped((-1,))).reshaped(shape)


def indices(
    codes: Codes, wind: npt.ArrayLike, variant: str = "van_wagner"
) -> tuple[Array, Array, Array, Array]:
    """ISI, BUI, FWI and DSR of the day that ended in `codes`, by that noon's 10-m wind [km/h].

    Shapes are those of the codes; NaN where the codes are not trusted or the wind is missing.
    """
    moved = np.maximum(_placed("wind", wind, codes.ffmc.shape), 0.0)
    moisture = variant_named(variant).moisture
    found = danger_indices(codes.ffmc, codes.dmc, codes.dc, moved, moisture)
    isi, bui, danger, severity = (np.where(codes.trusted, value, np.nan) for value in found)
    return isi, bui, danger, severity


def overwinter(
    dc_autumn: npt.ArrayLike,
    winter_rain: npt.ArrayLike,
    *,
    carry_over: float = 0.75,
    wetting: float = 0.75,
    minimum: float = START_DC,
) -> Array:
    """Drought Code to start the spring with, after a winter in which it was not run.

    Parameters
    ----------
    dc_autumn : array, the last Drought Code of autumn
    winter_rain : array, rain since then [mm]
    carry_over : share of the autumn moisture that is left in spring, 0..1
    wetting : share of the winter rain that wets the ground, 0..1
    minimum : the code is not started below this

    NaN in either array gives NaN. Source: Lawson and Armitage (2008), Weather Guide for the Canadian Forest
    Fire Danger Rating System; the fractions are theirs for ground neither dry nor wet, local to judge.
    """
    autumn, rain = np.broadcast_arrays(_float(dc_autumn), _float(winter_rain))
    moisture = carry_over * 800.0 * np.exp(-autumn / 400.0) + wetting * 3.94 * np.maximum(rain, 0.0)
    with np.errstate(divide="ignore"):
        # No moisture at all is an endless drought, which infinity says rightly.
        spring: Array = np.maximum(400.0 * np.log(800.0 / moisture), minimum)
    return spring


_INPUTS = ("tas", "hurs", "wind", "pr")


def _float(value: npt.ArrayLike) -> Array:
    return np.asarray(value, dtype=np.float64)


def _weather(*inputs: npt.ArrayLike) -> list[Array]:
    weather = [_float(value) for value in inputs]
    for name, value in zip(_INPUTS, weather, strict=True):
        if value.ndim == 0 or value.shape != weather[0].shape:
            raise ValueError(
                f"{name}: shape {value.shape}, expected that of tas, time on the last axis"
            )
    return weather


def _placed(name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    array = _float(value)
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        message = f"{name}: shape {array.shape} does not fit the places {shape}"
        raise ValueError(message) from None


def _latitudes(latitude: npt.ArrayLike, shape: tuple[int, ...]) -> Array:
    placed = _placed("latitude", latitude, shape)
    if not (np.abs(placed) <= 90.0).all():
        raise ValueError("latitude: outside -90..90 degrees north")
    return placed


def _months(month: npt.ArrayLike, shape: tuple[int, ...]) -> Months:
    """Months as integers: one per day if that is all there is, else one per place and day."""
    months = np.asarray(month)
    if not np.isin(months, np.arange(1, 13)).all():
        raise ValueError("month: outside 1..12")
    try:
        np.broadcast_to(months, shape)
    except ValueError:
        message = f"month: shape {months.shape} does not fit the series {shape}"
        raise ValueError(message) from None
    alone = months.ndim <= 1
    return np.broadcast_to(months.astype(np.int64), shape[-1:] if alone else shape)


def _run(weather: list[Array], months: Months, ground: Ground, codes: Codes, out: Array) -> None:
    """Step a block of places through its days: `weather` is (place, day), `out` (output, day, place)."""
    places, days = weather[0].shape
    span = max(_LINE, _BLOCK // max(places, 1))
    for first in range(0, days, span):
        rows = slice(first, first + span)
        sky = [np.ascontiguousarray(series[:, rows].T) for series in weather]
        for day, month in enumerate(months[:, rows].T):
            codes = _stepped([series[day] for series in sky], month, ground, codes)
            shown = codes.trusted
            sure = bool(shown.all())
            for row, code in zip(out[:3], (codes.ffmc, codes.dmc, codes.dc), strict=True):
                row[first + day] = code if sure else np.where(shown, code, np.nan)
        ffmc, dmc, dc = out[:3, rows]
        found = danger_indices(ffmc, dmc, dc, np.maximum(sky[2], 0.0), ground.moisture)
        for row, value in zip(out[3:], found, strict=True):
            row[rows] = value


def _stepped(sky: list[Array], month: Months, ground: Ground, before: Codes) -> Codes:
    temperature, humidity, wind, rain = sky
    complete = (
        np.isfinite(temperature) & np.isfinite(humidity) & np.isfinite(wind) & np.isfinite(rain)
    )
    whole = bool(complete.all())
    if not whole:
        # Any harmless weather will do: what it does to the codes is thrown away.
        temperature, humidity, wind, rain = (np.where(complete, value, 0.0) for value in sky)
    humidity = np.minimum(np.maximum(humidity, 0.0), 100.0)
    day_length, drying = ground.in_month(month)
    ffmc = fine_fuel(
        temperature, humidity, np.maximum(wind, 0.0), rain, before.ffmc, ground.moisture
    )
    dmc = duff(temperature, humidity, rain, day_length, before.dmc)
    after = replace(before, ffmc=ffmc, dmc=dmc, dc=drought(temperature, rain, drying, before.dc))
    if whole and not before.missing.any() and not before.waiting.any():
        return after
    return _after_gap(before, after, complete)


def _after_gap(before: Codes, after: Codes, complete: npt.NDArray[np.bool_]) -> Codes:
    """Keep the codes where the day was missing, and count the gap or the wait behind it."""
    begun = np.where(before.missing > LONG_GAP_DAYS, RECOVERY_DAYS + 1.0, before.waiting)
    return Codes(
        ffmc=np.where(complete, after.ffmc, before.ffmc),
        dmc=np.where(complete, after.dmc, before.dmc),
        dc=np.where(complete, after.dc, before.dc),
        missing=np.where(complete, 0.0, before.missing + 1.0),
        waiting=np.where(complete, np.maximum(begun - 1.0, 0.0), before.waiting),
    )
