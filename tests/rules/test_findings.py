"""Findings keep an interval of levels, and say UNKNOWN where nothing is certain."""

import numpy as np
import pytest
from simulators.sky import at, block, days

from rules.findings import Basis, Verdict
from rules.hazards.heat import Heat, HeatRung
from rules.level import Level
from rules.sheet import Sheet, observed_age


@pytest.fixture
def findings():
    """Two towns at three moments, the second town hotter, with a further figure."""
    rule = Heat(ladder={Level.ORANGE: HeatRung(at_least=37.0, days=1)})
    seen = block(days({0: 36.0}), days({0: 38.0}), nows=[at(0, hour) for hour in (6, 12, 18)])
    runs = np.arange(6.0).reshape(3, 2, 1)
    seen = seen.assign_coords(day=[-1]).assign(hot_day_run=(("now", "place", "day"), runs))
    return rule.assess("heat", seen)


@pytest.mark.parametrize(
    ("floor", "reach", "verdict"),
    [
        (0, 0, Verdict.NONE), (0, 1, Verdict.UNKNOWN), (0, 4, Verdict.UNKNOWN),
        (2, 2, Verdict.YELLOW), (2, 4, Verdict.YELLOW), (4, 4, Verdict.RED),
    ],
)
def test_unknown_is_where_nothing_is_certain_and_something_possible(findings, floor, reach, verdict):
    """Neither calm nor danger; a certain level is told whatever more is possible."""
    findings.floor[:], findings.reach[:] = floor, reach
    assert (findings.verdict == verdict).all()
    assert findings.verdict.dtype == np.int8


@pytest.mark.parametrize("row", [0, 1, 2])
def test_one_moment_is_cut_out_whole(findings, row):
    """Every array keeps its axes; towns and name stay."""
    one = findings.at(row)
    assert (one.hazard, one.places) == (findings.hazard, findings.places)
    assert one.nows.tolist() == findings.nows[row : row + 1].tolist()
    assert one.floor.shape == one.onset.shape == one.extra["hot_day_run"].shape == (1, 2)
    assert one.extra["hot_day_run"].tolist() == [[2.0 * row, 2.0 * row + 1]]


def test_some_moments_are_cut_out_in_order(findings):
    """A slice of nows is the findings of those nows."""
    two = findings.rows(slice(1, 3))
    np.testing.assert_array_equal(two.value, findings.value[1:])
    assert two.nows.size == 2


def test_verdicts_follow_the_levels():
    """The numbers of a level and of its verdict agree, so that they compare."""
    assert {level.name: int(level) for level in Level} == {
        verdict.name: int(verdict) for verdict in Verdict if verdict is not Verdict.UNKNOWN
    }
    assert Basis.BOTH == Basis.OBSERVED | Basis.FORECAST


def test_a_new_sheet_says_nothing():
    """No level, no figure, no time."""
    sheet = Sheet.empty(block(days({})), 0.1)
    assert not sheet.floor.any()
    assert not sheet.reach.any()
    assert np.isnan(sheet.value).all()
    assert (sheet.onset_h == -1).all()


@pytest.mark.parametrize(
    ("series", "age"), [([1, 2, 3, 9], 0), ([1, 2, np.nan, 9], 1), ([np.nan] * 3 + [9], np.inf)]
)
def test_age_looks_at_observed_hours_only(series, age):
    """A forecast makes nothing younger."""
    seen = block(days({}), size=(3, 1))
    seen = seen.assign(told=(("now", "place", "hour"), np.array([[series]], float)))
    assert observed_age(seen, "told")[0, 0] == age
