"""Recorded events: the bundled one is what its source says, and mistakes in files are named."""

import csv
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from ingest.batch import Flag
from ingest.errors import ConfigMistake, UnknownName
from ingest.http import HttpClient
from ingest.places import District, Place, Station
from ingest.recordings import BUNDLED, bundled_events, load_event
from ingest.recordings.diurnal import half_cosine
from ingest.recordings.table import read_table
from ingest.source import Request
from ingest.sources.recorded import Recorded

EVENT = "heatwave-2022-08"
T = "temperature_2m"
HOUR = timedelta(hours=1)
START = datetime(2022, 7, 19, 16, tzinfo=UTC)
END = datetime(2022, 9, 5, 15, tzinfo=UTC)
RAW = Path(__file__).resolve().parents[3] / "shared" / "data" / "weather_era5_chongqing_2022"

needs_raw = pytest.mark.skipif(
    not RAW.is_dir(), reason=f"data set {RAW.name} is missing: put it into {RAW.parent}"
)


def rows(path):
    """Lines of a CSV file as mappings of texts."""
    with path.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def bundled(name):
    """Lines of a file of the bundled event."""
    return rows(BUNDLED / EVENT / name)


# --- the files ---


@needs_raw
@pytest.mark.parametrize(
    ("file", "columns"),
    [
        (
            "rongchang_cell_29.5N_105.5E_hourly_2022-08-10_2022-08-28.csv",
            ["time", T, "wind_speed_10m", "wind_direction_10m"],
        ),
        (
            "chongqing_hourly_2022-08-10_2022-08-28.csv",
            [
                "time", "relative_humidity_2m", "shortwave_radiation",
                "soil_moisture_0_to_7cm", "precipitation",
            ],
        ),
    ],
)
def test_hourly_figures_are_those_of_the_source(file, columns):
    """Every figure is carried as it was written, to the last character."""
    ours = [[row[key] for key in columns] for row in bundled("hourly.csv")]
    assert ours == [[row[key] for key in columns] for row in rows(RAW / file)]


@needs_raw
def test_daily_figures_are_those_of_the_source():
    """The days are a piece of the longer series, unchanged."""
    raw = rows(RAW / "chongqing_daily_tmax_tmin_2006MaySep_2022MayOct.csv")
    assert bundled("daily.csv") == [
        row for row in raw if "2022-07-17" <= row["time"] <= "2022-09-12"
    ]


@needs_raw
@pytest.mark.parametrize(
    ("extreme", "counts"), [(max, {9: 11, 8: 6, 7: 2}), (min, {21: 10, 20: 3, 0: 3, 1: 2, 23: 1})]
)
def test_the_hours_of_the_extremes_are_those_of_the_measured_days(extreme, counts):
    """The curve places extremes where the hourly days of the same cell first reach them."""
    days: dict[str, list[float]] = {}
    for row in rows(RAW / "chongqing_hourly_2022-08-10_2022-08-28.csv"):
        days.setdefault(row["time"][:10], []).append(float(row[T]))
    found = Counter(values.index(extreme(values)) for values in days.values())
    event = load_event(EVENT)
    assert found == counts
    assert found.most_common(1)[0][0] == (event.tmax_hour if extreme is max else event.tmin_hour)


@pytest.mark.parametrize(
    ("quantity", "cell"),
    [
        (T, "Rongchang"), ("wind_speed_10m", "Rongchang"), ("wind_direction_10m", "Rongchang"),
        ("relative_humidity_2m", "Chongqing"), ("precipitation", "Chongqing"),
        ("shortwave_radiation", "Chongqing"), ("soil_moisture_0_to_7cm", "Chongqing"),
    ],
)  # fmt: skip
def test_the_event_says_which_cell_gives_what(quantity, cell):
    """And that the other cell lies 100 km away, in both languages."""
    event = load_event(EVENT)
    assert [each.name for each in event.cells if quantity in each.gives] == [cell]
    assert "100千米" in event.notes_zh
    assert "100 km" in event.notes_en


def test_the_notice_names_source_and_licence():
    """The attribution asked for stands in the file and in the event."""
    asked = (
        "Weather data by Open-Meteo.com (CC BY 4.0); "
        "contains modified Copernicus Climate Change Service information (ERA5)"
    )
    assert load_event(EVENT).notice == asked
    assert asked in (BUNDLED / EVENT / "NOTICE.md").read_text(encoding="utf-8")


# --- the event ---


def test_the_event_covers_whole_beijing_days():
    """20 July to 5 September 2022 in Beijing, 1,152 hours."""
    event = load_event(EVENT)
    assert (event.start, event.end) == (START, END)
    assert (event.end - event.start) // HOUR + 1 == 1152


def test_the_figures_reach_beyond_the_end_for_the_last_forecasts():
    """Temperature only, without a gap, for the longest horizon and a day more."""
    event = load_event(EVENT)
    table = read_table(event)
    after = table.hours > END.timestamp() // 3600
    assert after.sum() >= Recorded(event=EVENT).horizon // HOUR + 24
    assert (table.flags[T][after] == Flag.RECONSTRUCTED).all()
    assert all(np.isnan(table.values[name][after]).all() for name in table.values if name != T)


def test_the_bundled_event_is_listed():
    """It can be asked for by name."""
    assert EVENT in bundled_events()


@pytest.mark.parametrize("name", ["heatwave-1922", "", ".", "../recordings"])
def test_an_unknown_event_is_refused_with_those_there_are(name):
    """A folder without an event is no event either."""
    with pytest.raises(UnknownName, match=EVENT):
        load_event(name)


# --- the curve ---


@pytest.mark.parametrize(
    ("anchors", "drawn"),
    [
        ({0: 20.0, 4: 30.0}, [20.0, 21.5, 25.0, 28.5, 30.0]),
        ({0: 30.0, 4: 20.0}, [30.0, 28.5, 25.0, 21.5, 20.0]),
        ({1: 20.0, 3: 20.0}, [np.nan, 20.0, 20.0, 20.0, np.nan]),
        ({0: 20.0, 2: np.nan, 4: 30.0}, [20.0, 21.5, 25.0, 28.5, 30.0]),
        ({-21: 20.0, 4: 30.0}, [np.nan] * 5),
        ({0: 20.0}, [np.nan] * 5),
        ({}, [np.nan] * 5),
    ],
)
def test_the_diurnal_curve_is_half_a_cosine_between_anchors(anchors, drawn):
    """Rounded to 0.1; nothing before, after, or across more than a day."""
    np.testing.assert_array_equal(half_cosine(np.arange(5), anchors), drawn)


# --- an event of one's own ---


OWN = """
name: shower
title_zh: 阵雨
title_en: Shower
start: "2024-07-01T00:00+08:00"
end: "2024-07-01T03:00+08:00"
notes_zh: 虚构
notes_en: invented
reference_elevation: 380.0
lapse_rate: 6.5
tmax_hour: 9
tmin_hour: 21
cells: []
reconstructed: nothing
provenance: invented
licence: none
notice: none
"""
RAIN = "time,precipitation\n2024-06-30T16:00,0.0\n2024-06-30T17:00,\n2024-06-30T18:00,60.5\n"


@pytest.fixture
def own(tmp_path):
    """A folder with an event of one's own: rain only, one value missing, one hour not recorded."""
    (tmp_path / "event.yaml").write_text(OWN, encoding="utf-8")
    (tmp_path / "hourly.csv").write_text(RAIN, encoding="utf-8")
    return tmp_path


def test_an_event_of_ones_own_is_read_from_its_folder(own):
    """A path works like a name; what is not in the file is missing, also at the last hour."""
    rain = read_table(load_event(str(own))).values["precipitation"]
    np.testing.assert_array_equal(rain, [0.0, np.nan, 60.5, np.nan])


def test_an_event_foretells_what_it_records(own):
    """Rain without temperature; where nothing is recorded any more, nothing is foretold."""
    town = Place(id="500153001", name="镇", name_en="T", lat=29.4, lon=105.6, elevation=300.0)
    station = Station(id="57505", name="荣昌", lat=29.42, lon=105.58, elevation=338.0)
    district = District(
        code="500153", name="荣昌区", name_en="R", boundary="", station=station, towns=(town,)
    )
    now = datetime(2025, 1, 1, tzinfo=UTC)
    request = Request(now=now, since=None, district=district, http=HttpClient())
    told = Recorded(event=str(own), forecasts="perfect", issue_every=HOUR).fetch("own", request)
    foretold = [batch.values for batch in told if batch.kind == "forecast"]
    assert {tuple(batch.values) for batch in told} == {("precipitation",)}
    np.testing.assert_equal(
        [values["precipitation"][0].tolist() for values in foretold],
        [[np.nan, 60.5, np.nan], [60.5, np.nan]],
    )


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("lapse_rate: 6.5", "lapse_rate: steep", "lapse_rate"),
        ("lapse_rate: 6.5", "", "lapse_rate"),
        ("lapse_rate: 6.5", "lapse_rate: 6.5\nlaps_rate: 6", "laps_rate"),
        ("+08:00", "", "time zone"),
        ("T03:00", "T03:30", "whole hours"),
        ("07-01T03:00", "06-01T03:00", "before start"),
        ("name: shower", "name: [shower", "YAML"),
        (OWN, "shower", "keys and values"),
    ],
)
def test_a_mistake_in_an_event_is_named_with_its_file(own, wrong, right, says):
    """The sentence says where to mend what."""
    (own / "event.yaml").write_text(OWN.replace(wrong, right), encoding="utf-8")
    with pytest.raises(ConfigMistake, match=rf"event\.yaml.*{says}"):
        load_event(str(own))


@pytest.mark.parametrize(
    ("file", "error"),
    [
        ("time,precipitation\n", ConfigMistake),
        ("", ConfigMistake),
        ("hour,precipitation\n2024-06-30T16:00,1\n", ConfigMistake),
        ("time,precipitation\n2024-06-30T16:00,wet\n", ConfigMistake),
        ("time,precipitation\nyesterday,1\n", ConfigMistake),
        ("time,precipitation\n2024-06-30T16:00,1,2\n2024-06-30T17:00,1\n", ConfigMistake),
        ("time,precipitation\n2024-06-30T17:00,1\n2024-06-30T16:00,1\n", ConfigMistake),
        ("time,precipitation\n2024-06-30T16:30,1\n", ConfigMistake),
        ("time,rain\n2024-06-30T16:00,1\n", UnknownName),
    ],
)
def test_a_mistake_in_the_figures_is_named(own, file, error):
    """Neither a damaged table nor an unknown column is read halfway."""
    (own / "hourly.csv").write_text(file, encoding="utf-8")
    with pytest.raises(error):
        read_table(load_event(str(own)))


def test_days_without_extremes_are_refused(own):
    """The columns that are missing are named."""
    (own / "hourly.csv").write_text("time,temperature_2m\n2024-06-30T16:00,25\n", encoding="utf-8")
    (own / "daily.csv").write_text("time,tmax\n2024-06-30,30\n", encoding="utf-8")
    with pytest.raises(ConfigMistake, match="temperature_2m_max and temperature_2m_min"):
        read_table(load_event(str(own)))


def test_an_event_without_figures_is_refused(own):
    """The file that is missing is named."""
    (own / "hourly.csv").unlink()
    with pytest.raises(ConfigMistake, match=r"hourly\.csv"):
        read_table(load_event(str(own)))
