"""What a source is: a frozen block of configuration that can fetch batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ingest.batch import Batch
from ingest.errors import SourceError
from ingest.http import HttpClient
from ingest.places import District
from ingest.registry import Duration, Registry
from ingest.secret import Secret


@dataclass(frozen=True, kw_only=True)
class Feed:
    """The keys every source block has, whatever its kind."""

    kind: str
    """Which registered kind reads this source."""
    every: Duration
    """How often it is pulled."""
    latency: Duration = timedelta(0)
    """Declared delay: hours younger than this are not expected to be observed yet."""
    freshness: Duration = timedelta(hours=24)
    """A forecast run older than this is masked, and a source without anything newer is reported silent; so it
    is after three turns without an answer."""
    priority: int = 100
    """Where two sources know the same value, the lower number is taken."""
    enabled: bool = True
    """False keeps the block but does not pull it."""


def no_secrets(secret: Secret) -> str:
    """Stands in where nobody can reveal secrets: raises SourceError naming where it is kept."""
    raise SourceError(f"this pull cannot read secrets; {secret.where} was asked for")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a pull asks of a source."""

    now: datetime
    """Present moment; nothing that became known later may come back."""
    since: datetime | None
    """When this source last answered a pull; None when it never did."""
    district: District
    """The places to fetch for."""
    http: HttpClient
    """The one way out to the network."""
    reveal: Callable[[Secret], str] = no_secrets
    """Reads a secret where it is kept; what it says must reach no error, log or URL."""
    every: timedelta | None = None
    """How often this source is pulled, for daily budgets; None where nobody repeats the pull."""


class Source(Protocol):
    """A frozen dataclass registered with ``@source("kind")``; its fields are its block's keys."""

    def fetch(self, name: str, request: Request) -> list[Batch]:
        """Return what is new, oldest first, stamped with the source's `name`.

        Raises SourceError (with `retry_after` where the source asked for a pause) and never returns
        half of an answer.
        """
        ...


source: Registry[Source] = Registry("source")
