"""The work on a past, in a process of its own: a replay, and metrics on which ladders can be tried.

Everything here runs away from the console, at the lowest priority, so that no tick waits for it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from multiprocessing.connection import Connection

from alerts.outgoing.delivery import Delivery
from ingest.database import IN_MEMORY, open_engine
from ingest.errors import FengsuiError, StoreError
from pipeline.config import Config, HazardBlock, with_only
from pipeline.console.studio.asked import Asked
from pipeline.replay.desk import rehearsing
from pipeline.replay.result import Replay
from pipeline.replay.run import Period, archive_period, event_period, run
from pipeline.tune.sweep import Swept, sweep
from rules.baseline import Baseline

MESSAGES = 5_000
"""Messages that are kept with their words; those of a longer past are only counted."""
_TELL_S = 0.1

Tell = Callable[[int, int], None]
"""Told how many of how many steps are done."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a process is to do."""

    asked: Asked
    """The past."""
    config: Config
    """The rules; see `without_doors`."""
    baseline: Baseline | None
    """The climate, for a bundled event."""
    url: str = field(repr=False)
    """Of the database, which holds the archive."""
    blocks: tuple[HazardBlock, ...] = ()
    """Hazards whose metrics alone are wanted; empty for a replay, and the metrics of all of its hazards."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message that would have gone out."""

    at: datetime
    """When, at the earliest."""
    transition: str
    """Identifier of the change it tells of."""
    subsystem: str
    """Id of the subsystem."""
    person: str
    """Id of the person."""
    channel: str
    """Name of the channel block."""
    text: str
    """Its words."""


@dataclass(frozen=True, kw_only=True)
class Studied:
    """What was found in a past."""

    replay: Replay
    """Changes, who was paged, and the weather against the ladders; messages stand in `messages`."""
    messages: tuple[Message, ...]
    """The first of them, in order."""
    counted: int
    """How many there were in all."""
    swept: tuple[Swept, ...]
    """Metrics by hazard."""

    @property
    def kept_bytes(self) -> int:
        """Memory of metrics and messages, about [B]."""
        return sum(one.kept_bytes for one in self.swept) + 600 * len(self.messages)


@dataclass(frozen=True, kw_only=True)
class Shut:
    """Stands where a source or a channel was: a study fetches nothing and sends nothing."""


def without_doors(config: Config) -> Config:
    """A configuration as another process may have it: names stay, what fetches and sends is gone."""
    shut = Shut()
    sources = {
        name: replace(block, source=shut)  # type: ignore[arg-type]  # nobody fetches with it
        for name, block in config.sources.items()
    }
    channels = {
        name: replace(block, channel=shut)  # type: ignore[arg-type]  # nobody sends with it
        for name, block in config.channels.items()
    }
    return replace(config, sources=sources, channels=channels)


def work(order: Order, out: Connection) -> None:
    """Carry an order out and say how it went: ``("at", done, total)`` now and then, then an end.

    The end is ``("done", what was found)`` or ``("failed", sentence)``; whoever dies says nothing.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)
    try:
        found = study(order, _throttled(out))
    except FengsuiError as error:
        out.send(("failed", str(error)))
    else:
        out.send(("done", found))
    out.close()


def _throttled(out: Connection) -> Tell:
    told_at = [-1.0]

    def tell(done: int, total: int) -> None:
        if time.monotonic() - told_at[0] >= _TELL_S:
            told_at[0] = time.monotonic()
            out.send(("at", done, total))

    return tell


def study(order: Order, tell: Tell) -> Studied | tuple[Swept, ...]:
    """A replay with the metrics of its hazards, or the metrics of some blocks where the order names them."""
    config, period = _past(order)
    try:
        if order.blocks:
            alone = replace(config, hazards={block.name: block for block in order.blocks})
            return _measured(alone, period, order.blocks, (tell, 0))
        return _studied(with_only(config, order.asked.hazards), period, tell)
    finally:
        period.engine.dispose()


def _past(order: Order) -> tuple[Config, Period]:
    asked = order.asked
    if asked.event:
        return event_period(order.config, asked.event, order.baseline)
    assert asked.start is not None
    assert asked.end is not None
    if order.url == IN_MEMORY:
        raise StoreError("这个实例的档案只在内存里，回放不了 / the archive is in memory only; use an event")
    engine = open_engine(order.url)
    return order.config, archive_period(
        order.config, engine, asked.start.isoformat(), asked.end.isoformat()
    )


def _studied(config: Config, period: Period, tell: Tell) -> Studied:
    blocks = [block for block in config.hazards.values() if block.conduct.enabled]
    parts = len(blocks) + 1
    found = run(
        config, period, rehearsing(config), lambda done, total: tell(done, total * parts), keep=True
    )
    swept = _measured(config, period, blocks, (tell, 1))
    return Studied(
        replay=replace(found, deliveries=()),
        messages=tuple(_message(one) for one in islice(found.deliveries, MESSAGES)),
        counted=len(found.deliveries),
        swept=swept,
    )


def _measured(
    config: Config, period: Period, blocks: Sequence[HazardBlock], told: tuple[Tell, int]
) -> tuple[Swept, ...]:
    tell, before = told
    parts = before + len(blocks)

    def one(place: int, block: HazardBlock) -> Swept:
        def inside(done: int, total: int) -> None:
            tell(total * place + done, total * parts)

        return sweep(config, period, [block], inside)

    return tuple(one(before + number, block) for number, block in enumerate(blocks))


def _message(one: Delivery) -> Message:
    return Message(
        at=one.due_at,
        transition=one.transition,
        subsystem=one.subsystem,
        person=one.recipient,
        channel=one.channel,
        text=one.text,
    )
