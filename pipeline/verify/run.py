"""Verifies a replay: its warnings against what happened."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from ingest.times import instant64
from pipeline.config import Config
from pipeline.replay.result import Replay, Trace
from pipeline.verify import published
from pipeline.verify.bootstrap import Block, Figure, figure, share, summed
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.days import Array, Days
from pipeline.verify.load import load
from pipeline.verify.matching import Matches, Warned, Windows, match, warned
from pipeline.verify.notes import notes
from pipeline.verify.reliability import Reliability, reliability
from pipeline.verify.result import HazardScore, LevelScore, Verification
from pipeline.verify.story import story
from pipeline.verify.table import Contingency
from pipeline.verify.terms import Terms
from pipeline.verify.tiers import firm
from pipeline.verify.value import Worth, expense, value_of
from rules.level import Level

__all__ = ["Verification", "outcomes", "verify"]

PERCENT = "%"
PROBABILITIES = ("概率", "probability", PERCENT)
"""Units of metrics that are probabilities."""
_YEAR = 365.25


def verify(
    replay: Replay,
    occurrences: Sequence[Occurrence],
    config: Config,
    terms: Terms,
    hazards: Collection[str] = (),
    block: Block | None = None,
) -> Verification:
    """Score a replay against what happened.

    Parameters
    ----------
    replay : Replay
        With traces where probabilities are to be scored.
    occurrences : sequence of Occurrence
        See `catalogue.entries`; those whose onset lies outside the period are left out.
    config : Config
        The one replayed: its ladders say which levels there are, its routes who listens.
    terms : Terms
    hazards : collection of str
        Those to be scored; all that are enabled where none is named.
    block : str or None
        What the bootstrap draws as one; None takes what fits the length of the period.

    Needs the extra ``verify``; FengsuiError with the remedy without it.
    """
    published.check_installed()
    wanted = [
        name for name, found in config.hazards.items()
        if found.conduct.enabled and (not hazards or name in hazards)
    ]  # fmt: skip
    court = _Court(
        days=Days.of(replay.start, replay.end, block),
        warned=warned(replay.transitions),
        events=tuple(one for one in occurrences if replay.start <= one.onset <= replay.end),
        known=frozenset(one.hazard for one in occurrences),
        replay=replay,
        config=config,
        terms=terms,
    )
    scores = {name: court.score(name) for name in wanted if court.concerns(name)}
    found = Verification(
        event=replay.event,
        start=replay.start,
        end=replay.end,
        block=court.days.block,
        hazards=scores,
        quiet=tuple(name for name in wanted if name not in scores),
        worth=tuple(worth for score in scores.values() for worth in court.worth(score)),
        load=load(replay, wanted),
    )
    return replace(found, notes=tuple(notes(found, occurrences, wanted)))


@dataclass(frozen=True, kw_only=True)
class _Court:
    """What is judged, and by what."""

    days: Days
    """The days of the period."""
    warned: tuple[Warned, ...]
    """Every alert of the replay."""
    events: tuple[Occurrence, ...]
    """Entries of the catalogue within the period."""
    known: frozenset[str]
    """Hazards of which the catalogue holds anything at all, at whatever time."""
    replay: Replay
    """The replay."""
    config: Config
    """Ladders and routes."""
    terms: Terms
    """Windows, weights and ratios."""

    def concerns(self, hazard: str) -> bool:
        """Whether there was any warning or event of a hazard."""
        return bool(self._warned(hazard) or any(one.happened for one in self._events(hazard)))

    def score(self, hazard: str) -> HazardScore:
        """All scores of a hazard."""
        windows = self.terms.windows_of(hazard)
        ladder = sorted(self.config.hazards[hazard].rule.ladder)
        levels = {level: self._level(hazard, level, windows) for level in ladder}
        happened = [one for one in self._events(hazard) if one.happened]
        right = self.days.right(happened)
        told = self.days.levels(self._warned(hazard))
        known = any(one.level for one in happened)
        terms = self.terms
        return HazardScore(
            hazard=hazard,
            windows=windows,
            levels=levels,
            stories=tuple(story(one, {lv: levels[lv].matches for lv in ladder}) for one in happened),
            judged=hazard in self.known,
            tiers=firm(told, right, terms.risk, terms.level_weights) if known else None,
            reliability=self._reliability(hazard, windows),
        )

    def worth(self, score: HazardScore) -> Iterator[Worth]:
        """Value of a hazard to each subsystem that hears of it, acting from each level it hears of."""
        parts = self.config.routes.matrix.get(score.hazard, {})
        ratios = sorted({self.terms.ratio_of(subsystem) for subsystem in parts})
        values: dict[Contingency, dict[float, float]] = {}
        for subsystem, part in parts.items():
            heard = [level for level in score.levels if level >= part.lowest]
            tables = {level: self._acting(score.hazard, level, part.lowest) for level in heard}
            happened = [table for table in tables.values() if table.events]
            if happened:
                ratio = self.terms.ratio_of(subsystem)
                # Many subsystems hear of the same levels, and the library takes its time.
                values |= {one: value_of(one, ratios) for one in happened if one not in values}
                yield Worth(
                    subsystem=subsystem,
                    hazard=score.hazard,
                    ratio=ratio,
                    value={level: values[table][ratio] for level, table in tables.items()},
                    expense={
                        level: float(expense(table, ratio)) * _YEAR for level, table in tables.items()
                    },
                    never=float(happened[0].base_rate) * _YEAR,
                    always=ratio * _YEAR,
                )

    def _acting(self, hazard: str, level: Level, lowest: Level) -> Contingency:
        """Days on which one acted from a level on, against those on which something deserved `lowest`."""
        by_day = self.days.table(self._warned(hazard), self._events(hazard), level, lowest)
        return _table(by_day)

    def _warned(self, hazard: str) -> list[Warned]:
        return [one for one in self.warned if one.hazard == hazard]

    def _events(self, hazard: str) -> list[Occurrence]:
        return [one for one in self.events if one.hazard == hazard]

    def _level(self, hazard: str, level: Level, windows: Windows) -> LevelScore:
        mine, events = self._warned(hazard), self._events(hazard)
        matches = match(mine, events, windows, level)
        by_day = self.days.table(mine, events, level)
        days = _table(by_day)
        spent = [one.time_at(self.replay.end).get(level, timedelta(0)) for one in mine]
        return LevelScore(
            level=level,
            matches=matches,
            events=matches.table,
            days=days,
            figures=_figures(matches, days, self.days, by_day) if hazard in self.known else UNTOLD,
            time=sum(spent, timedelta(0)),
        )

    def _reliability(self, hazard: str, windows: Windows) -> Reliability | None:
        trace = self.replay.traces.get(hazard)
        if trace is None or trace.unit not in PROBABILITIES:
            return None
        said = trace.value / 100 if trace.unit == PERCENT else trace.value
        return reliability(said, outcomes(trace, self._events(hazard), windows))


_NOTHING = Figure(value=np.nan, low=np.nan, high=np.nan, n=0, how="none")
UNTOLD = dict.fromkeys(
    ("pod", "far", "csi", "bias", "day_pod", "pofd", "sedi", "peirce"), _NOTHING
)
"""The figures of a hazard of which the catalogue knows nothing."""
_COUNTS = ("hits", "misses", "false_alarms", "correct_negatives")


def outcomes(trace: Trace, events: Sequence[Occurrence], windows: Windows) -> Array:
    """Whether an event begins within `early` of each now or is under way, (now,), 0 or 1."""
    found = np.zeros(trace.nows.shape)
    for event in events:
        if event.happened:
            begin = instant64(event.earliest - windows.early)
            found[(trace.nows >= begin) & (trace.nows <= instant64(event.end or event.latest))] = 1
    return found


def _table(by_day: Array) -> Contingency:
    return Contingency(**dict(zip(_COUNTS, by_day.sum(axis=0).tolist(), strict=True)))


def _figures(
    matches: Matches, days: Contingency, calendar: Days, by_day: Array
) -> dict[str, Figure]:
    """Name -> score with its interval: of events first, then of days."""
    table = matches.table
    mine = summed(calendar.fates(matches), calendar.blocks)
    theirs = summed(by_day, calendar.blocks)
    of_events, of_days = published.of_table(table), published.of_table(days)
    hits, events = float(table.hits), int(table.events)
    wrong = float(table.false_alarms)
    said, eventful = int(hits + wrong), float(days.events)

    def event(name: str, n: int) -> Figure:
        return figure(of_events[name], mine, lambda found: getattr(found, name), n)

    def day(name: str, n: float) -> Figure:
        return figure(of_days[name], theirs, lambda found: getattr(found, name), int(n))

    return {
        "pod": share(of_events["pod"], hits, events, event("pod", events)),
        "far": share(of_events["far"], wrong, said, event("far", said)),
        "csi": share(of_events["csi"], hits, events + wrong, event("csi", int(events + wrong))),
        "bias": event("bias", events),
        "day_pod": day("pod", eventful),
        "pofd": day("pofd", float(days.total) - eventful),
        "sedi": day("sedi", eventful),
        "peirce": day("peirce", eventful),
    }
