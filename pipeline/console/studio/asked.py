"""What somebody wants replayed: a bundled event, or a period of the archive, and which hazards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.errors import ConfigMistake, UnknownName
from ingest.recordings import Event, bundled_events, load_event
from ingest.times import BEIJING, parse_instant
from pipeline.config import Config, HazardBlock

LONGEST = timedelta(days=1_100)
"""A longer past is replayed on a terminal, where it can be resumed."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One past, and the hazards that are judged in it."""

    event: str = ""
    """Name of a bundled event; empty for a period."""
    start: datetime | None = None
    """First moment of a period of the archive; None for an event."""
    end: datetime | None = None
    """Last moment of it."""
    hazards: tuple[str, ...]
    """Names of the hazard blocks."""

    def title(self, tongue: str) -> str:
        """What it is called, in a language."""
        if self.event:
            event = load_event(self.event)
            return event.title_en if tongue == "en" else event.title_zh
        first, last = (f"{_local(one):%Y-%m-%d %H:%M}" for one in (self.start, self.end))
        return f"{first} – {last}"


def _local(moment: datetime | None) -> datetime:
    assert moment is not None  # a period has both ends
    return moment.astimezone(BEIJING)


def events() -> tuple[Event, ...]:
    """The events that come with the program."""
    return tuple(load_event(name) for name in bundled_events())


def judged(config: Config) -> tuple[HazardBlock, ...]:
    """The hazards that the instance judges, by name."""
    return tuple(block for _, block in sorted(config.hazards.items()) if block.conduct.enabled)


def read_asked(
    config: Config, event: str, start: str, end: str, hazards: Sequence[str]
) -> Asked:
    """Check what was asked for; ConfigMistake or UnknownName with one sentence where it cannot be.

    Moments are ISO 8601; without an offset they are Beijing's. No hazard named means all that are judged.
    """
    there = {block.name for block in judged(config)}
    unknown = [name for name in hazards if name not in there]
    if unknown:
        name, known = unknown[0][:40], ", ".join(sorted(there))
        raise UnknownName(f"本实例没有研判“{name}” / {name!r} is not judged here; there are: {known}")
    chosen = there.intersection(hazards) or there
    if event:
        return _of_event(event, chosen)
    first, last = (_moment(text) for text in (start, end))
    if last <= first:
        raise ConfigMistake("结束要晚于开始 / the end is not after the start; correct one of them")
    if last - first > LONGEST:
        raise ConfigMistake(
            f"这里最多回放{LONGEST.days}天，更长的请用 fengsui replay"
            f" / {LONGEST.days} days at most here; for more use fengsui replay"
        )
    return Asked(start=first, end=last, hazards=tuple(sorted(chosen)))


def _of_event(name: str, chosen: set[str]) -> Asked:
    if name not in bundled_events():
        there = ", ".join(bundled_events())
        raise UnknownName(f"没有叫这个名字的事件 / no event is called {name[:40]!r}; there are: {there}")
    suited = chosen.intersection(load_event(name).hazards) or chosen
    return Asked(event=name, hazards=tuple(sorted(suited)))


def _moment(text: str) -> datetime:
    try:
        plain = datetime.fromisoformat(text.strip())
        local = plain.replace(tzinfo=BEIJING) if plain.tzinfo is None else plain
        return parse_instant(local.isoformat())
    except ValueError:
        raise ConfigMistake(
            "请选一个事件，或写明起止时间，如 2025-06-01T00:00"
            " / choose an event, or write both moments such as 2025-06-01T00:00"
        ) from None
