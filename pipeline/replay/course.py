"""The course of a replay: states, book and traces as they go on block by block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from alerts.event.idle import next_event
from alerts.event.incidents import in_order
from alerts.event.state import State
from alerts.outgoing.dispatch import Desk
from ingest.times import instant64
from pipeline.ports import Judging
from pipeline.replay.book import Book
from pipeline.replay.mail import Mail, night_of
from pipeline.replay.result import Trace
from pipeline.tick import fresh, judge
from rules.findings import Findings, Verdict

SEEN = np.dtype([("value", "f8"), ("floor", "i1"), ("level", "i1"), ("unknown", "i4")])
"""What is kept of a hazard at a now, for traces and the time spent blind."""
Seen = npt.NDArray[np.void]
"""Array (now, hazard) of `SEEN`."""


class Course:
    """A replay on its way; `take` moves it on by a block."""

    def __init__(self, judging: Judging, desk: Desk) -> None:
        """At the first now, nothing known of any hazard."""
        self.judging = judging
        night = night_of(judging.config.service.night)
        self.book = Book(desk=desk, mail=Mail(routes=desk.routes, dark=night))
        states = {name: fresh(name, judging) for name in _enabled(judging)}
        # One value, so that an interrupt never finds the one without the other.
        self.reached: tuple[int, dict[str, State]] = (0, states)
        # A part for each block; it may be one block ahead of `reached`.
        self.seen: list[Seen] = []

    @property
    def done(self) -> int:
        """Nows so far."""
        return self.reached[0]

    @property
    def states(self) -> dict[str, State]:
        """Hazard -> state after the last block."""
        return self.reached[1]

    def take(self, block: Sequence[datetime], findings: Mapping[str, Findings]) -> None:
        """Judge the nows of a block one after the other, and route what changes.

        One that is interrupted in here is in no state to go on, but can be kept as it was before the block.
        """
        seen = _seen(findings, len(block))
        states = dict(self.states)
        seen["level"] = [state.top for state in states.values()]
        column = {name: place for place, name in enumerate(states)}
        due = {name: self._next(state, findings[name], -1) for name, state in states.items()}
        for row in iter(lambda: min(due.values(), default=len(block)), len(block)):
            now = block[row]
            busy = {name: found for name, found in findings.items() if due[name] == row}
            steps = judge(states, busy, now, self.judging, states.keys() - busy.keys(), row)
            for name, step in steps.items():
                states[name] = step.state
                seen["level"][row:, column[name]] = step.state.top
                due[name] = self._next(step.state, findings[name], row)
            self.book.tick(in_order(steps.values()), now)
        self.seen.append(seen)
        self.reached = (self.done + len(block), states)

    def _next(self, state: State, found: Findings, row: int) -> int:
        """The next now of a block at which there is anything to do for a hazard."""
        block = self.judging.config.hazards[state.hazard]
        return next_event(state, found, row, block.rule.ladder, block.conduct)

    def traces(self, nows: Sequence[datetime]) -> dict[str, Trace]:
        """Hazard -> weather against its ladder."""
        moments = np.array([instant64(now) for now in nows], "datetime64[s]")
        seen = np.concatenate(self.seen) if self.seen else np.zeros((0, len(self.states)), SEEN)
        found = {}
        for place, name in enumerate(self.states):
            hazard, mine = self.judging.config.hazards[name], seen[:, place]
            found[name] = Trace(
                hazard=name,
                nows=moments,
                value=np.ascontiguousarray(mine["value"]),
                floor=np.ascontiguousarray(mine["floor"]),
                level=np.ascontiguousarray(mine["level"]),
                unknown=np.ascontiguousarray(mine["unknown"]),
                limits={level: rung.limit for level, rung in hazard.rule.ladder.items()},
                unit=hazard.conduct.unit,
                falling=hazard.rule.falling,
            )
        return found

    def blind(self, nows: Sequence[datetime], end: datetime) -> dict[str, timedelta]:
        """Hazard -> time in which some town could not be judged, from each now to the next."""
        moments = np.array([instant64(now) for now in [*nows, end]], "datetime64[s]")
        spans = np.diff(moments).astype(np.int64)
        unknown = np.concatenate([part["unknown"] for part in self.seen])
        spent = spans @ (unknown > 0)
        return {
            name: timedelta(seconds=int(seconds))
            for name, seconds in zip(self.states, spent, strict=True)
        }


def _enabled(judging: Judging) -> list[str]:
    return [name for name, block in judging.config.hazards.items() if block.conduct.enabled]


def _seen(findings: Mapping[str, Findings], count: int) -> Seen:
    """What is kept of the findings of a block; `level` is not filled in yet."""
    seen = np.zeros((count, len(findings)), SEEN)
    for place, found in enumerate(findings.values()):
        worst = np.fmin if found.falling else np.fmax
        # Town by town numpy takes many nows at once, which now by now it cannot.
        by_town = np.ascontiguousarray(found.value.T)
        seen["value"][:, place] = worst.reduce(by_town, axis=0, initial=np.nan)
        seen["floor"][:, place] = found.floor.max(axis=1, initial=0)
        seen["unknown"][:, place] = (found.verdict == int(Verdict.UNKNOWN)).sum(axis=1)
    return seen
