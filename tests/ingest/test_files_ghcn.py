"""GHCN-Daily in each of its three forms tells the same days."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from simulators.small_district import TOWNS

from ingest.errors import ConfigMistake
from ingest.files import Plan, read_ghcn

STATION = "CHM00057516"
TOWN = TOWNS[0].id


def plan(**changes) -> Plan:
    """A plan in which the only station stands for one town."""
    asked = {"source": "ghcn", "towns": TOWNS, "stands_for": {"*": (TOWN,)}, "rain_day": 20}
    return Plan(**{**asked, **changes})


def field(value: int, marks: str = "  S") -> str:
    """One day of a fixed-width line."""
    return f"{value:5}{marks}"


def dly(element: str, *days: str) -> str:
    """A line of one month."""
    return f"{STATION}202208{element}" + "".join(days) + field(-9999, "   ") * (31 - len(days)) + "\n"


FORMS = {
    "x.dly": dly("TMAX", field(435), field(999, " XS"))
    + dly("PRCP", field(0), field(71))
    + dly("SNOW", field(1)),
    "x.csv": "STATION,DATE,TMAX,TMAX_ATTRIBUTES,PRCP,PRCP_ATTRIBUTES\n"
    f'{STATION},2022-08-01,435,",,S",0,",,S"\n{STATION},2022-08-02,999,",X,S",71,",,S"\n',
    "2022.csv": f"{STATION},20220801,TMAX,435,,,S,\n{STATION},20220802,TMAX,999,,X,S,\n"
    f"{STATION},20220801,PRCP,0,,,S,\n{STATION},20220802,PRCP,71,,,S,\n",
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_tells_the_same(tmp_path: Path, form: str):
    """Tenths become degrees and millimetres; what failed a check is left out, snow is not read."""
    path = tmp_path / form
    path.write_text(FORMS[form])
    batches = list(read_ghcn(path, plan()))
    told = [
        (batch.issued_at.day, name, values.tolist())
        for batch in batches
        for name, values in batch.values.items()
    ]
    assert told == [
        (1, "precipitation_day_20", [[0.0]]),
        (1, "temperature_max_day", [[43.5]]),
        (2, "precipitation_day_20", [[7.1]]),
    ]
    assert batches[0].issued_at == datetime(2022, 8, 1, 12, tzinfo=UTC)


def test_of_several_stations_the_named_ones_count(tmp_path: Path):
    """A table by year holds the world; whoever is not named stays out."""
    path = tmp_path / "2022.csv"
    path.write_text(FORMS["2022.csv"] + "USW00094728,20220801,TMAX,300,,,W,2400\n")
    (first, *_) = read_ghcn(path, plan(stands_for={STATION: (TOWN,)}))
    assert first.places == (TOWN,)
    with pytest.raises(ConfigMistake, match=f"--place {STATION}=CODE"):
        list(read_ghcn(path, plan()))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n", "no columns of GHCN-Daily"),
        ("STATION,DATE,TMAX\nX,2022-08-01,hot\n", "line 2: 'hot' is no whole number"),
        ("STATION,DATE,TMAX\nX,2022-08-01,\n", "no temperature and no rain"),
        ("STATION,DATE,TMAX\nX,2022-08-01\n", "2 cells of 3"),
        ("STATION,DATE,TMAX\nX,2022-08-41,1\n", "a date cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str):
    """What cannot be read is refused with one sentence."""
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(ConfigMistake, match=said):
        list(read_ghcn(path, plan()))


def test_the_end_of_the_rain_day_must_be_said(tmp_path: Path):
    """GHCN does not tell it."""
    path = tmp_path / "x.dly"
    path.write_text(FORMS["x.dly"])
    with pytest.raises(ConfigMistake, match="--rain-day"):
        list(read_ghcn(path, plan(rain_day=None)))
