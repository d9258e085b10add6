"""The whole lesson of the heat model: honest tests first, then training on all days, and the manifest."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.heat_data import HeatDays, fingerprint, read_heat
from pipeline.learn.heat_table import HeatTable, gather, strangers
from pipeline.learn.heat_train import SEED, train_heat
from pipeline.learn.lesson import Lesson, Material
from pipeline.learn.score import Cases, foretold, levelled, score_heat, shapes
from pipeline.learn.splits import Fold, folds_by_place
from pipeline.verify.published import check_installed
from rules.learned.heat_days import Foretold, HeatModel
from rules.learned.heat_features import UNITS
from rules.learned.heat_memory import nothing_known
from rules.learned.manifest import SPELL_D, Feature, Manifest

_SEASON, _LEAST, _FOLDS = 184, 122, 3
_CHANCES = ("chance_tmax_35", "chance_tmax_37", "chance_tmax_40")
_USE_ZH = "前一天傍晚给出次日最高气温的概率分布，以及达到 35、37、40℃ 的概率，供预报员参考。"
_USE_EN = (
    "In the evening: the distribution of tomorrow's maximum temperature and the chance of 35, 37 and 40 °C"
    " or more, as advice to the forecaster."
)
_LIMITS_ZH = (
    "以机场站实况训练，未用荣昌站标定；没有历史的新站分布较宽；只报次日，不报更远；"
    "不能代替气象台的预警信号。"
)
_LIMITS_EN = (
    "Trained on airport stations, not calibrated at Rongchang; a place without a past gets a wider"
    " distribution; tells of tomorrow and no further; no substitute for the signal of the weather service."
)


def teach(material: Material) -> Lesson:
    """Read, test and train; FengsuiError where the data cannot be read or are too few."""
    days = read_heat(material.path)
    return taught(
        days if material.until is None else days.until(material.until),
        SEED if material.seed is None else material.seed,
        about=material.about or material.path.name,
        data_hash=fingerprint(material.path),
    )


def taught(days: HeatDays, seed: int, *, about: str, data_hash: str) -> Lesson:
    """The lesson from days at hand, of a file or of an archive."""
    check_installed()
    season = later_season(days, seed)
    tests = {
        "season": score_heat(season) | {"chances": shapes(season)},
        "left_out_places": left_out_places(days, seed),
    }
    model = replace(train_heat(days, seed), level=season.level)
    manifest = Manifest(
        name="heat",
        hazard="heat",
        targets=_CHANCES,
        features=_seen(days),
        trained_to=date.fromisoformat(str(model.trained_to)),
        data=about,
        data_hash=data_hash,
        libraries={},
        seed=seed,
        calibrated_for="elsewhere",
        intended_use_zh=_USE_ZH,
        intended_use_en=_USE_EN,
        limits_zh=_LIMITS_ZH,
        limits_en=_LIMITS_EN,
        metrics=tests,
    )
    return Lesson(parts=model.parts(), manifest=manifest)


def later_season(days: HeatDays, seed: int) -> Cases:
    """Trained on all but the last half year, asked about that: the level at its end goes with the model."""
    return foretold(train_heat(days.until(_cut(days)), seed), days)


def left_out_places(days: HeatDays, seed: int) -> dict[str, Any]:
    """Scored on the last half year at places never trained on: with their past remembered, and without."""
    cut = _cut(days)
    fold = folds_by_place(days.places, folds=_FOLDS)
    tables = {
        "with_past": gather(days, nothing_known(len(days.places)))[0].known(),
        "without_past": strangers(days).known(),
    }
    models = [train_heat(days.until(cut).only(fold != turn), seed) for turn in range(_FOLDS)]
    found = {}
    for name, table in tables.items():
        later = table.taken(table.days > np.datetime64(cut, "D"))
        told = _asked(models, later, fold)
        # Of a place without a past nothing is known, nor what came of chances there.
        remembered = name == "with_past"
        cases = levelled(later, told, days.places) if remembered else Cases(
            table=later, told=told, names=days.places
        )  # fmt: skip
        found[name] = score_heat(cases)
        del found[name]["by_city"]
    return found


def _cut(days: HeatDays) -> date:
    """Last day of the training part: half a year is held out, or a third of what is there."""
    held = min(_SEASON, len(days.days) // 3)
    if len(days.days) - held < _LEAST:
        raise FengsuiError(
            f"{len(days.days)} days are too few to learn from and to test on; give at least half a year"
        )
    return date.fromisoformat(str(days.days[-1 - held]))


def _asked(models: list[HeatModel], table: HeatTable, fold: Fold) -> Foretold:
    """What is told of each case by the model that did not learn from its place, in the order of the cases."""
    own = [np.flatnonzero(fold[table.places] == turn) for turn in range(len(models))]
    told = Foretold.joined([
        model.foretell_from(table.rows[rows]) for model, rows in zip(models, own, strict=True)
    ])  # fmt: skip
    return told.of(np.argsort(np.concatenate(own)))


def _seen(days: HeatDays) -> tuple[Feature, ...]:
    """Each feature as training showed it, by the time of the year."""
    table, _ = gather(days, nothing_known(len(days.places)))
    months = table.days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    spells = table.places * 1_000 + table.days.astype("datetime64[D]").astype(np.int64) // SPELL_D
    return tuple(
        Feature.seen(name, unit, table.rows[:, row], months, spells)
        for row, (name, unit) in enumerate(UNITS.items())
    )
