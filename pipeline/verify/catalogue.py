"""The catalogue of what really happened: files of ``config/events/``, one or several events in each.

A file holds a list under ``events``; the keys of an event are the fields of `Occurrence`::

    events:
      - id: heat-2022-08
        hazard: heat
        onset: 2022-08-18T12:00+08:00
        within: 12h
        level: red
        source: 新闻 / news
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection

from alerts.duty.people import Advice, Moment
from alerts.record.verdicts import Certainty, Damage, Judged, Verdict, damages, verdicts
from ingest.errors import ConfigMistake
from ingest.registry import Duration
from pipeline.config import Config
from pipeline.configuration.decode import attempt, decode
from pipeline.configuration.words import Excerpt, suggest
from pipeline.configuration.yaml_lines import Document, read
from rules.level import Level, LevelName

EVENTS = "events"
"""Folder that holds the catalogue, and need not be there."""
_DAY = timedelta(days=1)
Kind = Literal["event", "damage", "verdict"]


@dataclass(frozen=True, kw_only=True)
class Occurrence:
    """Something that happened, or that somebody judged not to have happened."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    id: str
    """Identifier, unique in the catalogue."""
    hazard: str
    """Name of the hazard block it would have been warned by."""
    onset: Moment
    """When it began."""
    source: str
    """Who says so: a publication, an office, a person."""
    end: Moment | None = None
    """When it was over; None where nobody knows."""
    places: tuple[str, ...] = ()
    """Codes of the towns concerned; empty for the district as a whole, or where it is not known which."""
    level: LevelName | None = None
    """Level that would have been right; None where it cannot be said."""
    within: Duration = timedelta(0)
    """How exactly the onset is known: so much earlier or later it may have been."""
    certainty: Certainty = "certain"
    """How sure it is that it happened here and then."""
    kind: Kind = "event"
    """Where the entry comes from: a published event, a damage report (灾情), or an officer's verdict."""
    note: Advice | None = None
    """What happened, in both languages."""
    url: str = ""
    """Where it can be read."""
    alert: str = ""
    """Alert a verdict is about; empty for everything else."""
    judged: Judged | None = None
    """The verdict; None for everything else."""

    @property
    def happened(self) -> bool:
        """False where an officer judged that the warning was wrong, or that something lesser happened."""
        return self.judged in (None, "hit", "too_late")

    @property
    def earliest(self) -> datetime:
        """First moment at which it may have begun."""
        return self.onset - self.within

    @property
    def latest(self) -> datetime:
        """Last moment at which it may have begun."""
        return self.onset + self.within

    def as_json(self) -> dict[str, object]:
        """Its fields with their names, moments in ISO 8601, `within` in hours; what is not known is None."""
        return {
            **{name: getattr(self, name) for name in ("id", "hazard", "source", "certainty", "kind", "url")},
            "onset": self.onset.isoformat(),
            "end": self.end.isoformat() if self.end else None,
            "places": list(self.places),
            "level": None if self.level is None else self.level.key,
            "within_h": self.within / timedelta(hours=1),
            "note": None if self.note is None else {"zh": self.note.zh, "en": self.note.en},
            "alert": self.alert or None,
            "judged": self.judged,
        }


@dataclass(frozen=True, kw_only=True)
class _File:
    """One file of the catalogue."""

    events: tuple[Occurrence, ...]
    """What it tells of."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    """An occurrence and where it is written."""

    occurrence: Occurrence
    """What it says."""
    document: Document
    """Its file."""
    index: int
    """Its place in the list."""

    def mistake(self, key: str, sentence: str) -> str:
        """One line about a key of it."""
        return self.document.mistake((EVENTS, self.index, key), sentence)


def load_catalogue(folder: Path) -> tuple[Occurrence, ...]:
    """Every event of the files ``events/*.yaml`` of a configuration folder, by onset; none without it.

    Raises ConfigMistake with one line per mistake, each naming file, line, key and remedy.
    """
    return tuple(sorted((entry.occurrence for entry in _read(folder)), key=_by_time))


def check_catalogue(config: Config) -> list[str]:
    """What is wrong with the catalogue of a configuration that loads, one line each.

    Whether hazards and towns are known is asked here and not while loading: the catalogue of the district
    goes on being readable while a hazard is renamed.
    """
    try:
        found = _read(config.folder)
    except ConfigMistake as mistake:
        return str(mistake).splitlines()
    return [line for entry in found for line in _strange(entry, config)]


def occurrences(
    config: Config, connection: Connection | None = None, *, doubtful: bool = True
) -> tuple[Occurrence, ...]:
    """What happened: the catalogue, and with a database also damage reports and verdicts, by onset.

    Verdicts that say that nothing (or something lesser) happened are left out; see `entries`. Without
    `doubtful` only what is certain or likely counts.
    """
    return only_happened(entries(config, connection), doubtful=doubtful)


def only_happened(found: Iterable[Occurrence], *, doubtful: bool) -> tuple[Occurrence, ...]:
    """Those of some entries that happened; without `doubtful` what is certain or likely."""
    return tuple(one for one in found if one.happened and (doubtful or one.certainty != "doubtful"))


def entries(config: Config, connection: Connection | None = None) -> tuple[Occurrence, ...]:
    """All entries, by onset: the catalogue, and with a database damage reports and the last verdicts.

    A verdict that only confirms what the catalogue or a report tells already is no second event.
    """
    known = list(load_catalogue(config.folder))
    if connection is not None:
        known += [_of_damage(one) for one in damages(connection)]
        said = [_of_verdict(one) for one in verdicts(connection).values()]
        known += [one for one in said if not any(_repeats(one, other) for other in known)]
    return tuple(sorted(known, key=_by_time))


def _repeats(verdict: Occurrence, other: Occurrence) -> bool:
    """Whether a verdict is about an event that is known, at most a day away."""
    begin, end = other.earliest - _DAY, max(other.latest, other.end or other.latest) + _DAY
    same = verdict.happened and verdict.hazard == other.hazard
    return same and begin <= verdict.latest and verdict.earliest <= end


def _of_verdict(verdict: Verdict) -> Occurrence:
    return Occurrence(
        id=f"verdict-{verdict.id}",
        hazard=verdict.hazard,
        onset=verdict.onset,
        within=verdict.within,
        places=verdict.places,
        level=verdict.level,
        certainty="certain" if not verdict.within else "likely",
        kind="verdict",
        source=verdict.by,
        note=Advice(zh=verdict.why, en=verdict.why),
        alert=verdict.alert,
        judged=verdict.judged,
    )


def _of_damage(damage: Damage) -> Occurrence:
    return Occurrence(
        id=f"damage-{damage.id}",
        hazard=damage.hazard,
        onset=damage.onset,
        end=damage.end,
        within=damage.within,
        places=damage.places,
        level=damage.level,
        certainty=damage.certainty,
        kind="damage",
        source=f"{damage.source} ({damage.by})",
        note=Advice(zh=damage.what, en=damage.what),
    )


def _by_time(occurrence: Occurrence) -> tuple[datetime, str]:
    return occurrence.onset, occurrence.id


def _read(folder: Path) -> list[_Entry]:
    if not (folder / EVENTS).is_dir():
        return []
    mistakes: list[str] = []
    found: list[_Entry] = []
    for path in sorted((folder / EVENTS).iterdir()):
        if path.suffix.lower() in (".yaml", ".yml"):
            found += attempt(mistakes, partial(_entries, path)) or []
    mistakes += [line for entry in found for line in _impossible(entry)]
    mistakes += _twice(found)
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return found


def _entries(path: Path) -> list[_Entry]:
    if path.suffix != ".yaml":
        raise ConfigMistake(f"{path}: would not be read; give it the ending .yaml")
    document = read(path)
    told = decode(_File, Excerpt(document=document, data=document.data))
    return [
        _Entry(occurrence=one, document=document, index=index) for index, one in enumerate(told.events)
    ]


def _impossible(entry: _Entry) -> Iterator[str]:
    one = entry.occurrence
    if one.end is not None and one.end < one.onset:
        yield entry.mistake("end", "lies before the onset; correct one of them")
    if not one.source.strip():
        yield entry.mistake("source", "is empty; say who tells of it")
    if one.level is Level.NONE:
        yield entry.mistake("level", "none is no level of a warning; leave the key out where it is not known")
    if one.kind == "verdict" or one.alert or one.judged:
        sentence = "verdicts are kept in the database; give them with: fengsui verdict"
        yield entry.mistake("kind" if one.kind == "verdict" else "alert" if one.alert else "judged", sentence)


def _twice(found: Sequence[_Entry]) -> Iterator[str]:
    first: dict[str, _Entry] = {}
    for entry in found:
        other = first.setdefault(entry.occurrence.id, entry)
        if other is not entry:
            where = f"{other.document.file}:{other.document.line((EVENTS, other.index))}"
            yield entry.mistake("id", f'"{entry.occurrence.id}" is taken by {where}; rename one')


def _strange(entry: _Entry, config: Config) -> Iterator[str]:
    one = entry.occurrence
    if one.hazard not in config.hazards:
        hint = suggest(one.hazard, config.hazards)
        yield entry.mistake("hazard", f'no hazard is called "{one.hazard}"; {hint}')
    towns = config.district.place_ids
    for place in one.places:
        if place not in towns:
            hint = suggest(place, towns)
            yield entry.mistake("places", f'{config.district.name} has no town "{place}"; {hint}')
