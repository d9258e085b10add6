"""What no single block can know: whether the parts of a configuration fit together."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

from alerts.duty.people import Person, Roster, Shift, Subsystem
from ingest.places import District, Place
from ingest.source import Feed
from pipeline.configuration.check_people import CLOCK, check_people
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document
from rules.level import Level

FARTHEST = 1.0
"""A town farther than this from the middle of the towns [degrees] is a slip of the pen."""

_OUTLINES = ("FeatureCollection", "Feature", "Polygon", "MultiPolygon")


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


def check_roster(
    roster: Roster, document: Document, channels: Mapping[str, object] | None
) -> Iterator[str]:
    """People, rotas and the call ladders; `channels` maps names to kinds, None where not known."""
    for name, person in roster.people.items():
        yield from _person(name, person, document, channels)
    for name, subsystem in roster.subsystems.items():
        for index, shift in enumerate(subsystem.rota):
            for key, sentence in _shift(shift, roster.people):
                yield document.mistake(("subsystems", name, "rota", index, key), sentence)
    yield from _ones(roster.subsystems, document)
    yield from _calls(roster, document)
    yield from check_people(roster, document, channels)


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
        if not CLOCK.fullmatch(text):
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


def _calls(roster: Roster, document: Document) -> Iterator[str]:
    for level, steps in roster.ladders.items():
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
