"""Why a chance is what it is: the few features that moved it, each taken away in turn.

Taken away means set to its median in training; what the chance then loses or gains is what the feature did.
Features that say the same thing hide each other, so small figures are no proof that a feature did nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from pipeline.learn.belt import NO_SOURCES
from pipeline.learn.foretell import gap
from pipeline.learn.kinds import Kind
from pipeline.learn.shelf import Shelf
from pipeline.ports import Judging
from rules.learned.manifest import ModelRefused
from rules.learned.store import Loaded

MOST = 5
"""Features shown."""
_LEAST = 0.005


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What one feature did to a chance."""

    feature: str
    """Its name."""
    unit: str
    """Its unit."""
    value: float
    """What it is now."""
    middle: float
    """Its median in training."""
    by: float
    """By how much it raised the chance; negative where it lowered it [1]."""


@dataclass(frozen=True, kw_only=True)
class Because:
    """Why the chance of a town is what it is."""

    chance: str
    """Which chance, by the name of the table of quantities."""
    value: float | None
    """The chance the model gives now [1]; None where it cannot tell."""
    model: str
    """Name of the model; empty where none could be asked."""
    moved: tuple[Moved, ...]
    """The features that moved it most, the strongest first."""
    why: str = ""
    """Why there is no answer; empty where there is one."""


def because(
    connection: Connection, now: datetime, judging: Judging, who: tuple[Kind, Shelf], about: tuple[str, str]
) -> Because:
    """Ask the model of a kind again about `(chance, town)` of the farthest day it foretells at `now`."""
    kind, shelf = who
    chance, town = about
    parts = kind.gather(connection, now, judging)
    try:
        loaded = shelf.take(kind)
    except ModelRefused as error:
        return Because(chance=chance, value=None, model="", moved=(), why=str(error))
    if not parts:
        model = loaded.manifest.name
        return Because(chance=chance, value=None, model=model, moved=(), why=NO_SOURCES)
    row = parts[-1].table[judging.view.places.index(town)]
    at_level = kind.levelled(loaded.model, parts[-1], gap(loaded.manifest, parts[-1], now))
    value, moved = _moved(kind, replace(loaded, model=at_level), chance, row)
    return Because(chance=chance, value=value, model=loaded.manifest.name, moved=moved)


def _moved(
    kind: Kind, loaded: Loaded, chance: str, row: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> tuple[float | None, tuple[Moved, ...]]:
    features = loaded.manifest.features
    middles = np.array([feature.middle for feature in features])
    tried = np.flatnonzero(np.isfinite(row) & np.isfinite(middles))
    table = np.tile(row, (tried.size + 1, 1))
    table[np.arange(tried.size) + 1, tried] = middles[tried]
    told = np.asarray(kind.ask(loaded.model, table)[chance], float)
    if not np.isfinite(told[0]):
        return None, ()
    by = told[0] - told[1:]
    order = [place for place in np.argsort(-np.abs(by), kind="stable")[:MOST] if abs(by[place]) >= _LEAST]
    return float(told[0]), tuple(
        Moved(
            feature=features[tried[place]].name, unit=features[tried[place]].unit,
            value=float(row[tried[place]]), middle=float(middles[tried[place]]), by=float(by[place]),
        )
        for place in order
    )  # fmt: skip
