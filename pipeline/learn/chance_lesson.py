"""The whole lesson of a chance of days: honest tests by years, training on all days, the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, Self

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.chance_score import Told, score
from pipeline.learn.chance_train import (
    Ask,
    Cases,
    Days,
    best_threshold,
    fit,
    forward,
    left_out,
)
from pipeline.learn.heat_data import fingerprint
from pipeline.learn.lesson import Lesson, Material
from rules.learned.level import (
    Level,
    followed,
    level_of,
    raised,
    untaught,
    with_level,
    without_level,
)
from rules.learned.logistic import Array
from rules.learned.manifest import SPELL_D, Feature, Manifest

_SEED = 0
_MONTHS = 12


class Series(Protocol):
    """Days of one place, one after the other."""

    @property
    def days(self) -> Days:
        """Dates, (day,) ``datetime64[D]``."""

    @property
    def latitude(self) -> float:
        """Of the place [°N]."""

    def until(self, last: date) -> Self:
        """The days up to and with `last`."""

    def cases(self) -> Cases:
        """Inputs, outcome and index of the rule of every day."""


@dataclass(frozen=True, kw_only=True)
class Sort:
    """What there is to say of one sort of chance."""

    hazard: str
    """What it foretells; also the name of the model's files."""
    target: str
    """The chance it gives, by the table of quantities."""
    forms: Mapping[str, float]
    """Feature -> the form in which it enters the sum."""
    units: Mapping[str, str]
    """Feature -> unit."""
    ask: Ask
    """Chances from a model and a table."""
    strength: float
    """Inverse of the penalty on weights."""
    years_before: int
    """Years to learn from before the first one that is foretold."""
    reported: frozenset[str]
    """Features that count reports of days before. Nobody hands them in everywhere: where they are NaN the
    answer is wider, and how often they come is no matter of drift."""
    texts: Mapping[str, str]
    """Intended use and limits, as the manifest names them."""


def taught(sort: Sort, days: Series, material: Material) -> Lesson:
    """Test and train on the days of a file; FengsuiError where they are too few.

    Training draws nothing at random: the seed is kept in the manifest and changes nothing.
    """
    given = days if material.until is None else days.until(material.until)
    cases = given.cases()
    figures, level = honest(sort, cases)
    manifest = Manifest(
        name=sort.hazard,
        hazard=sort.hazard,
        targets=(sort.target,),
        features=seen(sort, cases, given.latitude),
        trained_to=date.fromisoformat(str(given.days[-1])),
        data=material.about or material.path.name,
        data_hash=fingerprint_of(material),
        libraries={},
        seed=_SEED if material.seed is None else material.seed,
        calibrated_for="elsewhere",
        metrics=figures,
        **sort.texts,
    )
    parts = with_level(learn(sort, cases), level)
    return Lesson(parts=parts | {"last": int(given.days[-1].astype(np.int64))}, manifest=manifest)


def seen(sort: Sort, cases: Cases, latitude: float) -> tuple[Feature, ...]:
    """Each input as the days of a place [°N] show it by the time of the year, told in northern months.

    A district north of the equator is held against the same season and not against the same month.
    """
    shift = _MONTHS // 2 if latitude < 0.0 else 0
    months = (cases.days.astype("datetime64[M]").astype(np.int64) + shift) % _MONTHS + 1
    spells = cases.days.astype("datetime64[D]").astype(np.int64) // SPELL_D
    found = (
        Feature.seen(name, unit, cases.table[:, column], months, spells)
        for column, (name, unit) in enumerate(sort.units.items())
    )
    return tuple(_unwatched(one) if one.name in sort.reported else one for one in found)


def learn(sort: Sort, cases: Cases) -> dict[str, Any]:
    """A model of some days, with the rate and the best threshold of the rule that they show."""
    return {
        **fit(cases, sort.forms, sort.strength),
        "rate": _rate(cases),
        "rule_threshold": best_threshold(cases.rule, cases.happened),
    }


def honest(sort: Sort, cases: Cases) -> tuple[dict[str, Any], Level]:
    """Figures of merit of years not learned from, and the level of the chances after the last day.

    ``later_years`` are foretold as they would have been: each by a model of the years before, and each day
    at the level of the days before. Years ``left_out`` know what came later and have no level. FengsuiError
    where there are no more years than it takes to begin.
    """
    first = int(cases.years[0]) + sort.years_before
    if first > cases.years[-1]:
        raise FengsuiError(
            f"the days end before {first}, so that no later year is left to test on;"
            f" give more than {sort.years_before} years"
        )
    said, level = chain(sort, cases)
    later = np.where(cases.years >= first, said, np.nan)
    others = left_out(cases, lambda part: learn(sort, part), sort.ask, first)
    told = (("later_years", later), ("left_out", others))
    return {name: _scored(cases, chances) for name, chances in told}, level


def chain(sort: Sort, cases: Cases) -> tuple[Array, Level]:
    """Chances of all days, each year by a model of those before and each day at the level of the days before.

    NaN in the first years, which are too few to learn from; with the level after the last day. FengsuiError
    where all of them are too few.
    """

    def learned(part: Cases) -> Mapping[str, Any]:
        return learn(sort, part)

    plain = forward(cases, learned, sort.ask, _first_taught(sort, cases))
    added, level = followed(untaught(), cases.days, plain, cases.happened)
    return raised(plain, *added), level


def scored_after(
    sort: Sort, parts: Mapping[str, Any], given: Series, joined: Series | None = None
) -> dict[str, Any]:
    """Score a saved model on the days of a file.

    Days of the training are left out, unless there are no others: then all are scored and ``in_training``
    says so. The level follows what came of the days before each one, as it would have done. `joined` are
    the same days behind those the model remembers; without it, the first days of the file have no past.
    """
    last = np.datetime64(int(parts["last"]), "D")
    shown = not (given.days > last).any()
    cases = (joined or given).cases()
    cases = cases.taken((cases.days >= given.days[0]) & (shown | (cases.days > last)))
    said = _at_level(cases, sort.ask(without_level(parts), cases.table), parts, shown)
    told = Told.known(cases.days, said, cases.rule, cases.happened)
    figures = score(told, rate=float(parts["rate"]), threshold=float(parts["rule_threshold"]))
    return {"hazard": sort.hazard, "in_training": shown, **figures}


def fingerprint_of(material: Material) -> str:
    """SHA-256 of the training file, of the one with the rain where a folder was named."""
    path = material.path
    return fingerprint(path / "daily_rain.csv" if path.is_dir() else path)


def _first_taught(sort: Sort, cases: Cases) -> int:
    """The first year before which there is enough to learn from."""
    years = np.unique(cases.years).tolist()
    for year in years[1:-1]:
        try:
            learn(sort, cases.taken(cases.years < year))
        except FengsuiError:
            continue
        return int(year)
    return int(years[-1])


def _at_level(cases: Cases, plain: Array, parts: Mapping[str, Any], shown: bool) -> Array:
    """Chances of days after the training at the level that goes on from it; of training days anew."""
    gap = int(cases.days[0].astype(np.int64)) - int(parts["last"]) - 1 if len(cases.days) else 0
    level = untaught() if shown else level_of(parts).passed(gap)
    added, _ = followed(level, cases.days, plain, cases.happened)
    return raised(plain, *added)


def _unwatched(feature: Feature) -> Feature:
    return replace(feature, edges=(), shares=(), by_month=(), usual=np.nan)


def _scored(cases: Cases, said: Array) -> dict[str, Any]:
    told = Told.known(cases.days, said, cases.rule, cases.happened)
    before = cases.taken(cases.days < told.days[0])
    threshold = best_threshold(before.rule, before.happened)
    return score(told, rate=_rate(before), threshold=threshold)


def _rate(cases: Cases) -> float:
    return float(cases.happened[np.isfinite(cases.happened)].mean())
