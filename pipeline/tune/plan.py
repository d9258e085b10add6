"""A plan of tuning: what may vary, what is wanted of it, and over which past. One YAML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from alerts.duty.people import Moment
from ingest.errors import ConfigMistake
from ingest.registry import parse_duration
from pipeline.configuration.decode import decode
from pipeline.configuration.patch import trail_of
from pipeline.configuration.words import Excerpt, suggest
from pipeline.configuration.yaml_lines import Trail, read
from pipeline.verify.matching import Windows
from rules.level import LevelName

Score = Literal[
    "pod", "far", "csi", "bias", "lead_h", "pages_per_month", "night_pages_per_month", "hits", "misses",
    "false_alarms",
]  # fmt: skip
"""What can be wanted of a ladder; see `pipeline.tune.figures`."""
SMALL_IS_GOOD = frozenset({"far", "pages_per_month", "night_pages_per_month", "misses", "false_alarms"})
MOST = 20_000
"""A grid of more ladders than this is refused."""


@dataclass(frozen=True, kw_only=True)
class Range:
    """Equal steps from one value to another, both of them included."""

    lowest: float | str
    """The least: a number, or a duration such as 2h."""
    highest: float | str
    """The most."""
    step: float | str
    """From one to the next."""

    def values(self) -> tuple[object, ...]:
        """All of them; ValueError where they do not rise or are mixed."""
        parts = (self.lowest, self.highest, self.step)
        if all(isinstance(part, str) for part in parts):
            low, high, step = (parse_duration(part) for part in parts)
            number = _count(low / _SECOND, high / _SECOND, step / _SECOND)
            return tuple(written_duration(low + step * index) for index in range(number))
        if any(isinstance(part, str) for part in parts):
            raise ValueError("lowest, highest and step must all be numbers, or all durations")
        first, last, width = (float(part) for part in parts)
        number = _count(first, last, width)
        whole = all(isinstance(part, int) for part in parts)
        values = (round(first + width * index, 9) for index in range(number))
        return tuple(int(value) if whole else value for value in values)


@dataclass(frozen=True, kw_only=True)
class Span:
    """The past that is tried."""

    start: Moment
    """Its first moment."""
    end: Moment
    """Its last."""


@dataclass(frozen=True, kw_only=True)
class Bound:
    """What a figure must keep to."""

    at_least: float | None = None
    """The least it may be."""
    at_most: float | None = None
    """The most."""

    def holds(self, value: float) -> bool:
        """Whether a value keeps to it; NaN does not."""
        above = self.at_least is None or value >= self.at_least
        return above and (self.at_most is None or value <= self.at_most) and value == value

    @property
    def words(self) -> str:
        """Such as ``>= 0.9``."""
        given = [("≥", self.at_least), ("≤", self.at_most)]
        return " ".join(f"{sign} {value:g}" for sign, value in given if value is not None)


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the ladders to try are chosen."""

    kind: Literal["grid", "bayesian"] = "grid"
    """All of them, or so many, each where the ones before say that most may be won."""
    tries: Annotated[int, Field(ge=5, le=10_000)] = 120
    """How many a bayesian search tries."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is tuned, and what for."""

    hazard: str
    """Name of the hazard block."""
    vary: dict[str, tuple[float | str | int, ...] | Range]
    """Key of the hazard's file, such as ``ladder.orange.at_least`` -> the values to try."""
    maximise: Score
    """What shall be best: the most, of what is a burden the least."""
    level: LevelName
    """Warnings of this level and above are matched with the events that deserved them."""
    period: Span | None = None
    """The past; None where the command names it."""
    constraints: dict[Score, Bound] = field(default_factory=dict)
    """Figure -> what it must keep to."""
    windows: Windows | None = None
    """When a warning is about an event; None takes what verification takes."""
    search: Search = field(default_factory=Search)
    """How ladders are chosen."""
    folds: Annotated[int, Field(ge=2, le=50)] = 5
    """Parts of whole years that the past is cut into, each of them left out once."""
    seed: int = 1
    """Begin of all chance: the same plan on the same past gives the same proposal."""
    draws: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Pasts that are drawn for an interval."""
    doubtful: bool = False
    """Whether events of doubtful certainty count."""
    title: str = ""
    """What the proposal shall be called."""

    @property
    def file(self) -> str:
        """The file of configuration that varies."""
        return f"hazards/{self.hazard}.yaml"

    @property
    def choices(self) -> dict[Trail, tuple[object, ...]]:
        """Way to a key -> its values, in the order of the plan."""
        return {
            trail_of(key) or (key,): given.values() if isinstance(given, Range) else given
            for key, given in self.vary.items()
        }


_SECOND = timedelta(seconds=1)
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def read_plan(path: Path) -> Plan:
    """Read a plan; ConfigMistake with one line per mistake, each naming file, line, key and remedy."""
    document = read(path)
    plan = decode(Plan, Excerpt(document=document, data=document.data))
    mistakes = [document.mistake(trail, sentence) for trail, sentence in _impossible(plan)]
    if mistakes:
        raise ConfigMistake("\n".join(mistakes))
    return plan


def check_hazard(plan: Plan, hazards: Mapping[str, object], path: Path) -> None:
    """Refuse with ConfigMistake a plan for a hazard that is not configured."""
    if plan.hazard not in hazards:
        hint = suggest(plan.hazard, hazards)
        sentence = f'no hazard is called "{plan.hazard}"; {hint}'
        raise ConfigMistake(read(path).mistake(("hazard",), sentence))


def written_duration(span: timedelta) -> str:
    """A length of time as configuration writes it, such as ``90m`` or ``2h``."""
    seconds = int(span / _SECOND)
    fitting = [pair for pair in _UNITS if seconds and seconds % pair[0] == 0]
    size, unit = fitting[0] if fitting else (3_600, "h")
    return f"{seconds // size}{unit}"


def _count(first: float, last: float, width: float) -> int:
    if width <= 0 or last < first:
        raise ValueError("lowest must not be above highest, and step must be above 0")
    return round((last - first) / width + 1e-9) + 1 if width else 1


def _impossible(plan: Plan) -> Iterator[tuple[Trail, str]]:
    if not plan.vary:
        yield ("vary",), "is empty; name at least one key and its values"
    number = 1
    for key, given in plan.vary.items():
        if trail_of(key) is None:
            yield ("vary", key), "is no way to a key; write it such as ladder.orange.at_least"
        try:
            values = given.values() if isinstance(given, Range) else given
        except ValueError as error:
            yield ("vary", key), str(error)
            continue
        number *= len(values)
        if not values or len(set(values)) < len(values):
            yield ("vary", key), "names no value, or one twice; list each once"
    if number > MOST and plan.search.kind == "grid":
        sentence = f"makes {number:,} ladders; name fewer values, or write search: {{kind: bayesian}}"
        yield ("vary",), sentence
    if plan.period is not None and plan.period.end <= plan.period.start:
        yield ("period", "end"), "is not after the start; correct one of them"
    for name, bound in plan.constraints.items():
        if bound.at_least is None and bound.at_most is None:
            yield ("constraints", name), "asks for nothing; write at_least or at_most"
