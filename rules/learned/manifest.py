"""A manifest: what a trained model is, of what it was made, and what it may be used for.

It is the readable half of a model on disk. A model without one is never opened.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError

Array = npt.NDArray[np.float64]
Home = Literal["rongchang", "elsewhere"]
SPELL_D = 60
"""Days whose inputs are held against training at once [d]."""
_CLASSES = 5
_MONTHS = 12
_LEAST = 1e-3
_RARE = 0.99


class ModelRefused(FengsuiError):
    """A trained model cannot be used; the message names file, reason and remedy, and physical rules go on."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of a model, and how it was distributed where the model was trained."""

    name: str
    """Name, as the code that computes it calls it."""
    unit: str
    """Its unit, compared as it is written."""
    low: float
    """Smallest value seen in training; NaN where none was known."""
    high: float
    """Largest value seen in training; NaN where none was known."""
    edges: tuple[float, ...] = ()
    """Inner edges of the classes in which drift is counted, rising; none for an input that is not watched."""
    shares: tuple[float, ...] = ()
    """Share of the training cases in each class, one more than edges, and of NaN last; they sum to one."""
    by_month: tuple[tuple[float, ...], ...] = ()
    """The same for the three months round each calendar month, January first; none without a season."""
    usual: float = float("nan")
    """Stability index that 99 in 100 spells of one place stayed below in training; NaN where unknown."""
    middle: float = float("nan")
    """Median in training, by which an input is taken away to see what it did; NaN where none was known."""

    def __post_init__(self) -> None:
        if self.edges and len(self.shares) != len(self.edges) + 2:
            raise ValueError(f"{self.name}: {len(self.edges)} edges need {len(self.edges) + 2} shares")
        if any(later <= sooner for sooner, later in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"{self.name}: edges must rise")

    @classmethod
    def seen(
        cls,
        name: str,
        unit: str,
        values: Array,
        months: npt.NDArray[np.int64] | None = None,
        spells: npt.NDArray[np.int64] | None = None,
    ) -> Feature:
        """The feature as training values (case,) show it, NaN for missing, in classes of equal size.

        With the calendar month of each case, 1 to 12, drift is counted against the same time of the year;
        with the number of its spell (`SPELL_D` days of one place), against how such spells differ anyhow.
        """
        flat = np.asarray(values, float).ravel()
        known = flat[np.isfinite(flat)]
        if not known.size:
            return cls(name=name, unit=unit, low=np.nan, high=np.nan)
        inner = np.quantile(known, np.linspace(0, 1, _CLASSES + 1)[1:-1])
        edges = tuple(np.unique(inner).tolist())
        made = cls(
            name=name, unit=unit, low=float(known.min()), high=float(known.max()), edges=edges,
            shares=tuple(shares_of(flat, edges).tolist()), middle=float(np.median(known)),
            by_month=() if months is None else _by_month(flat, edges, months),
        )  # fmt: skip
        if months is None or spells is None:
            return made
        return replace(made, usual=_usual(made, flat, months, spells))

    def index(self, values: Array, month: int) -> float:
        """Population stability index of values against training at that time of the year [1]."""
        then = np.maximum(self.expected(month), _LEAST)
        now = np.maximum(shares_of(values, self.edges), _LEAST)
        then, now = then / then.sum(), now / now.sum()
        return float(((now - then) * np.log(now / then)).sum())

    def expected(self, month: int) -> Array:
        """Shares to be expected in a calendar month, 1 to 12, (edges + 2,)."""
        return np.array(self.by_month[month - 1] if self.by_month else self.shares)


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything about a trained model but its numbers."""

    name: str
    """Name of its files, without ending."""
    hazard: str
    """What it foretells: ``heat``, ``landslide``, ``forest_fire``, ``rain``."""
    targets: tuple[str, ...]
    """Chances it gives, by the names of the table of quantities."""
    features: tuple[Feature, ...]
    """Inputs, in the order of the columns it was trained on."""
    trained_to: date
    """Last day of the training data."""
    data: str
    """Name of the training data, with its licence or attribution."""
    data_hash: str
    """SHA-256 of the training file, hexadecimal."""
    libraries: Mapping[str, str]
    """Library -> version it was trained with."""
    seed: int
    """Seed of every random choice in training."""
    calibrated_for: Home
    """``rongchang``, or ``elsewhere``: not calibrated for the district, and so advisory only."""
    intended_use_zh: str
    """What it may be used for, in Chinese."""
    intended_use_en: str
    """The same in English."""
    limits_zh: str
    """What it must not be used for and does not know, in Chinese."""
    limits_en: str
    """The same in English."""
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """Figures of merit on cases it was not trained on, ready for JSON."""
    sha256: str = ""
    """SHA-256 of the model file, hexadecimal; set when it is saved."""

    @property
    def units(self) -> dict[str, str]:
        """Feature -> unit, in the order of the columns."""
        return {feature.name: feature.unit for feature in self.features}

    def to_json(self) -> str:
        """The manifest as text; the same manifest gives the same text."""
        plain = asdict(self) | {"trained_to": self.trained_to.isoformat()}
        return json.dumps(_finite(plain), ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """Read a manifest; ValueError naming what is missing, unknown or wrong."""
        told = json.loads(text)
        names = {item.name for item in fields(cls)}
        if not isinstance(told, dict) or set(told) != names:
            apart = ", ".join(sorted(names ^ set(told if isinstance(told, dict) else ())))
            raise ValueError(f"its keys are not those of a manifest ({apart})")
        try:
            features = tuple(_feature(part) for part in told["features"])
            day = date.fromisoformat(told["trained_to"])
            return cls(**told | {
                "features": features, "trained_to": day, "targets": tuple(told["targets"]),
            })  # fmt: skip
        except (TypeError, KeyError) as error:
            raise ValueError(f"a part of it is of the wrong kind ({error})") from None


def shares_of(values: Array, edges: tuple[float, ...]) -> Array:
    """Share of values in each class between `edges`, and of NaN last, (edges + 2,)."""
    flat = np.asarray(values, float).ravel()
    place = np.where(np.isnan(flat), len(edges) + 1, np.searchsorted(edges, flat, side="right"))
    counts = np.bincount(place.astype(np.int64), minlength=len(edges) + 2)
    return np.asarray(counts / max(flat.size, 1), float)


def _usual(
    feature: Feature, flat: Array, months: npt.NDArray[np.int64], spells: npt.NDArray[np.int64]
) -> float:
    """Index that 99 in 100 spells of at least half their usual length stay below."""
    order = np.argsort(spells, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(spells[order])) + 1)
    usual = np.median([part.size for part in parts])
    indices = [
        feature.index(flat[part], int(months[part[-1]])) for part in parts if part.size * 2 >= usual
    ]
    return float(np.quantile(indices, _RARE))


def _by_month(
    flat: Array, edges: tuple[float, ...], months: npt.NDArray[np.int64]
) -> tuple[tuple[float, ...], ...]:
    """Shares of the three months round each; those of the year where a month was never seen."""
    rows = []
    for month in range(1, _MONTHS + 1):
        near = np.isin((months - month + 1) % _MONTHS, (0, 1, 2))
        rows.append(tuple(shares_of(flat[near] if near.any() else flat, edges).tolist()))
    return tuple(rows)


def _feature(part: Mapping[str, Any]) -> Feature:
    low, high, middle, usual = (
        np.nan if part[key] is None else float(part[key]) for key in ("low", "high", "middle", "usual")
    )
    edges, shares = (tuple(float(value) for value in part[name]) for name in ("edges", "shares"))
    return Feature(
        name=str(part["name"]), unit=str(part["unit"]), low=low, high=high, middle=middle, usual=usual,
        edges=edges, shares=shares,
        by_month=tuple(tuple(float(value) for value in row) for row in part["by_month"]),
    )  # fmt: skip


def _finite(part: Any) -> Any:
    """JSON knows no NaN: null stands for it."""
    if isinstance(part, float):
        return part if np.isfinite(part) else None
    if isinstance(part, Mapping):
        return {key: _finite(value) for key, value in part.items()}
    return [_finite(value) for value in part] if isinstance(part, list | tuple) else part
