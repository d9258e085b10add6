"""What a roster must hold so that somebody can be called: no exception and no channel may lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts.duty.coverage import NEEDS_ADDRESS
from alerts.duty.people import Person, Quiet, Roster, Shift, Subsystem
from ingest.times import utc
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document, Trail
from rules.level import Level

CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
"""A time of day as people write it."""

Mistakes = Iterator[tuple[Trail, str]]
"""Where each mistake stands, and the sentence about it."""


def check_people(
    roster: Roster, document: Document, channels: Mapping[str, object] | None
) -> Iterator[str]:
    """Everything about people beyond their first channels; `channels` maps names to kinds, where known."""
    found = [*_of_people(roster, channels or {}, channels is not None), *_of_rules(roster)]
    for name, subsystem in roster.subsystems.items():
        found += _of_subsystem(("subsystems", name), subsystem, roster.people)
    for trail, sentence in found:
        yield document.mistake(trail, sentence)


def check_canaries(
    blocks: Mapping[str, object], people: Collection[str], document: Document
) -> Iterator[str]:
    """The synthetic message of a channel must go to somebody."""
    for name, block in blocks.items():
        canary = block.get("canary") if isinstance(block, dict) else None
        if isinstance(canary, str) and canary not in people:
            yield document.mistake((name, "canary"), _nobody(canary, people))


def _of_people(roster: Roster, channels: Mapping[str, object], known: bool) -> Mistakes:
    for name, person in roster.people.items():
        trail: Trail = ("people", name)
        if known:
            yield from _channels(trail, person, channels)
        if person.quiet is not None:
            yield from _quiet((*trail, "quiet"), person.quiet)


def _channels(trail: Trail, person: Person, channels: Mapping[str, object]) -> Mistakes:
    for index, channel in enumerate(person.fallback):
        if channel not in channels:
            yield (*trail, "fallback", index), _no_channel(channel, channels)
        elif channel in person.channels:
            yield (*trail, "fallback", index), f"{channel} is used at once already; name another channel"
    for channel in person.addresses:
        if channel not in channels:
            yield (*trail, "addresses", channel), _no_channel(channel, channels)
    for key, names in (("channels", person.channels), ("fallback", person.fallback)):
        for index, channel in enumerate(names):
            if channels.get(channel) in NEEDS_ADDRESS and not person.addresses.get(channel):
                sentence = f"{channel} has no address of this person; write addresses: {{{channel}: ...}}"
                yield (*trail, key, index), sentence


def _of_subsystem(trail: Trail, subsystem: Subsystem, people: Collection[str]) -> Mistakes:
    yield from _zone((*trail, "zone"), subsystem.zone)
    for index, shift in enumerate(subsystem.rota):
        yield from _days((*trail, "rota", index), shift)
    for index, override in enumerate(subsystem.overrides):
        at = (*trail, "overrides", index)
        yield from _stretch(at, override.start, override.end)
        if not override.duty:
            yield (*at, "duty"), "nobody is on duty; name a person"
        for key, names in (("duty", override.duty), ("deputy", override.deputy)):
            yield from _names((*at, key), names, people)
    for index, swap in enumerate(subsystem.swaps):
        at = (*trail, "swaps", index)
        yield from _stretch(at, swap.start, swap.end)
        for key, name in (("one", swap.one), ("other", swap.other)):
            if name not in people:
                yield (*at, key), _nobody(name, people)
        if swap.one == swap.other:
            yield (*at, "other"), "nobody can swap with themselves; name another person"


def _days(trail: Trail, shift: Shift) -> Mistakes:
    for key, text in (("first", shift.first), ("last", shift.last)):
        if text is not None and not _is_day(text):
            yield (*trail, key), f'"{text}" is no day; write YYYY-MM-DD in quotes'
    if shift.first is not None and shift.last is not None and shift.last < shift.first:
        yield (*trail, "last"), "is before the first day; write a later one"


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _stretch(trail: Trail, start: datetime, end: datetime) -> Mistakes:
    if utc(end) <= utc(start):
        yield (*trail, "end"), "is not later than the start; write a later moment"


def _of_rules(roster: Roster) -> Mistakes:
    yield from _names(("supervisor",), roster.supervisor, roster.people)
    for level, answer in roster.answers.items():
        if level is Level.NONE:
            yield ("answers", level.key), "none calls nobody; remove it"
        for key in ("unread", "facts_within", "closing_within"):
            if getattr(answer, key) <= timedelta(0):
                yield ("answers", level.key, key), "must be longer than nothing; write a time such as 3m"
    if roster.quiet is not None:
        yield from _quiet(("quiet",), roster.quiet)
    if roster.budget is not None and roster.budget.pages < 1:
        yield ("budget", "pages"), "at least one message must get through; write 1 or more"
    if roster.budget is not None and roster.budget.per <= timedelta(0):
        yield ("budget", "per"), "must be longer than nothing; write a time such as 10m"


def _names(trail: Trail, names: tuple[str, ...], people: Collection[str]) -> Mistakes:
    for name in names:
        if name not in people:
            yield trail, _nobody(name, people)


def _quiet(trail: Trail, quiet: Quiet) -> Mistakes:
    for key, text in (("start", quiet.start), ("end", quiet.end)):
        if not CLOCK.fullmatch(text):
            yield (*trail, key), f'"{text}" is no time of day; write HH:MM from 00:00 to 23:59'
    if quiet.start == quiet.end:
        yield (*trail, "end"), "the quiet hours would last the whole day; write another end"
    yield from _zone((*trail, "zone"), quiet.zone)


def _zone(trail: Trail, name: str) -> Mistakes:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield trail, f'"{name}" is no time zone; write one such as Asia/Shanghai'


def _nobody(name: str, people: Collection[str]) -> str:
    return f'nobody is called "{name}"; {suggest(name, people)}'


def _no_channel(name: str, channels: Collection[str]) -> str:
    return f'no channel is called "{name}"; {suggest(name, channels)}'
