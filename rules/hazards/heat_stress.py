"""Heat stress (热应激) of animals and people by an index of the hour, where daily maxima say too little.

The livestock limits 75, 79 and 84 of the temperature-humidity index are in wide use (alert, danger,
emergency); where they begin for pigs is not agreed, so every limit is configuration. UTCI is not offered:
it needs a mean radiant temperature, which no source here gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

import numpy as np
import xarray as xr

from ingest.registry import Duration
from rules.findings import Findings
from rules.hazard import Reach, Rule, hazard
from rules.indices import comfort, heat
from rules.ladder import check_ladder
from rules.level import LevelName
from rules.shared import values_of
from rules.sheet import Sheet, observed_age
from rules.spans import RisingSpan, endure, hours_ahead, hours_back, seen_hours
from rules.windows import Array, Stretch, stretches

TEMPERATURE, HUMIDITY = "temperature_2m", "relative_humidity_2m"
STRESS_HOURS = "stress_hours"
_INDICES: Mapping[str, Callable[[Array, Array], Array]] = MappingProxyType(
    {
        "thi": heat.thi,
        "heat_index": comfort.heat_index,
        "wbgt": comfort.wbgt,
        "humidex": comfort.humidex,
    }
)
# Indices are told with one decimal, and what is told is what is compared.
_STEP = 0.1


@hazard("heat_stress")
@dataclass(frozen=True, kw_only=True)
class HeatStress(Rule):
    """A comfort index of temperature and humidity against a ladder of `within` and `hours` in a row.

    The metric is the highest index from as_of to so many hours after now; with `hours` above one, the
    highest of the lowest values of so many hours in a row, of which some may be over. A gap of at most
    `max_gap` is bridged; a longer one leaves the metric open upwards.
    """

    ladder: dict[LevelName, RisingSpan]
    """Thresholds of the index, windows, hold and keep per level."""
    index: Literal["thi", "heat_index", "wbgt", "humidex"]
    """thi without unit; heat_index, wbgt (simple, without wind and sun) and humidex in °C."""
    max_gap: Duration = timedelta(hours=2)
    """Longest run of missing hours that is bridged."""

    def __post_init__(self) -> None:
        check_ladder(self.ladder)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Temperature and humidity."""
        return (TEMPERATURE, HUMIDITY)

    @property
    def reach(self) -> Reach:
        """The hours of the longest run that ends now, and a day beyond the farthest window."""
        return Reach(hours_back=hours_back(self.ladder), hours_ahead=hours_ahead(self.ladder))

    def assess(self, name: str, block: xr.Dataset) -> Findings:
        """Judge every now and place of a block with temperature [°C] and humidity [%], (now, place, hour).

        An hour that lacks either is missing. Gives ``stress_hours``: hours of the farthest window that meet
        the level found [h].
        """
        sheet = Sheet.empty(block, _STEP)
        count = np.full(sheet.floor.shape, np.nan)
        inputs = [values_of(block, quantity) for quantity in self.quantities]
        for stretch in stretches(block):
            count[stretch.rows] = self._judge(sheet, stretch, inputs)
            hours = seen_hours(self.ladder, stretch)
            for quantity in self.quantities:
                flags = values_of(block, f"flags_{quantity}")
                sheet.mark(stretch.rows, flags[stretch.rows][..., hours])
        age = np.maximum(*(observed_age(block, quantity) for quantity in self.quantities))
        return sheet.findings(name, block, age, {STRESS_HOURS: count})

    def _judge(self, sheet: Sheet, stretch: Stretch, inputs: list[Array]) -> Array:
        hours = seen_hours(self.ladder, stretch)
        temperature, humidity = (values[stretch.rows][..., hours] for values in inputs)
        index = _INDICES[self.index](temperature, humidity)
        return endure(sheet, stretch, index, self.ladder, self.max_gap)
