"""What every report has: a head that says what it is about, and what one must know of its data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from markupsafe import Markup

from alerts.record.versions import digest_of
from alerts.wording.texts import Texts
from ingest.batch import PROVENANCE, Flag
from ingest.errors import FengsuiError
from ingest.recordings import Event, load_event
from pipeline.config import Config
from pipeline.configuration.folder import contents
from pipeline.reports.drawing import Sketch, svg
from pipeline.reports.language import Tongue
from rules.level import Level

_CREDITS = {
    "open_meteo": (
        "Weather data by Open-Meteo.com (CC BY 4.0)"
    ),
    "firms": (
        "We acknowledge the use of data from NASA's Fire Information for Resource Management System "
        "(FIRMS) (https://earthdata.nasa.gov/firms), part of NASA's Earth Science Data and Information "
        "System (ESDIS)."
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One report, to be said in either language."""

    template: str
    """Name of its template."""
    facts: Callable[[Tongue, bool], Mapping[str, object]]
    """What the template is filled with in a language; True where it is for print."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A piece of the band in the head."""

    left: float
    """Begin, percent of the period."""
    width: float
    """Length, percent of the period."""
    level: Level
    """Highest level in force."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something a reader must know before believing the figures."""

    sign: str
    """One character that stands for it."""
    text: str
    """What it is."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The top of a report."""

    sort: str
    """Replay, verification or tuning."""
    title: str
    """What it is about."""
    facts: Sequence[tuple[str, str]]
    """Name and value of what identifies it: district, period, version."""
    notices: Sequence[Notice]
    """What must be known of its data."""
    credits: Sequence[str]
    """Whose data they are."""
    band: Sequence[Stretch] = ()
    """Highest level in force over the period."""


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One figure of the summary."""

    name: str
    """What is counted."""
    value: str
    """How much, today."""
    proposed: str = ""
    """How much under the proposal; empty where there is none."""
    note: str = ""
    """What is meant by it."""
    level: Level = Level.NONE
    """Colour of its edge."""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A figure of the page, with a narrower one for phones where it has one."""

    wide: Markup
    """For a screen or paper."""
    narrow: Markup | None
    """For a phone; None takes the wide one."""
    caption: str
    """What is to be seen, in words."""


def drawing(sketch: Sketch, tongue: Tongue, caption: str, narrow: Sketch | None = None) -> Drawing:
    """Draw a figure and, where there is one, its narrow form."""
    slim = None if narrow is None else svg(narrow, tongue)
    return Drawing(wide=svg(sketch, tongue), narrow=slim, caption=caption)


def texts_of(config: Config) -> Texts:
    """The words of changes."""
    conducts = {name: block.conduct for name, block in config.hazards.items()}
    return Texts(templates=config.texts, district=config.district, conducts=conducts)


def event_of(name: str) -> Event | None:
    """The recorded event of a name; None where it is a period of an archive."""
    try:
        return load_event(name)
    except FengsuiError:
        return None


def identity(config: Config, period: tuple[datetime, datetime], tongue: Tongue) -> list[tuple[str, str]]:
    """District, period and version of the rules, as name and value."""
    start, end = (tongue.moment(moment, year=True) for moment in period)
    said_period = tongue.say(f"{start} 至 {end}（北京时）", f"{start} – {end} (Beijing)")
    version = digest_of(contents(config.folder))[:12]
    by, why = config.service.changed_by, config.service.changed_because
    said = tongue.say("，", ", ").join(part for part in (version, by, why) if part)
    return [
        (tongue.say("区域", "district"), tongue.name(config.district)),
        (tongue.say("时段", "period"), said_period),
        (tongue.say("配置版本", "configuration"), said),
    ]


def provenance(marks: int, config: Config, tongue: Tongue) -> list[Notice]:
    """What the marks of the data used mean, in the words of the messages."""
    signs = {Flag.ANALYSIS: "≈", Flag.RECONSTRUCTED: "~", Flag.PERFECT_PROGNOSIS: "!"}
    return [
        Notice(sign=signs[mark], text=config.texts[str(mark.name).lower()][tongue.language].strip("〔〕[] "))
        for mark in PROVENANCE
        if marks & mark
    ]


def credits(config: Config, events: Collection[str] = ()) -> list[str]:
    """Attribution of recorded events, and of the sources of a configuration that ask for one."""
    recorded = list(dict.fromkeys(
        event.notice for event in map(event_of, events) if event is not None
    ))
    kinds = sorted({block.feed.kind for block in config.sources.values()} & _CREDITS.keys())
    return recorded or [_CREDITS[kind] for kind in kinds]


def union(marks: Iterable[int]) -> int:
    """Bits that any of them has."""
    return reduce(or_, marks, 0)


def hazard_name(name: str, config: Config, tongue: Tongue) -> str:
    """Name of a hazard; one that left the configuration stands for itself."""
    block = config.hazards.get(name)
    return tongue.name(block.conduct) if block else name


def subsystem_name(name: str, config: Config, tongue: Tongue) -> str:
    """Name of a subsystem; one that left the configuration stands for itself."""
    known = config.routes.subsystems.get(name)
    return tongue.name(known) if known else name


def person_name(person: str, config: Config) -> str:
    """Name of a person; one who left the configuration stands for oneself."""
    known = config.routes.people.get(person)
    return known.name if known else person
