"""Places: the towns of the district, the district itself and its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ingest.errors import UnknownName


@dataclass(frozen=True, kw_only=True)
class Place:
    """One town (街道 or 镇), the unit for which hazards are judged."""

    id: str
    """Official code of nine digits (国家统计局, statistical division code)."""
    name: str
    """Official name in Chinese."""
    name_en: str
    """Name in Latin letters."""
    lat: float
    """Latitude [degrees north, WGS-84]."""
    lon: float
    """Longitude [degrees east, WGS-84]."""
    elevation: float
    """Height above sea level [m]."""
    approximate: bool = False
    """True where the position is not from a gazetteer but estimated."""


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A neighbouring district, for sharing."""

    code: str
    """Six-digit code of GB/T 2260."""
    name: str
    """Official name in Chinese."""
    name_en: str
    """Name in Latin letters."""


@dataclass(frozen=True, kw_only=True)
class Station:
    """The national weather station of the district."""

    id: str
    """Station number."""
    name: str
    """Station name in Chinese."""
    lat: float
    """Latitude [degrees north]."""
    lon: float
    """Longitude [degrees east]."""
    elevation: float
    """Height above sea level [m]."""


@dataclass(frozen=True, kw_only=True)
class District:
    """The area one instance watches."""

    code: str
    """Six-digit code of GB/T 2260."""
    name: str
    """Official name in Chinese."""
    name_en: str
    """Name in Latin letters."""
    boundary: str
    """File of the outline (GeoJSON, WGS-84), relative to the configuration folder."""
    station: Station
    """Its national weather station."""
    towns: tuple[Place, ...]
    """Every town of the district."""
    neighbours: tuple[Neighbour, ...] = ()
    """Districts it shares borders with."""

    @cached_property
    def place_ids(self) -> tuple[str, ...]:
        """Codes of the towns, in the order of the configuration."""
        return tuple(town.id for town in self.towns)

    def town(self, place: str) -> Place:
        """The town with this code; UnknownName where there is none."""
        for town in self.towns:
            if town.id == place:
                return town
        raise UnknownName(f"{self.name} has no town with the code {place}")
