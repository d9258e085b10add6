"""Training and scoring of the fire model, year by year; the year itself is never an input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.learn.chance_lesson import Sort, scored_after, taught
from pipeline.learn.fire_data import FireDays, read_fires
from pipeline.learn.lesson import Lesson, Material
from pipeline.learn.ranking import Decision, better_than_rule
from pipeline.learn.splits import weeks_of
from rules.learned.fire_days import FORMS, UNITS, chance

FIRES = Sort(
    hazard="forest_fire",
    target="chance_fire",
    forms=FORMS,
    units=UNITS,
    ask=chance,
    strength=0.05,
    years_before=10,
    reported=frozenset(name for name in UNITS if name.startswith("fires_")),
    texts={
        "intended_use_zh": "根据气象、火险天气指数和近期火情给出当日起火的概率，供预报员对照参考。",
        "intended_use_en": (
            "The chance that a wildfire starts on a day, from weather, fire-weather codes and recent fires,"
            " as advice to the forecaster beside the fire danger levels."
        ),
        "limits_zh": (
            "未按荣昌区校准：用荣昌以外一处气象站和起火日训练，只供参考，不得单独触发预警；"
            "有本地火情记录后须重新训练。"
        ),
        "limits_en": (
            "Not calibrated for Rongchang: trained on one station and the fire starts of another region."
            " Advisory only, never the sole reason of a warning; train it again once local reports are there."
        ),
    },
)
"""What there is to say of the fire model."""


def teach(material: Material) -> Lesson:
    """Read, test and train; FengsuiError where the data cannot be read or are too few.

    The last two years go with the model, so that codes and rates run on in a file that follows.
    """
    days = read_fires(material.path)
    lesson = taught(FIRES, days, material)
    last = days if material.until is None else days.until(material.until)
    return replace(lesson, parts={**lesson.parts, "tail": last.tail()})


def score_file(parts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Score a saved model on a file that `read_fires` knows; see `scored_after`."""
    given = read_fires(path)
    return scored_after(FIRES, parts, given, given.after(parts["tail"]))


def elsewhere(parts: Mapping[str, Any], days: FireDays) -> Decision:
    """How a model ranks the days of a place it never saw, beside the fire weather index.

    Only ranks are compared: a summer with a fire on half of its days has another base rate than any training.
    """
    cases = days.cases()
    weeks = weeks_of(np.asarray(cases.days))
    return better_than_rule(chance(parts, cases.table), cases.rule, cases.happened, weeks)
