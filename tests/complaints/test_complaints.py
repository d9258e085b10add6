"""What users of other warning systems beg for, and how it is here: each by its number in the list.

The whole instance is at work: changes are announced as a tick does, errands run, messages leave over a
gateway. Those whose test stands beside the code it is about: 3 (test_chase), 4 (test_calls), 5 (test_calls,
test_clocks), 13 and 22 (test_digest).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fakes import NONE, ORANGE, RED, YELLOW, Story
from outage import Town, town
from stage import ALARM, alarmed, changes, day, instance, messages, play, reasons, recorded, telling

from alerts.duty import silences
from alerts.duty.routing import route
from alerts.duty.silences import Wish
from alerts.event.transition import Reason
from alerts.outgoing import dispatch
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import store
from alerts.record.store import CallStatus
from ingest.database import reading, writing
from pipeline import ordering
from pipeline.acknowledge import acknowledge, word_of
from pipeline.ordering import Said
from pipeline.standing import overview
from pipeline.tick import tick
from rules.hazards.heat import Heat, HeatRung
from rules.level import Level
from tests.traps import weather
from tests.traps.weather import Weather, every, heat, live

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DUTY = "health_duty_a"


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Town]:
    """The district on a simulated clock, with a gateway that works."""
    with town(tmp_path) as found:
        yield found


def has_it(city: Town, alert: str, subsystem: str = "health", by: str = "李四") -> bool:
    """Somebody says that they have it; whether that ended a call."""
    word = word_of(alert=alert, subsystem=subsystem, by=by, via="cli", at=city.at)
    return acknowledge(city.ports, word).effective


def alerts_of(city: Town, person: str, since: datetime = ALARM) -> list[Delivery]:
    """What a person was sent about alerts since a moment."""
    return [
        row for row in city.rows(recipient=person, purpose=Purpose.ALERT, status=Status.SENT)
        if row.sent_at is not None and row.sent_at >= since
    ]  # fmt: skip


def test_complaint_01_i_am_working_on_that_can_be_said_and_is_kept(city: Town):
    """Refused elsewhere as out of scope: who has it is a row, by name and minute."""
    city.announce("a", Reason.OPENED, NONE, RED)
    city.pass_time(MINUTE)
    assert has_it(city, "a")
    with reading(city.ports.engine) as connection:
        (word,) = store.acknowledgements(connection, "a")
    assert (word.by, word.subsystem, word.at) == ("李四", "health", ALARM + MINUTE)


def test_complaint_02_everybody_can_see_that_somebody_is_on_it(tmp_path: Path):
    """The overview names who has it and who has not answered."""
    with alarmed(tmp_path) as ports:
        word = word_of(alert=changes(ports)[0].alert, subsystem="health", by="李四", via="cli", at=ALARM)
        acknowledge(ports, word)
        with reading(ports.engine) as connection:
            (row,) = overview(connection, ports.config, ALARM)
    assert row.has_it == ("health: 李四",)
    assert "health" not in row.waiting
    assert "agriculture" in row.waiting


def test_complaint_03_after_an_acknowledgement_the_calls_stop(city: Town):
    """For an hour nobody of the subsystem is called again for it."""
    city.announce("a", Reason.OPENED, NONE, ORANGE)
    city.pass_time(2 * MINUTE)
    has_it(city, "a")
    said = city.at
    city.pass_time(HOUR)
    people = [name for name in city.ports.config.routes.people if name.startswith("health_")]
    assert [alerts_of(city, person, said + MINUTE) for person in people] == [[]] * len(people)


def test_complaint_06_it_is_repeated_until_somebody_has_it(city: Town):
    """Up the ladder, person by person, and listed as unanswered at its end."""
    city.announce("a", Reason.OPENED, NONE, RED)
    city.pass_time(HOUR)
    steps = {row.step for row in city.rows(alert="a", subsystem="health", status=Status.SENT)}
    with reading(city.ports.engine) as connection:
        (call,) = [one for one in store.calls(connection, alert="a") if one.subsystem == "health"]
    assert steps >= {0, 1, 2}
    assert (call.status, call.next_at) == (CallStatus.OPEN, None)


PEAKS = {10: 35.5, 11: 34.6, 12: 35.2, 13: 34.4, 14: 35.8, 15: 33.5, 16: 30.0}
"""Highest temperature by day of August [°C]."""


@pytest.mark.parametrize(
    ("clear_below", "openings"), [(34.0, 1), pytest.param(None, 3, marks=pytest.mark.soak)]
)
def test_complaint_07_it_fires_at_one_threshold_and_clears_at_another(
    tmp_path: Path, clear_below: float | None, openings: int
):
    """At 35 and under 34: three hot days with cooler ones between are one warning."""
    air = Weather.everywhere("temperature_2m", heat(PEAKS))
    first, last = day("08-09 12:05"), day("08-17 12:05")
    heard = [batch for now in every(3 * HOUR, first, last) for batch in air.at(now)]
    config = weather.told(heard, "heat")
    rung = HeatRung(at_least=35.0, within=24 * HOUR, clear_below=clear_below, keep=timedelta(0))
    block = config.hazards["heat"]
    block = replace(block, rule=Heat(ladder={Level.YELLOW: rung}))
    with instance(tmp_path, replace(config, hazards={"heat": block})) as ports:
        live(ports, first, last)
        assert Counter(reasons(ports))["opened"] == openings
        assert reasons(ports)[-1] == "ended"


def test_complaint_08_the_all_clear_survives_a_restart(city: Town):
    """Decided, and the process gone before it was sent: the next one sends it to all who were warned."""
    city.announce("a", Reason.OPENED, NONE, ORANGE)
    city.pass_time(MINUTE)
    warned = {row.recipient for row in city.rows(status=Status.SENT, purpose=Purpose.ALERT)}
    city.announce("a", Reason.ENDED, ORANGE, NONE)
    with instance(city.ports.folder, city.ports.config) as again:
        again.outbox.recover()
        again.outbox.drain(city.at + MINUTE)
        over = [row for row in messages(again) if row.data.get("reason") == "ended"]
    assert {row.recipient for row in over} == warned
    assert {row.status for row in over} == {Status.SENT}


def test_complaint_09_a_level_goes_down_in_stages():
    """Red, orange, yellow and over, each after its own time and told by its own name."""
    story = Story(towns=1)
    for hour, level in enumerate([RED] * 3 + [ORANGE] * 6 + [YELLOW] * 8 + [NONE] * 12):
        story.at(hour, level)
    told = [(made.reason.value, made.to_level) for made in story.changes]
    assert told == [("opened", RED), ("lowered", ORANGE), ("lowered", YELLOW), ("ended", NONE)]


@pytest.mark.parametrize(
    ("order", "reason"), [("cancel", "cancelled"), ("correct", "corrected")]
)
def test_complaint_10_a_correction_and_a_withdrawal_are_one_command(
    tmp_path: Path, order: str, reason: str
):
    """Told to exactly those who were warned, by the next tick, which is due at once."""
    with alarmed(tmp_path) as ports:
        ports.outbox.drain(ALARM)
        said = Said(by="command_centre_duty_a", why="测站故障", at=ALARM + MINUTE)
        alert = changes(ports)[0].alert
        if order == "cancel":
            ordering.cancel(ports.engine, ports.config, alert, said)
        else:
            ordering.correct(ports.engine, ports.config, alert, Level.YELLOW, said)
        tick(ALARM + MINUTE, ports)
        told = [row.recipient for row in messages(ports) if row.data.get("reason") == reason]
        warned = [row.recipient for row in messages(ports) if row.data.get("reason") == "opened"]
    assert sorted(told) == sorted(warned)


def test_complaint_11_an_update_is_no_further_warning(city: Town):
    """Three changes of one event are one alert, in one incident."""
    city.announce("a", Reason.OPENED, NONE, YELLOW)
    for _ in range(2):
        city.pass_time(HOUR)
        city.announce("a", Reason.SPREAD, YELLOW, YELLOW)
    city.pass_time(HOUR)
    told = [row for row in city.rows(purpose=Purpose.ALERT) if row.data["reason"] != "data_lost"]
    assert {(row.alert, row.data["incident"]) for row in told} == {("a", told[0].data["incident"])}
    assert len({row.transition for row in told}) == 3


def test_complaint_14_nothing_is_sent_twice(city: Town):
    """Each message has a key of its own, also where the first attempts fail and the work is begun anew."""
    city.gateway.turn("500")
    city.announce("a", Reason.OPENED, NONE, ORANGE)
    city.pass_time(2 * MINUTE)
    city.gateway.turn("fine")
    city.pass_time(10 * MINUTE)
    keys = Counter(message.key for message in city.channel("outbox").taken)
    assert keys
    assert set(keys.values()) == {1}


def test_complaint_15_a_silence_ends_by_itself_and_says_so(tmp_path: Path):
    """Its author hears before the end, and those it covered how things stand at the end."""
    wish = Wish(level=Level.RED, until=ALARM + HOUR, by="traffic_duty_a", why="检修", subsystem="health")
    with instance(tmp_path, telling(recorded(day("08-12 12:00"), ALARM))) as ports:
        with writing(ports.engine) as connection:
            silences.add(connection, wish, ports.desk, ALARM)
        play(ports, ALARM, ALARM + 50 * MINUTE)
        before = messages(ports)
        play(ports, ALARM + 50 * MINUTE, ALARM + 61 * MINUTE)
        after = messages(ports)
    assert [row.recipient for row in before if row.purpose is Purpose.SILENCE] == ["traffic_duty_a"]
    assert not any(row.subsystem == "health" for row in before)
    assert [row.purpose for row in after].count(Purpose.SILENCE) == 2
    assert any(row.subsystem == "health" and row.status is Status.SENT for row in after)


def test_complaint_21_a_second_channel_is_used_and_the_record_says_which_failed(city: Town):
    """SMS is silent: the voice calls within three minutes, and each attempt is a row with its reason."""
    city.gateway.turn("500")
    city.announce("a", Reason.OPENED, NONE, RED)
    city.pass_time(4 * MINUTE)
    spoken = {message.recipient.phone for message in city.channel("voice").taken}
    assert city.phone(DUTY) in spoken
    tried = {row.channel: row for row in city.rows(recipient=DUTY, alert="a", step=0)}
    assert tried["voice"].status is Status.SENT
    assert tried["sms"].status is not Status.SENT
    assert "500" in tried["sms"].detail


def test_complaint_12_what_goes_out_names_times_that_are_not_over(tmp_path: Path):
    """Onset before end, and the end still to come when the message leaves."""
    with alarmed(tmp_path) as ports:
        ports.outbox.drain(ALARM)
        rows = [row for row in messages(ports) if row.status is Status.SENT]
    assert rows
    for row in rows:
        onset, end = (datetime.fromisoformat(str(row.data[name])) for name in ("onset", "expires"))
        assert onset < end
        assert end > ALARM


def test_complaint_24_a_test_cannot_be_taken_for_real(tmp_path: Path):
    """Marked before and after, and for machines in the words of CAP."""
    with alarmed(tmp_path) as ports:
        desk = replace(ports.desk, exercise="汛前演练")
        notices = route(changes(ports)[0], ports.config.routes, ALARM)
        rows = dispatch.deliveries(changes(ports)[0], notices, desk, ALARM)
    assert rows
    assert {row.data["status"] for row in rows} == {"Exercise"}
    assert all(row.text.startswith("【演练】") and "演练" in row.text[-20:] for row in rows)
