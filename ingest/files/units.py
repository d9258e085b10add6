"""The one table of units: how what a file says becomes what `ingest.quantities` says."""

from __future__ import annotations

import numpy as np

from ingest.batch import Values
from ingest.quantities import quantity

# Unit of the table of quantities -> unit of a file -> (factor, offset). Spellings are compared without
# blanks, carets, stars and case; ² ³ count as 2 3 and · × as nothing.
_TABLE: dict[str, dict[str, tuple[float, float]]] = {
    "°C": {
        "°C C degC deg_C celsius 摄氏度 ℃": (1.0, 0.0),
        "K kelvin": (1.0, -273.15),
        "°F F degF fahrenheit": (5 / 9, -160 / 9),
        "0.1°C 0.1C tenths_C": (0.1, 0.0),
    },
    "%": {"% percent pct": (1.0, 0.0), "1 fraction": (100.0, 0.0)},
    "m/s": {
        "m/s ms-1 mps 米/秒": (1.0, 0.0),
        "km/h kmh kmh-1 kph": (1 / 3.6, 0.0),
        "kn kt knot knots": (1852 / 3600, 0.0),
        "mph mi/h": (0.44704, 0.0),
        "0.1m/s": (0.1, 0.0),
    },
    "°": {"° deg degree degrees": (1.0, 0.0)},
    "W/m²": {
        "W/m2 Wm-2": (1.0, 0.0),
        # Energy of the preceding hour, as ERA5 writes radiation.
        "J/m2 Jm-2": (1 / 3600, 0.0),
        "kJ/m2 kJm-2": (1000 / 3600, 0.0),
    },
    "m³/m³": {"m3/m3 m3m-3 1": (1.0, 0.0), "%": (0.01, 0.0)},
    # A rate counts for the hour or day that its value stands for.
    "mm": {
        "mm mm/h mmh-1 mm/d mm/day mmd-1 kg/m2 kgm-2 毫米": (1.0, 0.0),
        "cm": (10.0, 0.0),
        "m mofwaterequivalent": (1000.0, 0.0),
        "in inch inches": (25.4, 0.0),
        "0.1mm tenths_mm": (0.1, 0.0),
    },
    "1": {"1": (1.0, 0.0)},
    "d": {"d day days": (1.0, 0.0)},
}
_PLAIN = str.maketrans({"²": "2", "³": "3", "·": "", "×": "", "^": "", "*": "", " ": ""})
# Binary dust of a conversion, far below every resolution, is swept away: 300.15 K is 27.0 °C.
_DECIMALS = 6


def _plain(unit: str) -> str:
    return unit.strip().translate(_PLAIN).casefold()


_FACTORS = {
    target: {_plain(name): rule for names, rule in rows.items() for name in names.split()}
    for target, rows in _TABLE.items()
}


def convertible(name: str, unit: str) -> bool:
    """Whether a unit of a file can become that of a quantity; UnknownName where there is no such quantity."""
    return _plain(unit) in _FACTORS[quantity(name).unit]


def units_for(name: str) -> tuple[str, ...]:
    """Spellings of the units in which a quantity is taken, for messages."""
    return tuple(" ".join(_TABLE[quantity(name).unit]).split())


def converted(name: str, unit: str, values: Values) -> Values:
    """Values of a file in the unit of the table of quantities; NaN stays NaN, KeyError for other units.

    Rounded to six decimals where anything was computed at all.
    """
    factor, offset = _FACTORS[quantity(name).unit][_plain(unit)]
    if (factor, offset) == (1.0, 0.0):
        return values
    return np.round(values * factor + offset, _DECIMALS)
