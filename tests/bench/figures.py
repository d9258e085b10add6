"""A figure of the bench: samples of one quantity, and how they are told in one line."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

Made = TypeVar("Made")
_ENOUGH_FOR_P99 = 100


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table."""

    what: str
    """What was measured."""
    unit: str
    """Unit of the samples."""
    samples: tuple[float, ...]
    """One per run, after warming up."""
    ratio: str = ""
    """The median against something of the same run, in words; empty where nothing was asked."""

    @property
    def median(self) -> float:
        """The middle sample."""
        return statistics.median(self.samples)

    @property
    def spread(self) -> str:
        """The 99th percentile of many samples, lowest and highest of few."""
        ordered = sorted(self.samples)
        if len(ordered) >= _ENOUGH_FOR_P99:
            return f"p99 {figures(ordered[int(0.99 * (len(ordered) - 1))])}"
        return f"{figures(ordered[0])} - {figures(ordered[-1])}"


def figures(value: float) -> str:
    """A number with three significant figures, never in powers of ten."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 or value == 0 else f"{value:.6f}"


def seconds(work: Callable[[], object]) -> float:
    """How long one call takes [s]."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def timed(work: Callable[[], Made]) -> tuple[float, Made]:
    """How long one call takes [s], and what it returns."""
    begun = time.perf_counter()
    made = work()
    return time.perf_counter() - begun, made


def rounds(work: Callable[[], object], number: int) -> tuple[float, ...]:
    """Seconds of `number` calls, after one that does not count; a single call counts at once."""
    if number > 1:
        work()
    return tuple(seconds(work) for _ in range(number))


def table(found: Iterable[Figure]) -> str:
    """The figures as plain text, one line each."""
    head = ("what", "median", "p99 or min - max", "unit", "ratio", "runs")
    lines = [head, *(_line(figure) for figure in found)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    ruler = tuple("-" * width for width in widths)
    return "\n".join(_aligned(line, widths) for line in (head, ruler, *lines[1:]))


def _line(figure: Figure) -> tuple[str, ...]:
    return (
        figure.what,
        figures(figure.median),
        figure.spread,
        figure.unit,
        figure.ratio,
        str(len(figure.samples)),
    )


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column in (1, 2, 5) else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(line, widths, strict=True))
    ]
    return "  ".join(cells).rstrip()
