"""How good the heat model is on days it was never shown, beside multi-model mean and count of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.heat_data import HeatDays, read_heat
from pipeline.learn.heat_table import HeatTable, gather
from pipeline.learn.merit import (
    average_precision,
    brier_skill,
    gain,
    mean_error,
    reliability_band,
    shape_of,
)
from pipeline.learn.splits import weeks_of
from pipeline.verify.bootstrap import Figure
from rules.learned.heat_days import THRESHOLDS, Foretold, HeatModel
from rules.learned.heat_memory import Array, Memory, mean_known, nothing_known, passed
from rules.learned.level import Level, followed, untaught

_SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True, kw_only=True)
class Cases:
    """What was foretold of some days and places, and what came."""

    table: HeatTable
    """The cases, forecasts and outcome known."""
    told: Foretold
    """What the model said of them."""
    names: tuple[str, ...]
    """Names of the places by their number."""
    level: Level = field(default_factory=untaught)
    """Level of the chances after the last of the cases."""

    def of(self, place: int) -> Cases:
        """The cases of one place."""
        own = self.table.places == place
        return replace(self, table=self.table.taken(own), told=self.told.of(own))


def foretold(model: HeatModel, days: HeatDays) -> Cases:
    """What the model says of the days after its training, each with what was known the evening before.

    Days up to the end of its training are left out, unless the file has no others: then all of them are
    scored, from an empty memory. The level of its chances follows what came of the days before each one.
    FengsuiError where no day has both forecast and maximum.
    """
    later = days.days > model.trained_to
    memory = nothing_known(len(days.places))
    if later.any():
        memory = _remembered(model, days)
        days = days.since(days.days[later][0].item())
    table = gather(days, memory)[0].known()
    if not len(table.rows):
        raise FengsuiError("no day of the file has both a forecast and a maximum (doel); give such days")
    gap = int((table.days[0] - model.trained_to).astype(int)) - 1
    return levelled(table, model.foretell_from(table.rows), days.places, model.level.passed(gap))


def levelled(
    table: HeatTable, told: Foretold, names: tuple[str, ...], level: Level | None = None
) -> Cases:
    """Cases by rising day, each at the level of the days before it, from `level` on."""
    plain = told.at(np.zeros((2, 1)))
    chances = np.stack([plain.chance(limit) for limit in THRESHOLDS])
    came = np.stack([(table.maximum >= limit).astype(float) for limit in THRESHOLDS])
    added, after = followed(level or untaught(), table.days, chances, came)
    return Cases(table=table, told=plain.at(added), names=names, level=after)


def score_heat(cases: Cases) -> dict[str, Any]:
    """Figures of merit, ready for JSON: plain numbers, intervals beside them, and each city."""
    figures = _figures(cases)
    return {
        **_plain(figures),
        "coverage": _coverage(cases),
        "n": len(cases.table.rows),
        "first": str(cases.table.days.min()),
        "last": str(cases.table.days.max()),
        "by_city": {
            cases.names[place]: _plain(_figures(own)) | {"n": len(own.table.rows)}
            for place in np.unique(cases.table.places).tolist()
            for own in (cases.of(place),)
        },
    }


def shapes(cases: Cases) -> dict[str, Any]:
    """Threshold -> reliability, sharpness and value beside the rule "multi-model mean at or above it"."""
    maximum, mean, weeks = cases.table.maximum, cases.table.mean, weeks_of(cases.table.days)
    found = {}
    for limit in THRESHOLDS:
        chance, happened = cases.told.chance(limit), (maximum >= limit).astype(float)
        found[f"{limit:g}"] = {
            **shape_of(chance, happened, (mean >= limit).astype(float)),
            "reliability_band": reliability_band(chance, happened, weeks),
        }
    return found


def score_file(parts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Score a saved heat model on a file of the columns that `read_heat` knows."""
    model, days = HeatModel.of_parts(parts), read_heat(path)
    shown = not (days.days > model.trained_to).any()
    cases = foretold(model, days)
    return {"hazard": "heat", "in_training": shown, **score_heat(cases), "chances": shapes(cases)}


def _remembered(model: HeatModel, days: HeatDays) -> Memory:
    """The memory of the places of a file, from the model's, aged to the first day after training."""
    number = {name: turn for turn, name in enumerate(model.places)}
    known = model.memory.of(np.array([number.get(name, -1) for name in days.places]))
    first = max(days.days[0], model.trained_to + 1)
    return passed(known, int((first - model.trained_to).astype(int)) - 1)


def _figures(cases: Cases) -> dict[str, Any]:
    table, told = cases.table, cases.told
    weeks = weeks_of(table.days)
    own, reference = np.abs(table.maximum - told.maximum), np.abs(table.maximum - table.mean)
    return {
        "mae": mean_error(own, weeks),
        "mae_multi_model_mean": mean_error(reference, weeks),
        "mae_under_mean": gain(own, reference, weeks),
        "mae_under_mean_unrounded": gain(
            np.abs(table.maximum - told.quantile(0.5)), reference, weeks
        ),
        "brier_skill": {f"{limit:g}": _skill(cases, limit) for limit in THRESHOLDS},
        "ap": {f"{limit:g}": _ranks(cases, limit) for limit in THRESHOLDS},
        "ap_models": {f"{limit:g}": _ranks_of_models(cases, limit) for limit in THRESHOLDS},
    }


def _skill(cases: Cases, limit: float) -> Figure:
    happened = (cases.table.maximum >= limit).astype(float)
    said = _share_of_models(cases.table, limit)
    return brier_skill(cases.told.chance(limit), said, happened, weeks_of(cases.table.days))


def _ranks(cases: Cases, limit: float) -> Figure:
    happened = (cases.table.maximum >= limit).astype(float)
    return average_precision(cases.told.chance(limit), happened, weeks_of(cases.table.days))


def _ranks_of_models(cases: Cases, limit: float) -> Figure:
    happened = (cases.table.maximum >= limit).astype(float)
    return average_precision(_share_of_models(cases.table, limit), happened, weeks_of(cases.table.days))


def _share_of_models(table: HeatTable, limit: float) -> Array:
    """Share of the known models that foretell `limit` [°C] or more, (case,)."""
    above = np.where(np.isnan(table.models), np.nan, (table.models >= limit).astype(float))
    return mean_known(above.T)


def _coverage(cases: Cases) -> dict[str, float]:
    """Share of cases at or below each quantile: the closer to its name, the better calibrated."""
    maximum = cases.table.maximum
    return {f"{share:g}": float(np.mean(maximum <= cases.told.quantile(share))) for share in _SHARES}


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers at their names, and intervals under ``intervals``; None for what cannot be told."""
    numbers: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    for name, found in figures.items():
        many = found if isinstance(found, Mapping) else {"": found}
        told = {key: one.as_json() for key, one in many.items()}
        numbers[name] = {key: one["value"] for key, one in told.items()}
        bounds[name] = {key: [one["low"], one["high"]] for key, one in told.items()}
        if not isinstance(found, Mapping):
            numbers[name], bounds[name] = numbers[name][""], bounds[name][""]
    return numbers | {"intervals": bounds}
