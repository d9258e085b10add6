"""Carries a plan out: measures the past, tries its ladders, chooses, and replays the choice in full."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from alerts.duty.people import Advice
from alerts.event.transition import ABOUT_DATA, Reason
from alerts.outgoing.dispatch import Desk
from pipeline.config import Config, HazardBlock
from pipeline.configuration.patch import Changes
from pipeline.replay.compare import compare
from pipeline.replay.mail import night_of
from pipeline.replay.result import Replay
from pipeline.replay.run import Period
from pipeline.replay.run import run as replay
from pipeline.tune.candidates import Workshop
from pipeline.tune.course import Course
from pipeline.tune.figures import Judge
from pipeline.tune.pages import Pager
from pipeline.tune.plan import Plan
from pipeline.tune.propose import Choice
from pipeline.tune.result import Tuning
from pipeline.tune.trying import Bench
from pipeline.tune.words import because, notes
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.gains import gains, stories
from pipeline.verify.matching import Windows, is_of
from pipeline.verify.terms import Terms

Progress = Callable[[int, int], None]
"""Told how many of how many nows are done."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a plan is carried out on."""

    config: Config
    """The configuration in force."""
    period: Period
    """The past, from an archive."""
    desk: Desk
    """Writes the messages of the full replays, which nobody gets."""
    occurrences: Sequence[Occurrence]
    """What happened; what lies outside the period or is of another hazard is left out."""
    windows: Windows
    """When a warning is about an event, where the plan does not say."""


def tune(plan: Plan, ground: Ground, progress: Progress = lambda done, total: None) -> Tuning:
    """Try every ladder of a plan on a past and propose one.

    ConfigMistake where the plan names a key or makes a ladder that cannot be, in every one of its ways.
    """
    judge = _judge(plan, ground)
    bench = Bench(
        plan=plan,
        config=ground.config,
        period=ground.period,
        judge=judge,
        workshop=Workshop.of(plan, ground.config.folder),
        progress=progress,
    )
    board, swept = bench.board()
    choice = Choice(board=board, events=sum(is_of(one, plan.level) for one in judge.events))
    blocks = [board.trials[0].candidate.block, board.trials[choice.chosen].candidate.block]
    begun = time.monotonic()
    pair = (_full(ground, blocks[0], progress), _full(ground, blocks[1], progress))
    took = bench.spent | {"replay_s": time.monotonic() - begun}
    courses = bench.courses(swept, blocks)
    exact = all(
        _agrees(course, found, judge.pager) for course, found in zip(courses, pair, strict=True)
    )
    return _told(plan, bench, choice, (exact, pair, took))


def _price(bench: Bench, pair: tuple[Replay, Replay]) -> Advice:
    """Messages and nights more or less, and which misses the proposal catches."""
    judge = bench.judge
    terms = Terms(windows={bench.plan.hazard: judge.windows})
    told = [stories(found.transitions, judge.events, bench.config, terms) for found in pair]
    asks, catches = compare(*pair).words, gains(*told).words
    return Advice(zh=f"{asks.zh}；{catches.zh}", en=f"{asks.en}; {catches.en}")


def _judge(plan: Plan, ground: Ground) -> Judge:
    period = ground.period
    mine = [
        one
        for one in ground.occurrences
        if one.hazard == plan.hazard and one.happened and period.start <= one.onset <= period.end
    ]
    pager = Pager(
        hazard=plan.hazard,
        routes=ground.config.routes,
        dark=night_of(ground.config.service.night),
    )
    return Judge(plan=plan, events=mine, windows=plan.windows or ground.windows, pager=pager)


def _full(ground: Ground, block: HazardBlock, progress: Progress) -> Replay:
    """A full replay of one hazard alone."""
    judged = replace(block, conduct=replace(block.conduct, enabled=True))
    config = replace(ground.config, hazards={block.name: judged})
    return replay(config, ground.period, ground.desk, progress, keep=True)


def _agrees(course: Course, found: Replay, pager: Pager) -> bool:
    """Whether a replay made the changes of a course, and called as often at night."""
    untold = ABOUT_DATA | {Reason.EXTENDED}
    made = [
        (change.at, change.from_level, change.to_level, dict(change.places))
        for change in found.transitions
        if change.reason not in untold
    ]
    steps = [(step.at, step.before, step.after, dict(step.places)) for step in course.steps()]
    asked = [pager.page(step.at, step.before, step.after) for step in course.steps()]
    nights = sum(page.night for page in asked if page is not None)
    called = {page.transition for page in found.pages if page.calls and page.night}
    return made == steps and nights == len(called)


def _told(
    plan: Plan, bench: Bench, choice: Choice, checked: tuple[bool, tuple[Replay, Replay], dict[str, float]]
) -> Tuning:
    exact, pair, took = checked
    verdict = choice.verdict()
    today, proposal = choice.row(0), choice.row(choice.chosen)
    title = plan.title or f"{bench.config.hazards[plan.hazard].conduct.name}阈值调优"
    changes = Changes(
        edits=bench.workshop.edits(choice.board.trials[choice.chosen].candidate.values),
        title=title,
        because=because(plan, choice.events, today, proposal),
        by="fengsui tune",
    )
    return Tuning(
        title=title,
        plan=plan,
        start=bench.period.start,
        end=bench.period.end,
        events=choice.events,
        tried=len(choice.board.trials),
        refused=Counter(bench.workshop.refused.values()),
        today=today,
        proposal=proposal,
        front=choice.front(),
        folds=tuple(fold for fold, _, _ in choice.folds()),
        held_out=choice.held_out(),
        differences=choice.differences(),
        verdict=verdict,
        price=_price(bench, pair),
        notes=tuple(notes(plan, choice, verdict, exact)),
        changes=changes,
        exact=exact,
        replays=pair,
        cost=took,
    )
