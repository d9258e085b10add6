"""Promotion: whether a chance in the shadow was worth more than the rule it would stand in for.

Both are judged anew over the archived past, each moment from what was known then, against what really
happened: the catalogue of events, damage reports and officers' verdicts. What acting and not acting would
have cost is paired day by day, and weeks are drawn with replacement.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ingest.errors import FengsuiError
from ingest.times import HOUR, beijing_midnight
from pipeline.config import HazardBlock
from pipeline.ports import Judging
from pipeline.verify.bootstrap import Figure, interval, resample, summed
from pipeline.verify.catalogue import Occurrence, entries
from pipeline.verify.days import Days
from pipeline.verify.table import Contingency
from pipeline.verify.value import value
from rules.findings import Findings
from rules.learned.manifest import Manifest
from rules.lending import speaks
from rules.level import Level

FEWEST_DAYS = 60
"""With fewer days on which the model spoke, nothing is promoted [d]."""
FEWEST_EVENTS = 10
"""With fewer days on which it happened, nothing is promoted [d]."""
LOOKS = (8 * HOUR, 20 * HOUR)
"""Times of the Beijing day at which both are judged."""
_CHUNK = 128
Array = npt.NDArray[np.float64]


class NotPromoted(FengsuiError):
    """The model was not surely worth more than the rule here; the message has the figures."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a chance and its rule were worth over the same days."""

    level: Level
    """Lowest level the chance gives: from it on somebody acts."""
    ratio: float
    """Cost-loss ratio."""
    days: int
    """Days on which the model spoke of some town."""
    events: int
    """Those on which it happened."""
    learned: float
    """Relative economic value of the chance; NaN where it cannot be told."""
    rule: float
    """Relative economic value of the physical rule."""
    gain: Figure
    """Expense that the chance saved a day beside the rule, in losses L, with its interval."""

    @property
    def better(self) -> bool:
        """Whether enough is known, and even the low end of what it saves is a saving."""
        return self.enough and bool(self.gain.low > 0.0)

    @property
    def enough(self) -> bool:
        """Whether there are days and events enough to decide by."""
        return self.days >= FEWEST_DAYS and self.events >= FEWEST_EVENTS

    @property
    def words(self) -> str:
        """The figures in a sentence."""
        return (
            f"value {self.learned:.2f} beside {self.rule:.2f} of the rule at a cost-loss ratio of"
            f" {self.ratio:g}, saving {self.gain.value:.4f} L a day ({self.gain.low:.4f} to"
            f" {self.gain.high:.4f}), over {self.days} days with {self.events} on which it happened"
        )

    def as_json(self) -> dict[str, object]:
        """All of it; None for what cannot be told."""
        return {
            "level": self.level.key, "cost_loss": self.ratio, "days": self.days, "events": self.events,
            "value_learned": _known(self.learned), "value_rule": _known(self.rule),
            "saved_a_day": self.gain.as_json(), "better": self.better,
        }  # fmt: skip


def evidence(
    connection: Connection,
    judging: Judging,
    block: HazardBlock,
    period: tuple[datetime, datetime],
    ratio: float,
) -> Evidence:
    """Judge both rules over a period of the archive and compare what they were worth."""
    rule = judging.config.hazards[block.conduct.instead_of or ""]
    days = Days.of(*period, block="week")
    level = min(block.rule.ladder)
    events = [one for one in entries(judging.config, connection) if one.hazard == rule.name]
    warned = _warned(connection, judging, (block, rule), days, level)
    return compared(warned, _happened(days, events, level), days, (level, ratio))


def compared(
    warned: tuple[Array, Array], happened: Array, days: Days, terms: tuple[Level, float]
) -> Evidence:
    """Compare two warnings, chance and rule, (day,) 1, 0 or NaN if unknown, with what happened, (day,)."""
    level, ratio = terms
    known = np.isfinite(warned[0]) & np.isfinite(warned[1])
    told = [side[known] for side in warned]
    true = happened[known]
    paid = [ratio * side + (1.0 - side) * true for side in told]
    saved = paid[1] - paid[0]
    blocks = [block for block, own in zip(days.blocks, known, strict=True) if own]
    worth = [float(value(Contingency.of(side, true), ratio)) for side in told]
    return Evidence(
        level=level, ratio=ratio, days=int(known.sum()), events=int(true.sum()),
        learned=worth[0], rule=worth[1], gain=_gain(saved, blocks),
    )  # fmt: skip


def check(found: Evidence, block: HazardBlock) -> None:
    """Let through what was worth more; NotPromoted with the figures for everything else."""
    if not found.enough:
        raise NotPromoted(
            f"{block.name} is not promoted: at least {FEWEST_DAYS} days on which it spoke and"
            f" {FEWEST_EVENTS} on which it happened are needed here ({found.words}); let it watch on, and"
            " record what happens with fengsui verdict and damage reports"
        )
    if not found.better:
        raise NotPromoted(
            f"{block.name} is not promoted: it was not surely worth more than {block.conduct.instead_of}"
            f" here ({found.words}); it goes on watching"
        )


def check_ranking(manifest: Manifest, block: HazardBlock) -> None:
    """NotPromoted where the model's own tests say that it does not surely rank better than the rule."""
    if False in _said_of_rule(manifest.metrics):
        raise NotPromoted(
            f"{block.name} is not promoted: on days it was not trained on, {manifest.name} did not surely"
            " rank better than the physical rule (better_than_rule in its manifest); train a better one"
        )


def _said_of_rule(part: object) -> list[object]:
    """Every ``better_than_rule`` in the figures of a manifest."""
    if not isinstance(part, Mapping):
        return []
    own = [part["better_than_rule"]] if "better_than_rule" in part else []
    return own + [found for inner in part.values() for found in _said_of_rule(inner)]


def _gain(saved: Array, blocks: Sequence[tuple[int, int]]) -> Figure:
    if not saved.size:
        return Figure(value=np.nan, low=np.nan, high=np.nan, n=0, how="none")
    rows = np.stack([saved, np.ones(saved.size)], axis=1)
    drawn = resample(summed(rows, blocks))
    low, high = interval(drawn[:, 0] / np.maximum(drawn[:, 1], 1.0))
    return Figure(value=float(saved.mean()), low=low, high=high, n=saved.size)


def _happened(days: Days, events: Sequence[Occurrence], level: Level) -> Array:
    """Whether something of the level or of unknown level happened on each day, (day,)."""
    right = days.right(events)
    return np.asarray(np.isnan(right) | (right >= level), float)


def _warned(
    connection: Connection,
    judging: Judging,
    pair: tuple[HazardBlock, HazardBlock],
    days: Days,
    level: Level,
) -> tuple[Array, Array]:
    """Whether chance and rule gave the level to any town on each day; NaN where the chance was not known."""
    first = beijing_midnight(datetime.fromisoformat(f"{days.first}T12:00+08:00"))
    looks = [first + timedelta(days=k) + at for k in range(len(days)) for at in LOOKS]
    sides: list[list[Array]] = [[], []]
    for start in range(0, len(looks), _CHUNK):
        block = judging.archive.block(connection, looks[start : start + _CHUNK], judging.view)
        found = [hazard.rule.assess(hazard.name, block) for hazard in pair]
        told = speaks(found[0])
        for side, judged in zip(sides, found, strict=True):
            side.append(_of_district(judged, told, level))
    learned, rule = (np.concatenate(side).reshape(len(days), len(LOOKS)) for side in sides)
    return _highest(learned), _highest(rule)


def _of_district(found: Findings, told: npt.NDArray[np.bool_], level: Level) -> Array:
    """1 where any town of which the chance is known has the level, NaN where none is known, (now,)."""
    yes = ((found.floor >= level) & told).any(axis=1)
    return np.where(told.any(axis=1), yes.astype(float), np.nan)


def _highest(looks: Array) -> Array:
    known = np.where(np.isnan(looks), -1.0, looks).max(axis=1)
    return np.where(known < 0, np.nan, known)


def _known(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None
