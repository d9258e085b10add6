"""What holds for every drought, drawn at random."""

from itertools import pairwise

import numpy as np
import pytest
from simulators.parched import at, of_parts

from rules.hazards.drought import PARTS, Drought, DroughtRung
from rules.level import Level

RULE = Drought(
    ladder={
        Level.YELLOW: DroughtRung(at_most=-1.0, clear_above=-0.9),
        Level.ORANGE: DroughtRung(at_most=-1.5),
        Level.RED: DroughtRung(at_most=-2.0, within_days=4),
    }
)
NOWS = [at(0, 0.1), at(0, 12), at(1, 7)]
DAYS = np.arange(-60, 7)
SEEDS = pytest.mark.parametrize("seed", range(25))


def drawn(seed, missing=0.15):
    """Parts of three nows and six towns: some wet, some dry, some days unknown."""
    random = np.random.default_rng(seed)
    shape = (len(NOWS), 6, DAYS.size)
    level = random.uniform(-2.0, 0.8, (len(NOWS), 6, 1))
    parts = {name: level + random.normal(0.0, 0.3, shape) for name in PARTS}
    hole = random.random(shape) < missing * random.random((len(NOWS), 6, 1))
    for values in parts.values():
        values[hole] = np.nan
    return parts


def judged(parts):
    """Findings of parts."""
    return RULE.assess("here", of_parts(parts, NOWS, DAYS))


@SEEDS
def test_a_drier_day_never_lowers_anything(seed):
    """Whichever part of whichever days falls."""
    parts = drawn(seed)
    random = np.random.default_rng(seed + 1000)
    name = PARTS[seed % 4]
    drop = random.exponential(0.8, parts[name].shape) * (random.random(parts[name].shape) < 0.2)
    before, after = judged(parts), judged(parts | {name: parts[name] - drop})
    for low, high in ((before.floor, after.floor), (before.reach, after.reach)):
        assert (high >= low).all()
    assert (after.ceiling >= before.ceiling).all()


@SEEDS
@pytest.mark.parametrize("stretch", [slice(58, 60), slice(60, 67), slice(50, 67), slice(63, 64)])
def test_losing_days_never_raises_what_is_certain_nor_lowers_what_is_possible(seed, stretch):
    """Only a single day, which is bridged, hides what lay in it."""
    parts = drawn(seed, missing=0.0)
    blind = {name: values.copy() for name, values in parts.items()}
    for values in blind.values():
        values[:, ::2, stretch] = np.nan
    before, after = judged(parts), judged(blind)
    assert (after.floor <= before.floor).all()
    if stretch != slice(63, 64):
        assert (after.reach >= before.reach).all()
        assert (after.ceiling >= before.ceiling).all()


@SEEDS
def test_certain_is_possible_is_not_yet_cleared(seed):
    """In this order, always."""
    found = judged(drawn(seed))
    assert (found.floor <= found.reach).all()
    assert (found.reach <= found.ceiling).all()


@SEEDS
def test_a_level_has_an_onset_and_an_end_after_it(seed):
    """From as_of on; only what is certain."""
    found = judged(drawn(seed))
    begun = found.floor > 0
    assert (np.isnat(found.onset) == ~begun).all()
    ended = ~np.isnat(found.expires)
    assert (found.expires[ended] > found.onset[ended]).all()
    assert (found.onset[begun] >= np.broadcast_to(
        of_parts(drawn(seed), NOWS, DAYS)["as_of"].values[:, None], begun.shape)[begun]).all()
    assert (begun == (found.basis > 0)).all()


@SEEDS
def test_a_town_changes_no_other(seed):
    """Alone or among others, the same."""
    parts = drawn(seed)
    together = judged(parts)
    for town in range(6):
        alone = judged({name: values[:, [town]] for name, values in parts.items()})
        for name in ("floor", "reach", "ceiling", "value", "onset", "expires", "age"):
            np.testing.assert_array_equal(getattr(alone, name)[:, 0], getattr(together, name)[:, town])


@pytest.mark.parametrize(("above", "below"), list(pairwise([-0.9, -0.999, -1.2, -1.499, -1.9, -2.5])))
def test_a_lower_index_is_a_higher_level(above, below):
    """Along the whole ladder."""
    levels = [
        int(judged({name: np.full((3, 1, DAYS.size), value / 1.4) for name in PARTS}).floor[1, 0])
        for value in (above, below)
    ]
    assert levels == sorted(levels)
