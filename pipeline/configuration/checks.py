"""What no single block can know: whether the parts of a configuration fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from alerts.people import Part, Person, Routes, Shift, Subsystem
from ingest.places import District, Place
from ingest.source import Feed
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document
from rules.ladder import Ladder, Rung, check_ladder
from rules.level import Level

FARTHEST = 1.0
"""A town farther than this from the middle of the towns [degrees] is a slip of the pen."""

_OUTLINES = ("FeatureCollection", "Feature", "Polygon", "MultiPolygon")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


@dataclass(frozen=True, kw_only=True)
class Known:
    """The names routes may use."""

    hazards: Mapping[str, Ladder | None]
    """Hazard -> its ladder; None where the block could not be read."""
    judged: Collection[str]
    """Hazards that are enabled."""
    channels: Collection[str] | None
    """Channel names; None where they could not be read."""


def check_district(district: District, document: Document, folder: Path) -> Iterator[str]:
    """Codes, positions and the file of the outline."""
    coded = re.fullmatch(r"\d{6}", district.code) is not None
    if not coded:
        sentence = f'"{district.code}" is not a code; write its six digits (GB/T 2260) in quotes'
        yield document.mistake(("code",), sentence)
    if not district.towns:
        yield document.mistake(("towns",), "no town is listed; hazards are judged town by town")
    ids = [town.id for town in district.towns]
    middle = _middle(district.towns)
    for index, town in enumerate(district.towns):
        if town.id in ids[:index]:
            sentence = f'the code "{town.id}" is taken by {district.town(town.id).name}; mend one'
            yield document.mistake(("towns", index, "id"), sentence)
        elif coded and not re.fullmatch(rf"{district.code}\d{{3}}", town.id):
            sentence = f'"{town.id}" must be {district.code} and three digits more; correct it'
            yield document.mistake(("towns", index, "id"), sentence)
        for key, sentence in _position(town, middle):
            yield document.mistake(("towns", index, key), sentence)
    yield from _outline(district, document, folder)


def check_hazard(ladder: Ladder, document: Document) -> Iterator[str]:
    """An impossible ladder, and thresholds that fall as the level rises."""
    steps = sorted(ladder.items())
    if not steps:
        yield document.mistake(("ladder",), "has no level; add blue, yellow, orange or red")
    for level, rung in steps:
        try:
            check_ladder({level: rung})
        except ValueError as error:
            sentence = str(error).removeprefix(f"{level.key}: ")
            yield document.mistake(("ladder", level.key), sentence)
    # Rungs that count days and rungs that look ahead measure different things.
    for counting in (True, False):
        alike = [(level, rung) for level, rung in steps if (rung.days is not None) is counting]
        for lower, upper in pairwise(alike):
            yield from _fall(lower, upper, document)


def check_routes(routes: Routes, document: Document, known: Known) -> Iterator[str]:
    """People, rotas, the matrix and the call ladders."""
    for name, person in routes.people.items():
        yield from _person(name, person, document, known.channels)
    for name, subsystem in routes.subsystems.items():
        for index, shift in enumerate(subsystem.rota):
            for key, sentence in _shift(shift, routes.people):
                yield document.mistake(("subsystems", name, "rota", index, key), sentence)
    yield from _ones(routes.subsystems, document)
    yield from _matrix(routes, document, known)
    yield from _calls(routes, document)


def check_feed(feed: Feed, document: Document) -> Iterator[str]:
    """A source must not be pulled without a pause."""
    if feed.every <= timedelta(0):
        yield document.mistake(("every",), "a source needs a pause; write a time such as 10m")


def host_port(text: str) -> str:
    """Let through an address ``host:port``; ValueError with the remedy for anything else."""
    host, _, port = text.rpartition(":")
    if not host or "/" in host or not port.isdecimal() or int(port) > 65535:
        raise ValueError("write an address as host:port, such as 127.0.0.1:8480")
    return text


def web_address(text: str) -> str:
    """Let through an http(s) URL without a slash at its end; ValueError for anything else."""
    if not re.fullmatch(r"https?://[^\s/]+(/[^\s?#]+)*", text) or text.endswith("/"):
        raise ValueError("write it such as https://fengsui.example.gov.cn, without / at the end")
    return text


def longer_than_nothing(span: timedelta) -> timedelta:
    """Let through a positive length of time; ValueError for zero."""
    if span <= timedelta(0):
        raise ValueError("it must be longer than nothing; write a time such as 1h")
    return span


def _middle(towns: Collection[Place]) -> tuple[float, float]:
    if not towns:
        return 0.0, 0.0
    return median(town.lat for town in towns), median(town.lon for town in towns)


def _position(town: Place, middle: tuple[float, float]) -> Iterator[tuple[str, str]]:
    if abs(town.lat) > 90:
        yield "lat", f"{town.lat} is outside -90..90; are lat and lon swapped?"
        return
    for key, value, centre in (("lat", town.lat, middle[0]), ("lon", town.lon, middle[1])):
        if abs(value - centre) > FARTHEST:
            yield key, f"{value} is over {FARTHEST:g} degree away from the other towns; correct it"


def _outline(district: District, document: Document, folder: Path) -> Iterator[str]:
    path = folder / district.boundary
    sentence = ""
    try:
        outline = json.loads(path.read_bytes())
    except FileNotFoundError:
        sentence = f"{path} does not exist; add the file or correct its name"
    except OSError as error:
        sentence = f"{path} cannot be read ({str(error.strerror).lower()}); mend it or its permissions"
    except ValueError:
        sentence = f"{path} is not GeoJSON; export the outline again"
    else:
        if not isinstance(outline, dict) or outline.get("type") not in _OUTLINES:
            sentence = f"{path} holds no area; write a GeoJSON {', '.join(_OUTLINES[:-1])} or"
            sentence += f" {_OUTLINES[-1]}"
    if sentence:
        yield document.mistake(("boundary",), sentence)


def _fall(
    lower: tuple[Level, Rung], upper: tuple[Level, Rung], document: Document
) -> Iterator[str]:
    if upper[1].at_least < lower[1].at_least:
        sentence = (
            f"{upper[1].at_least:g} is below the {lower[1].at_least:g} of {lower[0].key};"
            " thresholds must not fall as the level rises"
        )
        yield document.mistake(("ladder", upper[0].key, "at_least"), sentence)


def _person(
    name: str, person: Person, document: Document, channels: Collection[str] | None
) -> Iterator[str]:
    trail = ("people", name)
    if not re.fullmatch(r"1\d{10}", person.phone):
        sentence = f'"{person.phone}" is not a mobile number; write its eleven digits in quotes'
        yield document.mistake((*trail, "phone"), sentence)
    if not person.channels:
        sentence = "nothing reaches this person; name a channel of channels.yaml"
        yield document.mistake((*trail, "channels"), sentence)
    for index, channel in enumerate(person.channels):
        if channels is not None and channel not in channels:
            sentence = f'no channel is called "{channel}"; {suggest(channel, channels)}'
            yield document.mistake((*trail, "channels", index), sentence)


def _shift(shift: Shift, people: Collection[str]) -> Iterator[tuple[str, str]]:
    for key, text in (("start", shift.start), ("end", shift.end)):
        if not _CLOCK.fullmatch(text):
            yield key, f'"{text}" is no time of day; write HH:MM from 00:00 to 23:59'
    if not shift.duty:
        yield "duty", "nobody is on duty; name a person"
    for key, names in (("duty", shift.duty), ("deputy", shift.deputy)):
        for name in names:
            if name not in people:
                yield key, f'nobody is called "{name}"; {suggest(name, people)}'


def _ones(subsystems: Mapping[str, Subsystem], document: Document) -> Iterator[str]:
    centres = [name for name, subsystem in subsystems.items() if subsystem.centre]
    if not centres:
        sentence = "no subsystem is the command centre; write centre: true in one"
        yield document.mistake(("subsystems",), sentence)
    for name in centres[1:]:
        sentence = f"{centres[0]} is the command centre already; remove one"
        yield document.mistake(("subsystems", name, "centre"), sentence)
    if not any(subsystem.operator for subsystem in subsystems.values()):
        sentence = "nobody would hear of lost data; write operator: true in at least one subsystem"
        yield document.mistake(("subsystems",), sentence)


def _matrix(routes: Routes, document: Document, known: Known) -> Iterator[str]:
    for hazard, parts in routes.matrix.items():
        trail = ("matrix", hazard)
        if hazard not in known.hazards:
            sentence = f'no hazard is called "{hazard}"; {suggest(hazard, known.hazards)}'
            yield document.mistake(trail, sentence)
            continue
        for name, part in parts.items():
            if name not in routes.subsystems:
                sentence = f'no subsystem is called "{name}"; {suggest(name, routes.subsystems)}'
                yield document.mistake((*trail, name), sentence)
            for keys, sentence in _levels(part, known.hazards[hazard]):
                yield document.mistake((*trail, name, *keys), sentence)
        leads = [name for name, part in parts.items() if part.role == "lead"]
        if len(leads) != 1 and hazard in known.judged:
            who = " and ".join(leads) or "nobody"
            sentence = f"is led by {who}; give the role lead to exactly one"
            yield document.mistake(trail, sentence)
    for hazard in sorted(set(known.judged) - set(routes.matrix)):
        sentence = f'nobody hears of "{hazard}"; add it, or write enabled: false in its block'
        yield document.mistake(("matrix",), sentence)


def _levels(part: Part, ladder: Ladder | None) -> Iterator[tuple[tuple[str, ...], str]]:
    """Levels of one cell of the matrix that its hazard can never reach."""
    if ladder is None:
        return
    named = [(("lowest",), part.lowest)] + [(("tasks", level.key), level) for level in part.tasks]
    for keys, level in named:
        if level not in ladder:
            rungs = ", ".join(rung.key for rung in sorted(ladder))
            yield keys, f"the hazard has no level {level.key}; it has {rungs}"


def _calls(routes: Routes, document: Document) -> Iterator[str]:
    for level, steps in routes.ladders.items():
        trail = ("ladders", level.key)
        if level is Level.NONE:
            yield document.mistake(trail, "none calls nobody; remove it")
        if not steps:
            yield document.mistake(trail, "has no step; add {who: duty, after: 0m}")
        elif steps[0].after:
            sentence = "the first step must call at once; write after: 0m"
            yield document.mistake((*trail, 0, "after"), sentence)
        for index, (before, step) in enumerate(pairwise(steps), start=1):
            if step.after <= before.after:
                sentence = "is not later than the step before; write a longer time"
                yield document.mistake((*trail, index, "after"), sentence)
