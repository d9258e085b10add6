"""What a hazard is: a frozen block of configuration that reads a block of weather."""

from __future__ import annotations

from typing import Protocol

import xarray as xr

from ingest.registry import Registry
from rules.findings import Findings
from rules.ladder import Ladder


class Hazard(Protocol):
    """A frozen dataclass registered with ``@hazard("kind")``; its fields are the keys of its block."""

    @property
    def ladder(self) -> Ladder:
        """Thresholds, hold and keep per level."""
        ...

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the quantities it reads."""
        ...

    @property
    def hours_back(self) -> int:
        """Observed hours it needs, counted back from as_of [h]."""
        ...

    @property
    def hours_ahead(self) -> int:
        """Forecast hours it needs [h]."""
        ...

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block; pure, and the same for one now or a thousand."""
        ...


hazard: Registry[Hazard] = Registry("hazard")
