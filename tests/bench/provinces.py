"""One tick of a province of 70,000 places, against one copy of its block in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import xarray as xr
from bench.figures import Figure, rounds
from bench.grid import province
from bench.weather import played

_PLACES, _BACK, _AHEAD = 70_000, 24, 72


def measure(*, quick: bool) -> Iterator[Figure]:
    """Copy, judge by all hazards and by each, and fill (700 places where it must be quick)."""
    places, number = (700, 1) if quick else (_PLACES, 7)
    config = played()
    rules = {name: block.rule for name, block in config.hazards.items() if block.conduct.enabled}
    weather = province(places, config, _BACK, _AHEAD)
    block = weather.block()
    unit = f"{places:,} places x {block.sizes['hour']} h, {len(weather.view.quantities)} quantities"
    copied = Figure(
        what=f"one copy of the block, {unit}", unit="s", samples=rounds(_copier(block), number)
    )
    yield copied

    def judge(names: Iterable[str]) -> None:
        """As a tick does: a copy shares the arrays, and nothing that was found of the block before."""
        fresh = block.copy(deep=False)
        for name in names:
            rules[name].assess(name, fresh)

    judged = rounds(lambda: judge(rules), number)
    what = f"all hazards on the ready block ({len(rules)}), {places:,} places"
    yield _against(copied, what, judged)
    for name in rules:
        took = rounds(lambda name=name: judge([name]), min(number, 5))
        yield Figure(what=f"  {name}", unit="ms", samples=tuple(1000 * one for one in took))
    filled = rounds(weather.block, min(number, 3))
    yield _against(copied, f"fill (batches -> block), {places:,} places", filled)


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
