"""Training and scoring of the landslide model, year by year."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.learn.chance_lesson import Sort, scored_after, taught
from pipeline.learn.lesson import Lesson, Material
from pipeline.learn.slide_data import read_slides
from rules.learned.slide_days import FORMS, UNITS, chance

SLIDES = Sort(
    hazard="landslide",
    target="chance_landslide",
    forms=FORMS,
    units=UNITS,
    ask=chance,
    strength=0.05,
    years_before=4,
    reported=frozenset(name for name in UNITS if name.startswith("slides_")),
    texts={
        "intended_use_zh": "根据前期降雨和近日灾情给出当日发生滑坡的概率，供预报员与雨量阈值对照参考。",
        "intended_use_en": (
            "The chance of a reported landslide on a day, from rain before it and recent reports, as advice"
            " to the forecaster beside the rain thresholds."
        ),
        "limits_zh": (
            "未按荣昌区校准：用荣昌以外一处雨量站和滑坡记录训练，只供参考，不得单独触发预警；"
            "有本地灾情记录后须重新训练。"
        ),
        "limits_en": (
            "Not calibrated for Rongchang: trained on one rain gauge and the slides of another region."
            " Advisory only, never the sole reason of a warning; train it again once local reports are there."
        ),
    },
)
"""What there is to say of the landslide model."""


def teach(material: Material) -> Lesson:
    """Read, test and train; FengsuiError where the data cannot be read or are too few.

    No day goes with the model: the published set bears no licence to pass its days on.
    """
    return taught(SLIDES, read_slides(material.path), material)


def score_file(parts: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Score a saved model on a file or folder that `read_slides` knows; see `scored_after`."""
    return scored_after(SLIDES, parts, read_slides(path))
