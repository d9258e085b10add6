"""Damage reports as the page shows them, and how a filled-in form becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from alerts.record import sightings, verdicts
from alerts.record.sightings import Sighting
from alerts.record.verdicts import Certainty, Damage
from ingest.times import BEIJING
from pipeline.config import Config
from pipeline.console.damage import photos
from pipeline.verify.hindsight import report_damage
from rules.level import Level

COUNTED: Mapping[str, tuple[str, str]] = {
    "affected": ("受影响人数", "people affected"),
    "moved": ("转移人数", "people moved"),
    "injured": ("受伤", "injured"),
    "dead_or_missing": ("死亡失踪", "dead or missing"),
    "houses": ("房屋（间）", "rooms of houses"),
    "mu": ("农田（亩）", "farmland (mu)"),
}
"""What can be counted -> how it is called."""
SHOWN = 100
"""So many reports are on the page."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One report as it stands."""

    id: int
    """Its number."""
    hazard: str
    """Name of the hazard block."""
    onset: datetime
    """When it began."""
    at: datetime
    """When it was entered."""
    towns: tuple[str, ...]
    """Codes of the towns; empty for the district."""
    spot: str
    """Where within the town."""
    lat: float | None
    """Latitude of the phone [degrees north]."""
    lon: float | None
    """Longitude of the phone [degrees east]."""
    what: str
    """What happened."""
    counts: Mapping[str, int]
    """What -> how many."""
    photos: tuple[str, ...]
    """Names of the photographs."""
    source: str
    """Who tells of it."""
    by: str
    """Who entered it."""
    certainty: Certainty
    """How sure it is."""
    level: Level | None
    """Level that would have been right, where somebody said."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A form as it was filled in; empty where something was not told."""

    hazard: str
    """Name of the hazard block."""
    town: str
    """Code or name of the town; empty for the district."""
    spot: str
    """Where within the town."""
    what: str
    """What happened."""
    since: datetime
    """When it began."""
    counts: Mapping[str, int]
    """What -> how many."""
    sent: str
    """What the sender calls it."""
    certainty: Certainty = "likely"
    """How sure it is."""
    lat: float | None = None
    """Latitude of the phone [degrees north]."""
    lon: float | None = None
    """Longitude of the phone [degrees east]."""


def reports(connection: Connection, most: int = SHOWN) -> list[Told]:
    """The reports that stand, newest first."""
    found = verdicts.damages(connection)[-most:][::-1]
    details = sightings.of(connection, [one.id for one in found if one.id is not None])
    return [_told(one, details.get(one.id or 0)) for one in found]


def _told(one: Damage, seen: Sighting | None) -> Told:
    return Told(
        id=one.id or 0,
        hazard=one.hazard,
        onset=one.onset,
        at=one.at,
        towns=one.places,
        spot=seen.spot if seen else "",
        lat=seen.lat if seen else None,
        lon=seen.lon if seen else None,
        what=one.what,
        counts=seen.counts if seen else {},
        photos=seen.photos if seen else (),
        source=one.source,
        by=one.by,
        certainty=one.certainty,
        level=one.level,
    )


@dataclass(frozen=True, kw_only=True)
class Hand:
    """Who sends a report, when, and with what."""

    by: str
    """Name of the person."""
    at: datetime
    """Present moment."""
    photos: tuple[bytes, ...]
    """Photographs, as they came."""
    folder: Path
    """Data folder."""


def take(connection: Connection, config: Config, seen: Seen, hand: Hand) -> tuple[int, bool]:
    """Keep what somebody saw; its number, and whether it is new.

    The same one sent again, by a phone that did not hear the answer, is the one that is there. Raises
    ValueError or UnknownName where something is missing or not known, and for what is no photograph; then
    nothing is kept.
    """
    known = sightings.sent_as(connection, seen.sent)
    if known is not None:
        return known.id, False
    named = tuple(photos.name_of(photo) for photo in hand.photos)
    kept = report_damage(connection, config, _damage(seen, hand))
    number = kept.id or 0
    if number in sightings.of(connection, [number]):
        return number, False
    for photo, name in zip(hand.photos, named, strict=True):
        photos.file(hand.folder, name, photo)
    details = Sighting(
        id=number,
        sent=seen.sent,
        spot=seen.spot,
        lat=seen.lat,
        lon=seen.lon,
        counts=dict(seen.counts),
        photos=named,
    )
    sightings.keep(connection, details, hand.at)
    return number, True


def _damage(seen: Seen, hand: Hand) -> Damage:
    return Damage(
        hazard=seen.hazard,
        onset=min(seen.since, hand.at),
        what=_words(seen),
        source="手机上报 phone report",
        by=hand.by,
        at=hand.at,
        within=timedelta(hours=1),
        places=(seen.town,) if seen.town else (),
        certainty=seen.certainty,
    )


def _words(seen: Seen) -> str:
    """What happened, with the place and the numbers, as one sentence for whoever reads the record alone."""
    counted = "，".join(f"{COUNTED[name][0]}{number}" for name, number in seen.counts.items())
    parts = [part for part in (f"{seen.spot}：{seen.what}" if seen.spot else seen.what, counted) if part]
    return "；".join(parts)


def moment(day: str, clock: str, now: datetime) -> datetime:
    """A moment typed as Beijing date and time; `now` where nothing was typed, ValueError where it is none."""
    if not day and not clock:
        return now
    local = now.astimezone(BEIJING)
    try:
        said = datetime.fromisoformat(f"{day or local.date().isoformat()}T{clock or '00:00'}")
    except ValueError:
        raise ValueError("时间填得不对，例如 2026-08-01 14:30 / write the time as 2026-08-01 14:30") from None
    return said.replace(tzinfo=BEIJING)
