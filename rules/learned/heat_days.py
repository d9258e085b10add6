"""Tomorrow's highest temperature, locally true: a calibrated distribution from five forecast models.

A few small nets and boosted trees foretell by how much the multi-model mean will be off; further nets
foretell how far that may still be wrong, and the shape of what was left over on days held out makes it a
distribution. Stations report in whole degrees or in tenths: both the most likely value and "35 or more" are
meant as the station would report them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rules.learned.heat_features import UNITS, table
from rules.learned.heat_memory import Array, Memory, Outlook
from rules.learned.level import Level, level_of, raised, untaught

THRESHOLDS = (35.0, 37.0, 40.0)
"""Daily maxima whose chance is told [°C]: hot day, orange and red of the heat signal."""
_SURE = 0.85
_TREES = 0.35
_CLIP = 5.0
# Places at a time: what the nets think passes through the cache, not the memory.
_PIECE = 4096

Layers = tuple[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]], ...]
"""Nets side by side: weights (net, in, out) and offsets (net, 1, out) of each layer."""


class Trees(Protocol):
    """What the model asks of boosted trees: scikit-learn's, however they were loaded."""

    def predict(self, X: Array) -> Array:
        """One number per row of features (place, feature); NaN is a value like any other."""
        ...


@dataclass(frozen=True, kw_only=True)
class Foretold:
    """Distribution of tomorrow's maximum, per place; NaN throughout where no model is known."""

    centre: Array
    """Middle of it, (place,) [°C]."""
    scale: Array
    """Its width: multiplies the shape, (place,) [°C]."""
    shape: Array
    """Two rows: standard distances from the centre, rising, and the share that lies below each."""
    whole_celsius: Array
    """Share of past maxima of the place that were whole degrees Celsius; NaN where unknown."""
    whole_fahrenheit: Array
    """The same for whole degrees Fahrenheit."""
    level: Array = field(default_factory=lambda: np.zeros((2, 1)))
    """Offset and slope of the log odds of chances, (2, place) or (2, 1): see `rules.learned.level`."""

    def chance(self, threshold: float) -> Array:
        """Probability that the station reports `threshold` [°C] or more, (place,); NaN where unknown."""
        away = (self._edge(threshold) - self.centre) / self.scale
        found = np.asarray(1.0 - np.interp(away, self.shape[0], self.shape[1]), float)
        return raised(found, *self.level) if self.level.any() else found

    def at(self, level: Array) -> Foretold:
        """The same with another level, (2, place) or (2, 1)."""
        return replace(self, level=level)

    def of(self, chosen: npt.NDArray[np.bool_ | np.intp]) -> Foretold:
        """What is told of some of the places, by a mask or by their numbers."""
        return Foretold(
            centre=self.centre[chosen],
            scale=self.scale[chosen],
            shape=self.shape,
            whole_celsius=self.whole_celsius[chosen],
            whole_fahrenheit=self.whole_fahrenheit[chosen],
            level=np.broadcast_to(self.level, (2, len(self.centre)))[:, chosen],
        )

    @classmethod
    def joined(cls, parts: Sequence[Foretold]) -> Foretold:
        """Several one behind the other, with the mean of their shapes."""
        rows = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in ("centre", "scale", "whole_celsius", "whole_fahrenheit")
        }
        levels = [np.broadcast_to(part.level, (2, len(part.centre))) for part in parts]
        shape = np.mean([part.shape for part in parts], axis=0)
        return cls(**rows, shape=shape, level=np.concatenate(levels, axis=1))

    def quantile(self, share: float) -> Array:
        """Temperature below which `share` of the distribution lies, (place,) [°C], before rounding."""
        return np.asarray(self.centre + self.scale * np.interp(share, *self.shape[::-1]), float)

    @property
    def maximum(self) -> Array:
        """Median as the station would report it, (place,) [°C]: the value of least mean error."""
        median = self.quantile(0.5)
        fahrenheit = (np.rint(median * 1.8 + 32.0) - 32.0) / 1.8
        rough = np.where(self.whole_fahrenheit > _SURE, fahrenheit, median)
        return np.where(self.whole_celsius > _SURE, np.rint(median), rough)

    def _edge(self, threshold: float) -> Array:
        """True temperature from which the report reads `threshold` or more, (place,) [°C]."""
        fahrenheit = (np.ceil(threshold * 1.8 + 32.0 - 1e-9) - 0.5 - 32.0) / 1.8
        rough = np.where(self.whole_fahrenheit > _SURE, fahrenheit, threshold - 0.05)
        return np.where(self.whole_celsius > _SURE, threshold - 0.5, rough)


@dataclass(frozen=True, kw_only=True)
class HeatModel:
    """All that was learned: fitted parts, and what the places of training remember."""

    trees: Trees
    """Error of the multi-model mean from the features [°C]."""
    nets: Layers
    """The same from the features in standard deviations [°C]."""
    width: Layers
    """Logarithm of the distance that is left over, from the same."""
    centre: Array
    """Mean of each feature in training."""
    spread: Array
    """Standard deviation of each feature in training."""
    shape: Array
    """Shape of what was left over on days held out; see `Foretold`."""
    memory: Memory
    """What the places of training remember at the end of it."""
    places: tuple[str, ...]
    """Names of those places, in the order of the memory."""
    trained_to: np.datetime64
    """Last day that the memory knows (``datetime64[D]``)."""
    level: Level = field(default_factory=untaught)
    """Level of its chances on that day, from what came of the chances of earlier models."""

    def foretell(self, memory: Memory, outlook: Outlook) -> Foretold:
        """Distribution of tomorrow's maximum of the places of `memory` and `outlook`.

        Any subset of the models, observations and weather may be missing; without a single forecast of
        tomorrow the place is NaN throughout, which reads as UNKNOWN.
        """
        places = range(0, outlook.tomorrow.shape[1], _PIECE)
        pieces = [slice(first, first + _PIECE) for first in places]
        rows = (table(memory.part(piece), outlook.part(piece)) for piece in pieces)
        return Foretold.joined([self._foretold(part) for part in rows])

    def foretell_from(self, rows: Array) -> Foretold:
        """The same from rows of features (place, feature), in the order of `heat_features.UNITS`."""
        firsts = range(0, max(len(rows), 1), _PIECE)
        return Foretold.joined([self._foretold(rows[first : first + _PIECE]) for first in firsts])

    def _foretold(self, rows: Array) -> Foretold:
        column = dict(zip(UNITS, rows.T, strict=True))
        plain = standardised(rows, self.centre, self.spread)
        trees = self.trees.predict(rows) if len(rows) else np.zeros(0)
        centre = column["mean"] + blended(trees, run_nets(self.nets, plain))
        width = np.exp(run_nets(self.width, plain))
        return Foretold(
            centre=centre,
            scale=np.where(np.isnan(centre), np.nan, width),
            shape=self.shape,
            whole_celsius=column["whole_celsius"],
            whole_fahrenheit=column["whole_fahrenheit"],
            level=self.level.mean[:, None],
        )

    def parts(self) -> dict[str, Any]:
        """The model as a dictionary of estimators, arrays and texts, for a file."""
        memory = self.memory
        return {
            "trees": self.trees,
            "nets": [list(layer) for layer in self.nets],
            "width": [list(layer) for layer in self.width],
            "centre": self.centre, "spread": self.spread, "shape": self.shape,
            "total": memory.total, "weight": memory.weight, "latest": memory.latest,
            "sums": memory.sums, "line": memory.line,
            "places": list(self.places), "trained_to": str(self.trained_to),
            "level": self.level.as_parts(),
        }  # fmt: skip

    @classmethod
    def of_parts(cls, parts: Mapping[str, Any]) -> HeatModel:
        """The model that `parts` told of; KeyError names what is missing."""
        memory = Memory(**{item.name: parts[item.name] for item in fields(Memory)})
        return cls(
            trees=parts["trees"],
            nets=tuple((weights, offsets) for weights, offsets in parts["nets"]),
            width=tuple((weights, offsets) for weights, offsets in parts["width"]),
            centre=parts["centre"], spread=parts["spread"], shape=parts["shape"],
            memory=memory, places=tuple(parts["places"]),
            trained_to=np.datetime64(parts["trained_to"], "D"), level=level_of(parts),
        )  # fmt: skip


def blended(trees: Array, nets: Array) -> Array:
    """Trees and nets in one answer [°C]; each errs where the other does not."""
    return np.asarray(_TREES * trees + (1.0 - _TREES) * nets, float)


def standardised(rows: Array, centre: Array, spread: Array) -> npt.NDArray[np.float32]:
    """Features in standard deviations within ±5; a missing one is zero, the usual."""
    away = ((rows - centre) / spread).astype(np.float32)
    return np.clip(np.nan_to_num(away, copy=False), -_CLIP, _CLIP, out=away)


def run_nets(layers: Layers, rows: npt.NDArray[np.float32]) -> Array:
    """Mean answer of nets side by side, rectified between layers, one output each; (row,).

    `rows` (row, in) must be without NaN.
    """
    nets = len(layers[0][0])
    answer = np.zeros(len(rows))
    for net in range(nets):
        flow = rows
        for weights, offsets in layers[:-1]:
            flow = flow @ weights[net] + offsets[net]
            np.maximum(flow, 0.0, out=flow)
        weights, offsets = layers[-1]
        answer += (flow @ weights[net] + offsets[net])[:, 0]
    return answer / nets
