"""Recorded events: real weather kept as files, so that a past event can be lived through again.

An event is a folder with `event.yaml` (what it is and where it comes from), `hourly.csv` and, where
hours are to be reconstructed, `daily.csv`. Those beside this file are bundled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ingest.errors import ConfigMistake, UnknownName
from ingest.times import utc

BUNDLED = Path(__file__).parent
_FILE = "event.yaml"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell of the analysis grid that an event draws on."""

    name: str
    """What the cell stands for, in Latin letters."""
    lat: float
    """Latitude [degrees north]."""
    lon: float
    """Longitude [degrees east]."""
    elevation: float | None
    """Height above sea level [m]; None where the source does not state it."""
    gives: tuple[str, ...]
    """Columns of `hourly.csv` and `daily.csv` taken from this cell."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One recorded event: `event.yaml`, field by field, and where it was found."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    folder: Path
    """Folder of the event; not a key of the file."""
    name: str
    """Name by which it is asked for."""
    title_zh: str
    """Title in Chinese."""
    title_en: str
    """Title in English."""
    start: datetime
    """First hour, aware UTC."""
    end: datetime
    """Last hour, aware UTC."""
    notes_zh: str
    """What is measured and what is not, in Chinese, for the reader of a replay."""
    notes_en: str
    """The same in English."""
    reference_elevation: float
    """Elevation at which the temperature of the files holds [m]."""
    lapse_rate: float
    """Fall of temperature with elevation [K/km]."""
    tmax_hour: int
    """UTC hour at which a reconstructed day has its maximum."""
    tmin_hour: int
    """UTC hour at which a reconstructed day has its minimum."""
    cells: tuple[Cell, ...]
    """Cells of the grid the figures come from."""
    reconstructed: str
    """Which values are reconstructed, and how."""
    provenance: str
    """Where the figures were taken from."""
    licence: str
    """Licence of the figures."""
    notice: str
    """Attribution to be shown wherever the figures are."""
    hazards: tuple[str, ...] = ()
    """Hazards that its figures suffice to judge; empty for all."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", utc(self.start))
        object.__setattr__(self, "end", utc(self.end))
        for moment in (self.start, self.end):
            if moment.minute or moment.second or moment.microsecond:
                raise ValueError("start and end must be whole hours")
        if self.end < self.start:
            raise ValueError("end lies before start")


def bundled_events() -> tuple[str, ...]:
    """Names of the events that come with the package, sorted."""
    return tuple(sorted(path.parent.name for path in BUNDLED.glob(f"*/{_FILE}")))


def load_event(name: str) -> Event:
    """The event of a bundled name, or of the path of a folder with an `event.yaml`.

    Relative paths count from the working folder. Raises UnknownName listing the bundled events
    where there is neither, and ConfigMistake naming file and key where `event.yaml` is wrong. A
    file is read once in the life of a process.
    """
    bundled = name in bundled_events()
    folder = BUNDLED / name if bundled else Path(name)
    if not bundled and not (folder / _FILE).is_file():
        raise UnknownName(
            f"no event is called {name!r}; bundled are {', '.join(bundled_events())}, "
            f"or give the path of a folder with {_FILE}"
        )
    return _load(folder.resolve())


@lru_cache(maxsize=16)
def _load(folder: Path) -> Event:
    path = folder / _FILE
    try:
        return TypeAdapter(Event).validate_python({**_parsed(path), "folder": folder})
    except ValidationError as mistake:
        first = mistake.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ConfigMistake(f"{path}: {key}: {first['msg']}; mend this key") from mistake


def _parsed(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        parsed = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as mistake:
        raise ConfigMistake(f"{path} is not readable as YAML: {mistake}") from mistake
    if not isinstance(parsed, dict):
        raise ConfigMistake(f"{path} must hold keys and values, such as name: my-event")
    return parsed
