"""How good a chance is on days it was never shown, beside the index by which the physical rule ranks them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.chance_train import Days
from pipeline.learn.merit import average_precision, brier_skill, shape_of
from pipeline.learn.ranking import better_than_rule
from pipeline.learn.splits import weeks_of
from pipeline.verify.bootstrap import Figure
from rules.learned.logistic import Array


@dataclass(frozen=True, kw_only=True)
class Told:
    """Chances of days and what came, only where both and the rule's index are known."""

    days: Days
    """Dates, (case,) ``datetime64[D]``."""
    chance: Array
    """What the model said, (case,)."""
    rule: Array
    """The index of the physical rule, (case,)."""
    happened: Array
    """1 or 0, (case,)."""

    @classmethod
    def known(cls, days: Days, chance: Array, rule: Array, happened: Array) -> Told:
        """The cases in which all is known; FengsuiError where there is none, or never an event."""
        whole = np.isfinite(chance) & np.isfinite(rule) & np.isfinite(happened)
        if not happened[whole].sum():
            raise FengsuiError("no day with an event has all it takes to be scored; give a longer series")
        return cls(
            days=days[whole], chance=chance[whole], rule=rule[whole], happened=happened[whole]
        )


def score(told: Told, *, rate: float, threshold: float) -> dict[str, Any]:
    """Figures of merit, ready for JSON, with 90 % intervals from a bootstrap of weeks.

    `rate` is the frequency in training, `threshold` the value of the rule's index from which it warns.
    `brier_skill` is beside the frequency of the scored days themselves, which nobody knew beforehand.
    """
    weeks, happened = weeks_of(told.days), told.happened
    verdict = better_than_rule(told.chance, told.rule, happened, weeks)
    figures = {
        "ap": average_precision(told.chance, happened, weeks),
        "ap_rule": average_precision(told.rule, happened, weeks),
        "ap_gain": verdict.gain,
        "brier_skill": brier_skill(told.chance, np.full_like(happened, happened.mean()), happened, weeks),
        "brier_skill_training_rate": brier_skill(
            told.chance, np.full_like(happened, rate), happened, weeks
        ),
    }
    shape = shape_of(told.chance, happened, (told.rule >= threshold).astype(float))
    return {
        **plain(figures),
        "better_than_rule": verdict.better,
        **shape,
        "reliability": shape["reliability"] | {"band": band(told)},
        "n": len(happened),
        "events": int(happened.sum()),
        "first": str(told.days.min()),
        "last": str(told.days.max()),
        "by_year": by_year(told),
    }


def plain(figures: Mapping[str, Figure]) -> dict[str, Any]:
    """Numbers at their names, and intervals under ``intervals``; None for what cannot be told."""
    told = {name: found.as_json() for name, found in figures.items()}
    bounds = {name: [one["low"], one["high"]] for name, one in told.items()}
    return {name: one["value"] for name, one in told.items()} | {"intervals": bounds}


def band(told: Told, bins: int = 5, draws: int = 1000) -> list[dict[str, float]]:
    """Per class of equal size: mean chance, share that came, and the 90 % interval of that share by weeks."""
    order = np.argsort(told.chance, kind="stable")
    return [_band(told, part, draws) for part in np.array_split(order, bins) if len(part)]


def by_year(told: Told) -> dict[str, dict[str, float | int | None]]:
    """Year -> number of events, mean chance, and average precision of chance and rule."""
    years = told.days.astype("datetime64[Y]").astype(str)
    found: dict[str, dict[str, float | int | None]] = {}
    for year in np.unique(years):
        own = years == year
        came, weeks = told.happened[own], weeks_of(told.days[own])
        precision = [average_precision(each[own], came, weeks) for each in (told.chance, told.rule)]
        found[str(year)] = {
            "events": int(came.sum()),
            "chance": float(told.chance[own].mean()),
            "ap": _known(precision[0].value),
            "ap_rule": _known(precision[1].value),
        }
    return found


def _band(told: Told, part: Any, draws: int) -> dict[str, float]:
    came = told.happened[part]
    _, block = np.unique(weeks_of(told.days)[part], return_inverse=True)
    events, cases = np.bincount(block, weights=came), np.bincount(block)
    picked = np.random.default_rng(20220818).integers(len(cases), size=(draws, len(cases)))
    share = events[picked].sum(axis=1) / cases[picked].sum(axis=1)
    low, high = np.quantile(share, [0.05, 0.95])
    return {
        "chance": float(told.chance[part].mean()), "came": float(came.mean()),
        "low": float(low), "high": float(high), "n": len(part),
    }  # fmt: skip


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
