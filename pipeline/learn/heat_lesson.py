"""The whole lesson of the heat model: honest tests first, then training on all days, and the manifest."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np

from ingest.errors import FengsuiError
from pipeline.learn.heat_data import HeatDays, fingerprint, read_heat
from pipeline.learn.heat_table import HeatTable, gather, joined, strangers
from pipeline.learn.heat_train import SEED, train_heat
from pipeline.learn.lesson import Lesson, Material
from pipeline.learn.score import Cases, foretold, score_heat, shapes
from pipeline.learn.splits import folds_by_place
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
    tests = {"season": later_season(days, seed), "left_out_places": left_out_places(days, seed)}
    model = train_heat(days, seed)
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


def later_season(days: HeatDays, seed: int) -> dict[str, Any]:
    """Trained on all but the last half year, scored on that: figures, and shapes for each threshold."""
    cases = foretold(train_heat(days.until(_cut(days)), seed), days)
    return score_heat(cases) | {"chances": shapes(cases)}


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
        parts = [
            _asked(model, later.taken(fold[later.places] == turn), days.places)
            for turn, model in enumerate(models)
        ]
        found[name] = score_heat(_together(parts))
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


def _asked(model: HeatModel, table: HeatTable, names: tuple[str, ...]) -> Cases:
    return Cases(table=table, told=model.foretell_from(table.rows), names=names)


def _together(parts: list[Cases]) -> Cases:
    """Cases of several models as one, with the mean of their shapes: they differ by hundredths."""
    told = [part.told for part in parts]
    return Cases(
        table=joined([part.table for part in parts]),
        told=Foretold(
            centre=np.concatenate([one.centre for one in told]),
            scale=np.concatenate([one.scale for one in told]),
            shape=np.mean([one.shape for one in told], axis=0),
            whole_celsius=np.concatenate([one.whole_celsius for one in told]),
            whole_fahrenheit=np.concatenate([one.whole_fahrenheit for one in told]),
        ),
        names=parts[0].names,
    )


def _seen(days: HeatDays) -> tuple[Feature, ...]:
    """Each feature as training showed it, by the time of the year."""
    table, _ = gather(days, nothing_known(len(days.places)))
    months = table.days.astype("datetime64[M]").astype(np.int64) % 12 + 1
    spells = table.places * 1_000 + table.days.astype("datetime64[D]").astype(np.int64) // SPELL_D
    return tuple(
        Feature.seen(name, unit, table.rows[:, row], months, spells)
        for row, (name, unit) in enumerate(UNITS.items())
    )
