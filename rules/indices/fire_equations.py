"""The equations of the FWI system, one day at a time for many places at once.

Source and units as in `rules.indices.fire`; equation numbers are those of Van Wagner and Pickett (1985).
Every array has the shape of the places. Weather is complete and clipped: temperature [°C], humidity 0..100
[%], wind [km/h] and rain [mm] not NaN; `before` is the code of yesterday, NaN where it is unknown.
"""

from __future__ import annotations

import numpy as np

from rules.indices.fire_tables import Array


def fine_fuel(
    temperature: Array, humidity: Array, wind: Array, rain: Array, before: Array, constant: float
) -> Array:
    """FFMC of today; `constant` is that between code and moisture (147.2 or 147.277)."""
    moisture = constant * (101.0 - before) / (59.5 + before)  # (1)
    wet = np.flatnonzero(rain > 0.5)
    if wet.size:
        moisture[wet] = _wetted(moisture[wet], rain[wet] - 0.5)
    # One logarithm serves three powers of the humidity; its floor stands for 0 %.
    log_humidity = np.log(np.maximum(humidity, 1e-30))
    common = 0.18 * (21.1 - temperature) * (1.0 - np.exp(-0.115 * humidity))
    near_saturation = np.exp(0.1 * humidity - 10.0)
    drying_to = 0.942 * np.exp(0.679 * log_humidity) + 11.0 * near_saturation + common  # (4)
    wetting_to = 0.618 * np.exp(0.753 * log_humidity) + 10.0 * near_saturation + common  # (5)
    dries = moisture > drying_to
    wets = ~dries & (moisture < np.minimum(drying_to, wetting_to))
    share = humidity / 100.0
    if wets.any():
        share = np.where(wets, 1.0 - share, share)
    rate = 0.424 * (1.0 - share**1.7) + 0.0694 * np.sqrt(wind) * (
        1.0 - _eighth_power(share)
    )  # (6, 7)
    rate *= -np.log(10.0) * 0.581 * np.exp(0.0365 * temperature)  # ready for e in place of 10
    target = np.where(dries, drying_to, np.where(wets, wetting_to, moisture))
    moisture = target + (moisture - target) * np.exp(rate)  # (8, 9)
    code: Array = 59.5 * (250.0 - moisture) / (constant + moisture)  # (10)
    return np.minimum(np.maximum(code, 0.0), 101.0)


def _eighth_power(value: Array) -> Array:
    value = value * value
    value *= value
    value *= value
    return value


def _wetted(moisture: Array, rain: Array) -> Array:
    """Moisture of the fine fuel after rain above what the canopy holds back [mm]; equations 3a and 3b."""
    gain = 42.5 * rain * np.exp(-100.0 / (251.0 - moisture)) * (1.0 - np.exp(-6.93 / rain))
    soaked = 0.0015 * np.maximum(moisture - 150.0, 0.0) ** 2 * np.sqrt(rain)
    return np.minimum(moisture + gain + soaked, 250.0)


def duff(
    temperature: Array, humidity: Array, rain: Array, day_length: Array, before: Array
) -> Array:
    """DMC of today; `day_length` [h] is that of the month at the place."""
    dried = (
        1.894e-4 * (np.maximum(temperature, -1.1) + 1.1) * (100.0 - humidity) * day_length
    )  # (16)
    wet = np.flatnonzero(rain > 1.5)
    if wet.size:
        rained = before.copy()
        rained[wet] = _dmc_after_rain(before[wet], 0.92 * rain[wet] - 1.27)
        before = rained
    return np.maximum(before + dried, 0.0)


def _dmc_after_rain(dmc: Array, rain: Array) -> Array:
    """Equations 12 to 15; `rain` is the net rain [mm]. The 20 of moisture in (12) and (15) cancel."""
    log = np.log(np.maximum(dmc, 33.0))
    slope = np.where(dmc <= 65.0, 14.0 - 1.3 * log, 6.2 * log - 17.2)
    slope = np.where(dmc <= 33.0, 100.0 / (0.5 + 0.3 * dmc), slope)
    moisture = 280.0 * np.exp(-0.023 * dmc) + 1000.0 * rain / (48.77 + slope * rain)
    return np.maximum(43.43 * (5.6348 - np.log(moisture)), 0.0)


def drought(temperature: Array, rain: Array, drying: Array, before: Array) -> Array:
    """DC of today; `drying` is the day-length factor of the month at the place."""
    dried = np.maximum(0.18 * (np.maximum(temperature, -2.8) + 2.8) + 0.5 * drying, 0.0)  # (22)
    wet = np.flatnonzero(rain > 2.8)
    if wet.size:
        code, net = before[wet], 0.83 * rain[wet] - 1.27
        rained = before.copy()
        gain = 400.0 * np.log(1.0 + 3.937 / 800.0 * net * np.exp(code / 400.0))  # (19 to 21)
        rained[wet] = np.maximum(code - gain, 0.0)
        before = rained
    return before + dried


def danger_indices(
    ffmc: Array, dmc: Array, dc: Array, wind: Array, constant: float
) -> tuple[Array, Array, Array, Array]:
    """ISI, BUI, FWI and DSR from the codes of today; NaN in any of them gives NaN."""
    moisture = constant * (101.0 - ffmc) / (59.5 + ffmc)
    # (25, 26), with the two exponentials in one.
    spread = np.exp(0.05039 * wind - 0.1386 * moisture) * (
        19.1152 + 19.1152 / 4.93e7 * moisture**5.31
    )
    build_up = _build_up(dmc, dc)
    danger = _danger(spread, build_up)
    return spread, build_up, danger, 0.0272 * danger**1.77


def _build_up(dmc: Array, dc: Array) -> Array:
    both = dmc + 0.4 * dc
    # Where both codes are 0 so is the index, whatever it is divided by.
    share = 0.8 * dc / np.where(both == 0.0, 1.0, both)
    duff_rules = dmc - (1.0 - share) * (0.92 + (0.0114 * dmc) ** 1.7)  # (27b)
    return np.maximum(np.where(dmc <= 0.4 * dc, share * dmc, duff_rules), 0.0)  # (27a)


def _danger(spread: Array, build_up: Array) -> Array:
    fuel = 0.626 * build_up**0.809 + 2.0  # (28a)
    large = build_up > 80.0
    if large.any():
        fuel[large] = 1000.0 / (25.0 + 108.64 * np.exp(-0.023 * build_up[large]))  # (28b)
    raw = 0.1 * spread * fuel
    scaled = np.exp(2.72 * (0.434 * np.log(np.maximum(raw, 1.0))) ** 0.647)  # (30)
    return np.where(raw > 1.0, scaled, raw)
