"""Scores as the library `scores` computes them, for every figure that it has (optional extra ``verify``)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.verify.table import Contingency

Array = npt.NDArray[np.float64]
NAMES = {
    "pod": "probability_of_detection",
    "far": "false_alarm_ratio",
    "pofd": "probability_of_false_detection",
    "csi": "critical_success_index",
    "bias": "frequency_bias",
    "base_rate": "base_rate",
    "peirce": "peirce_skill_score",
    "sedi": "symmetric_extremal_dependence_index",
}
"""Our name of a score -> its name in the library."""


def check_installed() -> None:
    """FengsuiError with the command that mends it where `scores` is missing."""
    if find_spec("scores") is None:
        raise FengsuiError('scores need a further library: pip install "fengsui[verify]"')


def of_table(table: Contingency) -> dict[str, float]:
    """Name -> score of one table, for every name of `NAMES`; NaN where it cannot be told."""
    check_installed()
    import xarray as xr
    from scores.categorical import BasicContingencyManager

    counts = {
        "tp_count": table.hits,
        "tn_count": table.correct_negatives,
        "fp_count": table.false_alarms,
        "fn_count": table.misses,
        "total_count": table.total,
    }
    with quiet():
        manager = BasicContingencyManager({k: xr.DataArray(float(v)) for k, v in counts.items()})
        return {ours: float(getattr(manager, theirs)()) for ours, theirs in NAMES.items()}


@contextmanager
def quiet() -> Iterator[None]:
    """Let 0/0 be NaN without a word, as it is with us."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        yield
