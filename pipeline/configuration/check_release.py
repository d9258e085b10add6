"""What a release of the roster must fit: approvers that exist, and enough of them."""

from __future__ import annotations

from collections.abc import Iterator

from alerts.duty.people import Release, Roster
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document
from rules.level import Level


def check_release(roster: Roster, document: Document) -> Iterator[str]:
    """Releases that could never be given, and approvers nobody knows."""
    for level, rule in roster.release.items():
        trail = ("release", level.key)
        if level is Level.NONE:
            yield document.mistake(trail, "nothing is released at this level; use blue to red")
        for person in rule.approvers:
            if person not in roster.people:
                sentence = f'no person is called "{person}"; {suggest(person, roster.people)}'
                yield document.mistake((*trail, "approvers"), sentence)
        yield from (document.mistake((*trail, key), sentence) for key, sentence in _numbers(rule))


def _numbers(rule: Release) -> Iterator[tuple[str, str]]:
    different = len(set(rule.approvers))
    if rule.needed < 1:
        yield "needed", "must be 1 or more; leave the level out to release it without approval"
    if different < len(rule.approvers):
        yield "approvers", "names a person twice; one person counts once, so name each once"
    if different < rule.needed:
        yield "approvers", (
            f"names {different} different people, but {rule.needed} must approve; name more"
        )
    if rule.after.total_seconds() <= 0:
        yield "after", "must be longer than nothing, so that there is time to answer"
