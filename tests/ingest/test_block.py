"""A block shows what was known at each now, and nothing that came later."""

from collections.abc import Sequence
from dataclasses import replace

import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import example, given, settings
from simulators.reports import (
    RUN,
    A,
    B,
    T,
    believed,
    block,
    flagged,
    foretold,
    hour,
    kept,
    said,
    told,
    view,
)

from ingest.batch import Batch, Flag

NAN = float("nan")


# --- when something is known ---


def test_hours_count_from_as_of():
    """The last observed hour is hour 0; the hours before and after it stand in order."""
    found = block(said(30, 31, 32), foretold(33, 34, 35, issued=2), nows=(2,))
    assert found["hour"].values.tolist() == [-2, -1, 0, 1, 2, 3]
    assert found[T].values[0, 0].tolist() == [30, 31, 32, 33, 34, 35]


@pytest.mark.parametrize(("now", "value"), [(7.9, None), (8, 30.0), (9, 30.0)])
def test_a_late_report_is_known_from_its_arrival_on(now, value):
    """An hour that came in at 08:00 was not known a little earlier."""
    assert believed(said(30, first=5, known=8), at=5, now=now) == value


@pytest.mark.parametrize(("now", "value"), [(1, 30.0), (3.99, 30.0), (4, 31.5)])
def test_a_correction_replaces_and_the_old_stays_readable_as_of_then(now, value):
    """What was believed at three o'clock is still the answer for three o'clock."""
    both = (said(30, first=1), said(31.5, first=1, known=4))
    assert believed(*both, at=1, now=now) == value


def test_an_arrival_within_the_second_counts():
    """A batch that came half a second before the now was known then, and not half a second before."""
    late = said(30, first=0, known=0.5 / 3600)
    with kept(late) as (store, connection):
        nows = [hour(0), hour(0.4 / 3600), hour(0.6 / 3600)]
        found = store.block(connection, nows, view())[T].values[:, 0, 2]
    np.testing.assert_array_equal(found, [NAN, NAN, 30])


@pytest.mark.parametrize(
    ("latency", "expected"), [(0, [31, 32, 33]), (1, [30, 31, 32]), (1.5, [None, 30, 31])]
)
def test_declared_latency_shifts_as_of(latency, expected):
    """The hours not expected yet are not looked at; as_of is a full hour."""
    reports = said(30, 31, 32, 33)
    found = told(reports, now=3.2, latency=hour(latency) - hour(0), hours_ahead=0)
    assert found == expected


def test_observed_hours_never_hold_a_forecast():
    """A missing report stays missing, whatever was foretold for its hour."""
    assert told(said(30), foretold(40, 41, 42, issued=0), now=2)[:3] == [30, None, None]


def test_nows_must_not_decrease():
    """Moments in the wrong order are a mistake of the caller."""
    with pytest.raises(ValueError, match="must not decrease"):
        block(said(30), nows=(2, 1))


def test_a_naive_now_is_refused():
    """A moment without a zone is nobody's moment."""
    with kept() as (store, connection), pytest.raises(ValueError, match="no time zone"):
        store.block(connection, [hour(0).replace(tzinfo=None)], view())


def test_an_empty_archive_knows_nothing():
    """Every value is NaN, none is zero."""
    found = block(nows=(0, 1))
    assert found.sizes == {"now": 2, "place": 2, "hour": 6, "day": 0}
    assert np.isnan(found[T].values).all()


# --- what replaces what ---


@pytest.mark.parametrize("kind", ["observation", "forecast"])
def test_nan_never_replaces(kind):
    """A later batch that says nothing of an hour leaves the earlier value."""
    first, second = (
        said(30, 31, first=1, kind=kind, issued=0, known=0),
        said(NAN, 32, first=1, kind=kind, issued=0.5, known=0.5),
    )
    now = 2 if kind == "observation" else 0.5
    assert [value for value in told(first, second, now=now) if value] == [30, 32]


@pytest.mark.parametrize("flag", [Flag.RANGE, Flag.STEP, Flag.STUCK, Flag.SPATIAL])
def test_a_masked_value_never_replaces(flag):
    """The believable value stays, with its own flags."""
    reports = (said(30, flag=Flag.ANALYSIS), said(99, flag=flag | Flag.ANALYSIS, known=0.5))
    assert told(*reports, now=0.5)[2] == 30
    assert flagged(*reports, now=0.5)[2] == Flag.ANALYSIS


def test_a_masked_value_leaves_its_flag():
    """Where nothing usable is known, the flag says why."""
    reports = (said(99, flag=Flag.RANGE),)
    assert told(*reports, now=0)[2] is None
    assert flagged(*reports, now=0)[2] == Flag.RANGE


def test_a_good_value_takes_the_flag_of_a_masked_one_away():
    """A correction clears the name of its hour."""
    reports = (said(99, flag=Flag.RANGE), said(30, known=0.5))
    assert (told(*reports, now=0.5)[2], flagged(*reports, now=0.5)[2]) == (30, Flag(0))


def test_a_report_of_some_places_blanks_no_other():
    """The town that did not report keeps what it had."""
    found = block(said((30, 31)), said(32, places=(B,), known=0.5), nows=(0.5,))
    assert found[T].values[0, :, 2].tolist() == [30, 32]


def test_places_come_in_the_order_of_the_view():
    """Also where a batch names them in another order, or names strangers."""
    found = block(said((1, 2, 3), places=(B, "elsewhere", A)), nows=(0,))
    assert found[T].values[0, :, 2].tolist() == [3, 1]


# --- forecasts ---


@pytest.mark.parametrize(
    ("now", "expected"),
    [(0, [30, 30, 30]), (0.9, [30, 30, 30]), (1, [30, 40, 40]), (2, [40, 50, 50])],
)
def test_the_newest_forecast_available_wins_hour_by_hour(now, expected):
    """A run counts from its issue on, for the hours it names; elsewhere the one before stays."""
    runs = (
        foretold(*[30] * 6, issued=0),
        foretold(NAN, NAN, 40, 40, issued=1, first=1),
        foretold(50, 50, 50, issued=2, first=4),
    )
    assert told(*runs, now=now)[3:] == expected


def test_a_run_issued_earlier_but_known_later_does_not_replace():
    """The issue time decides, not the order of arrival."""
    runs = (foretold(30, 30, 30, issued=0, known=0.5), foretold(20, 20, 20, issued=-1, first=1, known=0.6))
    assert told(*runs, now=0.7)[3:] == [30, 30, 30]


def test_a_correction_of_a_run_replaces_what_it_names():
    """Same issue time, said later: the later word counts, hour by hour."""
    runs = (foretold(30, 31, 32, issued=0), foretold(NAN, 41, issued=0))
    assert told(*runs, now=0)[3:] == [30, 41, 32]


def test_a_run_with_steps_of_three_hours_hides_nothing_between():
    """An hourly run stays visible at the hours that a newer, coarser one leaves out."""
    coarse = foretold(40, issued=0.5, first=1), foretold(40, issued=0.5, first=4)
    whole = Batch(
        source="station", kind="forecast", issued_at=hour(0.5), available_at=hour(0.5),
        places=(A, B), valid_at=np.concatenate([part.valid_at for part in coarse]),
        values={T: np.concatenate([part.values[T] for part in coarse], axis=1)},
    )
    found = told(foretold(30, 31, 32, 33, issued=0), whole, now=0.5, hours_ahead=4)[3:]
    assert found == [40, 31, 32, 40]


def test_a_town_alone_keeps_the_flag_of_what_was_masked():
    """One town told of by batches of two loses nothing that it would not lose in a block of both."""
    reports = (
        foretold(30, 31, issued=0), foretold(99, NAN, issued=0.2, flag=Flag.RANGE, first=3),
        foretold((40, 40), (NAN, 41), (NAN, 42), issued=0.4),
    )
    both, alone = (
        block(*reports, nows=(0.5,), places=places) for places in ((A, B), (A,))
    )
    xr.testing.assert_identical(both.isel(place=[0]), alone)


HUMIDITY = "relative_humidity_2m"


def test_a_gap_of_one_quantity_is_no_gap_of_another():
    """Quantities told together are taken each for itself."""
    first, second = foretold(30, 31, issued=0), foretold(NAN, 41, issued=1, first=2)
    runs = [
        replace(run, values={**run.values, HUMIDITY: np.full(run.values[T].shape, wet)})
        for run, wet in ((first, 50.0), (second, 60.0))
    ]
    found = block(*runs, nows=(1,), quantities=(T, HUMIDITY), hours_ahead=2)
    assert found[T].values[0, 0, 3:].tolist() == [31, 41]
    assert found[HUMIDITY].values[0, 0, 3:].tolist() == [60, 60]


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        (foretold(40, 41, issued=1), [40, 41, 33]),
        (foretold(*[60] * 8, issued=1, quantity=HUMIDITY), [31, 32, 33]),
        (foretold(*[40] * 8, issued=1, places=(B,)), [31, 32, 33]),
        (foretold(*[40] * 8, issued=1, flag=Flag.RANGE), [31, 32, 33]),
        (foretold(*[40] * 8, issued=1, source="model"), [31, 32, 33]),
        (foretold(*[40] * 8, issued=1, known=1.5), [31, 32, 33]),
        (foretold(*[40] * 8, issued=1), [40, 40, 40]),
    ],
)
def test_a_newer_run_hides_only_what_it_says_better(newer, expected):
    """A shorter run, another quantity, town or source, a masked or a later one leaves the rest visible."""
    assert told(foretold(*range(30, 38), issued=0), newer, now=1)[3:] == expected


@pytest.mark.parametrize(("now", "stale"), [(2, False), (2.01, True)])
def test_a_forecast_over_its_limit_is_masked_and_says_so(now, stale):
    """Exactly at the limit it still counts; beyond it the flag remembers that there was one."""
    run = foretold(*[30] * 9, issued=0)
    limit = {"station": hour(2) - hour(0)}
    assert told(run, now=now, freshness=limit)[3:] == [None if stale else 30] * 3
    assert flagged(run, now=now, freshness=limit)[3:] == [Flag.STALE if stale else Flag(0)] * 3


def test_staleness_is_for_forecasts():
    """An old observation of its hour is as true as ever."""
    assert told(said(30, known=0), now=2, freshness={"station": hour(1) - hour(0)})[0] == 30


# --- several sources ---

BOTH = ("station", "model")


@pytest.mark.parametrize(("sources", "expected"), [(BOTH, 30), (BOTH[::-1], 20), (("model",), 20)])
def test_the_most_trusted_source_is_taken(sources, expected):
    """The first in the list, however late the others came; one that is not listed is not read."""
    reports = (said(30), said(20, source="model", known=0.5))
    assert told(*reports, now=0.5, sources=sources)[2] == expected


@pytest.mark.parametrize("hidden", [said(NAN), said(99, flag=Flag.RANGE)])
def test_the_second_source_fills_what_the_first_does_not_know(hidden):
    """Missing or masked: the next in the list is asked, and its flags come with it."""
    reports = (hidden, said(20, source="model", flag=Flag.ANALYSIS))
    assert told(*reports, now=0, sources=BOTH)[2] == 20
    assert flagged(*reports, now=0, sources=BOTH)[2] == Flag.ANALYSIS


def test_the_second_source_fills_a_stale_forecast():
    """A trusted run that is too old gives way to a fresh one."""
    runs = (foretold(*[30] * 9, issued=0), foretold(*[20] * 9, issued=3, source="model"))
    limit = {"station": hour(2) - hour(0)}
    assert told(*runs, now=3, sources=BOTH, freshness=limit)[3:] == [20] * 3


# --- values of days ---


def test_days_count_from_the_one_under_way():
    """-1 is the day that ended last; it ends at 16 UTC, and a value that ends no day is not one of a day."""
    days = (
        said((3, 7), (99, 99), first=16, known=16, quantity=RUN), said((4, NAN), first=40, quantity=RUN)
    )
    found = block(
        *days, nows=(15.9, 16, 41, 70), quantities=(RUN,), days_back=2, remembering=("station",)
    )
    none = [[NAN, NAN], [NAN, NAN]]
    expected = [none, [[NAN, 3], [NAN, 7]], [[3, 4], [7, NAN]], [[4, NAN], [NAN, NAN]]]
    np.testing.assert_array_equal(found[RUN].values, expected)
    assert found[RUN].dims == ("now", "place", "day")
    assert found["day"].values.tolist() == [-2, -1]


def test_a_day_may_end_at_noon_by_the_sun():
    """The fire codes' day ends at 13:00 Beijing time, five hours after midnight UTC."""
    day = said(85.0, first=5, quantity="ffmc")
    found = block(day, nows=(5, 28.9, 29), quantities=("ffmc",), days_back=1, remembering=("station",))
    np.testing.assert_array_equal(found["ffmc"].values[:, 0, 0], [85.0, 85.0, NAN])


def test_a_day_to_come_is_read_from_the_newest_forecast():
    """Day 0 is the one under way; an observation never stands in for it."""
    early = foretold((1, 1), issued=0, first=40, quantity=RUN)
    late = foretold((2, NAN), issued=1, first=40, quantity=RUN)
    found = block(
        early, late, nows=(0, 1, 17), quantities=(RUN,), days_back=1, days_ahead=2,
        remembering=("station",),
    )
    np.testing.assert_array_equal(
        found[RUN].values[:, 0], [[NAN, NAN, 1], [NAN, NAN, 2], [NAN, 2, NAN]]
    )
    assert found[RUN].values[1, 1, 2] == 1


DAYS = {"quantities": (RUN,), "days_back": 1, "days_ahead": 2, "remembering": ("station",)}


def of_days(*values: float, issued: float, first: int = 16) -> Batch:
    """A forecast of days, one after another, the first of them ending at an hour."""
    parts = [foretold(value, issued=issued, first=first + 24 * day, quantity=RUN)
             for day, value in enumerate(values)]  # fmt: skip
    return replace(
        parts[0], valid_at=np.concatenate([part.valid_at for part in parts]),
        values={RUN: np.concatenate([part.values[RUN] for part in parts], axis=1)},
    )


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        (of_days(5, 6, issued=1), [5, 6]),
        (of_days(5, issued=1), [5, 2]),
        (of_days(NAN, 6, issued=1), [1, 6]),
        (of_days(5, 6, issued=1, first=40), [1, 5]),
        (of_days(5, 6, issued=1, first=17), [1, 2]),
        (of_days(5, 6, issued=-1), [1, 2]),
    ],
)
def test_a_newer_run_of_days_hides_only_what_it_says_better(newer, expected):
    """A shorter run, one with a gap, of later days, of hours that end no day, or an older one hides less."""
    found = block(of_days(1, 2, issued=0), newer, nows=(1,), **DAYS)
    assert found[RUN].values[0, 0, 1:].tolist() == expected


@pytest.mark.parametrize(("remembering", "expected"), [((), []), (("station",), [5.0])])
def test_only_a_remembering_source_tells_of_days(remembering, expected):
    """A tick must not read weeks of hours for the sake of one daily value."""
    found = block(
        said(5, first=-200, quantity=RUN), nows=(0,), quantities=(RUN,), days_back=10,
        remembering=remembering,
    )
    days = found[RUN].values[0, 0]
    assert days[~np.isnan(days)].tolist() == expected


# --- many nows are each now alone ---

HOURS = st.one_of(st.integers(-4, 12), st.sampled_from([-32, -8, 16]))
VALUE = st.one_of(st.just(NAN), st.integers(20, 45).map(float))
FLAGS = st.sampled_from([None, None, Flag.RANGE, Flag.ANALYSIS])


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Anything a source can say: late, corrected, partial, masked, in any order of issue."""
    places = draw(st.sampled_from([(A, B), (B, A), (B,)]))
    value = st.tuples(*[VALUE] * len(places))
    first = draw(HOURS)
    return said(
        *draw(st.lists(value, min_size=1, max_size=8)), first=first, places=places,
        source=draw(st.sampled_from(BOTH)), flag=draw(FLAGS),
        kind=draw(st.sampled_from(["observation", "forecast", "forecast"])),
        quantity=draw(st.sampled_from([T, T, RUN])),
        issued=draw(st.integers(-6, 12)) / 2, known=draw(st.integers(-6, 14)) / 2,
    )


MANY = st.lists(batches(), max_size=12)
NOWS = st.lists(st.integers(0, 16).map(lambda half: half / 2), min_size=1, max_size=6).map(sorted)
WIDE = {
    "sources": BOTH, "quantities": (T, RUN), "hours_back": 5, "hours_ahead": 6,
    "days_back": 2, "days_ahead": 2, "remembering": ("model",), "freshness": {"station": hour(3) - hour(0)},
}


OBSERVED_BY_ANOTHER = said((30, 30), first=1, source="model", kind="observation", quantity=T, known=0)
FORETOLD_WITH_A_GAP = [
    said((25, 20), first=6, source="model", kind="forecast", quantity=T, known=0),
    said((35, NAN), first=6, source="station", kind="forecast", quantity=T, known=0),
]


def cut(store_and_connection: tuple, nows: Sequence[float]) -> xr.Dataset:
    """A wide block at some moments."""
    store, connection = store_and_connection
    return store.block(connection, [hour(now) for now in nows], view(**WIDE))


@settings(max_examples=70)
@given(reports=MANY, nows=NOWS)
@example(
    reports=[foretold(*[30] * 8, issued=0, first=0), foretold(40, issued=0, first=3)], nows=[0, 1]
)
@example(reports=[foretold(*[30] * 6, issued=0), foretold(40, NAN, 40, issued=1)], nows=[0, 1, 2])
@example(reports=[OBSERVED_BY_ANOTHER, *FORETOLD_WITH_A_GAP], nows=[0, 2])
def test_many_nows_are_each_now_alone(reports, nows):
    """A replay of hundreds of moments shows at each of them what a live look shows, flags and all."""
    with kept(*reports) as opened:
        together = cut(opened, nows)
        for index, now in enumerate(nows):
            xr.testing.assert_identical(together.isel(now=[index]), cut(opened, [now]))


def test_the_gap_of_a_forecast_is_filled_by_who_alone_observes():
    """The most trusted source foretells and does not observe, as forecast services do."""
    with kept(OBSERVED_BY_ANOTHER, *FORETOLD_WITH_A_GAP) as opened:
        assert cut(opened, [2])[T].sel(hour=4).values[0].tolist() == [35.0, 20.0]


@settings(max_examples=30)
@given(reports=MANY, later=MANY, nows=NOWS)
def test_what_comes_later_changes_nothing(reports, later, nows):
    """There is no look-ahead: batches known only after the last now are as if they were not there."""
    future = [
        batch for batch in later if batch.available_at > hour(nows[-1])
    ]
    with kept(*reports) as before, kept(*reports, *future) as after:
        xr.testing.assert_identical(cut(before, nows), cut(after, nows))


def slow(reports: Sequence[Batch], now: float) -> np.ndarray:
    """The same answer worked out value by value, for the temperature of one source."""
    found = np.full((2, 11), NAN)
    issued = np.full((2, 11), -np.inf)
    start = hour(int(now) - 4).replace(tzinfo=None)
    known = [batch for batch in reports if batch.available_at <= hour(now)]
    for batch in sorted(known, key=lambda batch: batch.available_at):
        kind = batch.kind == "forecast"
        for place, row in zip(batch.places, batch.values.get(T, ()), strict=False):
            for at, value, bits in zip(
                batch.valid_at.tolist(), row, batch.flags_of(T)[batch.places.index(place)], strict=True
            ):
                cell = ((A, B).index(place), int((at - start).total_seconds() // 3600))
                inside = 0 <= cell[1] < 11 and (cell[1] > 4) == kind
                fits = inside and not np.isnan(value) and not bits & Flag.RANGE
                if fits and batch.issued_at.timestamp() >= issued[cell]:
                    found[cell], issued[cell] = value, batch.issued_at.timestamp()
    return found


@settings(max_examples=50)
@given(reports=MANY, now=st.integers(0, 16).map(lambda half: half / 2))
def test_the_block_is_what_a_slow_reading_finds(reports, now):
    """Laying whole runs at once and leaving covered ones out changes no value."""
    mine = [batch for batch in reports if batch.source == "station"]
    found = block(*mine, nows=(now,), hours_back=5, hours_ahead=6)[T].values[0]
    np.testing.assert_array_equal(found, slow(mine, now))


# --- now after now ---


def walked(*batches: Batch, say: Batch, nows: Sequence[int] = (0, 1)) -> list[float | None]:
    """What is known of hour 0 at each now, where something is said at the first."""
    with kept(*batches) as (store, connection):
        walk = store.walk(connection, [hour(now) for now in nows], view())
        for now in nows:
            walk.step()
            if now == nows[0]:
                walk.say(say)
        found = walk.block()[T].values[:, 0]
    hour_0 = [float(row[2 - now]) for row, now in zip(found, nows, strict=True)]
    return [None if np.isnan(value) else value for value in hour_0]


@pytest.mark.parametrize(
    ("batches", "expected"),
    [
        ((), [None, 31]), ((said(30),), [30, 31]), ((said(30, known=1),), [None, 30]),
        ((said(31), said(30)), [30, 30]), ((said(30), said(31)), [31, 31]),
        ((said(30), said(29, known=0.5)), [30, 29]),
    ],
)
def test_what_is_said_at_one_now_is_known_at_the_next(batches, expected):
    """Over what was known and under what comes later; what is archived already is not said again."""
    assert walked(*batches, say=said(31)) == expected


@settings(max_examples=30)
@given(reports=MANY, nows=NOWS)
@example(reports=[said(30, first=2, known=2), said(31, first=1, known=3)], nows=[0, 2, 3, 3])
@example(reports=[said(NAN, 30), said(29, first=1, known=1), said(31, known=1)], nows=[0, 1, 2])
def test_a_walk_on_which_nothing_is_said_is_a_block(reports, nows):
    """What a block lays at once, because no window shows it too early, is what step after step shows."""
    with kept(*reports) as (store, connection):
        moments = [hour(now) for now in nows]
        walk = store.walk(connection, moments, view(**WIDE))
        for _ in moments:
            walk.step()
        xr.testing.assert_identical(walk.block(), cut((store, connection), nows))


def test_axes_are_text_and_whole_numbers():
    """Places keep the width of their text, and hours and days count in whole numbers."""
    found = block(said(30), nows=(0,))
    assert (found["place"].dtype.kind, found["hour"].dtype.kind, found["day"].dtype.kind) == ("U", "i", "i")
