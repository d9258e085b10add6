"""Which ladders of a plan to try: all of them, or where the ones before say that most may be won."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice

import numpy as np
import numpy.typing as npt

from ingest.errors import FengsuiError
from pipeline.configuration.yaml_lines import Trail
from pipeline.tune.candidates import Values, grid
from pipeline.tune.plan import Plan

Array = npt.NDArray[np.float64]
Worth = Callable[[Sequence[Values]], Array]
"""Tries ladders and tells how good each is: the more the better, -inf for an impossible one."""

_FIRST, _ROUND, _POOL = 24, 8, 4000


def search(plan: Plan, worth: Worth) -> int:
    """Try ladders of a plan; the number of those that were named."""
    if plan.search.kind == "grid":
        every = list(grid(plan.choices))
        worth(every)
        return len(every)
    return sum(len(batch) for batch in _bayesian(plan, worth))


def check_installed() -> None:
    """FengsuiError with the command that mends it where a library of this search is missing."""
    if find_spec("sklearn") is None:
        raise FengsuiError('a bayesian search needs a further library: pip install "fengsui[ml]"')


def _bayesian(plan: Plan, worth: Worth) -> Iterator[list[Values]]:
    """Batches of ladders: some at random, then those from which most improvement is expected."""
    check_installed()
    chance = np.random.default_rng(plan.seed)
    space = _Space(plan.choices)
    known: dict[Values, float] = {}
    while len(known) < min(plan.search.tries, space.size):
        number = min(_ROUND if known else _FIRST, plan.search.tries - len(known))
        batch = list(islice(_next(space, known, chance, plan.seed), number))
        if not batch:
            return
        known |= dict(zip(batch, worth(batch).tolist(), strict=True))
        yield batch


class _Space:
    """The grid of a plan as points between 0 and 1."""

    def __init__(self, choices: Mapping[Trail, Sequence[object]]) -> None:
        self.choices = [tuple(values) for values in choices.values()]
        self.size = int(np.prod([len(values) for values in self.choices], dtype=float))

    def drawn(self, number: int, chance: np.random.Generator) -> list[Values]:
        """Different ladders at random, all of them where there are no more."""
        if self.size <= number:
            every = list(grid(dict(enumerate(self.choices))))  # type: ignore[arg-type]  # any keys do
            return [every[place] for place in chance.permutation(len(every))]
        columns = [chance.integers(len(values), size=number) for values in self.choices]
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return list(dict.fromkeys(self._values(row) for row in rows))

    def points(self, ladders: Sequence[Values]) -> Array:
        """Ladders as points (ladder, key)."""
        places = [{value: row for row, value in enumerate(values)} for values in self.choices]
        found = [
            [place[value] / max(len(place) - 1, 1) for value, place in zip(one, places, strict=True)]
            for one in ladders
        ]
        return np.array(found, float)

    def _values(self, row: Sequence[int]) -> Values:
        return tuple(values[place] for values, place in zip(self.choices, row, strict=True))


def _next(
    space: _Space, known: Mapping[Values, float], chance: np.random.Generator, seed: int
) -> Iterator[Values]:
    """Ladders that were not tried, the most promising first."""
    fresh = [one for one in space.drawn(_POOL, chance) if one not in known]
    if not known or not fresh:
        yield from fresh
        return
    promise = _promise(space.points(list(known)), np.array(list(known.values())), space.points(fresh), seed)
    yield from (fresh[row] for row in np.argsort(-promise, kind="stable"))


def _promise(points: Array, values: Array, asked: Array, seed: int) -> Array:
    """Expected improvement over the best so far by a Gaussian process (Jones, Schonlau, Welch 1998)."""
    import warnings

    from scipy.stats import norm
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern, WhiteKernel

    possible = np.isfinite(values)
    if not possible.any():
        return np.zeros(len(asked))
    worst = values[possible].min() - (np.ptp(values[possible]) or 1.0)
    values = np.where(possible, values, worst)
    kernel = Matern(length_scale=np.full(points.shape[1], 0.3), nu=2.5) + WhiteKernel(1e-3)
    model = GaussianProcessRegressor(kernel, normalize_y=True, random_state=seed)
    with warnings.catch_warnings():
        # A length at the end of its bounds says that a key hardly matters, which is no mistake.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(points, values)
    mean, spread = model.predict(asked, return_std=True)
    over = mean - values.max()
    spread = np.maximum(spread, 1e-12)
    found: Array = over * norm.cdf(over / spread) + spread * norm.pdf(over / spread)
    return found
