"""The level of a model in use: the daemon brings it up to now from what came at home."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.learn.inputs import Inputs
from pipeline.learn.kinds import KINDS
from rules.learned.level import Level, level_of, untaught, with_level

KIND = replace(KINDS["landslide"], ask=lambda model, table: {
    "chance": level_of(model).applied(1.0 / (1.0 + np.exp(-table[:, 0]))),
})  # fmt: skip
"""A kind whose one feature is the log odds of its chance."""
MODEL = with_level({}, Level(mean=np.array([0.4, 0.1]), variance=untaught().variance / 4))


def inputs(came, days=60, places=21):
    """Days on which every town was told one in four, and `came` of them in each."""
    past = np.full((days, places, 1), np.log(1.0 / 3.0))
    share = np.full((days, places), np.nan) if came is None else (np.arange(days) % 10 < came * 10)[:, None]
    outcome = np.broadcast_to(np.asarray(share, float), (days, places))
    return Inputs(offset=1, table=past[-1], past=past, came={"chance": outcome})


def said(model):
    """What the model now says of such a day."""
    return float(KIND.ask(model, np.full((1, 1), np.log(1.0 / 3.0)))["chance"][0])


def test_without_news_from_home_the_level_is_that_of_the_training():
    """A kind that learns nothing of what came, and days of which nothing is known, move nothing."""
    silent = replace(inputs(0.5), came={})
    for given in (silent, inputs(None)):
        assert level_of(KIND.levelled(MODEL, given, 10)).mean == pytest.approx([0.4, 0.1])


@pytest.mark.parametrize(("came", "sign"), [(0.9, 1), (0.0, -1)])
def test_what_came_at_home_moves_the_chance_towards_it(came, sign):
    """More often than said raises what is said tomorrow, never lowers it."""
    assert sign * (said(KIND.levelled(MODEL, inputs(came), 0)) - said(MODEL)) > 0.05


def test_a_model_long_out_of_its_training_listens_more():
    """After a year without news the same two months move it further."""
    fresh, old = (said(KIND.levelled(MODEL, inputs(0.9), gap)) for gap in (0, 365))
    assert said(MODEL) < fresh < old


def test_the_saved_model_stays_as_it_is():
    """Bringing the level up to now is no training: the model on the shelf is not touched."""
    before = level_of(MODEL).mean.copy()
    KIND.levelled(MODEL, inputs(0.9), 0)
    assert np.array_equal(level_of(MODEL).mean, before)
