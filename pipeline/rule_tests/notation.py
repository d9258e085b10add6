"""Files of rule tests, read strictly: every mistake is one sentence with file, line, key and remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, Field

from ingest.errors import ConfigMistake
from ingest.places import District
from ingest.registry import Duration
from pipeline.config import Config
from pipeline.configuration.decode import attempt, decode
from pipeline.configuration.words import Excerpt
from pipeline.configuration.yaml_lines import Document, Trail, read
from pipeline.rule_tests.moments import Clock, read_date
from pipeline.rule_tests.vocabulary import ALL, named, translated

T = TypeVar("T")


def _one_or_many(value: object) -> object:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
"""One name, or a list of them."""


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A stretch in which no source says anything."""

    start: Annotated[str, Field(alias="from")]
    """From when on."""
    to: str
    """When it is over: what was missed is told then."""
    lost: bool = False
    """True where what was missed is never told."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What must be so, at a moment or throughout a stretch."""

    at: str | None = None
    """Moment of the weather, the change or the look."""
    start: Annotated[str | None, Field(alias="from")] = None
    """First moment of a stretch; the begin of the test where left out."""
    to: str | None = None
    """Last moment of a stretch; the end of the test where left out."""
    within: Duration = timedelta(0)
    """How much earlier or later a change may come."""
    hazard: str | None = None
    """Of which hazard; the first of the test where left out."""
    becomes: str | None = None
    """The district comes to this level."""
    level: str | None = None
    """This level is in force."""
    never: str | None = None
    """This level and those above are not in force at any moment of the stretch."""
    unknown: bool | None = None
    """Whether some town cannot be judged."""
    reason: str | None = None
    """A change of this kind happens."""
    calls: Names | None = None
    """Exactly these subsystems are called by the changes of that moment."""
    hears: Names | None = None
    """At least these subsystems get a message by the changes of that moment."""
    towns: dict[str, str] | None = None
    """Town -> level in force."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """The keys of one test that a file may also give once for all its tests."""

    hazard: Names | None = None
    """What is judged: names of hazard blocks."""
    start: str | None = None
    """Begin, in Beijing time; its day is day 1."""
    end: str | None = None
    """End; the last moment of the expectations where left out."""
    towns: Names | None = None
    """Towns that have the weather of the test; the others have what is normal. All where left out."""
    normally: dict[str, object] = field(default_factory=dict)
    """Quantity -> value of every hour of which nothing else is said."""
    forecast: object = None
    """``as_it_comes`` (so where left out), ``none``, or what forecasts say from which moment on."""


@dataclass(frozen=True, kw_only=True)
class Written(Told):
    """One test as it is written."""

    name: str
    """What it shows, in a sentence."""
    expect: tuple[Expectation, ...]
    """What must come of it."""
    weather: dict[str, object] = field(default_factory=dict)
    """Quantity -> figures."""
    by_town: dict[str, dict[str, object]] = field(default_factory=dict)
    """Town -> its own weather, over that of the test."""
    silent: tuple[Outage, ...] = ()
    """When no source says anything."""
    nothing_else: bool = False
    """True where no level may change but as expected."""


@dataclass(frozen=True, kw_only=True)
class _File(Told):
    """One file of tests."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    tests: tuple[Written, ...]
    """Its tests."""


@dataclass(frozen=True, kw_only=True)
class RuleTest:
    """One test, ready to be run."""

    written: Written
    """What it says, with what its file says once for all."""
    document: Document
    """Its file, for lines."""
    base: Trail
    """Way to it in the file."""
    hazard_names: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Hazard blocks that are judged -> their names; the first is the one expectations are about."""
    towns: tuple[str, ...]
    """Codes of the towns that have its weather."""
    town_names: Mapping[str, tuple[str, ...]] = field(repr=False)
    """Code of each town of the district -> its names."""
    clock: Clock
    """Reads its moments."""

    @property
    def hazards(self) -> tuple[str, ...]:
        """Names of the hazard blocks that are judged."""
        return tuple(self.hazard_names)

    @property
    def line(self) -> int:
        """Line at which it begins."""
        return self.document.line(self.base)

    def mistake(self, trail: Trail, sentence: str) -> ConfigMistake:
        """A mistake in it; `trail` counts from the test."""
        return ConfigMistake(self.document.mistake((*self.base, *trail), sentence))

    def located(self, trail: Trail, step: Callable[[], T]) -> T:
        """Do one step; a ValueError of it becomes a ConfigMistake at this place of the test."""
        try:
            return step()
        except ValueError as error:
            raise self.mistake(trail, str(error)) from None

    def moment(self, word: object, *trail: str | int) -> datetime:
        """Read a moment that stands at this place of the test."""
        return self.located(trail, partial(self.clock.read, word))

    def hazard(self, word: str, *trail: str | int) -> str:
        """Name of one of its hazards, named at this place of the test."""
        return self.located(trail, partial(named, word, self.hazard_names, "hazard of this test"))

    def town(self, word: str, *trail: str | int) -> str:
        """Code of a town named at this place of the test."""
        return self.located(trail, partial(named, word, self.town_names, "town"))


def read_tests(path: Path, config: Config) -> tuple[RuleTest, ...]:
    """The tests of one file; ConfigMistake with one line per mistake of the file."""
    document = translated(read(path))
    told = decode(_File, Excerpt(document=document, data=document.data))
    mistakes: list[str] = []
    found = [
        attempt(mistakes, partial(_ready, told, index, document, config))
        for index in range(len(told.tests))
    ]
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return tuple(test for test in found if test is not None)


def _ready(told: _File, index: int, document: Document, config: Config) -> RuleTest:
    written, base = _completed(told, told.tests[index]), ("tests", index)
    mistakes = list(_missing(written, document, base))
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    place = _Place(document=document, base=base)
    known = {name: (own.conduct.name, own.conduct.name_en) for name, own in config.hazards.items()}
    hazards = [place.named("hazard", word, known) for word in written.hazard or ()]
    towns = _town_names(config.district)
    chosen = [place.named("towns", word, towns) for word in written.towns or () if word != ALL]
    return RuleTest(
        written=written,
        document=document,
        base=base,
        hazard_names={name: known[name] for name in hazards},
        towns=tuple(chosen or towns),
        town_names=towns,
        clock=Clock(start=place.located("start", partial(read_date, str(written.start)))),
    )


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the keys of a test stand: in the test, or at the top of its file."""

    document: Document
    """The file."""
    base: Trail
    """Way to the test."""

    def located(self, key: str, step: Callable[[], T]) -> T:
        """Do one step; a ValueError of it becomes a ConfigMistake at the key."""
        trail = (*self.base, key) if (*self.base, key) in self.document.lines else (key,)
        try:
            return step()
        except ValueError as error:
            raise ConfigMistake(self.document.mistake(trail, str(error))) from None

    def named(self, key: str, word: str, names: Mapping[str, tuple[str, ...]]) -> str:
        """The key of what a word under a key names."""
        return self.located(key, partial(named, word, names, key.removesuffix("s")))


def _completed(told: _File, test: Written) -> Written:
    """A test with what its file says once for all."""
    own = {item.name: getattr(test, item.name) for item in fields(Written)}
    for item in fields(Told):
        if own[item.name] is None:
            own[item.name] = getattr(told, item.name)
    own["normally"] = {**told.normally, **test.normally}
    return Written(**own)


def _missing(test: Written, document: Document, base: Trail) -> Iterator[str]:
    for key in ("hazard", "start"):
        if not getattr(test, key):
            yield document.mistake((*base, key), "is missing; write it in the test or at the top of the file")
    if not test.expect:
        yield document.mistake((*base, "expect"), "is empty; say what must come of the weather")


def _town_names(district: District) -> dict[str, tuple[str, ...]]:
    return {
        town.id: (town.name, town.name.removesuffix("街道").removesuffix("镇"), town.name_en)
        for town in district.towns
    }
