"""One tick of a province of 70,000 places, against one copy of its block in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from bench.figures import Figure, rounds
from bench.weather import played, province

_PLACES, _BACK, _AHEAD = 70_000, 96, 72


def measure(*, quick: bool) -> Iterator[Figure]:
    """Copy, fill and judge (700 places where it must be quick)."""
    places, number = (700, 2) if quick else (_PLACES, 9)
    rules = {name: block.rule for name, block in played().hazards.items()}
    wanted = tuple(dict.fromkeys(name for rule in rules.values() for name in rule.quantities))
    weather = province(places, _BACK, _AHEAD, wanted)
    block = weather.block()
    copies = rounds(_copier(block), number)
    unit = f"{places:,} places x ({_BACK}+{_AHEAD} h)"
    copied = Figure(what=f"one copy of the block, {unit}", unit="s", samples=copies)
    yield copied
    judged = rounds(lambda: [rule.assess(name, block) for name, rule in rules.items()], number)
    yield _against(copied, f"all hazards on the ready block, {unit}", judged)
    filled = rounds(weather.block, number)
    yield _against(copied, f"fill (batches -> block), {unit}", filled)


def _copier(block: xr.Dataset) -> Callable[[], None]:
    """Copies every array of a block into memory that is there already: the strictest unit."""
    pairs = [(np.empty_like(part.values), part.values) for part in block.data_vars.values()]

    def copy() -> None:
        for target, source in pairs:
            np.copyto(target, source)

    return copy


def _against(copied: Figure, what: str, samples: tuple[float, ...]) -> Figure:
    figure = Figure(what=what, unit="s", samples=samples)
    ratio = f"{figure.median / copied.median:.1f} x a copy"
    return Figure(what=what, unit="s", samples=samples, ratio=ratio)
