"""Figures of merit as manifests and scores hold them, in one form for every hazard.

Heat keeps a figure for each threshold, rain a group for each amount, chances of days one figure each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Figures = Mapping[str, Any]
NOTHING = float("nan")


@dataclass(frozen=True, kw_only=True)
class Number:
    """A figure with its interval."""

    value: float
    """How much; NaN where it cannot be told."""
    low: float = NOTHING
    """Lower bound of the 90 % interval; NaN where there is none."""
    high: float = NOTHING
    """Upper bound of it."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """What belongs to one threshold, or to none."""

    limit: str
    """The threshold as it is written; empty for figures of all."""
    numbers: Mapping[str, Number]
    """Name of a figure -> the figure."""
    shape: Figures = field(default_factory=dict)
    """Base rate, reliability, its band, and value; empty where that was not computed."""

    @property
    def band(self) -> Sequence[Mapping[str, Any]]:
        """Classes of chance: mean chance, share that came, its bounds, and cases."""
        inside = self.shape.get("reliability", {}).get("band", ())
        return self.shape.get("reliability_band", inside) or ()


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One test of a model: on a later season, on places left out, on a file."""

    name: str
    """Its keys in the manifest, with a dot between."""
    found: Figures
    """All there is, as it was stored."""
    groups: Sequence[Group]
    """Figures of all first, then each threshold, rising; groups without any figure are left out."""


def trials_of(metrics: Figures, name: str = "") -> Iterator[Trial]:
    """Every test of a manifest, however deep it stands; a test is what has cases (``n``)."""
    if "n" in metrics:
        groups = [group for group in _groups(metrics) if group.numbers or group.shape]
        yield Trial(name=name, found=metrics, groups=groups)
        return
    for key, part in sorted(metrics.items(), key=_season_first):
        if isinstance(part, Mapping):
            yield from trials_of(part, f"{name}.{key}".lstrip("."))


def number(value: Any, bounds: Any = None) -> Number:
    """A stored figure; None becomes NaN."""
    low, high = bounds if bounds else (None, None)
    return Number(value=plain(value), low=plain(low), high=plain(high))


def plain(value: Any) -> float:
    """A stored number; NaN for None and for what is no number."""
    return float(value) if isinstance(value, int | float) else NOTHING


def _season_first(item: tuple[str, Any]) -> tuple[bool, str]:
    # What comes after the training is the test to believe; places and years left out follow it.
    return "left_out" in item[0], item[0]


def _groups(found: Figures) -> Iterator[Group]:
    bounds = found.get("intervals", {})
    yield Group(limit="", numbers=_numbers(found, bounds), shape=_shape(found))
    for limit in _rising(key for part in found.values() if _by_limit(part) for key in part):
        own = {name: part[limit] for name, part in found.items() if _by_limit(part)}
        apart = {name: bounds.get(name, {}).get(limit) for name in own}
        shape = _shape(found.get("chances", {}).get(limit, {}))
        yield Group(limit=limit, numbers=_numbers(own, apart), shape=shape)
    amounts = found.get("amounts", {})
    for limit in _rising(amounts):
        part = amounts[limit]
        numbers = _numbers(part, part.get("intervals", {}))
        yield Group(limit=limit, numbers=numbers, shape=_shape(part))


def _numbers(found: Figures, bounds: Figures) -> dict[str, Number]:
    """Figures that have an interval: the others are counts."""
    return {
        name: number(found[name], bounds[name])
        for name in found
        if bounds.get(name) and _single(found[name])
    }


def _single(part: Any) -> bool:
    return part is None or isinstance(part, int | float)


def _by_limit(part: Any) -> bool:
    """Whether it is a figure for each threshold; coverage, cities and years are told apart by name."""
    if not isinstance(part, Mapping) or not part:
        return False
    return all(key.isdigit() and _single(value) for key, value in part.items())


def _rising(keys: Any) -> list[str]:
    return sorted(set(keys), key=float)


def _shape(found: Figures) -> Figures:
    return found if found.get("reliability") else {}
