"""What came of a rule test, and the questions that expectations ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from alerts.event.transition import Transition
from ingest.times import instant64
from pipeline.replay.run import Replay
from pipeline.rule_tests.notation import RuleTest
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The replay of a test's weather."""

    test: RuleTest
    """The test."""
    replay: Replay
    """Its replay, with the weather against the ladders kept."""

    def changes(self, hazard: str, first: datetime, last: datetime) -> list[Transition]:
        """Changes of a hazard from one moment to another, both included."""
        own = (change for change in self.replay.transitions if change.hazard == hazard)
        return [change for change in own if first <= change.at <= last]

    def newest(self, hazard: str, moment: datetime) -> Transition | None:
        """The last change of a hazard up to a moment; None before the first."""
        return next(reversed(self.changes(hazard, self.replay.start, moment)), None)

    def level(self, hazard: str, moment: datetime, town: str | None = None) -> Level:
        """Level in force after a moment: of a town, or the highest of the district."""
        newest = self.newest(hazard, moment)
        if newest is None:
            return Level.NONE
        return newest.to_level if town is None else newest.places.get(town, Level.NONE)

    def unknown(self, hazard: str, moment: datetime) -> int:
        """Towns that cannot be judged at the last tick up to a moment."""
        trace = self.replay.traces[hazard]
        row = int(np.searchsorted(trace.nows, instant64(moment), side="right")) - 1
        return int(trace.unknown[max(row, 0)])

    def reached(self, changes: Iterable[Transition], *, asked: bool) -> set[str]:
        """Subsystems that get a message by some changes; with `asked`, those that must answer it."""
        own = {change.id for change in changes}
        sent = (item for item in self.replay.deliveries if item.transition in own)
        return {item.subsystem for item in sent if not asked or item.data.get("ack_link") is not None}
