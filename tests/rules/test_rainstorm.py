"""Rain windows around now, one fact at a time; levels and thresholds are in tests/scenarios/rain."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from simulators.rainfall import NOW, Sky, around

from ingest.batch import Flag
from rules.findings import Findings
from rules.hazards.rainstorm import RainRung, Rainstorm, RainWindow
from rules.indices.rain import window_sum
from rules.level import Level
from rules.rain_windows import Rain
from rules.windows import Stretch

BLUE, YELLOW, ORANGE, RED = Level.BLUE, Level.YELLOW, Level.ORANGE, Level.RED
HOUR = np.timedelta64(3600, "s")
AS_OF = NOW - np.timedelta64(300, "s")
LADDER = {
    BLUE: RainRung(hours=12, at_least=50.0),
    YELLOW: RainRung(hours=6, at_least=50.0),
    ORANGE: RainRung(hours=3, at_least=50.0),
    RED: RainRung(hours=3, at_least=100.0),
}


def rainstorm(ladder: Any = None, **keys: Any) -> Rainstorm:
    """The order's ladder, or another."""
    return Rainstorm(ladder=ladder or LADDER, **keys)


def judged(*towns: str, rule: Rainstorm | None = None, lag: int = 0, **parts: Any) -> Findings:
    """Findings of one now; every text is a town."""
    rule = rule or rainstorm()
    size = rule.reach.hours_back, rule.reach.hours_ahead + lag
    rain = np.array([[around(text, size) for text in towns]])
    return rule.assess("rain", Sky(rain=rain, back=size[0], lag=lag, **parts).block)


def test_the_reach_holds_the_longest_window_and_the_figures() -> None:
    """Short windows still need half a day back for the sum of 24 hours, and a day ahead for the end."""
    short = rainstorm({RED: RainRung(hours=1, at_least=80.0)}).reach
    long = rainstorm({RED: RainRung(hours=24, at_least=80.0)}).reach
    assert (short.hours_back, short.hours_ahead) == (12, 24)
    assert (long.hours_back, long.hours_ahead) == (24, 24)


def test_a_level_begins_and_ends_with_its_windows() -> None:
    """Onset is the end of the first window that is full enough, expiry that of the last."""
    found = judged("| 0 20 30 0 20")
    assert found.onset[0, 0] == AS_OF + 3 * HOUR
    assert found.expires[0, 0] == AS_OF + 5 * HOUR


def test_the_end_is_that_of_the_level_told_not_of_a_lower_one() -> None:
    """Red ends when no three hours hold 100 mm, although twelve still hold 50."""
    assert judged("| 0 50 50").expires[0, 0] == AS_OF + 4 * HOUR


@pytest.mark.parametrize(
    ("text", "hours"), [("| 50 0*4 50", 8), ("| 50 0*5 50", 3)], ids=["bridged", "too long"]
)
def test_a_pause_as_long_as_a_storm_goes_on_is_bridged(text: str, hours: int) -> None:
    """Two bursts are one level where their windows lie no more than `continues` apart."""
    assert judged(text).expires[0, 0] == AS_OF + hours * HOUR


def test_what_has_fallen_stands_to_the_end_of_the_hour_under_way() -> None:
    """No level expires before the moment at which it is told."""
    rule = rainstorm({RED: RainRung(hours=1, at_least=80.0)})
    found = judged("80 | ", rule=rule)
    assert found.onset[0, 0] == AS_OF
    assert found.expires[0, 0] == AS_OF + HOUR > NOW


def test_late_observations_move_the_line_not_the_horizon() -> None:
    """Two hours late, hours up to now are foretold, and windows end up to their length after now."""
    assert judged("| 0 0 0 0 50", lag=2).floor[0, 0] == ORANGE
    assert judged("| 0 0 0 0 0 50", lag=2).floor[0, 0] == YELLOW
    assert judged("50 0 | 0 0 0", lag=2).expires[0, 0] == AS_OF + HOUR


@pytest.mark.parametrize(("hours", "floor"), [(2, 0), (3, YELLOW), (6, YELLOW)])
def test_how_long_a_storm_goes_on_is_a_key(hours: int, floor: int) -> None:
    """`continues` hours after its last rain a storm is over."""
    rule = rainstorm({YELLOW: LADDER[YELLOW]}, continues=timedelta(hours=hours))
    assert judged("60 0 0 | 0", rule=rule).floor[0, 0] == floor


def test_further_windows_reach_a_level_too() -> None:
    """An hour of 40 mm is yellow where the block says so, and the window told is that hour."""
    rung = RainRung(hours=6, at_least=50.0, also=(RainWindow(hours=1, at_least=40.0),))
    found = judged("| 40", "| 39.9", rule=rainstorm({YELLOW: rung}))
    assert found.floor.tolist() == [[YELLOW, 0]]
    assert found.extra["window_hours"][0, 0] == 1
    assert found.threshold[0, 0] == 40.0


def test_a_lower_clearing_threshold_keeps_a_level_possible() -> None:
    """45 mm do not reach 50 but do not clear it either."""
    rung = RainRung(hours=3, at_least=50.0, clear_below=45.0)
    found = judged("| 45", "| 44.9", rule=rainstorm({ORANGE: rung}))
    assert found.floor.tolist() == [[0, 0]]
    assert found.ceiling.tolist() == [[ORANGE, 0]]


def test_the_provenance_of_the_hours_looked_at_is_kept() -> None:
    """A flag outside the frame says nothing of the level."""
    flags = np.zeros((1, 2, 36), np.uint8)
    flags[0, 0, 11] = flags[0, 1, 11] = Flag.ANALYSIS
    assert judged("| 1", "| 1", flags=flags).marks.tolist() == [[Flag.ANALYSIS] * 2]
    flags[:] = 0
    assert judged("| 1", "| 1", flags=flags).marks.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("text", "figure"),
    [("31.1 | 5", 31.1), ("90 2 | 5 40", 40.0), ("? | 0*12 80", 0.0), ("? | ?*12", np.nan)],
)
def test_the_largest_hourly_amount_is_that_of_the_hours_still_told(text: str, figure: float) -> None:
    """From the newest hour observed to the end of the longest window; missing only where all is."""
    np.testing.assert_equal(judged(text).extra["hour_max"][0, 0], figure)


@pytest.mark.parametrize(
    ("text", "band"),
    [
        ("| 19.9", (np.nan, np.nan)), ("| 20", (20.0, 40.0)), ("| 39.9", (20.0, 40.0)),
        ("| 60", (60.0, 80.0)), ("| 80", (80.0, np.nan)), ("? | ?*24", (np.nan, np.nan)),
    ],
)  # fmt: skip
def test_the_hourly_amount_is_told_in_bands(text: str, band: tuple[float, float]) -> None:
    """An amount on a bound belongs to the band above; the top band is open."""
    extra = judged(text, rule=rainstorm(bands=(20.0, 40.0, 60.0, 80.0))).extra
    np.testing.assert_equal((extra["hour_band_from"][0, 0], extra["hour_band_to"][0, 0]), band)


def test_the_sum_of_a_day_straddles_now() -> None:
    """Twelve hours that fell and twelve that are foretold; unknown where one of them is."""
    found = judged("10*12 | 5*12 100", "10*12 | 5*11 ?")
    np.testing.assert_equal(found.extra["rain_24h"], [[180.0, np.nan]])
    np.testing.assert_equal(judged("7 3.2 | ", "? | 5").extra["rain_1h"], [[3.2, np.nan]])


@pytest.mark.parametrize("hours", [1, 3, 6, 12, 24])
def test_windows_are_those_of_the_index(hours: int) -> None:
    """The running totals give what `window_sum` gives, to the last tenth."""
    series = np.random.default_rng(7).integers(0, 900, (5, 4, 72)) / 10.0
    block = Sky(rain=series, back=41).block
    rain = Rain.around(block, Stretch(rows=slice(None), lag=0, zero=40), 24)
    expected = window_sum(series, hours)[..., 40 : 40 + hours + 1].max(axis=-1)
    np.testing.assert_array_equal(rain.wettest(hours).high, expected)


BAD: list[tuple[str, dict[str, Any]]] = [
    ("yellow: hours 0", {"ladder": {YELLOW: RainRung(hours=0, at_least=50.0)}}),
    ("yellow: hours 25", {"ladder": {YELLOW: RainRung(hours=25, at_least=50.0)}}),
    ("without rain", {"ladder": {YELLOW: RainRung(hours=3, at_least=0.0)}}),
    ("without rain", {"ladder": {YELLOW: RainRung(hours=3, at_least=5.0, clear_below=0.0)}}),
    ("same hours", {"ladder": {YELLOW: RainRung(
        hours=3, at_least=5.0, also=(RainWindow(hours=3, at_least=9.0),))}}),
    ("red: 40 mm in 1 h is below the 60 of orange", {"ladder": {
        ORANGE: RainRung(hours=3, at_least=50.0, also=(RainWindow(hours=1, at_least=60.0),)),
        RED: RainRung(hours=1, at_least=40.0)}}),
    ("continues", {"continues": timedelta(0)}),
    ("continues", {"continues": timedelta(hours=25)}),
    ("bands", {"bands": (20.0, 20.0)}),
    ("at least one", {"ladder": {}}),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "keys"), BAD)
def test_an_impossible_block_is_refused(sentence: str, keys: dict[str, Any]) -> None:
    """With a sentence that names the rung or the key."""
    with pytest.raises(ValueError, match=sentence):
        Rainstorm(**{"ladder": LADDER, **keys})
