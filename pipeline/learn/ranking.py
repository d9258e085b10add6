"""Whether a model ranks days better than the physical rule: without that it is never put to use."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.verify.bootstrap import Figure, interval

Array = npt.NDArray[np.float64]
_DRAWS, _SEED = 400, 20220818


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Model against rule on the same cases."""

    gain: Figure
    """Average precision of the model less that of the rule; the interval draws the same blocks for both."""
    model: float
    """Average precision of the model; NaN where it never happened."""
    rule: float
    """Average precision of the rule."""

    @property
    def better(self) -> bool:
        """True where the whole interval of the gain is above zero; doubt and few events count against it."""
        return bool(self.gain.low > 0.0) and not self.gain.few

    @property
    def because(self) -> str:
        """One sentence with the figures."""
        pair = f"average precision {self.model:.2f} against {self.rule:.2f} of the physical rule"
        words = f"gain {self.gain.words}, 90 % interval by whole blocks of days"
        if self.better:
            return f"the model ranks better: {pair} ({words})"
        if not self.gain.value > 0.0:
            return f"the model ranks no better than the rule and stays in the shadow: {pair} ({words})"
        return f"that the model ranks better is not sure and it stays in the shadow: {pair} ({words})"


def better_than_rule(
    model: npt.ArrayLike, rule: npt.ArrayLike, happened: npt.ArrayLike, blocks: npt.ArrayLike
) -> Decision:
    """Compare how a model and a rule rank the same days.

    Parameters
    ----------
    model, rule : array (case,)
        Chance and index of the rule, larger for more danger; any scale, only their order counts. A case with
        a NaN in any of the four arrays is left out for both.
    happened : array (case,), 1 or 0
    blocks : array (case,)
        Number of the block a case is drawn with, such as its week.
    """
    chance, index, came = (np.asarray(given, float).ravel() for given in (model, rule, happened))
    known = np.isfinite(chance) & np.isfinite(index) & np.isfinite(came)
    came = came[known]
    _, block = np.unique(np.asarray(blocks).ravel()[known], return_inverse=True)
    number = int(block.max(initial=-1)) + 1
    pair = [_Ranked.of(scores[known], came, block) for scores in (chance, index)]
    ours, theirs = (one.precision(np.ones(number)) for one in pair)
    drawn = np.random.default_rng(_SEED).multinomial(
        number, np.full(number, 1.0 / number) if number else np.ones(1), size=_DRAWS
    )
    gains = np.array([pair[0].precision(draw) - pair[1].precision(draw) for draw in drawn])
    return Decision(gain=_figure(ours - theirs, gains, int(came.sum())), model=ours, rule=theirs)


@dataclass(frozen=True, kw_only=True)
class _Ranked:
    """Cases by falling score."""

    came: Array
    block: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]

    @classmethod
    def of(cls, scores: Array, came: Array, block: npt.NDArray[np.intp]) -> _Ranked:
        order = np.argsort(-scores, kind="stable")
        # Equal scores are one step: a rule that says zero on most days gains nothing from their order.
        steps = np.append(np.flatnonzero(np.diff(scores[order])), max(len(order) - 1, 0))
        return cls(came=came[order], block=block[order], ends=steps)

    def precision(self, draw: npt.NDArray[np.generic]) -> float:
        """Average precision with each block counted as often as it was drawn; NaN without an event."""
        weight = np.asarray(draw, float)[self.block]
        hits, cases = np.cumsum(weight * self.came), np.cumsum(weight)
        if not len(hits) or not hits[-1]:
            return float("nan")
        recall = np.diff(hits[self.ends] / hits[-1], prepend=0.0)
        return float((recall * hits[self.ends] / np.maximum(cases[self.ends], 1e-9)).sum())


def _figure(value: float, samples: Array, events: int) -> Figure:
    if not np.isfinite(value):
        return Figure(value=np.nan, low=np.nan, high=np.nan, n=events, how="none")
    low, high = interval(samples)
    return Figure(value=value, low=low, high=high, n=events)
