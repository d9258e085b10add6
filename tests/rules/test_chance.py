"""A chance climbs the ladder like any metric; where nobody gives one, nothing is said to be calm."""

from datetime import timedelta

import numpy as np
import pytest
import xarray as xr

from rules.findings import Basis, Verdict
from rules.hazards.chance import Chance, ChanceRung
from rules.level import Level

NAN = float("nan")
NOW = np.datetime64("2025-07-20T04:05:00", "s")
RULE = Chance(
    ladder={
        Level.YELLOW: ChanceRung(of="chance_tmax_35", at_least=0.5),
        Level.ORANGE: ChanceRung(of="chance_tmax_37", at_least=0.5, clear_below=0.4),
        Level.RED: ChanceRung(of="chance_tmax_40", at_least=0.5, keep=timedelta(hours=6)),
    }
)


def block(of_35, of_37=(0.0, 0.0), of_40=(0.0, 0.0)):
    """Chances of today and tomorrow in one town, at 12:05 Beijing time; yesterday's are certain and over."""
    parts = {}
    for limit, days in (("35", of_35), ("37", of_37), ("40", of_40)):
        values = np.array([[[1.0, *days]]])
        name = f"chance_tmax_{limit}"
        parts[name] = (("now", "place", "day"), values)
        parts[f"flags_{name}"] = (("now", "place", "day"), np.zeros(values.shape, np.uint8))
    as_of = NOW.astype("datetime64[h]").astype("datetime64[s]")
    axes = {"now": [NOW], "place": ["500153001"], "hour": [0], "day": [-1, 0, 1]}
    return xr.Dataset(parts, {**axes, "as_of": ("now", [as_of])})


def judged(*chances):
    """Findings of one town."""
    return RULE.assess("heat_chance", block(*chances))


@pytest.mark.parametrize(
    ("chances", "verdict"),
    [
        (((0.49, 0.499),), Verdict.NONE),
        (((0.2, 0.5),), Verdict.YELLOW),
        (((0.5, 0.2),), Verdict.YELLOW),
        (((0.9, 0.9), (0.1, 0.5)), Verdict.ORANGE),
        (((0.9, 0.9), (0.8, 0.8), (0.49, 0.51)), Verdict.RED),
        (((NAN, NAN), (NAN, NAN), (NAN, NAN)), Verdict.UNKNOWN),
        (((0.2, NAN),), Verdict.UNKNOWN),
        (((0.6, NAN),), Verdict.YELLOW),
    ],
)
def test_the_highest_chance_of_the_days_ahead_is_held_against_the_ladder(chances, verdict):
    """At the threshold is reached; yesterday does not count; an unknown day is never calm."""
    assert judged(*chances).verdict[0, 0] == verdict


def test_an_unknown_day_may_hold_the_highest_level():
    """What is certain stands, what is possible is open."""
    found = judged((0.6, 0.6), (0.6, NAN), (0.1, NAN))
    assert (found.floor[0, 0], found.reach[0, 0]) == (Level.ORANGE, Level.RED)


def test_a_level_is_left_only_below_its_clearing_chance():
    """0.45 does not reach orange any more and does not clear it yet."""
    found = judged((0.9, 0.9), (0.45, 0.2))
    assert (found.floor[0, 0], found.ceiling[0, 0]) == (Level.YELLOW, Level.ORANGE)


def test_it_lasts_from_the_first_to_the_last_day_that_meets_the_level():
    """Tomorrow alone: from Beijing midnight to the next."""
    found = judged((0.1, 0.7))
    assert found.onset[0, 0] == np.datetime64("2025-07-20T16:00:00")
    assert found.expires[0, 0] == np.datetime64("2025-07-21T16:00:00")
    assert found.basis[0, 0] == Basis.FORECAST


def test_the_chance_behind_the_level_is_told():
    """As a further figure, beside the value."""
    found = judged((0.9, 0.8), (0.6, 0.7))
    assert found.extra["chance"][0, 0] == found.value[0, 0] == 0.7


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"of": "temperature_2m", "at_least": 0.5}, "is no chance; there are chance_tmax_35"),
        ({"of": "chance_of_luck", "at_least": 0.5}, "is no chance"),
        ({"of": "chance_fire", "at_least": 50.0}, "at most 1"),
        ({"of": "chance_fire", "at_least": 0.0}, "more than 0"),
        ({"of": "chance_fire", "at_least": 0.5, "clear_below": 0.6}, "lower it"),
        ({"of": "chance_fire", "at_least": 0.5, "within_days": 0}, "write 1 or more"),
    ],
)
def test_an_impossible_rung_is_refused_with_the_remedy(keys, words):
    """A percentage is no chance, nor is a temperature."""
    with pytest.raises(ValueError, match=words):
        Chance(ladder={Level.BLUE: ChanceRung(**keys)})
