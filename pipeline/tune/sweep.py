"""Many ladders on one past: the metrics are measured once, and thresholds tried on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass

from pipeline.config import Config, HazardBlock
from pipeline.replay.run import Period
from pipeline.tune.course import Course, course
from pipeline.tune.gather import Asked, Past, Progress, gather, thresholds
from pipeline.tune.kept import Kept, Mark, Marked
from rules.hazard import Hazard

_MET = Mark(limit=1, clearing=1)
THRESHOLDS = frozenset({"at_least", "clear_below", "at_most", "clear_above", "hold", "keep"})
"""Keys of a rung that change no metric: all rules that differ in them only are of one shape."""


def shape_of(rule: Hazard) -> str:
    """Equal for rules whose metrics are the same, whatever their thresholds: windows and conditions."""
    parts = {name: value for name, value in vars(rule).items() if name != "ladder"}
    rungs = {level.key: _bare(rung) for level, rung in sorted(rule.ladder.items())}
    return f"{type(rule).__name__} {parts} {rungs}"


def _bare(part: object) -> object:
    """A rung, and what stands in it, without its thresholds."""
    if is_dataclass(part) and not isinstance(part, type):
        own = [item.name for item in fields(part) if item.name not in THRESHOLDS]
        return {name: _bare(getattr(part, name)) for name in own}
    return [_bare(item) for item in part] if isinstance(part, tuple | list) else part


@dataclass(frozen=True, kw_only=True)
class Swept:
    """A past on which rules of some shapes can be tried."""

    hazard: str
    """Name of the hazard block."""
    past: Past
    """Its metrics."""
    direct: bool
    """Whether the hazard had to be judged anew for every rule: its thresholds are not all there is to it."""

    @property
    def kept_bytes(self) -> int:
        """Memory of all metrics [B]."""
        return sum(kept.nbytes for kept in self.past.kept.values())

    def courses(self, blocks: Sequence[HazardBlock]) -> Iterator[Course]:
        """The course of each block's alerts, in order; their shapes must have been asked for."""
        names = [self._name(block.rule) for block in blocks]
        marked = [self._marked(block.rule) for block in blocks]
        narrow: dict[str, Kept] = {}
        for name in dict.fromkeys(names):
            own = [one for one, other in zip(marked, names, strict=True) if other == name]
            narrow[name] = self.past.kept[name].narrowed(own)
        for block, name, marks in zip(blocks, names, marked, strict=True):
            yield course(narrow[name], marks, block.rule.ladder, block.conduct.tail)

    def knows(self, blocks: Sequence[HazardBlock]) -> bool:
        """Whether all blocks are of shapes that were asked for."""
        return all(self._name(block.rule) in self.past.kept for block in blocks)

    def _name(self, rule: Hazard) -> str:
        return repr(rule) if self.direct else shape_of(rule)

    def _marked(self, rule: Hazard) -> Marked:
        if self.direct:
            return dict.fromkeys(rule.ladder, (_MET,))
        return thresholds(rule, self.hazard, self.past.sample)


def sweep(
    config: Config, period: Period, blocks: Sequence[HazardBlock], progress: Progress
) -> Swept:
    """Measure a period once for all blocks of one hazard; `Swept.courses` then tries any of their shapes.

    Where thresholds on metrics do not give the levels of the hazard, it is judged once for every rule, which
    is slow and just as right.
    """
    hazard = blocks[0].name
    shapes: dict[str, Hazard] = {}
    for block in blocks:
        shapes.setdefault(shape_of(block.rule), block.rule)
    past = gather(config, period, Asked(hazard=hazard, rules=shapes), progress)
    if not past.loose:
        return Swept(hazard=hazard, past=past, direct=False)
    every = {repr(block.rule): block.rule for block in blocks}
    past = gather(config, period, Asked(hazard=hazard, rules=every, direct=True), progress)
    return Swept(hazard=hazard, past=past, direct=True)
