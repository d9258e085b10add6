"""Everything a tick needs, built once by `pipeline.wiring` and handed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from alerts.outgoing.dispatch import Desk
from alerts.outgoing.outbox import Outbox
from ingest.archive import Archive
from ingest.block import View
from ingest.http import HttpClient
from ingest.secret import Secret
from pipeline.config import Config
from rules.baseline import Baseline


@dataclass(frozen=True, kw_only=True)
class Judging:
    """What judging the weather needs: enough for a replay, which sends nothing."""

    config: Config
    """The district as data."""
    archive: Archive
    """What was known."""
    view: View
    """The part of the archive that the hazards read together."""
    baseline: Baseline | None = None
    """The climate of the district; None where none was fitted."""


@dataclass(frozen=True, kw_only=True)
class Ports(Judging):
    """The doors of the house, all of them open."""

    engine: Engine
    """The one database."""
    desk: Desk
    """Writes messages."""
    outbox: Outbox
    """Sends them."""
    http: HttpClient
    """The way in from the network."""
    reveal: Callable[[Secret], str]
    """Reads a secret."""
    folder: Path
    """Data folder."""
    link_key: str
    """Key of the acknowledgement links."""

    def close(self) -> None:
        """Finish what is under way and let go of everything."""
        self.outbox.close()
        self.outbox.means.sessions.close()
        self.outbox.means.post.close()
        self.http.close()
        self.engine.dispose()
