"""Findings of many nows, block by block, by this process alone or with others beside it.

Blocks know nothing of each other, so whoever judges one finds the same; `pipeline.replay.crew` shares them
out.
"""

from __future__ import annotations

import atexit
import os
import secrets
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from multiprocessing import get_context

from sqlalchemy import Connection, Engine

from ingest.archive import Archive
from ingest.block import View
from ingest.database import IN_MEMORY, open_engine, reading
from ingest.errors import FengsuiError
from pipeline.config import Config
from pipeline.ports import Judging
from pipeline.replay.crew import Block, Blocks, Crew, Found
from pipeline.tick import assess

BLOCK = 168
"""Nows laid into one block: a week of hours. The arrays of a district then stay under 32 MiB each: the C
library uses such memory again, while the system zeroes larger ones anew for every block, which takes a fifth
of a replay."""
MEMORY = 64 * 1024 * 1024
"""Decoded weather that each process keeps [B]: a replay only goes back as far as the look back of a block."""


class WorkerDied(FengsuiError):
    """A process that judged blocks is gone, most likely for want of memory; use --workers 1."""


@dataclass(frozen=True, kw_only=True)
class Archived:
    """The archive of a replay, and how it is judged."""

    engine: Engine
    """Holds the archive."""
    connection: Connection
    """Reads it in this process."""
    judging: Judging
    """Judges it."""


def judged(
    archived: Archived, nows: Sequence[datetime], chunk: int, workers: int
) -> Blocks:
    """The nows in blocks of `chunk`, each with what was found, in order.

    An archive in memory is no other process's, and is read by this one alone.
    """
    blocks = [nows[start : start + chunk] for start in range(0, len(nows), chunk)]
    alone = str(archived.engine.url) == IN_MEMORY
    if workers > 1 and len(blocks) > 1 and not alone:
        yield from _together(archived, blocks, workers - 1)
    else:
        for block in blocks:
            yield block, _assess(archived.connection, block, archived.judging)


def _assess(connection: Connection, block: Block, judging: Judging) -> Found:
    """The findings of a block without what only an evidence card shows, which is most of their bytes."""
    found = assess(connection, block, judging)
    return {name: replace(one, metrics={}) for name, one in found.items()}


def _together(archived: Archived, blocks: Sequence[Block], others: int) -> Blocks:
    judging = archived.judging
    station = _Station(
        key=secrets.token_hex(),
        url=archived.engine.url.render_as_string(hide_password=False),
        config=replace(judging.config, sources={}, channels={}),
        view=judging.view,
    )
    # A pool of one for each, so that what lies side by side is asked of the same process.
    context = get_context("spawn")
    pools = [ProcessPoolExecutor(1, context, initializer=_begin) for _ in range(others)]

    def ask(block: Block, other: int) -> Future[Found]:
        # The first request starts a process; held back, Ctrl-C does not tear one that is still loading.
        with _held_back(signal.SIGINT):
            return pools[other].submit(_judge, station, block)

    def here(block: Block) -> Found:
        return _assess(archived.connection, block, judging)

    try:
        yield from Crew(blocks=blocks, others=others, ask=ask, here=here).judged()
    except BrokenProcessPool as error:
        raise WorkerDied(WorkerDied.__doc__) from error
    finally:
        for pool in pools:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """Keep a signal for later; processes that are started meanwhile never get it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin() -> None:
    """Prepare a process that judges: it comes and goes as the one that asked for the work says."""
    # Ctrl-C reaches every process of a terminal.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Taking the libraries down one by one takes half a second, for which a replay would wait.
    atexit.register(os._exit, 0)


@dataclass(frozen=True, kw_only=True)
class _Station:
    """What another process judges by; it is handed over with every stretch, and opened with the first."""

    key: str
    """Which replay it belongs to; equal where that is."""
    url: str = field(compare=False, repr=False)
    """Of the database, which holds the archive."""
    config: Config = field(compare=False, repr=False)
    """Without what fetches and what sends."""
    view: View = field(compare=False, repr=False)
    """The part of the archive that is read."""


def _judge(station: _Station, block: Block) -> Found:
    engine, judging = _opened(station)
    with reading(engine) as connection:
        return _assess(connection, block, judging)


@lru_cache(maxsize=1)
def _opened(station: _Station) -> tuple[Engine, Judging]:
    archive = Archive(cache_bytes=MEMORY)
    judging = Judging(config=station.config, archive=archive, view=station.view)
    return open_engine(station.url), judging
