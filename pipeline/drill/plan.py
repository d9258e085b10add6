"""What is rehearsed and by whom; the configuration of a drill cannot reach anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from alerts.duty.people import Advice, Part, Person, Routes, Shift, Subsystem
from alerts.duty.rota import shift_at
from ingest.errors import ConfigMistake, UnknownName
from ingest.registry import Duration
from ingest.source import Feed
from pipeline.config import ChannelBlock, Config, SourceBlock, with_only
from pipeline.configuration.decode import attempt, decode
from pipeline.configuration.folder import DRILLS
from pipeline.configuration.words import Excerpt
from pipeline.configuration.yaml_lines import Document, read
from pipeline.drill.storm import SOURCE, DesignStorm

SHIFT_CHANGE = timedelta(minutes=30)
"""So near to a change of shift no drill is begun: the one who leaves is not there to say what is real."""
_TENTHS = 10


@dataclass(frozen=True, kw_only=True)
class Crew:
    """Who plays a subsystem."""

    duty: tuple[str, ...]
    """Ids of the people who are called first."""
    deputy: tuple[str, ...] = ()
    """Ids of those who are called next."""


@dataclass(frozen=True, kw_only=True)
class Drill:
    """One file of ``drills/``."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    title: Advice
    """What it is called, on everything it sends."""
    hazards: tuple[str, ...]
    """Names of the hazard blocks that are judged."""
    total: float
    """Rain of the storm [mm]."""
    rain: tuple[float, ...]
    """Rain of each of its hours [mm], the same in every town."""
    crews: dict[str, Crew]
    """Subsystem -> who plays it; the command centre must be among them."""
    lead: Duration = timedelta(hours=1)
    """From the begin of the drill to the first rain; whole hours."""
    lasts: Duration = timedelta(minutes=45)
    """How long it goes on, on the real clock."""

    @property
    def people(self) -> frozenset[str]:
        """Ids of everybody who takes part."""
        return frozenset(
            person for crew in self.crews.values() for person in (*crew.duty, *crew.deputy)
        )


def drills(folder: Path) -> list[str]:
    """Names of the drills of a configuration folder."""
    return sorted(path.stem for path in (folder / DRILLS).glob("*.yaml"))


def load_drill(config: Config, name: str) -> Drill:
    """Read a drill and check it against the configuration.

    Raises UnknownName, listing the drills there are, or ConfigMistake with one line per mistake.
    """
    there = drills(config.folder)
    if name not in there:
        listed = ", ".join(there) or "none"
        raise UnknownName(f"no drill is called {name!r} in {config.folder / DRILLS}; there are: {listed}")
    document = read(config.folder / DRILLS / f"{name}.yaml")
    mistakes: list[str] = []
    excerpt = Excerpt(document=document, data=document.data)
    drill = attempt(mistakes, partial(decode, Drill, excerpt))
    if drill is not None:
        mistakes += _mistakes(drill, config, document)
    if drill is None or mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return drill


def _mistakes(drill: Drill, config: Config, document: Document) -> Iterator[str]:
    for index, name in enumerate(drill.hazards):
        if name not in config.hazards:
            yield document.mistake(("hazards", index), f'no hazard is called "{name}"; correct it')
    # Tenths of a millimetre: sums of floats misplace a total that should fit.
    tenths = sum(round(hour * _TENTHS) for hour in drill.rain)
    if tenths != round(drill.total * _TENTHS):
        sentence = f"the hours add up to {tenths / _TENTHS:g} mm, not {drill.total:g}; mend one of them"
        yield document.mistake(("rain",), sentence)
    if any(hour < 0 for hour in drill.rain) or not drill.rain:
        yield document.mistake(("rain",), "rain is never less than nothing; write the hours again")
    if drill.lead % timedelta(hours=1):
        yield document.mistake(("lead",), "must be whole hours, such as 1h")
    if not drill.lasts:
        yield document.mistake(("lasts",), "must be longer than nothing; write a time such as 45m")
    yield from _crew_mistakes(drill, config.routes, document)


def _crew_mistakes(drill: Drill, routes: Routes, document: Document) -> Iterator[str]:
    centres = [name for name, subsystem in routes.subsystems.items() if subsystem.centre]
    if not set(centres) & drill.crews.keys():
        sentence = f"the command centre ({', '.join(centres)}) must take part; add its crew"
        yield document.mistake(("crews",), sentence)
    for name, crew in drill.crews.items():
        trail = ("crews", name)
        if name not in routes.subsystems:
            yield document.mistake(trail, f'no subsystem is called "{name}"; correct it')
        if not crew.duty:
            yield document.mistake((*trail, "duty"), "nobody plays it; name a person")
        for person in (*crew.duty, *crew.deputy):
            if person not in routes.people:
                sentence = f'nobody is called "{person}" in routes.yaml; correct it'
                yield document.mistake(trail, sentence)


def rehearsal(config: Config, drill: Drill, begins: datetime, public_url: str) -> Config:
    """The configuration of a drill that begins at a moment: the real rules, channels and texts.

    Nobody but the participants is in it: neither on a rota nor as an approver, supervisor or canary, so that
    no rule of routing, however wrong, could name another, and the outbox would find no address for one.
    """
    storm = DesignStorm(begins=begins, lead=drill.lead, rain=drill.rain)
    feed = Feed(kind=SOURCE, every=timedelta(minutes=5), latency=timedelta(0))
    played = with_only(config, drill.hazards)
    silent = {
        name: ChannelBlock(
            name=name, enabled=block.enabled, channel=block.channel,
            keys=replace(block.keys, canary=None),
        )
        for name, block in config.channels.items()
    }  # fmt: skip
    return replace(
        played,
        sources={SOURCE: SourceBlock(name=SOURCE, feed=feed, source=storm)},
        routes=_routes(config.routes, drill),
        channels=silent,
        service=replace(config.service, ring=None, beat_url=None, public_url=public_url),
    )


def _routes(routes: Routes, drill: Drill) -> Routes:
    matrix: dict[str, dict[str, Part]] = {
        hazard: {name: part for name, part in parts.items() if name in drill.crews}
        for hazard, parts in routes.matrix.items()
    }
    release = {
        level: kept
        for level, block in routes.release.items()
        for kept in [replace(block, approvers=_among(block.approvers, drill))]
        if len(kept.approvers) >= kept.needed
    }
    return replace(
        routes,
        people={name: _person(routes.people[name]) for name in sorted(drill.people)},
        subsystems={
            name: _played(subsystem, drill.crews[name])
            for name, subsystem in routes.subsystems.items()
            if name in drill.crews
        },
        matrix=matrix,
        release=release,
        supervisor=_among(routes.supervisor, drill),
        quiet=None,
    )


def _person(person: Person) -> Person:
    """A participant has been told of the drill and is awake."""
    return replace(person, quiet=None)


def _among(people: tuple[str, ...], drill: Drill) -> tuple[str, ...]:
    return tuple(person for person in people if person in drill.people)


def _played(subsystem: Subsystem, crew: Crew) -> Subsystem:
    shift = Shift(start="00:00", end="00:00", duty=crew.duty, deputy=crew.deputy)
    return replace(subsystem, rota=(shift,), overrides=(), swaps=())


def shift_changes(config: Config, drill: Drill, now: datetime) -> list[str]:
    """Subsystems of the drill whose real shift changes within SHIFT_CHANGE of a moment."""
    changing = []
    for name in drill.crews:
        subsystem = config.routes.subsystems[name]
        before, after = shift_at(subsystem, now - SHIFT_CHANGE), shift_at(subsystem, now + SHIFT_CHANGE)
        if before is None or after is None or before.duty != after.duty:
            changing.append(subsystem.name)
    return changing


