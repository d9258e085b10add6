"""Traps 9 to 12 and 15: what is missing is never calm, never zero and never over."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import RecordingChannel, change, database
from stage import HOUR, changes, district, instance, play, reasons

from alerts.record import store
from ingest.batch import Batch
from ingest.database import reading, writing
from pipeline.explain import explain
from pipeline.health import health
from pipeline.pull import pull
from pipeline.tick import tick
from rules.findings import Verdict
from tests.traps.weather import NOW, TOWNS, Weather, about, calm_people, every, heat, told

HALF = TOWNS[: len(TOWNS) // 2]
OTHERS = TOWNS[len(TOWNS) // 2 :]
HOT = heat(dict.fromkeys(range(14, 19), 41.0))
DAY = timedelta(days=1)


def test_trap_09_a_partial_upload_closes_nothing(tmp_path: Path):
    """IBF closed an event because this upload did not mention it.

    Half of the towns are in the upload that says it is cool again; those are cleared, the others stand.
    """
    hot = Weather.everywhere("temperature_2m", HOT)
    cool = Weather.everywhere("temperature_2m", heat({14: 41.0}))
    partial = [batch for moment in every(6 * HOUR, NOW + 6 * HOUR, NOW + 1.5 * DAY)
               for batch in cool.at(moment, HALF)]  # fmt: skip
    with instance(tmp_path, told([*hot.at(NOW), *partial], "heat")) as ports:
        play(ports, NOW, NOW + 1.5 * DAY)
        last = changes(ports)[-1]
        told_reasons = reasons(ports)
    assert not {"ended", "lowered", "cancelled"} & set(told_reasons)
    assert set(OTHERS) <= set(last.places)
    assert "data_lost" in told_reasons


def test_trap_09_towns_that_are_mentioned_do_clear(tmp_path: Path):
    """The same upload with all towns in it ends the alert: what holds above is not mere inertia."""
    hot = Weather.everywhere("temperature_2m", HOT)
    cool = Weather.everywhere("temperature_2m", heat({14: 41.0}))
    whole = [batch for moment in every(6 * HOUR, NOW + 6 * HOUR, NOW + 1.5 * DAY)
             for batch in cool.at(moment)]  # fmt: skip
    with instance(tmp_path, told([*hot.at(NOW), *whole], "heat")) as ports:
        play(ports, NOW, NOW + 1.5 * DAY)
        assert reasons(ports)[-1] == "ended"


@pytest.mark.parametrize("pause", [1, 3])
def test_trap_10_many_model_runs_make_one_message(tmp_path: Path, pause: int):
    """IBF and PRISM send the same notification on every model run while an event is active.

    Two days of runs say the same: everybody has one message. One more run foretells more, and only
    then there is one more.
    """
    hot = Weather.everywhere("temperature_2m", heat(dict.fromkeys(range(15, 18), 38.0)))
    runs = every(pause * HOUR, NOW, NOW + 1.5 * DAY)
    worse = Weather.everywhere("temperature_2m", heat({15: 38.0, 16: 38.0, 17: 41.0}))
    news = worse.at(runs[-1] + HOUR)
    batches = [batch for moment in runs for batch in hot.at(moment)]
    channel = RecordingChannel()
    config = calm_people(told([*batches, *news], "heat", channel=channel), ladders={}, answers={})
    with instance(tmp_path, config) as ports:
        play(ports, NOW, runs[-1])
        before = [(row.recipient, row.channel) for row in about(ports)]
        assert len(before) == len(set(before)) == len(channel.taken) > 5
        assert reasons(ports) == ["opened"]
        play(ports, runs[-1], runs[-1] + HOUR)
        assert reasons(ports) == ["opened", "raised"]


def missing_everything() -> list[Batch]:
    """Every hourly quantity there is, NaN in every town."""
    names = sorted({name for block in district().hazards.values() for name in block.rule.quantities})
    nothing = np.full((len(TOWNS), 40 * 24), np.nan)
    hourly = {name: nothing for name in names if "_day" not in name}
    return Weather(values=hourly).at(NOW)


@pytest.fixture(scope="module")
def nothing_known(tmp_path_factory: pytest.TempPathFactory):
    """The district's own configuration after a day in which every value of every source was missing."""
    config = told(missing_everything())
    with instance(tmp_path_factory.mktemp("nothing"), config) as ports:
        play(ports, NOW, NOW + DAY)
        yield tick(NOW + DAY, ports), reasons(ports)


ENABLED = [name for name, block in district().hazards.items() if block.conduct.enabled]


@pytest.mark.parametrize("hazard", ENABLED)
def test_trap_11_a_series_that_is_all_missing_is_unknown(nothing_known, hazard: str):
    """FEWS judges an all-missing series as the lowest level: no danger.

    Through archive, block and tick every hazard of the district says UNKNOWN in every town.
    """
    report, _ = nothing_known
    assert set(report.findings[hazard].verdict.ravel().tolist()) == {int(Verdict.UNKNOWN)}
    assert report.unknown[hazard] == len(TOWNS)
    assert np.isnan(report.findings[hazard].value).all()


def test_trap_11_the_operators_hear_that_nothing_can_be_judged(nothing_known):
    """And that is all anybody hears: no alert opens and none ends."""
    assert set(nothing_known[1]) == {"data_lost"}


@pytest.fixture(scope="module")
def dead_sender(tmp_path_factory: pytest.TempPathFactory):
    """A red alert whose only source tells nothing more for two days."""
    channel = RecordingChannel()
    hot = Weather.everywhere("temperature_2m", HOT)
    folder = tmp_path_factory.mktemp("dead")
    with instance(folder, told(hot.at(NOW), "heat", channel=channel)) as ports:
        play(ports, NOW, NOW + 2 * DAY)
        yield ports, channel


def test_trap_12_a_sender_that_dies_resolves_nothing(dead_sender):
    """Alertmanager resolves an alert five minutes after its sender died (`resolve_timeout`).

    Two days of silence: the level stands, the loss is told, and no end ever was.
    """
    ports, channel = dead_sender
    assert reasons(ports) == ["opened", "data_lost"]
    assert changes(ports)[-1].to_level.key == "red"
    assert not any(message.data.get("all_clear") for message in channel.taken)
    assert not any("解除" in message.text for message in channel.taken)


def test_trap_12_health_shows_stale_and_not_quiet(dead_sender):
    """The alert is listed as open, its source as silent, its towns as unknown."""
    ports, _ = dead_sender
    seen = health(ports.engine, ports.config, NOW + 2 * DAY)
    assert [alert.level for alert in seen.alerts] == ["red"]
    assert seen.sources[0].silent
    assert seen.unknown["heat"] == len(TOWNS)
    assert not seen.healthy


def test_trap_12_it_goes_on_where_it_stood_when_the_sender_is_back(tmp_path: Path):
    """No second opening, and the end comes from data that say so."""
    hot = Weather.everywhere("temperature_2m", heat({14: 41.0, 15: 41.0}))
    back = [batch for half in (3, 4, 5) for batch in hot.at(NOW + half / 2 * DAY)]
    with instance(tmp_path, told([*hot.at(NOW), *back], "heat")) as ports:
        play(ports, NOW, NOW + 2.7 * DAY)
        found = reasons(ports)
    assert found.index("opened") < found.index("data_lost") < found.index("data_found")
    assert found.index("data_found") < found.index("ended")
    assert found.count("opened") == found.count("ended") == 1


def rain(in_town: float) -> Weather:
    """Dry everywhere; what one town had is given."""
    values = np.zeros((len(TOWNS), 40 * 24))
    values[0] = in_town
    return Weather(values={"precipitation": values})


@pytest.mark.parametrize(
    ("amount", "verdict", "value"), [(0.0, Verdict.NONE, 0.0), (np.nan, Verdict.UNKNOWN, None)]
)
def test_trap_15_missing_and_zero_differ_from_end_to_end(
    tmp_path: Path, amount: float, verdict: Verdict, value: float | None
):
    """LISF stored missing satellite rain as zero rain (LISF#1140).

    From the batch through archive and block to findings and evidence card: nought is dry,
    missing is not known.
    """
    with instance(tmp_path, told(rain(amount).at(NOW), "rainstorm")) as ports:
        pull("told", NOW, ports)
        found = tick(NOW, ports).findings["rainstorm"]
        with reading(ports.engine) as connection:
            block = ports.archive.block(connection, [NOW], ports.view)
            card = explain(connection, ports, "rainstorm", TOWNS[0], NOW)
    hour = block["precipitation"].sel(place=TOWNS[0], hour=0).values
    np.testing.assert_array_equal(hour, [amount])
    assert found.verdict[0, 0] == verdict
    assert (found.verdict[0, 1:] == Verdict.NONE).all()
    assert (card.asked.verdict, card.asked.value) == (verdict, value)


@pytest.mark.parametrize("amount", [0.0, None])
def test_trap_15_the_record_tells_none_from_nought(tmp_path: Path, amount: float | None):
    """What was written of a change is what is read: 0.0 and nothing are two things in every row."""
    made = change(value=amount, threshold=amount, peak_value=amount)
    with database(tmp_path) as engine, writing(engine) as connection:
        store.record(connection, made, [])
        (read,) = store.transitions(connection)
    assert json.dumps([read.value, read.threshold, read.peak_value]) == json.dumps([amount] * 3)
