"""Low temperature (低温) for livestock and crops: cold that comes or stays, whatever it was before.

No standard for thresholds was found: every number is configuration. A sudden fall with wind is a cold wave
and has a kind of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import xarray as xr

from ingest.quantities import quantity
from ingest.registry import Duration
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.ladder import check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, observed_age
from rules.spans import FallingSpan, endure, hours_ahead, hours_back, seen_hours
from rules.windows import stretches

TEMPERATURE = "temperature_2m"
COLD_HOURS = "cold_hours"


@hazard("low_temperature")
@dataclass(frozen=True, kw_only=True)
class LowTemperature(Rule):
    """Air temperature at 2 m [°C], at most so much `within` so long and for `hours` in a row.

    The metric is the lowest temperature from as_of to so many hours after now; with `hours` above one, the
    lowest of the highest values of so many hours in a row, of which some may be over. A gap of at most
    `max_gap` is bridged; a longer one leaves the metric open downwards.
    """

    ladder: dict[LevelName, FallingSpan]
    """Thresholds [°C], windows, hold and keep per level."""
    max_gap: Duration = timedelta(hours=2)
    """Longest run of missing hours that is bridged."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def falling(self) -> bool:
        """Low values are the dangerous ones."""
        return True

    @property
    def quantities(self) -> tuple[str, ...]:
        """Temperature."""
        return (TEMPERATURE,)

    @property
    def reach(self) -> Reach:
        """The hours of the longest run that ends now, and a day beyond the farthest window."""
        return Reach(hours_back=hours_back(self.ladder), hours_ahead=hours_ahead(self.ladder))

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with ``temperature_2m`` (now, place, hour) [°C].

        Gives ``cold_hours``: hours of the farthest window that meet the level found [h].
        """
        sheet = Sheet.empty(block, quantity(TEMPERATURE).resolution, falling=True)
        count = np.full(sheet.floor.shape, np.nan)
        temperature = values_of(block, TEMPERATURE)
        flags = values_of(block, f"flags_{TEMPERATURE}")
        for stretch in stretches(block):
            hours = seen_hours(self.ladder, stretch)
            series = temperature[stretch.rows][..., hours]
            count[stretch.rows] = endure(sheet, stretch, series, self.ladder, self.max_gap)
            sheet.mark(stretch.rows, flags[stretch.rows][..., hours])
        return sheet.findings(name, block, observed_age(block, TEMPERATURE), {COLD_HOURS: count})
