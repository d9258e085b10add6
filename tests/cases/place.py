"""A configuration folder for one station somewhere else: the district that ships, cut down to one town."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ingest.places import Place
from pipeline.config import Config, load
from pipeline.configuration.folder import init

_BY_TOWN = ("basins", "susceptibility", "critical_by_town", "ari7_p95")
"""Keys of hazards that name towns of the district that ships."""
_SIDE = 0.1
"""Half the side of the square drawn around a station [degrees]: there must be an outline."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """One station that stands for a district."""

    code: str
    """Six digits."""
    name: str
    """Name in Chinese."""
    name_en: str
    """Name in Latin letters."""
    lat: float
    """Latitude [degrees north]."""
    lon: float
    """Longitude [degrees east]."""
    elevation: float
    """Height above sea level [m]."""
    credit: str
    """Whose data these are; stands at the head of every report."""
    reports_every: str | None = None
    """Pause between its reports where that is longer than an hour; only after this are rules called blind."""

    @property
    def place(self) -> Place:
        """The one town."""
        return Place(
            id=f"{self.code}001", name=self.name, name_en=self.name_en,
            lat=self.lat, lon=self.lon, elevation=self.elevation,
        )  # fmt: skip


def settle(
    folder: Path,
    spot: Spot,
    hazards: Sequence[str],
    events: Sequence[Mapping[str, Any]],
    *,
    open_meteo: bool = False,
) -> Config:
    """Write the folder and read it back.

    It has one town, only these hazards enabled with the ladders that ship, and these events as its
    catalogue. Where the forecasts are not Open-Meteo's the one source is the switched-off one of FIRMS,
    so that a report credits nobody for nothing.
    """
    init(folder)
    _district(folder, spot)
    for path in sorted((folder / "hazards").glob("*.yaml")):
        extra = {} if spot.reports_every is None else {"blind_after": spot.reports_every}
        _cut(path, {"enabled": path.stem in hazards, **extra})
    for path in (folder / "events").glob("*.yaml"):
        path.unlink()
    _write(folder / "events" / "case.yaml", {"events": list(events)})
    source = {"kind": "open_meteo", "enabled": False, "every": "1h", "latency": "0h", "freshness": "36h"}
    if not open_meteo:
        source = {"kind": "recorded", "enabled": False, "every": "1h", "event": "heatwave-2022-08"}
    for path in (folder / "sources").glob("*.yaml"):
        path.unlink()
    _write(folder / "sources" / "none.yaml", source)
    service = _read(folder / "service.yaml")
    _write(folder / "service.yaml", {**service, "changed_because": spot.credit})
    return load(folder)


def _district(folder: Path, spot: Spot) -> None:
    west, east, south, north = (
        round(middle + side, 4) for middle in (spot.lon, spot.lat) for side in (-_SIDE, _SIDE)
    )
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    outline = {"type": "Polygon", "coordinates": [ring]}
    (folder / "boundary.geojson").write_text(json.dumps(outline), encoding="utf-8")
    where = {"name": spot.name, "lat": spot.lat, "lon": spot.lon, "elevation": spot.elevation}
    town = {"id": spot.place.id, "name_en": spot.name_en, **where}
    _write(
        folder / "district.yaml",
        {
            "code": spot.code, "name": spot.name, "name_en": spot.name_en, "boundary": "boundary.geojson",
            "station": {"id": spot.code, **where}, "towns": [town],
        },
    )  # fmt: skip


def _cut(path: Path, settings: Mapping[str, object]) -> None:
    block = _read(path)
    for key in _BY_TOWN:
        if key in block:
            block[key] = {}
    _write(path, {**block, **settings})


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def _write(path: Path, content: Mapping[str, Any]) -> None:
    text = yaml.safe_dump(dict(content), allow_unicode=True, sort_keys=False, width=1000)
    path.write_text(text, encoding="utf-8")
