"""What the heat model looks at in the evening before: features of the forecasts and of the memory."""

from __future__ import annotations

import numpy as np

from rules.learned.heat_memory import (
    MODELS,
    WEATHER,
    Array,
    Memory,
    Outlook,
    line_error,
    mean_known,
    warmth_error,
)

_CELSIUS = (
    "mean spread highest lowest change after error_2 error_5 error_10 error_20 error_40 error_120"
    " last_error error_before size_10 size_40 warmth_error line right best last_maximum maximum_before"
    " last_mean maximum_15"
)
_EACH = ("off_{}", "change_{}", "error_{}_7", "error_{}_30", "right_{}")
_SKY = dict(zip(WEATHER, ("%", "%", "km/h", "MJ/m²", "mm"), strict=True))
UNITS: dict[str, str] = {
    **dict.fromkeys(_CELSIUS.split(), "°C"),
    **{pattern.format(name): "°C" for pattern in _EACH for name in MODELS},
    **dict.fromkeys(("models", "season_sin", "season_cos"), "1"),
    "days": "d",
    **{f"last_{name}": unit for name, unit in _SKY.items()},
    **{f"{name}_4": unit for name, unit in _SKY.items()},
    **dict.fromkeys(("whole_celsius", "whole_fahrenheit"), "1"),
}
"""Feature -> unit, in the order of the columns of a table."""


def table(memory: Memory, outlook: Outlook) -> Array:
    """All features as columns in the order of `UNITS`, (place, feature); NaN where unknown."""
    told = features(memory, outlook)
    return np.column_stack([told[name] for name in UNITS])


def features(memory: Memory, outlook: Outlook) -> dict[str, Array]:
    """Feature -> (place,), NaN where it cannot be known.

    Temperatures are differences to the multi-model mean, but for `mean` itself.
    """
    return {
        **_of_forecasts(outlook),
        **_of_errors(memory, outlook),
        **_of_weather(memory, outlook),
    }


def _of_forecasts(outlook: Outlook) -> dict[str, Array]:
    mean = outlook.mean
    off = outlook.tomorrow - mean
    change = outlook.tomorrow - outlook.earlier
    known = ~np.isnan(outlook.tomorrow)
    turn = 2.0 * np.pi * _day_of_year(outlook.date) / 365.25
    return {
        "mean": mean,
        "spread": np.sqrt(mean_known(off**2)),
        "highest": np.where(known.any(axis=0), np.where(known, off, -np.inf).max(axis=0), np.nan),
        "lowest": np.where(known.any(axis=0), np.where(known, off, np.inf).min(axis=0), np.nan),
        "models": known.sum(axis=0).astype(float),
        **{f"off_{name}": off[row] for row, name in enumerate(MODELS)},
        **{f"change_{name}": change[row] for row, name in enumerate(MODELS)},
        "change": mean - mean_known(outlook.earlier),
        "after": mean_known(outlook.after) - mean,
        "season_sin": np.full(mean.shape, np.sin(turn)),
        "season_cos": np.full(mean.shape, np.cos(turn)),
    }


def _of_errors(memory: Memory, outlook: Outlook) -> dict[str, Array]:
    mean = outlook.mean
    own = outlook.tomorrow - mean
    found = {
        f"error_{days}": memory.weighed(f"error_{days}", 2.0) for days in (2, 5, 10, 20, 40, 120)
    }
    for row, name in enumerate(MODELS):
        error = memory.weighed(f"error_{name}_30", 3.0)
        found[f"error_{name}_7"] = memory.weighed(f"error_{name}_7", 2.0)
        found[f"error_{name}_30"] = error
        found[f"right_{name}"] = own[row] + error
    right = np.array([found[f"right_{name}"] for name in MODELS])
    return found | {
        "last_error": memory.last("error"),
        "error_before": memory.last("error_before"),
        "size_10": memory.mean("size_10"),
        "size_40": memory.mean("size_40"),
        "warmth_error": warmth_error(memory, mean, 4.0),
        "line": line_error(memory, outlook),
        "right": mean_known(right),
        "best": _by_skill(memory, right),
        "days": memory.days("error_120"),
    }


def _by_skill(memory: Memory, right: Array) -> Array:
    """Mean of the models weighed by how small their errors were; NaN where none is known."""
    sizes = np.array([memory.weighed(f"size_{name}_30", 0.0001) for name in MODELS])
    weight = np.where(np.isnan(right), 0.0, 1.0 / (0.3 + sizes) ** 2)
    total = weight.sum(axis=0)
    gathered = (weight * np.nan_to_num(right)).sum(axis=0)
    return np.where(total > 0, gathered / np.where(total > 0, total, 1.0), np.nan)


def _of_weather(memory: Memory, outlook: Outlook) -> dict[str, Array]:
    mean = outlook.mean
    return {
        "last_maximum": memory.last("maximum") - mean,
        "maximum_before": memory.last("maximum_before") - mean,
        "last_mean": memory.last("mean") - mean,
        "maximum_15": memory.mean("maximum_15") - mean,
        **{f"last_{name}": memory.last(name) for name in WEATHER},
        **{f"{name}_4": memory.mean(f"{name}_4") for name in WEATHER},
        "whole_celsius": memory.mean("whole_celsius"),
        "whole_fahrenheit": memory.mean("whole_fahrenheit"),
    }


def _day_of_year(date: np.datetime64) -> float:
    day = date.astype("datetime64[D]")
    return float((day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(int))
