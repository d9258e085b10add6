"""A rule that learned lends its levels to the physical rule of the same hazard, town by town."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rules.findings import Findings, Levels
from rules.hazards.chance import CHANCE
from rules.level import Level
from rules.windows import Mask

BY_RULE = "by_rule"
"""Further figure of lent findings: the level of the physical rule, -1 where it is UNKNOWN."""


def speaks(learned: Findings) -> Mask:
    """Where a rule that learned may speak: every chance it reads is known, (now, place)."""
    return np.asarray((learned.floor == learned.reach) & np.isfinite(learned.value))


def lent(physical: Findings, learned: Findings) -> Findings:
    """The findings of a physical rule with the levels of one that learned wherever that one may speak.

    Levels below the lowest one of the learned ladder stay the physical rule's everywhere. Value and threshold
    stay its own too, in its unit, so that texts speak of degrees and not of chances: the value may fall short
    of the threshold of a level that was foretold from it. Further figures: ``chance`` [1], NaN where the
    physical rule speaks, and ``by_rule``, the level it gives. Where a chance is unknown nothing changes.
    """
    told = speaks(learned)
    kept = _Kept.of(physical, min(learned.metrics, default=Level.BLUE))
    higher = learned.floor > 0
    parts = {
        "floor": np.maximum(learned.floor, kept.floor),
        "reach": np.maximum(learned.reach, kept.reach),
        "ceiling": np.maximum(learned.ceiling, kept.ceiling),
        **{
            name: np.where(higher, getattr(learned, name), getattr(physical, name))
            for name in ("onset", "expires", "basis", "marks")
        },
    }
    calm = parts["floor"] == 0
    for name in ("onset", "expires"):
        parts[name] = np.where(calm, np.datetime64("NaT"), parts[name])
    parts = {name: np.where(told, part, getattr(physical, name)) for name, part in parts.items()}
    figures = {
        CHANCE: np.where(told, learned.value, np.nan),
        BY_RULE: physical.verdict.astype(np.float64),
    }
    return replace(
        physical, **parts, threshold=_threshold(physical, parts["floor"], told),
        extra={**physical.extra, **figures},
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """The levels below those that are lent, as the physical rule has them; arrays (now, place)."""

    floor: Levels
    reach: Levels
    ceiling: Levels

    @classmethod
    def of(cls, physical: Findings, lowest: Level) -> _Kept:
        below = sorted(level for level in physical.metrics if level < lowest)
        top = np.int8(below[-1] if below else Level.NONE)
        floor = np.zeros_like(physical.floor)
        for level in below:
            # What reaches a higher level need not reach this one: it may measure something else.
            seen = physical.metrics[level]
            also = (physical.floor > top) & (seen.low >= seen.limit)
            floor = np.where(also | (physical.floor == level), np.int8(level), floor)
        open_ = physical.floor < physical.reach
        reach = np.where(open_, np.minimum(physical.reach, top), floor)
        ceiling = np.maximum(np.minimum(physical.ceiling, top), reach)
        return cls(floor=floor, reach=np.maximum(reach, floor), ceiling=ceiling)


def _threshold(
    physical: Findings, floor: npt.NDArray[np.int8], told: Mask
) -> npt.NDArray[np.float64]:
    """The physical rule's threshold of the level lent; NaN where there is none or it is not known."""
    found = np.where(told, np.nan, physical.threshold)
    for level, seen in physical.metrics.items():
        found = np.where(told & (floor == level), seen.limit, found)
    return np.asarray(found, float)
