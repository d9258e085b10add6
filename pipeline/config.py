"""The configuration folder: read strictly, checked as a whole, every mistake told at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, Field

from alerts.duty.people import Advice, Roster, Routes
from alerts.event.conduct import Conduct
from alerts.outgoing.delivery import Channel, channel
from ingest.errors import ConfigMistake
from ingest.places import District
from ingest.registry import Duration, Registry
from ingest.source import Feed, Source, source
from pipeline.configuration.check_hazards import (
    check_aside,
    check_dispatch,
    check_ladder,
    check_towns,
)
from pipeline.configuration.check_people import CLOCK, check_canaries
from pipeline.configuration.check_release import check_release
from pipeline.configuration.checks import (
    check_district,
    check_feed,
    check_roster,
    host_port,
    longer_than_nothing,
    web_address,
)
from pipeline.configuration.decode import attempt, decode, decode_block
from pipeline.configuration.folder import MANY, SINGLE, check_folder, default_folder, init, names
from pipeline.configuration.kinds import register_all
from pipeline.configuration.patch import Changes, patched
from pipeline.configuration.sign_in import SignIn, check_sign_in
from pipeline.configuration.words import Excerpt
from pipeline.configuration.yaml_lines import Document, Trail, read
from rules.hazard import Hazard, hazard

__all__ = ["ChannelBlock", "Config", "HazardBlock", "Service", "SourceBlock"]
__all__ += ["default_folder", "init", "load"]

T = TypeVar("T")
P = TypeVar("P")


def _clock_time(text: str) -> str:
    if not CLOCK.fullmatch(text):
        raise ValueError("write a time of day as HH:MM, from 00:00 to 23:59")
    return text


ClockTime = Annotated[str, AfterValidator(_clock_time)]
"""A time of day, ``HH:MM``."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """How the daemon itself behaves."""

    heartbeat: Annotated[Duration, AfterValidator(longer_than_nothing)] = timedelta(hours=1)
    """A tick is made at least this often, even when nothing new became known."""
    listen: Annotated[str, AfterValidator(host_port)] = "127.0.0.1:8480"
    """Address the console and the API listen on, ``host:port``."""
    public_url: Annotated[str, AfterValidator(web_address)] = "http://127.0.0.1:8480"
    """How the same address is reached from a phone; links in messages begin with it."""
    retry: tuple[Duration, ...] = tuple(
        timedelta(seconds=seconds) for seconds in (30, 120, 300, 900, 1800, 3600)
    )
    """Pauses after each failed attempt of a delivery; after the last it is given up."""
    lane: Annotated[int, Field(ge=1, le=64)] = 4
    """Messages under way at once in one channel; a crash can repeat that many, under their old keys."""
    link_valid: Annotated[Duration, AfterValidator(longer_than_nothing)] = timedelta(hours=24)
    """How long a link for acknowledging works."""
    language: Literal["zh", "en"] = "zh"
    """Language of messages and pages."""
    changed_by: str = ""
    """Who last changed this configuration; kept in the record with every version."""
    changed_because: str = ""
    """Why it was changed; kept in the record with every version."""
    ring: Annotated[Duration, AfterValidator(longer_than_nothing)] | None = None
    """Pause between the synthetic alerts of the dead-man's ring; None sends none."""
    beat_url: Annotated[str, AfterValidator(web_address)] | None = None
    """Address outside that is told after every ring that came round; it rings where that stops."""
    stale_after: Annotated[Duration, AfterValidator(longer_than_nothing)] = timedelta(minutes=30)
    """What could not be sent for so long is told as one message on how things stand now."""
    learn_every: Annotated[Duration, AfterValidator(longer_than_nothing)] | None = None
    """How often a heat model is trained on this instance's own archive, as a challenger; None never does."""
    night: tuple[ClockTime, ClockTime] = ("22:00", "06:00")
    """Hours that a replay counts as night, Beijing time ``HH:MM``: who is paged then was asleep or tired."""
    sign_in: SignIn | None = None
    """A sign-in service of the district (OpenID Connect) beside passwords; None knows none."""


@dataclass(frozen=True, kw_only=True)
class SourceBlock:
    """One file of ``sources/``."""

    name: str
    """Name of the file without its ending."""
    feed: Feed
    """Keys every source has."""
    source: Source
    """What reads it."""


@dataclass(frozen=True, kw_only=True)
class HazardBlock:
    """One file of ``hazards/``."""

    name: str
    """Name of the file without its ending."""
    conduct: Conduct
    """Keys every hazard has."""
    rule: Hazard
    """What judges it."""


@dataclass(frozen=True, kw_only=True)
class ChannelKeys:
    """The keys every block of ``channels.yaml`` has."""

    kind: str
    """Which registered kind sends."""
    enabled: bool = True
    """False keeps the block but sends nothing over it."""
    words: Literal["full", "brief"] = "full"
    """``brief`` for channels that bill by the character: one or two SMS in place of five."""
    receipt_within: Duration | None = None
    """Without a receipt for so long, the person's next channel is used; None expects no receipts."""
    most: Annotated[int, Field(ge=1)] | None = None
    """Most messages in `per`; the rest waits, the most urgent first. None knows no limit."""
    per: Annotated[Duration, AfterValidator(longer_than_nothing)] = timedelta(minutes=1)
    """The period of `most`."""
    canary: str | None = None
    """Id of the person who gets the synthetic message of the ring over this channel; None sends none."""


@dataclass(frozen=True, kw_only=True)
class ChannelBlock:
    """One block of ``channels.yaml``."""

    name: str
    """Its key."""
    channel: Channel
    """What sends."""
    keys: ChannelKeys = field(default_factory=lambda: ChannelKeys(kind=""))
    """How it is used."""
    enabled: bool = True
    """Whether it may send."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A configuration folder without mistakes."""

    folder: Path
    """Where it was read; relative paths in it count from here."""
    district: District
    """The area watched."""
    sources: dict[str, SourceBlock]
    """By name."""
    hazards: dict[str, HazardBlock]
    """Those that raise alerts, by name."""
    routes: Routes
    """Who hears of what."""
    channels: dict[str, ChannelBlock]
    """By name."""
    service: Service
    """How the daemon behaves."""
    texts: dict[str, dict[str, str]]
    """Name of a text -> language (``zh``, ``en``) -> template."""
    aside: dict[str, HazardBlock] = field(default_factory=dict)
    """Hazard blocks that raise no alert of their own, by name: shadows, and those in the place of a rule."""


def with_only(config: Config, hazards: Collection[str]) -> Config:
    """The configuration with these hazards judged and no others; unchanged where none is named.

    A block that stands in the place of a named one goes with it; shadows are judged only where named.
    """
    if not hazards:
        return config
    asked = set(hazards)
    asked |= {
        name
        for name, block in config.aside.items()
        if block.conduct.instead_of in hazards and not block.conduct.shadow
    }
    return replace(
        config, hazards=_only(config.hazards, asked), aside=_only(config.aside, asked)
    )


def _only(blocks: dict[str, HazardBlock], asked: Collection[str]) -> dict[str, HazardBlock]:
    return {
        name: block
        if name in asked
        else replace(block, conduct=replace(block.conduct, enabled=False))
        for name, block in blocks.items()
    }


def load(folder: Path, changes: Changes | None = None) -> Config:
    """Read a configuration folder, with the changes of a patch where one is given.

    Raises ConfigMistake with one line per mistake of all files, each naming file, line, key and
    remedy; whether the parts fit together is checked as far as they could be read. What is wrong only
    because of the changes names their file.
    """
    check_folder(folder)
    register_all()
    if changes is None:
        return _checked(_Reading(folder))
    _checked(_Reading(folder))
    try:
        return _checked(_Reading(folder, changes))
    except ConfigMistake as error:
        raise ConfigMistake("\n".join(
            line if line.startswith(f"{changes.source}:")
            else f"{changes.source}: with these changes, {line}"
            for line in str(error).splitlines()
        )) from None


def _checked(reading: _Reading) -> Config:
    """What was read, as a whole; ConfigMistake where it has mistakes."""
    district = reading.single(District, "district.yaml")
    sources = reading.sources()
    blocks = reading.hazards()
    aside = {name: block for name, block in blocks.items() if block.conduct.aside}
    hazards = {name: block for name, block in blocks.items() if name not in aside}
    roster = reading.single(Roster, "routes.yaml")
    channels = reading.channels()
    service = reading.single(Service, "service.yaml")
    texts = reading.single(dict[str, Advice], "texts.yaml")
    reading.compare(district, hazards, roster)
    reading.admit(service, roster)
    reading.stand_by(aside, hazards)
    if reading.mistakes or district is None or roster is None or service is None or texts is None:
        raise ConfigMistake("\n".join(reading.mistakes))
    matrix = {name: block.conduct.dispatch for name, block in hazards.items()}
    told = {item.name: getattr(roster, item.name) for item in fields(Roster)}
    slow = frozenset(name for name, block in hazards.items() if block.conduct.can_wait)
    routes = Routes(**told, matrix=matrix, patient=slow)
    return Config(
        folder=reading.folder, district=district, sources=sources, hazards=hazards, routes=routes,
        channels=channels, service=service,
        texts={name: {"zh": text.zh, "en": text.en} for name, text in texts.items()}, aside=aside,
    )


def _kinds(channels: Document) -> dict[str, object]:
    """Name of a channel -> its kind, as it is written."""
    blocks = channels.data.items()
    return {name: block.get("kind") if isinstance(block, dict) else None for name, block in blocks}


class _Reading:
    """A folder as far as it can be read, and what is wrong with it."""

    def __init__(self, folder: Path, changes: Changes | None = None) -> None:
        self.folder = folder
        self.mistakes: list[str] = []
        self.documents: dict[str, Document] = {}
        self.files = list(SINGLE)
        for part in MANY:
            self.files += attempt(self.mistakes, partial(names, folder, part)) or []
        for file in self.files:
            document = attempt(self.mistakes, partial(read, folder / file))
            if document is not None:
                self.documents[file] = document
        if changes is not None:
            self.documents = patched(self.documents, changes)

    def single(self, kind: type[T], file: str) -> T | None:
        """The whole of one file as a `kind`; None where it has mistakes."""
        document = self.documents.get(file)
        if document is None:
            return None
        excerpt = Excerpt(document=document, data=document.data)
        return attempt(self.mistakes, partial(decode, kind, excerpt))

    def sources(self) -> dict[str, SourceBlock]:
        """Every source without mistakes."""
        blocks = {}
        for name, document in self._files("sources"):
            found = self._block(Feed, source, document)
            if found is not None:
                blocks[name] = SourceBlock(name=name, feed=found[0], source=found[1])
                self.mistakes += check_feed(found[0], document)
        return blocks

    def hazards(self) -> dict[str, HazardBlock]:
        """Every hazard without mistakes."""
        blocks = {}
        for name, document in self._files("hazards"):
            found = self._block(Conduct, hazard, document)
            if found is not None:
                blocks[name] = HazardBlock(name=name, conduct=found[0], rule=found[1])
                self.mistakes += check_ladder(found[1].ladder, document)
        return blocks

    def channels(self) -> dict[str, ChannelBlock]:
        """Every channel without mistakes."""
        blocks: dict[str, ChannelBlock] = {}
        document = self.documents.get("channels.yaml")
        if document is None:
            return blocks
        for name in document.data:
            found = self._block(ChannelKeys, channel, document, (name,))
            if found is not None:
                keys, sender = found
                blocks[name] = ChannelBlock(
                    name=name, enabled=keys.enabled, channel=sender, keys=keys
                )
        return blocks

    def compare(
        self, district: District | None, hazards: dict[str, HazardBlock], roster: Roster | None
    ) -> None:
        """Check what spans several files, as far as they could be read."""
        if district is not None:
            document = self.documents["district.yaml"]
            self.mistakes += check_district(district, document, self.folder)
        if roster is not None:
            channels = self.documents.get("channels.yaml")
            kinds = None if channels is None else _kinds(channels)
            self.mistakes += check_roster(roster, self.documents["routes.yaml"], kinds)
            if channels is not None:
                self.mistakes += check_canaries(channels.data, roster.people, channels)
            self.mistakes += check_release(roster, self.documents["routes.yaml"])
        for name, block in hazards.items():
            document = self.documents[f"hazards/{name}.yaml"]
            towns = None if district is None else district.place_ids
            self.mistakes += check_towns(block.rule.towns, document, towns)
            subsystems = None if roster is None else tuple(roster.subsystems)
            self.mistakes += check_dispatch(block.conduct, block.rule.ladder, document, subsystems)

    def admit(self, service: Service | None, roster: Roster | None) -> None:
        """Check who a sign-in service lets in as what."""
        subsystems = None if roster is None else tuple(roster.subsystems)
        if service is not None:
            document = self.documents["service.yaml"]
            self.mistakes += check_sign_in(service.sign_in, document, subsystems)

    def stand_by(
        self, aside: dict[str, HazardBlock], hazards: dict[str, HazardBlock]
    ) -> None:
        """Check the blocks that raise no alert of their own."""
        for name, block in aside.items():
            ladders = {other: found.rule.ladder for other, found in hazards.items()}
            document = self.documents[f"hazards/{name}.yaml"]
            self.mistakes += check_aside(block.conduct, block.rule, ladders, document)

    def _files(self, part: str) -> Iterator[tuple[str, Document]]:
        for file, document in self.documents.items():
            if file.startswith(f"{part}/"):
                yield Path(file).stem, document

    def _block(
        self, common: type[T], registry: Registry[P], document: Document, base: Trail = ()
    ) -> tuple[T, P] | None:
        step = partial(decode_block, common, registry, document, base)
        return attempt(self.mistakes, step)
