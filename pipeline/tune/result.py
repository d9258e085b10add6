"""What tuning found: the ladders side by side, a proposal, and how sure all of it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from alerts.duty.people import Advice
from pipeline.configuration.patch import Changes
from pipeline.replay.result import Replay
from pipeline.tune.plan import Plan
from pipeline.verify.bootstrap import Figure

Verdict = Literal["better", "no_better", "few_events", "no_events", "infeasible"]
"""``better``: than today's, surely and on years left out as well; ``no_better``: today's may stay;
``few_events``: fewer than ten, so that nothing is claimed; ``no_events``: nothing to compare with;
``infeasible``: no ladder of the plan keeps its constraints."""

FIGURES = ("pod", "far", "csi", "bias", "lead_h", "pages_per_month", "night_pages_per_month")
"""What is told of every ladder, with intervals."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ladder and what it was worth on the whole past."""

    values: Mapping[str, object]
    """Key -> its value; None where the default holds."""
    figures: Mapping[str, Figure]
    """Name of `FIGURES` -> figure with its 90 % interval."""
    hits: int
    """Events warned of in time."""
    misses: int
    """Events that were not."""
    false_alarms: int
    """Warnings without an event."""
    keeps: bool
    """Whether it keeps the constraints."""
    today: bool
    """Whether it is in force."""
    proposed: bool
    """Whether it is the proposal."""

    def as_json(self) -> dict[str, object]:
        """All of it; figures with value, low, high, n and how."""
        return {
            **vars(self),
            "values": dict(self.values),
            "figures": {name: figure.as_json() for name, figure in self.figures.items()},
        }


@dataclass(frozen=True, kw_only=True)
class Fold:
    """Years that were left out, and how the choice of the other years did on them."""

    years: tuple[int, ...]
    """The years left out."""
    values: Mapping[str, object]
    """What was chosen without them."""
    figures: Mapping[str, float]
    """Name -> figure of the choice on them; NaN where it cannot be told."""
    today: Mapping[str, float]
    """The same of today's ladder."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The result of a plan."""

    title: str
    """What it is called."""
    plan: Plan
    """What was wanted."""
    start: datetime
    """First moment of the past, aware UTC."""
    end: datetime
    """Last moment."""
    events: int
    """Events of the level in it."""
    tried: int
    """Ladders tried, today's among them."""
    refused: Mapping[str, int]
    """Why values of the plan make no ladder -> how many do not."""
    today: Row
    """The ladder in force."""
    proposal: Row
    """The proposal; today's where that is best."""
    front: tuple[Row, ...]
    """Ladders of which none is better in one of detection, false alarms and calls at night without being
    worse in another; of equal ones one."""
    folds: tuple[Fold, ...]
    """Years left out; empty where there are not two."""
    held_out: Mapping[str, tuple[float, float]]
    """Name -> (what was chosen without them, today's) over all years left out."""
    differences: Mapping[str, Figure]
    """Name -> proposal minus today with its 90 % interval, both drawn from the same seasons or weeks."""
    verdict: Verdict
    """What can be said of the proposal."""
    price: Advice
    """What the proposal asks of people and catches, from the full replays, in both languages."""
    notes: tuple[Advice, ...]
    """The same in words, and what else a person must know, in both languages."""
    changes: Changes
    """The proposal as changes to the configuration; without edits where it is today's."""
    exact: bool
    """Whether full replays gave the very changes and calls at night by which it was chosen."""
    replays: tuple[Replay, Replay] | None = field(default=None, repr=False)
    """(today, proposal) replayed in full, of this hazard alone, weather kept; not part of the JSON."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """``measure_s``, ``try_s``, ``replay_s`` [s] and ``kept_mb`` [MB]: what it took."""

    def as_json(self) -> dict[str, object]:
        """All of it; moments in ISO 8601, NaN as None."""
        return {
            "title": self.title,
            "hazard": self.plan.hazard,
            "level": self.plan.level.key,
            "maximise": self.plan.maximise,
            "constraints": {name: vars(bound) for name, bound in self.plan.constraints.items()},
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "events": self.events,
            "tried": self.tried,
            "refused": dict(self.refused),
            "today": self.today.as_json(),
            "proposal": self.proposal.as_json(),
            "front": [row.as_json() for row in self.front],
            "folds": [_fold(fold) for fold in self.folds],
            "held_out": {name: [_known(one) for one in pair] for name, pair in self.held_out.items()},
            "differences": {name: figure.as_json() for name, figure in self.differences.items()},
            "verdict": self.verdict,
            "price": {"zh": self.price.zh, "en": self.price.en},
            "notes": [{"zh": note.zh, "en": note.en} for note in self.notes],
            "changes": [
                {"file": edit.file, "key": list(edit.trail), "from": edit.former, "to": edit.value}
                for edit in self.changes.edits
            ],
            "exact": self.exact,
        }


def _fold(fold: Fold) -> dict[str, object]:
    return {
        "years": list(fold.years),
        "values": dict(fold.values),
        "figures": {name: _known(value) for name, value in fold.figures.items()},
        "today": {name: _known(value) for name, value in fold.today.items()},
    }


def _known(value: float) -> float | None:
    return None if value != value else value
