"""The kinds of foretelling: what each gives, what it reads of the archive, and how its model is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection

from pipeline.config import Config, HazardBlock
from pipeline.learn import days_home, heat_home
from pipeline.learn.inputs import Inputs
from pipeline.ports import Judging
from rules.learned.level import Level, followed, level_of, with_level, without_level
from rules.learned.manifest import Array

Chances = Mapping[str, Array]
"""Chance of the table of quantities -> (place,), NaN where it cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One sort of model, by the hazard it foretells."""

    name: str
    """Name in manifests, in `fengsui train` and in the record."""
    gives: tuple[str, ...]
    """Chances it gives."""
    units: Callable[[], Mapping[str, str]]
    """Features the code computes -> unit, in the order of their columns."""
    gather: Callable[[Connection, datetime, Judging], tuple[Inputs, ...]]
    """What is known at a moment, a part for each day that is foretold; none where the sources are missing."""
    ask: Callable[[Any, Array], Chances]
    """Chances from what was saved and a table (place, feature)."""
    came: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    """Chance -> the daily quantity and the value from which it counts as having come true."""

    def levelled(self, model: Mapping[str, Any], inputs: Inputs, gap: int) -> dict[str, Any]:
        """The model with the level of its chances brought up to now, by what came of the days before.

        `gap` is the number of days between the training and the first of the days before. Where nothing is
        known of what came, the level stays that of the training.
        """
        return with_level(model, self._level(model, inputs, level_of(model).passed(gap)))

    def _level(self, model: Mapping[str, Any], inputs: Inputs, level: Level) -> Level:
        if not inputs.came:
            return level
        days, places, features = inputs.past.shape
        plain = self.ask(without_level(model), inputs.past.reshape(days * places, features))
        said = np.array([plain[name] for name in inputs.came])
        came = np.array([rows.ravel() for rows in inputs.came.values()])
        day = np.repeat(np.datetime64(0, "D") + np.arange(days), places)
        return followed(level, day, said, came)[1]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            name="heat",
            gives=tuple(heat_home.CAME),
            units=heat_home.units,
            gather=heat_home.gather,
            ask=heat_home.ask,
            came=heat_home.CAME,
        ),
        Kind(
            name="landslide",
            gives=("chance_landslide",),
            units=days_home.slide_units,
            gather=days_home.slides,
            ask=days_home.ask_slides,
        ),
        Kind(
            name="forest_fire",
            gives=("chance_fire",),
            units=days_home.fire_units,
            gather=days_home.fires,
            ask=days_home.ask_fires,
        ),
    )
}
"""By name."""


def kind_behind(block: HazardBlock) -> Kind | None:
    """The kind whose chances a hazard block reads; None for a physical rule."""
    for kind in KINDS.values():
        if set(kind.gives) & set(block.rule.quantities):
            return kind
    return None


def wanted(config: Config) -> tuple[Kind, ...]:
    """The kinds whose chances an enabled hazard reads."""
    blocks = [*config.hazards.values(), *config.aside.values()]
    read = {name for block in blocks if block.conduct.enabled for name in block.rule.quantities}
    return tuple(kind for kind in KINDS.values() if read & set(kind.gives))
