"""The contingency table of yes and no, and its scores as plain numpy: tuning asks for them by the thousand.

Each equals the function of that name in the library `scores` (a test holds it to 1e-12), which
`pipeline.verify.published` asks for the figures of a report. What cannot be told (0/0) is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Number = float | npt.NDArray[np.float64]
"""One count, or an array of them: all of a table share their shape."""


@dataclass(frozen=True, kw_only=True)
class Contingency:
    """How often was warned or not, and it happened or not."""

    hits: Number
    """Warned, and it happened."""
    misses: Number
    """Not warned, and it happened."""
    false_alarms: Number
    """Warned, and nothing happened."""
    correct_negatives: Number = np.nan
    """Not warned, and nothing happened; NaN where that cannot be counted, as with events."""

    @classmethod
    def of(
        cls, warned: npt.NDArray[Any], happened: npt.NDArray[Any], axis: int | None = None
    ) -> Contingency:
        """Count along an axis (of all where none is named) of two arrays of one shape.

        Values are 0 and 1 or False and True; a pair with a NaN counts nowhere.
        """
        yes, true = np.asarray(warned, float), np.asarray(happened, float)
        return cls(
            hits=_count((yes == 1) & (true == 1), axis),
            misses=_count((yes == 0) & (true == 1), axis),
            false_alarms=_count((yes == 1) & (true == 0), axis),
            correct_negatives=_count((yes == 0) & (true == 0), axis),
        )

    @property
    def total(self) -> Number:
        """All cases."""
        return self.hits + self.misses + self.false_alarms + self.correct_negatives

    @property
    def events(self) -> Number:
        """Cases in which it happened."""
        return self.hits + self.misses

    @property
    def pod(self) -> Number:
        """Probability of detection: hits / (hits + misses), 0 to 1, best 1."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def far(self) -> Number:
        """False alarm ratio: false alarms / warnings, 0 to 1, best 0."""
        return _ratio(self.false_alarms, self.hits + self.false_alarms)

    @property
    def pofd(self) -> Number:
        """Probability of false detection: false alarms / cases without an event, 0 to 1, best 0."""
        return _ratio(self.false_alarms, self.false_alarms + self.correct_negatives)

    @property
    def csi(self) -> Number:
        """Critical success index: hits / (hits + misses + false alarms), 0 to 1, best 1."""
        return _ratio(self.hits, self.hits + self.misses + self.false_alarms)

    @property
    def bias(self) -> Number:
        """Frequency bias: warnings / events; above 1 means too many warnings."""
        return _ratio(self.hits + self.false_alarms, self.hits + self.misses)

    @property
    def base_rate(self) -> Number:
        """Share of cases in which it happened."""
        return _ratio(self.hits + self.misses, self.total)

    @property
    def peirce(self) -> Number:
        """Peirce skill score (true skill statistic): POD - POFD, -1 to 1."""
        return self.pod - self.pofd

    @property
    def sedi(self) -> Number:
        """Symmetric extremal dependence index, -1 to 1, best 1; for rare events.

        Ferro and Stephenson 2011, https://doi.org/10.1175/WAF-D-10-05030.1. NaN where POD or POFD is 0 or 1.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            pod, pofd = self.pod, self.pofd
            logs = np.log(pofd), np.log(pod), np.log(1 - np.asarray(pod)), np.log(1 - np.asarray(pofd))
            found = (logs[0] - logs[1] + logs[2] - logs[3]) / (logs[0] + logs[1] + logs[2] + logs[3])
        return _plain(found)

    def __add__(self, other: Contingency) -> Contingency:
        return Contingency(
            hits=self.hits + other.hits,
            misses=self.misses + other.misses,
            false_alarms=self.false_alarms + other.false_alarms,
            correct_negatives=self.correct_negatives + other.correct_negatives,
        )

    def as_json(self) -> dict[str, float | None]:
        """The four counts of a table of single numbers; None for what cannot be counted."""
        names = ("hits", "misses", "false_alarms", "correct_negatives")
        counts = {name: float(getattr(self, name)) for name in names}
        return {name: None if np.isnan(count) else count for name, count in counts.items()}


def _count(cases: npt.NDArray[np.bool_], axis: int | None) -> Number:
    return _plain(cases.sum(axis=axis).astype(float))


def _ratio(above: Number, below: Number) -> Number:
    with np.errstate(divide="ignore", invalid="ignore"):
        return _plain(np.true_divide(above, below))


def _plain(found: Any) -> Number:
    """A float where there is one number only."""
    return float(found) if np.ndim(found) == 0 else np.asarray(found, float)
