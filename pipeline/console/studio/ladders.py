"""The keys of a ladder that somebody may turn, and the hazard that a turned ladder makes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

from ingest.errors import ConfigMistake
from ingest.registry import parse_duration
from pipeline.config import HazardBlock
from pipeline.configuration.patch import Edit, trail_of
from pipeline.configuration.yaml_lines import Document, Trail, dotted, read
from pipeline.tune.candidates import Values, Workshop
from pipeline.tune.plan import written_duration
from pipeline.tune.sweep import THRESHOLDS
from rules.ladder import Rung
from rules.level import Level, parse_level

Kind = Literal["threshold", "number", "duration"]
Turned = Mapping[str, float | str]
"""Key of the hazard's file, such as ``ladder.orange.at_least`` -> what it shall be."""

MOST_KEYS = 200
_LIMIT = 1e6
_DURATION = re.compile(r"\d{1,5}[smhd]")
_DRAGGED = ("at_least", "at_most")
_STEPS = 400

NAMES: Mapping[str, tuple[str, str]] = {
    "at_least": ("阈值 ≥", "threshold ≥"),
    "at_most": ("阈值 ≤", "threshold ≤"),
    "clear_below": ("低于才解除", "clears below"),
    "clear_above": ("高于才解除", "clears above"),
    "hold": ("持续多久才发", "hold"),
    "keep": ("保持多久才降", "keep"),
    "within": ("窗口", "window"),
    "within_days": ("窗口（天）", "window [d]"),
    "days": ("连续天数", "days in a row"),
    "ahead": ("预报天数", "days ahead"),
    "hours": ("小时数", "hours"),
    "hour": ("小时雨量", "rain of an hour"),
    "force": ("平均风力（级）", "mean wind [Bft]"),
    "gust": ("阵风（级）", "gust [Bft]"),
    "lowest": ("最低气温", "lowest temperature"),
    "id_ratio": ("强度历时比", "intensity-duration ratio"),
    "ari_ratio": ("前期雨量比", "antecedent ratio"),
    "also": ("或", "or"),
    "dry": ("土壤干", "dry soil"),
    "normal": ("土壤一般", "normal soil"),
    "wet": ("土壤湿", "wet soil"),
}
"""Key of a rung -> what it is called in Chinese and in English."""


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One key of a ladder."""

    key: str
    """Way to it in the hazard's file."""
    level: Level
    """Its level."""
    name: tuple[str, str]
    """What it is called, in Chinese and in English."""
    kind: Kind
    """A threshold can be dragged; a number or a length of time is typed."""
    value: float | int | str
    """What is in force; a length of time as configuration writes it."""
    written: object | None
    """What the file says; None where its default holds."""
    cheap: bool
    """Whether it changes no metric, so that its effect is seen at once."""
    low: float = 0.0
    """Least value a hand can drag it to."""
    high: float = 0.0
    """Most."""
    step: float = 1.0
    """From one to the next."""

    @property
    def trail(self) -> Trail:
        """Way to it, step by step."""
        return trail_of(self.key) or (self.key,)


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The ladder of a hazard, ready to be turned."""

    hazard: str
    """Name of the hazard block."""
    knobs: tuple[Knob, ...]
    """What may be turned, level by level."""
    workshop: Workshop
    """Makes the hazard that values give."""

    @classmethod
    def of(cls, folder: Path, hazard: str, step: float) -> Ladder:
        """The ladder in the file of a hazard; `step` is the resolution of its metric."""
        document = read(folder / "hazards" / f"{hazard}.yaml")
        plain = Workshop(name=hazard, document=document, choices={})
        rungs = plain.today().block.rule.ladder
        knobs = tuple(_knobs(document, rungs, step))
        choices: dict[Trail, tuple[object, ...]] = {knob.trail: () for knob in knobs}
        return cls(
            hazard=hazard,
            knobs=knobs,
            workshop=Workshop(name=hazard, document=document, choices=choices),
        )

    @property
    def today(self) -> HazardBlock:
        """The hazard as its file has it."""
        return self.workshop.today().block

    def values(self, turned: Turned) -> Values:
        """The value of every knob; ConfigMistake with one sentence for a key or value that cannot be."""
        known = {knob.key for knob in self.knobs}
        strange = next((key for key in turned if key not in known), None)
        if strange is not None or len(turned) > MOST_KEYS:
            name = str(strange)[:80]
            raise ConfigMistake(
                f"阶梯里没有“{name}”这一项 / the ladder of {self.hazard} has no key {name!r}"
            )
        return tuple(
            _value(knob, turned[knob.key]) if knob.key in turned else knob.written
            for knob in self.knobs
        )

    def made(self, values: Values) -> HazardBlock:
        """The hazard of some values; ConfigMistake with one sentence where it is none."""
        found = self.workshop.make(values)
        if found is None:
            why = self.workshop.refused.pop(values, "")
            said = re.sub(r"^\w+:\d+: ", "", why)
            raise ConfigMistake(f"这样的阶梯不成立 / this ladder cannot be: {said}")
        return found.block

    def edits(self, values: Values) -> tuple[Edit, ...]:
        """What a patch says of values: only what differs from the file."""
        return self.workshop.edits(values)

    def turned(self, values: Values) -> dict[str, float | int | str]:
        """Key -> value of every knob, defaults filled in."""
        return {
            knob.key: knob.value if value is None else value  # type: ignore[misc]  # checked by `_value`
            for knob, value in zip(self.knobs, values, strict=True)
        }


def _knobs(document: Document, rungs: Mapping[Level, Rung], step: float) -> Iterator[Knob]:
    dragged = [rung.limit for rung in rungs.values() if _drags(rung)]
    width = max(max(dragged) - min(dragged), 20 * step, 0.1 * max(map(abs, dragged))) if dragged else 0.0
    written = {parse_level(str(name)): part for name, part in _ladder(document).items()}
    for level in sorted(rungs, reverse=True):
        leaves = dict(_leaves(written[level], ("ladder", level.key)))
        for name in ("hold", "keep"):
            leaves.setdefault(("ladder", level.key, name), None)
        for trail in sorted(leaves, key=_order):
            knob = _knob(trail, leaves[trail], (level, rungs[level]), step)
            if knob is not None:
                yield _ranged(knob, dragged, width, step) if knob.kind == "threshold" else knob


def _ladder(document: Document) -> dict[object, object]:
    found = document.data["ladder"]
    return found if isinstance(found, dict) else {}


def _drags(rung: Rung) -> bool:
    return any(hasattr(rung, name) for name in _DRAGGED)


def _knob(
    trail: Trail, written: object, at: tuple[Level, Rung], step: float
) -> Knob | None:
    level, rung = at
    last = str(trail[-1])
    value = written_duration(getattr(rung, last)) if written is None else written
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not _DURATION.fullmatch(value):
        return None
    kind: Kind = "duration" if isinstance(value, str) else "number"
    return Knob(
        key=dotted(trail),
        level=level,
        name=_named(trail[2:]),
        kind="threshold" if len(trail) == 3 and last in _DRAGGED else kind,
        value=value,
        written=written,
        cheap=last in THRESHOLDS,
        step=1.0 if isinstance(value, int) else step,
    )


def _ranged(knob: Knob, dragged: Sequence[float], width: float, step: float) -> Knob:
    """A threshold with how far a hand can drag it: well beyond the ladder, in steps of its metric."""
    step = max(step, 10.0 ** math.ceil(math.log10(3 * width / _STEPS))) if width else step
    low = math.floor((min(dragged) - width) / step) * step
    high = math.ceil((max(dragged) + width) / step) * step
    if min(dragged) > 0 and knob.key.endswith("at_least"):
        low = max(low, 0.0)
    return Knob(**vars(knob) | {"low": round(low, 6), "high": round(high, 6), "step": round(step, 6)})


def _leaves(part: object, trail: Trail) -> Iterator[tuple[Trail, object]]:
    """Every value below a key of the file."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from _leaves(value, (*trail, str(key)))
    elif isinstance(part, list):
        for place, value in enumerate(part):
            yield from _leaves(value, (*trail, place))
    else:
        yield trail, part


def _order(trail: Trail) -> tuple[int, str]:
    own = str(trail[2])
    known = list(NAMES)
    return known.index(own) if own in known else len(known), dotted(trail)


def _named(trail: Trail) -> tuple[str, str]:
    parts = [NAMES.get(str(part), (str(part), str(part))) for part in trail if not isinstance(part, int)]
    return " ".join(zh for zh, _ in parts), " ".join(en for _, en in parts)


def _value(knob: Knob, said: float | str) -> object:
    """What a knob is turned to, in the kind of its file; what the file says where that is the same."""
    found = _span(knob, said) if knob.kind == "duration" else _number(knob, said)
    return knob.written if _same(found, knob.value) else found


def _same(one: float | str, other: float | str) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return parse_duration(one) == parse_duration(other)
    return one == other


def _span(knob: Knob, said: float | str) -> str:
    text = str(said).strip().lower()
    if not _DURATION.fullmatch(text) or parse_duration(text) > timedelta(days=366):
        raise ConfigMistake(
            f"“{knob.key}”要写成整数加 m、h 或 d，如 6h"
            f" / {knob.key}: write a whole number and m, h or d, such as 6h"
        )
    return text


def _number(knob: Knob, said: float | str) -> float | int:
    try:
        found = float(said)
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or abs(found) > _LIMIT:
        raise ConfigMistake(f"“{knob.key}”要填一个数 / {knob.key}: write a number")
    whole = isinstance(knob.value, int) and found.is_integer()
    return int(found) if whole else round(found, 6)
