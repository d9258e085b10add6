"""What the air feels like: thin wrappers over ECMWF's thermofeel in the units of the house.

Temperatures come and go in degrees Celsius, humidity in percent, wind in m/s at 10 m. Arguments broadcast
against each other; the result has their common shape. NaN or infinity in any of them, and humidity below
zero, gives NaN; humidity above 100 % is an instrument's and counts as 100. ValueError names the arguments if
shapes do not fit.

Mean radiant temperature is an input here: from shortwave radiation alone it would need the split of the beam,
both longwave fluxes and the albedo to be assumed, so it is not offered.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import thermofeel

Array = npt.NDArray[np.float64]

_ZERO_C = 273.15
# Elements at a time: the two hundred terms of the UTCI pass through the cache, not the memory.
_BLOCK = 8192
# The logarithm of a dew point needs some vapour; no hygrometer reads as dry as this [%].
_DRIEST = 0.1


def heat_index(tas: npt.ArrayLike, hurs: npt.ArrayLike) -> Array:
    """Heat index [°C] of air temperature [°C] and relative humidity [%], in the shade and a light wind.

    Rothfusz's regression in degrees Celsius, without the adjustments of the US weather service for humidity
    below 13 or above 85 % (thermofeel's `calculate_heat_index_simplified`; Blazejczyk et al. 2012,
    https://doi.org/10.1007/s00484-011-0453-2). At 20 °C and below it is the air temperature. Meant for 27 °C
    and 40 % or more; (45 °C, 50 %) and its like lie beyond the table it was fitted to. It rounds to what
    pythermalcomfort and xclim print in their examples.
    """
    return _answer(_heat_index, _humid(tas, hurs))


def wbgt(tas: npt.ArrayLike, hurs: npt.ArrayLike) -> Array:
    """Wet-bulb globe temperature [°C] from air temperature [°C] and relative humidity [%] alone.

    The simple estimate of the American College of Sports Medicine (1984,
    https://doi.org/10.1080/00913847.1984.11701899) for a moderately high sun and light wind:
    0.567 T + 0.393 e + 3.94, with the vapour pressure e in hPa. It reads high in cloud, wind or at night:
    with wind and radiation at hand use `wbgt_outdoors`. pythermalcomfort has only the measured kind, from a
    wet bulb and a globe, so there is no number of its to compare.
    """
    return _answer(_wbgt, _humid(tas, hurs))


def wbgt_outdoors(
    tas: npt.ArrayLike, hurs: npt.ArrayLike, wind: npt.ArrayLike, mrt: npt.ArrayLike
) -> Array:
    """Wet-bulb globe temperature [°C] with wind [m/s at 10 m] and mean radiant temperature [°C].

    0.7 wet bulb (Stull 2011, https://doi.org/10.1175/JAMC-D-11-0143.1) + 0.2 globe (Guo et al. 2018,
    https://doi.org/10.1016/j.enbuild.2018.08.029) + 0.1 air. Stull's fit holds for 5..99 % and -20..50 °C;
    outside, and for negative wind, the result is NaN.
    """
    inputs = _humid(tas, hurs, wind, mrt)
    celsius, percent, moved, radiant = inputs
    fitted = (np.abs(celsius - 15.0) <= 35.0) & (percent >= 5.0) & (percent <= 99.0)
    return _answer(_wbgt_outdoors, inputs, fitted & (moved >= 0.0) & (radiant > -_ZERO_C))


def humidex(tas: npt.ArrayLike, hurs: npt.ArrayLike) -> Array:
    """Humidex [°C] of air temperature [°C] and relative humidity [%].

    Environment Canada's T + 0.5555 (e - 10), e in hPa from the dew point
    (https://climate.weather.gc.ca/glossary_e.html#humidex); not reported there below 20 °C. The dew point
    is Magnus's after Murray (1967), humidity floored at 0.1 %; pythermalcomfort takes another vapour pressure
    and has 28.2 for 28.29 at 25 °C and 50 %, 39.1 for 38.77 at 30 °C and 60 %.
    """
    return _answer(_humidex, _humid(tas, hurs))


def utci(tas: npt.ArrayLike, hurs: npt.ArrayLike, wind: npt.ArrayLike, mrt: npt.ArrayLike) -> Array:
    """Universal thermal climate index [°C].

    Arguments: air temperature [°C], relative humidity [%], wind at 10 m [m/s] (not km/h), mean radiant
    temperature [°C]. Polynomial of Bröde et al. (2012), https://doi.org/10.1007/s00484-011-0454-1, vapour
    pressure after Hardy (1998).

    NaN outside its validity: air -50..50 °C, wind 0.5..17 m/s, mean radiant temperature 30 °C below to 70 °C
    above the air, vapour pressure up to 50 hPa. So a calm night has none; whoever raises the wind to 0.5 m/s
    does so knowingly. Agrees to 0.1 °C with pythermalcomfort where humidity is moderate; at 40 °C, 50 % and
    radiant 25 °C that prints 40.6 where this polynomial, as in xclim, gives 40.44.
    """
    inputs = _humid(tas, hurs, wind, mrt)
    celsius, percent, moved, radiant = inputs
    fitted = (np.abs(celsius) <= 50.0) & (moved >= 0.5) & (moved <= 17.0)
    # The sum of two inputs' rounding is not a reason to refuse the exact edge.
    warmer = np.round(radiant - celsius, 9)
    fitted &= (warmer >= -30.0) & (warmer <= 70.0)
    vapour = np.full(celsius.shape, np.nan)
    vapour[fitted] = _vapour(celsius[fitted], percent[fitted])
    return _answer(_utci, (celsius, vapour, moved, radiant), fitted & (vapour <= 50.0))


def _heat_index(celsius: Array, percent: Array) -> Array:
    kelvin = thermofeel.calculate_heat_index_simplified(celsius + _ZERO_C, percent)
    return kelvin - _ZERO_C


def _wbgt(celsius: Array, percent: Array) -> Array:
    return thermofeel.calculate_wbgt_simple(celsius + _ZERO_C, percent) - _ZERO_C


def _wbgt_outdoors(celsius: Array, percent: Array, wind: Array, radiant: Array) -> Array:
    dew_point = _dew_point(celsius, percent)
    air, globe = celsius + _ZERO_C, radiant + _ZERO_C
    return thermofeel.calculate_wbgt(air, globe, wind, dew_point) - _ZERO_C


def _humidex(celsius: Array, percent: Array) -> Array:
    kelvin = thermofeel.calculate_humidex(celsius + _ZERO_C, _dew_point(celsius, percent))
    return kelvin - _ZERO_C


def _utci(celsius: Array, vapour: Array, wind: Array, radiant: Array) -> Array:
    kelvin = thermofeel.calculate_utci(celsius + _ZERO_C, wind, radiant + _ZERO_C, ehPa=vapour)
    return kelvin - _ZERO_C


def _vapour(celsius: Array, percent: Array) -> Array:
    """Vapour pressure [hPa]."""
    saturated = thermofeel.calculate_saturation_vapour_pressure(celsius + _ZERO_C)
    return saturated * percent / 100.0


def _dew_point(celsius: Array, percent: Array) -> Array:
    """Dew point [K]: the inverse of the formula by which thermofeel makes humidity of it."""
    drop = np.log10(np.maximum(percent, _DRIEST) / 100.0) + 7.5 * celsius / (237.3 + celsius)
    return 237.3 * drop / (7.5 - drop) + _ZERO_C


def _humid(*inputs: npt.ArrayLike) -> tuple[Array, ...]:
    """Inputs in their common shape; humidity, the second, at most 100 and NaN below 0."""
    arrays = [np.asarray(value, dtype=np.float64) for value in inputs]
    try:
        placed = np.broadcast_arrays(*arrays)
    except ValueError:
        names = "tas, hurs" if len(arrays) == 2 else "tas, hurs, wind, mrt"
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"{names}: shapes {shapes} do not fit each other") from None
    read = np.isfinite(placed[1]) & (placed[1] >= 0.0)
    percent = np.where(read, np.minimum(placed[1], 100.0), np.nan)
    return (placed[0], percent, *placed[2:])


def _answer(
    formula: Callable[..., Array],
    inputs: tuple[Array, ...],
    valid: npt.NDArray[np.bool_] | None = None,
) -> Array:
    """Apply `formula` where every input is finite and `valid`; NaN elsewhere, which it never sees."""
    good = np.ones(inputs[0].shape, dtype=bool) if valid is None else valid
    for values in inputs:
        good = good & np.isfinite(values)
    known = [values[good] for values in inputs]
    answers = np.empty(known[0].size)
    for first in range(0, answers.size, _BLOCK):
        part = slice(first, first + _BLOCK)
        answers[part] = formula(*(values[part] for values in known))
    out = np.full(good.shape, np.nan)
    out[good] = answers
    return out
