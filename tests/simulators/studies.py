"""Work that takes long, or dies, for the queue of the studio; another process must be able to import it."""

import os
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection


def tells(order: object, out: Connection) -> None:
    """Say three times how far it is, and then what was found."""
    for done in range(1, 4):
        out.send(("at", done, 3))
    out.send(("done", str(order)))


def sleeps(order: object, out: Connection) -> None:
    """Begin, and go on for longer than any test."""
    out.send(("at", 1, 100))
    time.sleep(600)


def dies(order: object, out: Connection) -> None:
    """End without a word, as a process does that is killed."""
    os._exit(1)


def refuses(order: object, out: Connection) -> None:
    """Say why it cannot be."""
    out.send(("failed", "档案是空的 / the archive is empty"))


@dataclass(frozen=True, kw_only=True)
class Wish:
    """An order as far as a queue looks at it; it takes another process no time to read."""

    asked: str
    """The past."""
    blocks: tuple[str, ...] = ()
    """What of it is measured."""
