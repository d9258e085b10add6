"""A model is asked, kept on a belt, watched in the shadow, and lends its levels only where it may speak."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from simulators.small_district import small_district

from alerts.outgoing import deliveries
from alerts.record import ledger, shadows, tables, troubles
from ingest.batch import Batch
from ingest.database import reading, writing
from ingest.source import Feed
from ingest.sources.recorded import Recorded
from pipeline.config import SourceBlock, load
from pipeline.daemon import Daemon, SimulatedClock
from pipeline.guard import Guard
from pipeline.learn import belt, shadowing, shelf
from pipeline.learn.foretell import Foreteller, day_end
from pipeline.learn.heat_home import archived_days, gather
from pipeline.learn.home import Lessons
from pipeline.learn.inputs import Inputs
from pipeline.learn.kinds import KINDS
from pipeline.learn.shelf import Shelf
from pipeline.settings import Settings
from pipeline.tick import tick
from pipeline.view import LEARNED
from pipeline.wiring import build
from rules.learned import store
from rules.learned.drift import limit, psi, reliability
from rules.learned.heat_features import UNITS
from rules.learned.manifest import Feature, Manifest
from rules.level import Level

pytest.importorskip("sklearn")
pytest.importorskip("skops")
CONFIG = Path(__file__).resolve().parents[2] / "config"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVENING = datetime(2025, 7, 20, 12, 5, tzinfo=UTC)
MODELS = ("ifs", "aifs", "gfs", "icon", "gem")


@cache
def shipped_config():
    """The configuration that ships, read once."""
    return load(CONFIG)


def source(name):
    """A source that a test speaks for; it is read and never pulled by itself."""
    feed = Feed(kind="recorded", every=DAY * 3650, freshness=DAY, priority=300)
    return SourceBlock(name=name, feed=feed, source=Recorded(event="heatwave-2022-08"))


def open_ports(folder, *, promoted=False):
    """Three towns with a station and five models, heat and its chance alone."""
    config = shipped_config()
    sources = {name: source(name) for name in ("station", *MODELS)}
    chance = config.aside["heat_chance"]
    if promoted:
        chance = replace(chance, conduct=replace(chance.conduct, shadow=False))
    kept = replace(
        config, sources=sources, district=small_district(), aside={"heat_chance": chance},
        hazards={"heat": config.hazards["heat"]},
    )  # fmt: skip
    return build(kept, Settings(config=CONFIG, data=folder, database="sqlite://"))


@pytest.fixture(autouse=True)
def nothing_ships(tmp_path, monkeypatch):
    """Tests bring their own models: those that ship are not there."""
    monkeypatch.setattr(shelf, "shipped", lambda: tmp_path / "shipped")


@pytest.fixture
def ports(tmp_path):
    """The chance is in the shadow."""
    opened = open_ports(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def speaking(tmp_path):
    """The chance was promoted."""
    opened = open_ports(tmp_path, promoted=True)
    yield opened
    opened.close()


def hours_of(highest, first, count):
    """A diurnal curve (place, hour) with its highest hour at 16:00 Beijing time."""
    local = (first.hour + 8 + np.arange(count)) % 24
    curve = highest - 5.0 + 5.0 * np.cos((local - 16) / 24 * 2 * np.pi)
    return np.tile(curve, (3, 1))


def told(ports, name, kind, highest, *, at, first, count):
    """Hours of temperature that a source stated at a moment."""
    valid = np.datetime64(first.replace(tzinfo=None), "s") + np.arange(count) * np.timedelta64(3600, "s")
    batch = Batch(
        source=name, kind=kind, issued_at=at, available_at=at, places=ports.view.places,
        valid_at=valid, values={"temperature_2m": hours_of(highest, first, count)},
    )  # fmt: skip
    with writing(ports.engine) as connection:
        ports.archive.append(connection, [batch])


def forecast(ports, highest, at=EVENING, models=MODELS):
    """What the models and the station's forecast say of four days on."""
    first = at.replace(minute=0) + HOUR
    for name in (*models, "station"):
        told(ports, name, "forecast", highest, at=at - HOUR, first=first, count=96)


def observed(ports, highest, at=EVENING, days=5):
    """What the station reported of the days before."""
    first = at.replace(minute=0) - days * DAY
    told(ports, "station", "observation", highest, at=at - HOUR, first=first, count=days * 24 + 1)




def put_model(folder, ask, monkeypatch, features=None):
    """A model of three numbers in the data folder, asked by `ask(table) -> chance of 37`."""
    kind = KINDS["heat"]
    edges = features or tuple(Feature(name=n, unit=u, low=-1e9, high=1e9) for n, u in UNITS.items())
    manifest = Manifest(
        name="heat", hazard="heat", targets=kind.gives, features=edges, trained_to=date(2025, 6, 30),
        data="made up", data_hash="0" * 64, libraries={}, seed=1, calibrated_for="rongchang",
        intended_use_zh="试", intended_use_en="try", limits_zh="试", limits_en="try",
    )  # fmt: skip
    store.save({"numbers": np.zeros(3)}, manifest, folder / "models")

    def answer(_model, table):
        chance = np.where(np.isnan(table[:, 0]), np.nan, ask(table))
        return {"chance_tmax_35": chance, "chance_tmax_37": chance, "chance_tmax_40": chance * 0.1}

    monkeypatch.setitem(KINDS, "heat", replace(kind, ask=answer))


def foretell(ports, now=EVENING):
    """One turn of the job."""
    return Foreteller(ports=ports, shelf=Shelf(data=ports.folder)).run(now)


def chances(ports, now, name="chance_tmax_37"):
    """What is archived of today and tomorrow, (place, 2)."""
    with reading(ports.engine) as connection:
        return ports.archive.block(connection, [now], ports.view)[name].values[0][:, -2:]


def test_chances_are_archived_as_batches_of_their_own_source(ports, tmp_path, monkeypatch):
    """Known from the moment they were made and not a second before."""
    put_model(tmp_path, lambda table: table[:, 0] / 100, monkeypatch)
    forecast(ports, 38.0)
    (turn,) = foretell(ports)
    assert (turn.model, turn.why, dict(turn.silent)) == ("heat", "", {})
    np.testing.assert_allclose(chances(ports, EVENING)[:, 1], 0.38, atol=0.01)
    assert np.isnan(chances(ports, EVENING - timedelta(seconds=1))).all()


def test_an_evening_s_chance_is_today_s_after_midnight(ports, tmp_path, monkeypatch):
    """It is about the day and not about the turn."""
    put_model(tmp_path, lambda table: np.full(len(table), 0.7), monkeypatch)
    forecast(ports, 38.0)
    foretell(ports)
    after = chances(ports, EVENING + 6 * HOUR)
    np.testing.assert_allclose(after[:, 0], 0.7)
    assert np.isnan(after[:, 1]).all()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: None, "no trained model"),
        (lambda folder: (folder / "models" / "heat.skops").write_bytes(b"PK"), "bytes are not those"),
        (lambda folder: (folder / "models" / "heat.json").unlink(), "no manifest beside"),
    ],
)
def test_without_a_good_model_nothing_is_said_and_the_turn_says_why(
    ports, tmp_path, monkeypatch, spoil, words
):
    """No chance, no crash; the physical rule is judged as ever."""
    if "no trained" not in words:
        put_model(tmp_path, lambda table: np.full(len(table), 0.7), monkeypatch)
    spoil(tmp_path)
    forecast(ports, 38.0)
    (turn,) = foretell(ports)
    assert words in turn.why
    assert np.isnan(chances(ports, EVENING)).all()
    assert tick(EVENING, ports).findings["heat"].floor.max() == Level.ORANGE


def test_without_the_models_in_the_archive_the_library_is_not_even_opened(ports, tmp_path):
    """A district with one source alone costs nothing."""
    observed(ports, 38.0)
    (turn,) = foretell(ports)
    assert turn.why == "the sources it reads are not in the archive"


@pytest.mark.parametrize("models", [MODELS[:1], MODELS[1:4], ()])
def test_any_models_may_be_missing(ports, tmp_path, monkeypatch, models):
    """With some the model answers, with none it is silent: missing."""
    put_model(tmp_path, lambda table: np.full(len(table), 0.7), monkeypatch)
    forecast(ports, 38.0, at=EVENING - 30 * DAY)
    forecast(ports, 38.0, models=models)
    (turn,) = foretell(ports)
    assert set(turn.silent.values()) == (set() if models else {belt.MISSING})


def test_a_town_outside_the_trained_range_falls_back(ports, tmp_path, monkeypatch):
    """Only where a feature is a stranger, and the turn names the reason."""
    lowest, highest = {"mean": 0.0}, {"mean": 30.0}
    seen = tuple(
        Feature(name=name, unit=unit, low=lowest.get(name, -1e9), high=highest.get(name, 1e9))
        for name, unit in UNITS.items()
    )
    put_model(tmp_path, lambda table: np.full(len(table), 0.7), monkeypatch, seen)
    forecast(ports, 38.0)
    (turn,) = foretell(ports)
    assert set(turn.silent.values()) == {belt.STRANGE}
    assert np.isnan(chances(ports, EVENING)).all()


def test_a_model_that_leaves_zero_to_one_says_nothing(ports, tmp_path, monkeypatch):
    """A broken answer is not clipped into a believable one."""
    put_model(tmp_path, lambda table: np.full(len(table), 1.5), monkeypatch)
    forecast(ports, 38.0)
    assert set(foretell(ports)[0].silent.values()) == {belt.MISSING}


def test_a_shadow_is_judged_and_kept_and_never_told(ports, tmp_path, monkeypatch):
    """Red by chance while the rule sees nothing: a row in the record, and not one delivery."""
    put_model(tmp_path, lambda table: np.full(len(table), 0.9), monkeypatch)
    observed(ports, 30.0)
    for at in (EVENING - DAY, EVENING):
        forecast(ports, 30.0, at=at)
        foretell(ports, at)
    tick(EVENING, ports)
    (seen,) = shadowing.run(EVENING, ports)
    assert set(seen.levels.values()) == {Level.ORANGE}
    assert set(seen.apart) == set(ports.view.places)
    with reading(ports.engine) as connection:
        assert sum(deliveries.counts(connection).values()) == 0
        assert connection.execute(tables.transition.select()).first() is None


def test_a_shadow_that_says_the_same_is_written_once(ports, tmp_path):
    """Rows are changes."""
    forecast(ports, 30.0)
    tick(EVENING, ports)
    assert len(shadowing.run(EVENING, ports)) == 1
    tick(EVENING + HOUR, ports)
    assert shadowing.run(EVENING + HOUR, ports) == ()


@pytest.mark.soak
def test_a_simulated_daemon_runs_shadows_and_sends_nothing_of_them(ports):
    """Unknown for days: nobody hears of a loss of data that concerns nobody."""
    forecast(ports, 30.0)
    Daemon(ports=ports).simulate(SimulatedClock(EVENING), EVENING + 12 * HOUR)
    with reading(ports.engine) as connection:
        assert set(shadows.newest(connection, "heat_chance").levels.values()) == {-1}
        rows = connection.execute(tables.delivery.select()).all()
    assert not [row for row in rows if "chance" in row.alert]


@pytest.mark.parametrize(
    ("chance", "highest", "level"),
    [(0.9, 30.0, Level.ORANGE), (0.1, 38.0, Level.YELLOW), (0.9, 38.0, Level.ORANGE)],
)
def test_a_promoted_chance_speaks_in_the_place_of_its_rule(
    speaking, tmp_path, monkeypatch, chance, highest, level
):
    """Under the name of the rule, with what the rule says beside it; its yellow of hot days stays."""
    put_model(tmp_path, lambda table: np.full(len(table), chance), monkeypatch)
    observed(speaking, highest)
    for at in (EVENING - DAY, EVENING):
        forecast(speaking, highest, at=at)
        foretell(speaking, at)
    found = tick(EVENING, speaking).findings["heat"]
    assert set(found.floor.ravel().tolist()) == {level}
    assert set(found.extra["by_rule"].ravel().tolist()) == {Level.ORANGE if highest > 37 else Level.NONE}
    np.testing.assert_allclose(found.extra["chance"], chance)


def test_where_its_chance_is_unknown_the_rule_goes_on(speaking):
    """Without a model a promoted hazard is the physical rule, value for value."""
    forecast(speaking, 38.0)
    found = tick(EVENING, speaking).findings["heat"]
    assert set(found.floor.ravel().tolist()) == {Level.ORANGE}
    assert np.isnan(found.extra["chance"]).all()


def test_the_operator_is_told_once_of_a_fall_back_and_once_when_it_is_over(
    speaking, tmp_path, monkeypatch
):
    """Two looks of the guard at a silent model are one trouble."""
    forecast(speaking, 38.0)
    foretell(speaking)
    guard = Guard(ports=speaking)
    for minutes in (0, 1):
        names = [one.name for one in guard.look(EVENING + timedelta(minutes=minutes))]
        assert "model heat_chance" in names
    put_model(tmp_path, lambda table: np.full(len(table), 0.7), monkeypatch)
    foretell(speaking, EVENING + timedelta(minutes=2))
    guard.look(EVENING + timedelta(minutes=3))
    with reading(speaking.engine) as connection:
        assert not [one for one in troubles.open_troubles(connection) if "model" in one.name]
        rows = connection.execute(tables.trouble.select()).all()
    assert len([row for row in rows if row.name == "model heat_chance"]) == 1


def test_a_shadow_is_nobody_s_trouble(ports):
    """An operator is not told that something failed that nobody relies on."""
    foretell(ports)
    assert not [one for one in Guard(ports=ports).look(EVENING) if "model" in one.name]


def test_the_job_waits_a_little_and_then_follows_the_data(ports):
    """Some minutes after a start; then an hour after its last turn where data came, else at midnight."""
    asking = Foreteller(ports=ports, shelf=Shelf(data=ports.folder))
    first = asking.due(EVENING)
    assert first == EVENING + timedelta(minutes=2)
    asking.run(first)
    midnight = datetime(2025, 7, 20, 16, tzinfo=UTC)
    assert asking.due(first) == midnight
    forecast(ports, 38.0, at=first + timedelta(minutes=10) + HOUR)
    assert asking.due(first) == first + HOUR
    with reading(ports.engine) as connection:
        assert ledger.last_run(connection, "foretell").detail.startswith("heat: ")


@pytest.mark.parametrize(
    ("now", "offset", "end"),
    [
        ("2025-07-20T12:05", 0, "2025-07-20T16:00"),
        ("2025-07-20T12:05", 1, "2025-07-21T16:00"),
        ("2025-07-20T16:00", 0, "2025-07-21T16:00"),
        ("2025-07-20T15:59", 0, "2025-07-20T16:00"),
    ],
)
def test_a_chance_belongs_to_a_beijing_day(now, offset, end):
    """Tomorrow changes at midnight in Beijing."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert day_end(moment, offset, 0) == datetime.fromisoformat(end).replace(tzinfo=UTC)


def test_the_archive_gives_the_columns_that_training_has(ports):
    """Day-1 and day-2 forecasts of each evening, and maxima once they are derived."""
    for age in (2, 1, 0):
        forecast(ports, 38.0 - age, at=EVENING - age * DAY)
    with reading(ports.engine) as connection:
        known = archived_days(connection, EVENING, ports, 3)
        (inputs,) = gather(connection, EVENING, ports)
    assert known.days[-2] == np.datetime64("2025-07-21")
    np.testing.assert_allclose(known.tomorrow[-4:-1, 0, 0], [36.0, 37.0, 38.0])
    np.testing.assert_allclose(known.earlier[-3:, 0, 0], [36.0, 37.0, 38.0])
    assert inputs.table.shape == (3, len(UNITS))


def test_nothing_that_became_known_later_reaches_the_features(ports):
    """Asked about the same moment again after more came in, the answer is the same."""
    for age in (2, 1, 0):
        forecast(ports, 38.0 - age, at=EVENING - age * DAY)
    with reading(ports.engine) as connection:
        (before,) = gather(connection, EVENING, ports)
    forecast(ports, 44.0, at=EVENING + 2 * HOUR)
    observed(ports, 44.0, at=EVENING + 2 * HOUR)
    with reading(ports.engine) as connection:
        (after,) = gather(connection, EVENING, ports)
    np.testing.assert_array_equal(before.table, after.table)


def spread_out(middle, seed=3):
    """Sixty days of three towns of one feature."""
    return np.random.default_rng(seed).normal(middle, 1.0, (60, 3, 1))


@pytest.mark.parametrize(("middle", "drifted"), [(0.0, False), (4.0, True)])
def test_a_feature_that_became_another_one_is_drift(middle, drifted):
    """A sensor that is four degrees off is noticed, the weather of two months is not."""
    trained = np.random.default_rng(1).normal(0.0, 1.0, 2000)
    feature = Feature.seen("mean", "°C", trained)
    index = psi(feature, spread_out(middle), 7)
    assert (index > limit(feature, 60)) is drifted


def test_a_feature_that_goes_missing_drifts():
    """NaN is a class of its own."""
    feature = Feature.seen("mean", "°C", np.random.default_rng(1).normal(0.0, 1.0, 2000))
    assert psi(feature, np.full((60, 3), np.nan), 7) > limit(feature, 60)


def test_spells_that_always_differ_are_no_drift():
    """A town is not all towns: what training saw of single places is what counts."""
    random = np.random.default_rng(1)
    spells = np.repeat(np.arange(100), 60)
    values = np.repeat(random.normal(0.0, 3.0, 100), 60) + random.normal(0.0, 1.0, 6000)
    months = np.full(6000, 7)
    plain = Feature.seen("mean", "°C", values, months)
    wise = Feature.seen("mean", "°C", values, months, spells)
    mild, fault = spread_out(3.0), spread_out(30.0)
    assert psi(wise, mild, 7) == psi(plain, mild, 7) > limit(plain, 60)
    assert psi(wise, mild, 7) < limit(wise, 60)
    assert psi(wise, np.concatenate([fault, -fault]), 7) > 0


def test_drift_of_many_features_silences_every_town():
    """One in five may wander; more is another world."""
    features = tuple(
        Feature.seen(f"f{row}", "1", np.random.default_rng(row).normal(0, 1, 2000)) for row in range(5)
    )
    manifest = Manifest(
        name="heat", hazard="heat", targets=("chance_tmax_35",), features=features,
        trained_to=date(2025, 6, 30), data="", data_hash="", libraries={}, seed=1,
        calibrated_for="rongchang", intended_use_zh="", intended_use_en="", limits_zh="", limits_en="",
    )  # fmt: skip
    past = np.concatenate([spread_out(9.0, row) for row in range(5)], axis=2)
    inputs = Inputs(offset=1, table=past[-1], past=past)
    fastened = belt.fastened(manifest, inputs, EVENING)
    assert fastened.reason == belt.DRIFT
    told = {"chance_tmax_35": np.full(3, 0.5)}
    quiet, why = belt.silenced(told, manifest, inputs, fastened, ("a", "b", "c"))
    assert np.isnan(quiet["chance_tmax_35"]).all()
    assert set(why.values()) <= {belt.DRIFT, belt.STRANGE}


@pytest.mark.parametrize(("share", "inside"), [(0.5, True), (0.05, False), (0.95, False)])
def test_chances_that_come_true_too_often_or_too_seldom_are_noticed(share, inside):
    """Ninety days of fifty percent in three towns that share their weather."""
    days = np.repeat(np.arange(90), 3)
    came = (days < 90 * share).astype(float)
    assert reliability(np.full(270, 0.5), came, days).inside is inside


def test_too_few_cases_prove_nothing():
    """A model is not silenced by three days."""
    assert reliability(np.full(9, 0.9), np.zeros(9), np.repeat(np.arange(3), 3)).inside


def test_the_learned_source_is_never_derived_from(ports):
    """A chance is no report of the weather."""
    from pipeline.derive import observing

    assert LEARNED in ports.view.sources
    assert LEARNED not in observing(ports)


def test_learn_every_says_when_the_next_lesson_is_due(ports):
    """Never where it is not set, else an hour after the first look, and so long after the last lesson."""
    assert Lessons(ports=ports).due(EVENING) is None
    service = replace(ports.config.service, learn_every=timedelta(days=30))
    lessons = Lessons(ports=replace(ports, config=replace(ports.config, service=service)))
    assert lessons.due(EVENING) == EVENING + HOUR
    lessons.run(EVENING + HOUR)
    assert lessons.due(EVENING + 2 * HOUR) == EVENING + HOUR + timedelta(days=30)
