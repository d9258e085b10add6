"""What the archive tells of the places: hot spots near them, and how old their observations are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from ingest.block import View
from ingest.sources.firms import HOT_SPOTS
from ingest.times import HOUR, floor_hour
from pipeline.console.now.facts import Spot
from pipeline.ports import Ports

_DAY_H = 24
_TEMPERATURE = "temperature_2m"
_FIRES = "firms"


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What was seen of the towns in the last day."""

    spots: tuple[Spot, ...] = ()
    """Hot spots, by town."""
    ages: Mapping[str, float] = field(default_factory=dict)
    """Town -> hours since its newest observation [h]; one without any in the last day is left out."""


def observed(connection: Connection, ports: Ports, now: datetime) -> Observed:
    """Read the last day of hot spots and of temperature, as known now."""
    feeds = {name: block.feed for name, block in ports.config.sources.items() if block.feed.enabled}
    fires = [name for name, feed in feeds.items() if feed.kind == _FIRES]
    others = [name for name in feeds if name not in fires]
    spots = _hours(connection, ports, now, HOT_SPOTS, fires) if fires else None
    warm = _hours(connection, ports, now, _TEMPERATURE, others) if others else None
    return Observed(
        spots=() if spots is None else _spots(ports, spots, now),
        ages={} if warm is None else _ages(ports, warm),
    )


def _hours(
    connection: Connection, ports: Ports, now: datetime, name: str, sources: Sequence[str]
) -> npt.NDArray[np.float64]:
    """One quantity of the last 24 full hours, (town, hour), the last column the newest; NaN where unknown."""
    view = View(
        places=ports.config.district.place_ids,
        quantities=(name,),
        hours_back=_DAY_H,
        hours_ahead=0,
        sources=tuple(sources),
    )
    block = ports.archive.block(connection, [now], view)
    values: npt.NDArray[np.float64] = block[name].to_numpy()[0]
    return values[:, -_DAY_H:]


def _spots(
    ports: Ports, counts: npt.NDArray[np.float64], now: datetime
) -> tuple[Spot, ...]:
    last, found = floor_hour(now), []
    for row, place in enumerate(ports.config.district.place_ids):
        seen = np.flatnonzero(counts[row] > 0)
        if seen.size:
            newest = last - (counts.shape[1] - 1 - int(seen[-1])) * HOUR
            found.append(Spot(place=place, count=int(np.nansum(counts[row])), last=newest))
    return tuple(found)


def _ages(ports: Ports, values: npt.NDArray[np.float64]) -> dict[str, float]:
    known = np.isfinite(values)
    backwards = np.argmax(known[:, ::-1], axis=1)
    return {
        place: float(backwards[row])
        for row, place in enumerate(ports.config.district.place_ids)
        if known[row].any()
    }
