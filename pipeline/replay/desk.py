"""The desk of a rehearsal: it writes what the daemon's writes, and its links open nothing."""

from __future__ import annotations

from alerts.outgoing.dispatch import Desk
from pipeline.config import Config
from pipeline.wiring import desk_of

# No daemon has this key. It is the same each time, so that two replays give the same bytes.
_NO_KEY = "a rehearsal opens nothing"


def rehearsing(config: Config) -> Desk:
    """The desk of a configuration for messages that nobody gets."""
    return desk_of(config, _NO_KEY, config.service.public_url)
