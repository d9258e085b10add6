"""What a hazard is: a frozen block of configuration that reads a block of weather."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import xarray as xr

from ingest.registry import Registry
from rules.findings import Findings
from rules.ladder import Rung
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Reach:
    """How much of the past and the future a hazard reads."""

    hours_back: int = 1
    """Observed hours, counted back from as_of [h]."""
    hours_ahead: int = 0
    """Forecast hours [h]."""
    days_back: int = 0
    """Days that have ended, of daily quantities [d]."""
    days_ahead: int = 0
    """Forecast days of daily quantities, the one under way being the first [d]."""


class Hazard(Protocol):
    """A frozen dataclass registered with ``@hazard("kind")``; its fields are the keys of its block."""

    @property
    def ladder(self) -> Mapping[Level, Rung]:
        """Thresholds, hold and keep per level."""
        ...

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the quantities it reads, the one its evidence is drawn from first."""
        ...

    @property
    def reach(self) -> Reach:
        """How far it looks."""
        ...

    @property
    def towns(self) -> tuple[str, ...]:
        """Codes of the towns its block names, for a check that they exist; empty where it names none."""
        ...

    @property
    def falling(self) -> bool:
        """True where low values of its metric are the dangerous ones."""
        ...

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block; pure, and the same for one now or a thousand."""
        ...


class Rule:
    """What most hazards have in common: a metric whose high values are dangerous, the same in every town."""

    @property
    def towns(self) -> tuple[str, ...]:
        """No town is named."""
        return ()

    @property
    def falling(self) -> bool:
        """High values are the dangerous ones."""
        return False


hazard: Registry[Hazard] = Registry("hazard")
