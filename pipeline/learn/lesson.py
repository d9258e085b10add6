"""What a trainer hands over, and where the trainer of each hazard is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from ingest.errors import UnknownName
from rules.learned.manifest import Manifest

_MODULES: Mapping[str, tuple[str, str, str]] = {
    "heat": ("pipeline.learn.heat_lesson", "pipeline.learn.score", "rules.learned.heat_features"),
    "landslide": (
        "pipeline.learn.slide_train", "pipeline.learn.slide_train", "rules.learned.slide_days",
    ),
    "forest_fire": (
        "pipeline.learn.fire_train", "pipeline.learn.fire_train", "rules.learned.fire_days",
    ),
    "rain": ("pipeline.learn.rain_train", "pipeline.learn.rain_train", "rules.learned.rain_members"),
}  # fmt: skip
"""Hazard -> the modules with its `teach`, its `score_file` and its `UNITS`; imported when asked for."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a model is to be made of."""

    path: Path
    """File of the training data."""
    until: date | None
    """Last day to learn from; None for all."""
    seed: int | None
    """Seed of every random choice; None for that of the shipped model."""
    about: str
    """Name of the data, with licence or attribution, for the manifest; empty for the name of the file."""


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A trained model and what is known of it."""

    parts: Mapping[str, Any]
    """The model as plain dictionaries, arrays and estimators, for the store."""
    manifest: Manifest
    """What it is; its metrics come from days and places it was not trained on."""


Teach = Callable[[Material], Lesson]
Score = Callable[[Mapping[str, Any], Path], dict[str, Any]]


def teacher(hazard: str) -> Teach:
    """The function that trains the model of a hazard; UnknownName lists those there are."""
    return cast(Teach, import_module(_names(hazard)[0]).teach)


def scorer(hazard: str) -> Score:
    """The function that scores a saved model of a hazard on a file; UnknownName lists those there are."""
    return cast(Score, import_module(_names(hazard)[1]).score_file)


def units(hazard: str) -> Mapping[str, str]:
    """Features of the model of a hazard -> unit, in the order of the columns."""
    return cast(Mapping[str, str], import_module(_names(hazard)[2]).UNITS)


def _names(hazard: str) -> tuple[str, str, str]:
    if hazard not in _MODULES:
        raise UnknownName(f"nothing called {hazard!r} is learned; there are {', '.join(_MODULES)}")
    return _MODULES[hazard]
