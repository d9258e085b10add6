"""Findings of many nows, block by block, by this process alone or with others beside it.

Blocks know nothing of each other, so whoever judges one finds the same. With others beside it, this process
takes part: while it would have to wait it judges a stretch of blocks that nobody has begun.
"""

from __future__ import annotations

import secrets
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
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
from pipeline.tick import assess
from rules.findings import Findings

BLOCK = 128
"""Nows laid into one block. The arrays of a district then stay under 32 MiB each: the C library uses such
memory again, while the system zeroes larger ones anew for every block, which takes a fifth of a replay."""
_STRETCH = 5
"""Blocks in a row that one process judges: neighbours need mostly the same weather, and read it once."""
_AHEAD = 5
"""Stretches asked for at once: a pool of one takes two that cannot be called back, and this process one."""

Found = dict[str, Findings]
"""Hazard -> findings of a block."""

Stretch = Sequence[Sequence[datetime]]
"""The nows of blocks in a row."""
Blocks = Generator[tuple[Sequence[datetime], Found], None, None]
"""The nows of a block, and what was found; closing it ends what is under way."""


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
        stretches = [blocks[start : start + _STRETCH] for start in range(0, len(blocks), _STRETCH)]
        yield from _together(archived, stretches, workers - 1)
    else:
        for block in blocks:
            yield block, _assess(archived.connection, block, archived.judging)


def _assess(connection: Connection, block: Sequence[datetime], judging: Judging) -> Found:
    """The findings of a block without what only an evidence card shows, which is most of their bytes."""
    found = assess(connection, block, judging)
    return {name: replace(one, metrics={}) for name, one in found.items()}


def _together(
    archived: Archived, stretches: Sequence[Stretch], others: int
) -> Blocks:
    judging = archived.judging
    station = _Station(
        key=secrets.token_hex(),
        url=archived.engine.url.render_as_string(hide_password=False),
        config=replace(judging.config, sources={}, channels={}),
        view=judging.view,
    )
    pool = ProcessPoolExecutor(others, get_context("spawn"), initializer=_leave_interrupts)

    def ask(stretch: Stretch) -> Future[list[Found]]:
        # The first request starts the processes; held back, Ctrl-C does not tear one that is still loading.
        with _held_back(signal.SIGINT):
            return pool.submit(_judge, station, stretch)

    try:
        yield from _in_turn(ask, archived, stretches, _AHEAD + 2 * others)
    except BrokenProcessPool as error:
        raise WorkerDied(WorkerDied.__doc__) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _in_turn(
    ask: Callable[[Stretch], Future[list[Found]]],
    archived: Archived,
    stretches: Sequence[Stretch],
    ahead: int,
) -> Blocks:
    asked: deque[Future[list[Found]]] = deque()
    for number, stretch in enumerate(stretches):
        for later in stretches[number + len(asked) : number + ahead]:
            asked.append(ask(later))
        _lend_a_hand(asked, stretches[number:], archived)
        yield from zip(stretch, asked.popleft().result(), strict=True)


def _lend_a_hand(
    asked: deque[Future[list[Found]]], stretches: Sequence[Stretch], archived: Archived
) -> None:
    """While the next stretch is not there, judge one here that nobody has begun, the next ones first."""
    for place in range(len(asked)):
        if asked[0].done():
            return
        if asked[place].cancel():
            mine: Future[list[Found]] = Future()
            mine.set_result(_assess_all(archived.connection, stretches[place], archived.judging))
            asked[place] = mine


def _assess_all(connection: Connection, stretch: Stretch, judging: Judging) -> list[Found]:
    return [_assess(connection, block, judging) for block in stretch]


@contextmanager
def _held_back(number: signal.Signals) -> Iterator[None]:
    """Keep a signal for later; processes that are started meanwhile never get it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that asked for the work ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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


def _judge(station: _Station, stretch: Stretch) -> list[Found]:
    engine, judging = _opened(station)
    with reading(engine) as connection:
        return _assess_all(connection, stretch, judging)


@lru_cache(maxsize=1)
def _opened(station: _Station) -> tuple[Engine, Judging]:
    judging = Judging(config=station.config, archive=Archive(), view=station.view)
    return open_engine(station.url), judging
