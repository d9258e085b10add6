"""What a hazard's block must fit: its own ladder, the towns of the district, the subsystems of the roster."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

from alerts.duty.people import Part
from alerts.event.conduct import Conduct
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document
from rules.hazard import Hazard
from rules.ladder import Falling, Rung
from rules.level import Level

_Step = tuple[Level, Rung]


def check_ladder(ladder: Mapping[Level, Rung], document: Document) -> Iterator[str]:
    """An impossible ladder, and thresholds that grow milder as the level rises."""
    steps = sorted(ladder.items())
    if not steps:
        yield document.mistake(("ladder",), "has no level; add blue, yellow, orange or red")
    for level, rung in steps:
        if level is Level.NONE:
            sentence = "a ladder needs at least one of blue, yellow, orange, red, and never none"
            yield document.mistake(("ladder", level.key), sentence)
        try:
            rung.check()
        except ValueError as error:
            yield document.mistake(("ladder", level.key), str(error))
    for kind in {rung.alike for _, rung in steps}:
        alike = [step for step in steps if step[1].alike == kind]
        for lower, upper in pairwise(alike):
            yield from _milder(lower, upper, document)


def check_towns(
    named: Collection[str], document: Document, towns: Collection[str] | None
) -> Iterator[str]:
    """Codes that a block names and the district does not have; towns are None where unreadable."""
    for code in named:
        if towns is not None and code not in towns:
            sentence = f'names "{code}", but the district has no town with this code; correct it'
            yield document.mistake(("towns",), sentence)


def check_dispatch(
    conduct: Conduct,
    ladder: Mapping[Level, Rung],
    document: Document,
    subsystems: Collection[str] | None,
) -> Iterator[str]:
    """The part each subsystem has in a hazard; subsystems are None where they could not be read."""
    for name, part in conduct.dispatch.items():
        trail = ("dispatch", name)
        if subsystems is not None and name not in subsystems:
            yield document.mistake(trail, f'no subsystem is called "{name}"; {suggest(name, subsystems)}')
        for keys, sentence in _levels(part, ladder):
            yield document.mistake((*trail, *keys), sentence)
    leads = [name for name, part in conduct.dispatch.items() if part.role == "lead"]
    if len(leads) != 1 and conduct.enabled:
        who = " and ".join(leads) or "nobody"
        yield document.mistake(("dispatch",), f"is led by {who}; give the role lead to exactly one")


def check_aside(
    conduct: Conduct,
    rule: Hazard,
    ladders: Mapping[str, Mapping[Level, Rung]],
    document: Document,
) -> Iterator[str]:
    """What a block that raises no alert of its own needs; `ladders` are those of the hazards that do."""
    target = conduct.instead_of
    if target is None:
        return
    if target not in ladders:
        sentence = f'no hazard that raises alerts is called "{target}"; {suggest(target, ladders)}'
        yield document.mistake(("instead_of",), sentence)
        return
    own = set(rule.ladder)
    for level in sorted(own - set(ladders[target])):
        sentence = f"{target} has no level {level.key} to be given; leave it out"
        yield document.mistake(("ladder", level.key), sentence)
    if any(level > min(own) for level in set(ladders[target]) - own):
        sentence = f"a level of {target} above the lowest one here is left out; add it, or raise the lowest"
        yield document.mistake(("ladder",), sentence)


def _milder(lower: _Step, upper: _Step, document: Document) -> Iterator[str]:
    falling = isinstance(upper[1], Falling)
    key, fall, beyond = ("at_most", "rise", "above") if falling else ("at_least", "fall", "below")
    before, after = lower[1].limit, upper[1].limit
    if after > before if falling else after < before:
        sentence = (
            f"{after:g} is {beyond} the {before:g} of {lower[0].key};"
            f" thresholds must not {fall} as the level rises"
        )
        yield document.mistake(("ladder", upper[0].key, key), sentence)


def _levels(part: Part, ladder: Mapping[Level, Rung]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Levels of one part that its hazard can never reach."""
    named = [(("lowest",), part.lowest)] + [(("tasks", level.key), level) for level in part.tasks]
    for keys, level in named:
        if level not in ladder:
            rungs = ", ".join(rung.key for rung in sorted(ladder))
            yield keys, f"the hazard has no level {level.key}; it has {rungs}"
