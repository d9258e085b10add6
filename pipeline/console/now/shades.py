"""The towns on the map of the present: colour, words, link, and the marks beside them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from ingest.places import Place
from pipeline.config import Config
from pipeline.console.drawing.district_map import Mark, Shade
from pipeline.console.now.facts import Board, Town
from pipeline.console.pages import Tongue
from rules.level import Level


def shades(config: Config, board: Board, tongue: Tongue, hazard: str = "") -> dict[str, Shade]:
    """Town -> how it is shown, for one hazard or for all.

    A town without a level of which something cannot be judged is unknown: it is never shown as calm.
    """
    names = {one.hazard: one.name for one in board.hazards}
    said = {name: one.zh if tongue == "zh" else one.en for name, one in names.items()}
    idle = next((one.waiting for one in board.hazards if one.hazard == hazard), False)
    places = {town.id: town for town in config.district.towns}
    return {
        town.id: _shade(places[town.id], _of(town, hazard), said, tongue, blind=idle or board.as_of is None)
        for town in board.towns
    }


def _of(town: Town, hazard: str) -> tuple[Mapping[str, Level], tuple[str, ...], float | None]:
    """Levels, what is unknown and the age, of one hazard or of all."""
    if not hazard:
        return town.levels, town.unknown, town.age_h
    levels = {name: level for name, level in town.levels.items() if name == hazard}
    return levels, tuple(name for name in town.unknown if name == hazard), town.age_h


def _shade(
    place: Place,
    known: tuple[Mapping[str, Level], tuple[str, ...], float | None],
    names: Mapping[str, str],
    tongue: Tongue,
    *,
    blind: bool,
) -> Shade:
    levels, unknown, age = known
    zh = tongue == "zh"
    top = max(levels.values(), default=Level.NONE)
    parts = [
        f"{names.get(name, name)}{level.zh}" if zh else f"{names.get(name, name)} {level.key}"
        for name, level in sorted(levels.items(), key=lambda one: -one[1])
    ]
    if blind:
        parts.append("无资料，无法研判" if zh else "no data, cannot be judged")
    elif unknown:
        told = "、".join(names.get(name, name) for name in unknown) if zh else ", ".join(
            names.get(name, name) for name in unknown
        )
        parts.append(f"缺资料，无法研判：{told}" if zh else f"not judged for lack of data: {told}")
    elif not levels:
        parts.append("无预警" if zh else "no warning")
    if age is not None:
        parts.append(f"观测距今{age:.0f}小时" if zh else f"observed {age:.0f} h ago")
    name = place.name if zh else place.name_en
    title = f"{name}：{'；'.join(parts)}" if zh else f"{name}: {'; '.join(parts)}"
    lost = blind or bool(unknown)
    return Shade(level=None if lost and not top else top, title=title, unsure=lost)


def links(board: Board, hazard: str = "") -> dict[str, str]:
    """Town -> where its evidence is: the alert that stands there, else the card of a hazard."""
    standing = {one.hazard: one.alert for one in board.open if one.alert}
    first = board.hazards[0].hazard if board.hazards else ""
    found = {}
    for town in board.towns:
        levels = {name: level for name, level in town.levels.items() if not hazard or name == hazard}
        worst = max(levels, key=lambda name: levels[name], default="")
        alert = standing.get(worst)
        asked = hazard or (town.unknown[0] if town.unknown else first)
        card = f"/evidence?{urlencode({'hazard': asked, 'town': town.id})}"
        found[town.id] = f"/alerts/{quote(alert, safe='')}" if alert else card
    return found


def marks(config: Config, board: Board, tongue: Tongue) -> list[Mark]:
    """The weather station, and the hot spots of the last day beside the towns they are nearest to."""
    zh, station = tongue == "zh", config.district.station
    said = f"国家气象站 {station.name} {station.id}" if zh else f"National weather station {station.id}"
    found = [Mark(lat=station.lat, lon=station.lon, sort="station", title=said)]
    places = {town.id: town for town in config.district.towns}
    for spot in board.spots:
        place = places[spot.place]
        words = (
            f"{place.name}附近：24小时内卫星热点{spot.count}个"
            if zh
            else f"Near {place.name_en}: {spot.count} hot spots in 24 h"
        )
        found.append(
            Mark(lat=place.lat, lon=place.lon, sort="fire", title=words, text=str(spot.count))
        )
    return found
