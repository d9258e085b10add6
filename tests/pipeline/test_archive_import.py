"""The past is imported whole or not at all, once, as it would have become known; a replay then judges it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from simulators import previous_runs
from simulators.open_meteo import OpenMeteoServer

from ingest.archive import Archive, metadata
from ingest.batch import Batch, Flag
from ingest.database import create_tables, open_engine, reading, writing
from ingest.errors import ConfigMistake
from ingest.holdings import gaps_between, holdings
from ingest.http import HttpClient
from ingest.times import instant64
from pipeline.cli import main
from pipeline.cli.imports import _KINDS, import_
from pipeline.config import default_folder, load
from pipeline.derive import derive_days
from pipeline.imports.request import KINDS, Asked, batches_of, plan_of
from pipeline.imports.run import after, archive_past, check_name
from pipeline.ports import Judging
from pipeline.replay.run import archive_period, run
from pipeline.settings import Settings
from pipeline.view import view_of
from pipeline.wiring import build

CONFIG = load(default_folder())
TOWNS = CONFIG.district.place_ids
HOUR = timedelta(hours=1)


def hours(first: datetime, count: int, source: str = "past") -> list[Batch]:
    """Mild weather, hour by hour."""
    batches = []
    for number in range(count):
        at = first + number * HOUR
        warm = np.full((len(TOWNS), 1), 25.0 + 8 * np.sin(number * np.pi / 12))
        batches.append(
            Batch(
                source=source, kind="observation", issued_at=at, available_at=at + HOUR / 12,
                places=TOWNS, valid_at=np.array([instant64(at)]),
                values={"temperature_2m": warm.round(1), "precipitation": warm * 0},
            )
        )  # fmt: skip
    return batches


@dataclass(frozen=True, kw_only=True)
class Store:
    """An archive in a file."""

    path: Path

    def rows(self) -> list[tuple]:
        """Every batch but for its number."""
        engine = open_engine(f"sqlite:///{self.path}")
        with reading(engine) as connection:
            found = connection.execute(metadata.tables["batch"].select()).all()
        engine.dispose()
        return sorted(tuple(row)[1:] for row in found)

    def take(self, batches, **options):
        """Import batches."""
        engine = open_engine(f"sqlite:///{self.path}")
        create_tables(engine, metadata)
        try:
            return archive_past(batches, engine, judging(), **options)
        finally:
            engine.dispose()


def judging() -> Judging:
    """What deriving needs."""
    return Judging(config=CONFIG, archive=Archive(), view=view_of(CONFIG))


FOUR_DAYS = hours(datetime(2022, 7, 30, tzinfo=UTC), 96)
"""They end in another month than they begin."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """An archive of four days, imported in one go."""
    store = Store(path=tmp_path_factory.mktemp("whole") / "x.db")
    assert store.take(FOUR_DAYS).fresh == 96
    return store


def test_days_are_derived_as_a_daemon_would_have(whole: Store, tmp_path: Path):
    """The daily job ran at each of its moments, so the fire codes and hot days of the period are there."""
    engine = open_engine(f"sqlite:///{tmp_path / 'y.db'}")
    create_tables(engine, metadata)
    own = judging()
    own = replace(own, view=replace(own.view, sources=(*own.view.sources, "past")))
    with writing(engine) as connection:
        own.archive.append(connection, FOUR_DAYS)
        first, last = FOUR_DAYS[0].available_at, FOUR_DAYS[-1].available_at
        derive_days(connection, first, last + timedelta(days=1), own)
    expected = Store(path=tmp_path / "y.db").rows()
    engine.dispose()
    told = days_of(whole.rows())
    assert told
    assert told == days_of(expected)


def days_of(rows: list[tuple]) -> dict[tuple, int]:
    """Derived observations by first and last day and content, as often as they are told."""
    return {(row[4], row[5], row[6]): 1 for row in rows if row[0] == "derived" and row[1] == "observation"}


def test_twice_is_as_good_as_once(whole: Store):
    """The same again adds nothing, and derives nothing."""
    before = whole.rows()
    again = whole.take(FOUR_DAYS)
    assert (again.fresh, again.derived) == (0, False)
    assert whole.rows() == before


class Unplugged(Exception):
    """Somebody pulled the plug."""


def unplugged(batches: list[Batch], at: int) -> Iterator[Batch]:
    """Batches up to a moment, at which all ends."""
    yield from batches[:at]
    raise Unplugged


@pytest.mark.parametrize(("at", "kept", "resume"), [(3, 0, True), (49, 48, True), (70, 48, False)])
def test_an_import_that_is_cut_short_is_gone_on_with(
    whole: Store, tmp_path: Path, at: int, kept: int, resume: bool
):
    """Whole months are there or nothing of them; gone on with, all is as if nothing had happened."""
    store = Store(path=tmp_path / "x.db")
    with pytest.raises(Unplugged):
        store.take(unplugged(FOUR_DAYS, at))
    assert len([row for row in store.rows() if row[0] == "past"]) == kept
    known = FOUR_DAYS[kept - 1].available_at if resume and kept else None
    store.take(after(FOUR_DAYS, known))
    assert store.rows() == whole.rows()


def test_the_archive_tells_what_it_holds(tmp_path: Path):
    """Periods, quantities and gaps by source, read from the heads of batches alone."""
    store = Store(path=tmp_path / "x.db")
    store.take([*FOUR_DAYS[:5], *FOUR_DAYS[9:12]], derive=False)
    engine = open_engine(f"sqlite:///{store.path}")
    with reading(engine) as connection:
        (one,) = holdings(connection)
    engine.dispose()
    assert (one.source, one.batches, one.places) == ("past", 8, TOWNS)
    assert one.quantities == ("temperature_2m", "precipitation")
    assert (one.first, one.last) == (FOUR_DAYS[0].issued_at, FOUR_DAYS[11].issued_at)
    assert [(gap.first, gap.last) for gap in one.gaps] == [(FOUR_DAYS[5].issued_at, FOUR_DAYS[8].issued_at)]


@pytest.mark.parametrize(
    ("told", "gaps"), [([0, 1, 2], 0), ([0, 24, 48], 0), ([0, 24, 72], 1), ([0], 0), ([0, 1, 2, 5, 6, 9], 2)]
)
def test_a_usual_step_is_no_gap(told: list[int], gaps: int):
    """Days leave out hours, and miss days."""
    assert len(gaps_between(np.array(told))) == gaps


# --- the command line ---


@dataclass(frozen=True, kw_only=True)
class Home:
    """A data folder with the configuration that comes with the program."""

    data: Path

    def run(self, *arguments: object) -> Result:
        """`fengsui archive` with this folder."""
        words = ["--data", self.data, "archive", *arguments]
        return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Nothing is in it yet."""
    return Home(data=tmp_path / "data")


@pytest.fixture
def heat(tmp_path: Path) -> Path:
    """Daily extremes of August 2022, as a station tells them."""
    days = [(10, 41.0, 29.0), (11, 41.5, 29.5), (12, 42.0, 30.0), (13, 42.5, 30.0), (14, 43.0, 31.0)]
    lines = [f"2022-08-{day},{warm},{cold},0" for day, warm, cold in days]
    path = tmp_path / "station.csv"
    path.write_text("\n".join(["date,tmax (°C),tmin (°C),rain (mm)", *lines]) + "\n")
    return path


DRAWN = ("--place", "all", "--daily-curve", "17,5", "--rain-day", "20", "--rain-spread", "even")


def test_a_dry_run_tells_and_keeps_nothing(home: Home, heat: Path):
    """Period, towns, quantities and flags are shown; no data folder is made."""
    done = home.run("import", "csv", heat, *DRAWN, "--dry-run", "--json")
    assert done.exit_code == 0, done.output
    told = {(one["source"], one["kind"]): one for one in json.loads(done.output)}
    hourly = told["past_csv", "observation"]
    assert hourly["flags"] == ["RECONSTRUCTED"]
    assert len(hourly["places"]) == 21
    assert hourly["quantities"]["temperature_2m"]["known"] == 21 * 109
    assert not home.data.exists()
    assert "镇街 towns        21/21" in home.run("import", "csv", heat, *DRAWN, "--dry-run").output


def test_an_imported_heat_wave_is_replayed(home: Home, heat: Path):
    """Days of a station become hours, hours become derived days, and today's rules warn of them."""
    assert home.run("import", "csv", heat, *DRAWN, "--perfect-prognosis").exit_code == 0
    listed = {(one["source"], one["kind"]) for one in json.loads(home.run("list", "--json").output)}
    assert listed >= {("past_csv", "observation"), ("past_csv", "forecast"), ("derived", "observation")}
    database = f"sqlite:///{home.data / 'fengsui.db'}"
    ports = build(CONFIG, Settings(config=default_folder(), data=home.data, database=database))
    period = archive_period(CONFIG, ports.engine, "2022-08-10T00:00+08:00", "2022-08-14T20:00+08:00")
    result = run(CONFIG, period, ports.desk)
    ports.close()
    assert "heat" in {change.hazard for change in result.transitions}


def test_list_speaks_to_people(home: Home, heat: Path):
    """Both languages stand on each line."""
    assert home.run("list").exit_code == 1
    home.run("import", "csv", heat, "--place", "all", "--rain-day", "20", "--no-derive")
    assert "derived  实况 observed" in home.run("list").output


def test_resume_goes_on_after_what_is_there(home: Home, heat: Path):
    """Nothing that is archived is checked again."""
    first = home.run("import", "csv", heat, *DRAWN, "--no-derive", "--json")
    again = home.run("import", "csv", heat, *DRAWN, "--no-derive", "--resume", "--json")
    assert json.loads(first.stdout)["fresh"] == json.loads(first.stdout)["batches"] > 100
    assert json.loads(again.stdout)["fresh"] == 0
    assert json.loads(again.stdout)["batches"] < 5


def test_forecasts_are_fetched_as_issued(home: Home):
    """previous-runs fills the archive with forecasts that were known then."""
    with OpenMeteoServer(now=datetime(2024, 9, 20, tzinfo=UTC)) as server:
        previous_runs.told(server)
        asked = ("--from", "2024-08-20", "--to", "2024-08-20", "--address", server.url, "--horizon", "24h")
        done = home.run("import", "previous-runs", *asked, "--no-derive", "--json")
    assert json.loads(done.stdout)["known_from"] == "2024-08-19T06:00:00+00:00", done.output


WRONG = [
    (("csv",), "no file is named"),
    (("csv", "nowhere.csv"), "nowhere.csv is not there"),
    (("open-meteo",), "needs a period; add --from"),
    (("open-meteo", "x.csv"), "is fetched and reads no file"),
    (("csv", "x", "--source", "open_meteo"), "choose another name"),
    (("csv", "x", "--source", "derived"), "choose another name"),
    (("csv", "x", "--source", "Wuhan!"), "small letters"),
    (("csv", "x", "--place", "Atlantis"), "is no town of"),
    (("csv", "x", "--column", "T"), "NAME=QUANTITY:UNIT"),
    (("csv", "x", "--column", "T=warmth:K"), "no quantity is called 'warmth'"),
    (("csv", "x", "--daily-curve", "noon"), "such as 17,5"),
    (("csv", "x", "--daily-curve", "17,17"), "must differ"),
    (("csv", "x", "--rain-spread", "25h"), "write even"),
    (("csv", "x", "--zone", "Nowhere/City"), "is no zone"),
    (("csv", "x", "--delay", "soon"), "--delay: write a duration"),
    (("csv", "x", "--from", "2022-13-01"), "--from"),
    (("csv", "x", "--issue-every", "5h"), "--issue-every"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_a_wrong_option_is_refused_with_a_remedy(words: tuple[str, ...], said: str):
    """One sentence names the option and what to write."""
    asked = typed(words)
    with pytest.raises(ConfigMistake) as refused:
        begin(asked)
    assert said in str(refused.value)


def typed(words: tuple[str, ...]) -> Asked:
    """What the command line makes of words."""
    with import_.make_context("import", list(words)) as context:
        return Asked(**{field.name: context.params[field.name] for field in fields(Asked)})


def begin(asked: Asked) -> None:
    """All that is looked at before the first batch."""
    check_name(asked.name, CONFIG)
    with HttpClient() as http:
        batches_of(asked, plan_of(asked, CONFIG.district), http)


def test_a_refusal_is_misuse(home: Home):
    """Exit code 2, and no data folder is made for what cannot be imported."""
    done = home.run("import", "csv", "nowhere.csv", "--dry-run")
    assert (done.exit_code, "check the path" in done.output) == (2, True)
    assert not home.data.exists()


def test_the_command_offers_every_kind():
    """The list that `--help` shows without reading anything is that of the readers."""
    assert tuple(_KINDS) == KINDS


def test_a_plan_holds_what_was_asked():
    """Options become the parts of a plan; a bare day is a day of Beijing, whole."""
    asked = Asked(
        kind="netcdf", paths=(), place=("57516=all", "昌元街道"), column=("T=t2m:K", "junk="), analysis=True,
        start="2022-08-01", end="2022-08-02", rain_spread="6h",
    )  # fmt: skip
    plan = plan_of(asked, CONFIG.district)
    assert plan.stands_for == {"57516": TOWNS, "*": ("500153001",)}
    assert plan.columns["T"].name == "temperature_2m"
    assert plan.columns["junk"] is None
    assert plan.first == datetime(2022, 7, 31, 16, tzinfo=UTC)
    assert plan.last == datetime(2022, 8, 2, 16, tzinfo=UTC)
    assert (plan.spread, plan.provenance, plan.source) == (6, Flag.ANALYSIS, "past_netcdf")


def test_the_past_of_a_source_of_the_district_stays_as_it_was():
    """Its record tells what was known; nobody writes more into it afterwards."""
    with pytest.raises(ConfigMistake, match="must stay as it was said"):
        check_name("open_meteo", CONFIG)
