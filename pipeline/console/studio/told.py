"""A trial in the words of its page, and its twin for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isnan

from pipeline.configuration.patch import Changes, Edit
from pipeline.configuration.yaml_lines import dotted
from pipeline.console.studio.trials import Outcome, Score, Side
from pipeline.tune.course import Step
from pipeline.verify.bootstrap import Figure


@dataclass(frozen=True, kw_only=True)
class ShareFacts:
    """A share with its 90 % interval."""

    value: float | None
    """The share; None where it cannot be told."""
    low: float | None
    """Lower end; None where it cannot be told."""
    high: float | None
    """Upper end."""
    n: int
    """Cases behind it."""


@dataclass(frozen=True, kw_only=True)
class ScoreFacts:
    """Warnings of a level and above against the events that deserved them."""

    level: str
    """The level."""
    events: int
    """Events that deserved it."""
    few: bool
    """Whether they are fewer than ten, so that nothing should be decided by them alone."""
    hits: int
    """Events warned of in time."""
    misses: int
    """Events that were not."""
    false_alarms: int
    """Warnings without an event in time."""
    pod: ShareFacts
    """Share of the events that were hit."""
    far: ShareFacts
    """Share of the warnings in vain."""
    fates: dict[str, str]
    """Event -> ``hit``, ``late``, ``near`` or ``miss``."""


@dataclass(frozen=True, kw_only=True)
class StepFacts:
    """A change of the levels of towns."""

    at: datetime
    """When."""
    before: str
    """Highest level of the district before."""
    after: str
    """Highest level after."""
    towns: dict[str, str]
    """Town -> level after; those without one are left out."""


@dataclass(frozen=True, kw_only=True)
class SideFacts:
    """One ladder on a past."""

    transitions: int
    """Changes of the levels of towns."""
    pages: int
    """Changes for which somebody is called."""
    night_pages: int
    """Those that call somebody at night."""
    scores: tuple[ScoreFacts, ...]
    """By level, the highest first."""
    steps: tuple[StepFacts, ...]
    """Every change."""


@dataclass(frozen=True, kw_only=True)
class EditFacts:
    """A key that differs from the file."""

    key: str
    """Way to it."""
    former: float | int | str | None
    """What the file says; None where its default holds."""
    value: float | int | str
    """What it is turned to."""


@dataclass(frozen=True, kw_only=True)
class TrialFacts:
    """A turned ladder beside today's."""

    id: str
    """Name of the trial; the same for the same ladder on the same past."""
    replay: str
    """Id of the replay."""
    hazard: str
    """Name of the hazard block."""
    ladder: dict[str, float | int | str]
    """Key -> value of the whole ladder."""
    edits: tuple[EditFacts, ...]
    """What was turned."""
    today: SideFacts
    """The rules as they stand in the file."""
    proposal: SideFacts
    """The turned ladder."""
    gone: tuple[StepFacts, ...]
    """Changes under today's rules only."""
    new: tuple[StepFacts, ...]
    """Changes under the proposal only."""


def told(outcome: Outcome, replay: str) -> TrialFacts:
    """An outcome for programs and pages; it holds nothing of how long it took."""
    return TrialFacts(
        id=outcome.id,
        replay=replay,
        hazard=outcome.block.name,
        ladder=outcome.turned,
        edits=tuple(
            EditFacts(key=dotted(one.trail), former=_plain(one.former), value=_plain(one.value) or 0)
            for one in outcome.edits
        ),
        today=_side(outcome.today),
        proposal=_side(outcome.proposal),
        gone=tuple(map(_step, outcome.gone)),
        new=tuple(map(_step, outcome.new)),
    )


def _plain(value: object) -> float | int | str | None:
    return value if isinstance(value, float | int | str) else None


def _side(side: Side) -> SideFacts:
    return SideFacts(
        transitions=len(side.steps),
        pages=side.pages,
        night_pages=side.night_pages,
        scores=tuple(map(_score, side.scores)),
        steps=tuple(map(_step, side.steps)),
    )


def _score(one: Score) -> ScoreFacts:
    return ScoreFacts(
        level=one.level.key,
        events=one.events,
        few=one.few,
        hits=one.hits,
        misses=one.misses,
        false_alarms=one.false_alarms,
        pod=_share(one.pod),
        far=_share(one.far),
        fates=dict(one.fates),
    )


def _share(one: Figure) -> ShareFacts:
    value, low, high = (None if isnan(part) else round(part, 4) for part in (one.value, one.low, one.high))
    return ShareFacts(value=value, low=low, high=high, n=one.n)


def _step(one: Step) -> StepFacts:
    return StepFacts(
        at=one.at,
        before=one.before.key,
        after=one.after.key,
        towns={town: level.key for town, level in one.places.items()},
    )


def because(outcome: Outcome) -> str:
    """The figures that a patch carries when its author says nothing more: today's and then the proposal's."""
    before, after = outcome.today, outcome.proposal
    parts = [
        f"变化{len(before.steps)}→{len(after.steps)}次",
        f"叫应{before.pages}→{after.pages}次，夜间{before.night_pages}→{after.night_pages}次",
    ]
    for was, now in zip(before.scores, after.scores, strict=True):
        if (was.hits, was.misses, was.false_alarms) != (now.hits, now.misses, now.false_alarms):
            parts.append(
                f"{was.level.zh}命中{was.hits}→{now.hits}、漏报{was.misses}→{now.misses}、"
                f"空报{was.false_alarms}→{now.false_alarms}"
            )
    return "；".join(parts)


def patch_of(edits: tuple[Edit, ...], words: Mapping[str, str]) -> Changes:
    """The file of changes for `fengsui config apply`; `words` are its title, reason and author."""
    return Changes(edits=edits, **words)
