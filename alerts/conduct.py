"""The keys every hazard block has beside those of its kind: its words and how its alerts behave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from ingest.registry import Duration


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How alerts of one hazard are named and kept."""

    kind: str
    """Which registered hazard judges it."""
    name: str
    """Name in Chinese, as official titles write it (高温)."""
    name_en: str
    """Name in English."""
    measure: str
    """What the value is, in Chinese (最高气温)."""
    measure_en: str
    """What the value is, in English."""
    unit: str
    """Unit of the value."""
    extend_before: Duration = timedelta(hours=6)
    """People are told of a longer duration this long before the end they know of."""
    blind_after: Duration = timedelta(hours=3)
    """Unjudgeable for longer than this, the operator is told that data is lost."""
    enabled: bool = True
    """False keeps the block but does not judge it."""
