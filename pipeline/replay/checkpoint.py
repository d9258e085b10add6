"""What an interrupted replay leaves behind, so that `--resume` goes on to the same bytes.

A folder holds the changes as lines of JSON, what was seen as raw records, and a mark that says how far both
count and in which state every hazard was. The mark is replaced last and as a whole: whatever else an
interrupt leaves half written is cut off.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from alerts.event.memory import dump, load
from alerts.event.transition import Transition
from ingest.errors import StoreError
from pipeline.replay.course import SEEN, Course

EVERY_S = 10.0
"""Work is kept this often [s]."""
_CHANGES, _SEEN, _MARK = "changes.jsonl", "seen.bin", "mark.json"


class Checkpoint:
    """Keeps and restores the course of one replay; another replay has another folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is opened here; the folder is made when it is first needed."""
        self.folder = folder
        self._kept_at = time.monotonic()

    def clear(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def offer(self, course: Course, nows: Sequence[datetime]) -> None:
        """Keep what was done so far, where enough time has passed since it was last kept."""
        if time.monotonic() - self._kept_at >= EVERY_S:
            self.keep(course, nows)

    def keep(self, course: Course, nows: Sequence[datetime]) -> None:
        """Keep what was done up to the last block that is whole; StoreError where nothing can be written."""
        done, states = course.reached
        if not done:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            mark = self._mark(course.judging.config.district.place_ids)
            lines = [
                _line(change)
                for change in course.book.transitions[mark["changes"] :]
                if done == len(nows) or change.at < nows[done]
            ]
            self._append(_CHANGES, mark["bytes"], b"".join(lines))
            seen = np.concatenate(course.seen)[mark["done"] : done]
            self._append(_SEEN, mark["done"] * _width(len(states)), seen.tobytes())
            mark |= {
                "nows": _digest(nows),
                "done": done,
                "changes": mark["changes"] + len(lines),
                "bytes": mark["bytes"] + sum(map(len, lines)),
                "states": [dump(state) for state in states.values()],
            }
            self._replace(json.dumps(mark))
        except OSError as error:
            sentence = f"{self.folder} cannot be written ({error.strerror}); free some space"
            raise StoreError(f"{sentence}, or replay a shorter period") from error
        self._kept_at = time.monotonic()

    def restore(self, course: Course, nows: Sequence[datetime]) -> None:
        """Bring a fresh course to where it was kept; it stays fresh where nothing that fits was."""
        places = course.judging.config.district.place_ids
        mark = self._mark(places)
        if mark.get("nows") != _digest(nows):
            self.clear()
            return
        states = {one["hazard"]: load(one, places) for one in mark["states"]}
        if states.keys() != course.states.keys():
            self.clear()
            return
        text = (self.folder / _CHANGES).read_bytes()[: mark["bytes"]]
        changes = [_CHANGE.validate_python(json.loads(line)) for line in text.splitlines()]
        # Who hears of what follows from the changes, and is found again in a moment.
        for now, group in groupby(changes, key=lambda change: change.at):
            course.book.tick(list(group), now)
        size = mark["done"] * _width(len(states))
        raw = (self.folder / _SEEN).read_bytes()[:size]
        course.seen.append(np.frombuffer(raw, SEEN).reshape(mark["done"], len(states)))
        course.reached = (mark["done"], {name: states[name] for name in course.states})

    def _mark(self, places: tuple[str, ...]) -> dict[str, Any]:
        """How far the files count; nothing counts where there is no mark, or one of other towns."""
        try:
            mark = json.loads((self.folder / _MARK).read_text("utf-8"))
        except (OSError, ValueError):
            mark = {}
        fits = all(tuple(one["places"]) == places for one in mark.get("states", ()))
        return mark if mark and fits else {"done": 0, "changes": 0, "bytes": 0}

    def _append(self, name: str, at: int, content: bytes) -> None:
        path = self.folder / name
        path.touch()
        with path.open("r+b") as file:
            file.truncate(at)
            file.seek(at)
            file.write(content)

    def _replace(self, text: str) -> None:
        fresh = self.folder / (_MARK + ".new")
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.folder / _MARK)


_CHANGE: TypeAdapter[Transition] = TypeAdapter(Transition)


def _line(change: Transition) -> bytes:
    return json.dumps(asdict(change), default=_iso).encode() + b"\n"


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a change holds a {type(value).__name__}, which the checkpoint does not know")


def _width(hazards: int) -> int:
    """Bytes of one now."""
    return hazards * SEEN.itemsize


def _digest(nows: Sequence[datetime]) -> str:
    text = "\n".join(now.isoformat() for now in nows)
    return hashlib.sha256(text.encode()).hexdigest()
