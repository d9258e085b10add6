"""Outcomes of sends that are not in the database yet, in a file that survives the process.

Many outcomes enter the database in one commit, for a commit waits for the disk. Between the send and that
commit the journal remembers: what ended together is one append, which the system keeps when the process is
killed at any instruction. A loss of power can take entries that no commit followed; their messages then go
out once more under the same keys.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Status
from ingest.times import utc

log = logging.getLogger(__name__)
_quoted = json.encoder.encode_basestring_ascii

NAME = "outbox.journal"
"""Its file in the data folder."""


class Journal:
    """Appends outcomes, and forgets them once they are in the database; safe for threads.

    Parameters
    ----------
    path : Path
        The file; made at the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file: int | None = None
        self._size = 0
        self._waiting: list[Outcome] = []

    def keep(self, outcomes: Iterable[Outcome]) -> None:
        """Remember outcomes, all by one append; `waiting` hands them out until `settled`.

        Where the disk is full they are remembered by the process alone, with a line in the log.
        """
        said = list(outcomes)
        text = b"".join([_written(outcome) for outcome in said])
        with self._lock:
            try:
                self._size += os.write(self._opened(), text)
            except OSError as error:
                log.warning(
                    "the journal of the outbox cannot be written (%s); free some space, or a crash"
                    " now would repeat what was just sent",
                    error.strerror,
                    extra={"action": "journal_failed"},
                )
            self._waiting += said

    def waiting(self) -> tuple[list[Outcome], int]:
        """Outcomes that are not in the database yet, and how long the file was with all of them."""
        with self._lock:
            return list(self._waiting), self._size

    def settled(self, number: int, size: int) -> None:
        """The first `number` outcomes are in the database; a file that has not grown since is emptied."""
        with self._lock:
            del self._waiting[:number]
            if size and size == self._size and self._file is not None:
                os.ftruncate(self._file, 0)
                self._size = 0

    def left(self) -> list[Outcome]:
        """What a process that was killed left behind, the last word on each message; a torn line is none."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        found = (_read(line) for line in text.split("\n") if line)
        return list({outcome.key: outcome for outcome in found if outcome is not None}.values())

    def clear(self) -> None:
        """Forget what was left behind."""
        with self._lock:
            if self._path.exists():
                os.truncate(self._path, 0)
            self._size = 0

    def close(self) -> None:
        """Let go of the file; it is opened again when it is needed."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
            self._file = None

    def _opened(self) -> int:
        if self._file is None:
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
            self._file = os.open(self._path, flags, 0o640)
        return self._file


@lru_cache(maxsize=4)
def _iso(at: datetime) -> str:
    """What ends together has one moment."""
    return at.isoformat()


def _written(outcome: Outcome) -> bytes:
    """One entry; it begins with the line end, so that a torn one before it costs only itself."""
    # Joined by hand: `json.dumps` takes three times as long, and this is done for every message.
    again = "null" if outcome.next_at is None else f'"{outcome.next_at.isoformat()}"'
    key, detail, reference = map(_quoted, (outcome.key, outcome.detail, outcome.reference))
    entry = (
        f'\n[{key}, "{outcome.status.value}", "{_iso(outcome.at)}", {detail}, {reference}, {again}, '
        f'{"true" if outcome.counted else "false"}]'
    )
    return entry.encode()


def _read(line: str) -> Outcome | None:
    try:
        key, status, at, detail, reference, next_at, counted = json.loads(line)
        return Outcome(
            key=key,
            status=Status(status),
            at=utc(datetime.fromisoformat(at)),
            detail=detail,
            reference=reference,
            next_at=next_at and utc(datetime.fromisoformat(next_at)),
            counted=counted,
        )
    except (ValueError, TypeError):
        return None
