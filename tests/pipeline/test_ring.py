"""The ring goes round, and the guard notices where it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import AT, HOUR, MINUTE, RecordingChannel
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from stage import district, instance

from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Status
from alerts.record import tables, troubles
from ingest.database import reading, writing
from ingest.errors import DeliveryError
from pipeline import ring
from pipeline.config import ChannelBlock, ChannelKeys, Config
from pipeline.guard import Guard, due
from pipeline.ports import Ports
from pipeline.ring import RingBroken, beat, rehearse
from rules.level import Level

QUARTER = 15 * MINUTE


def ringing(channel: Any, **service: Any) -> Config:
    """A district whose one gateway has a canary, and which rings every quarter of an hour."""
    keys = ChannelKeys(kind="fake", canary="operations_duty_a", receipt_within=service.pop("receipt", None))
    shipped = district()
    own = replace(shipped.service, ring=QUARTER, **service)
    blocks = {
        "sms": ChannelBlock(name="sms", channel=channel, keys=keys),
        "outbox": ChannelBlock(name="outbox", channel=RecordingChannel()),
    }
    return replace(shipped, service=own, channels=blocks, sources={})


@contextmanager
def house(folder: Path, channel: Any | None = None, **service: Any) -> Iterator[Ports]:
    """An instance that rings."""
    with instance(folder, ringing(channel or RecordingChannel(), **service)) as ports:
        yield ports


def canaries(ports: Ports) -> list[Any]:
    """Rows of the ring."""
    with reading(ports.engine) as connection:
        rows = deliveries.all_deliveries(connection)
    return [row for row in rows if row.purpose is Purpose.CANARY]


def sick(ports: Ports, now: Any, **guard: Any) -> list[str]:
    """Names of everything the guard finds."""
    found = Guard(ports=ports, **guard).look(now)
    ports.outbox.drain(now)
    return [one.name for one in found]


@pytest.mark.parametrize("hours", range(0, 24, 5))
def test_a_synthetic_alert_goes_through_all_stages_at_any_hour(hours: int):
    """Ingest, block, rule, lifecycle, routing: none of them is left out, none sends anything."""
    rehearse(AT + hours * HOUR + 7 * MINUTE)


def test_a_broken_stage_is_named(monkeypatch: pytest.MonkeyPatch):
    """Here nobody is on duty anywhere: the fault is found before a real alert meets it."""
    monkeypatch.setattr(ring, "route", lambda *_: [])
    with pytest.raises(RingBroken, match="routing"):
        rehearse(AT)


def test_a_mistake_of_our_own_is_a_trouble_and_ends_no_guard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Whatever breaks in a stage, the operators hear of it."""
    monkeypatch.setattr(ring, "route", lambda *_: 1 / 0)
    with house(tmp_path) as ports:
        assert sick(ports, AT) == ["ring"]
        assert sick(ports, AT + MINUTE) == ["ring"]


def test_each_round_sends_one_canary_a_gateway(tmp_path: Path):
    """Only gateways that name somebody for it; the text frightens nobody."""
    channel = RecordingChannel()
    with house(tmp_path, channel) as ports:
        for minutes in (0, 5, 15, 20, 30):
            assert sick(ports, AT + minutes * MINUTE) == []
    assert len(channel.taken) == 3
    assert {message.data["status"] for message in channel.taken} == {"Test"}
    assert "无需处理" in channel.taken[0].text


def test_a_canary_that_does_not_leave_pages_the_operator_by_another_road(tmp_path: Path):
    """The gateway is down: the message about it goes over the other channel."""
    refusal = DeliveryError("the account is closed", retry=False)
    with house(tmp_path, RecordingChannel(errors=[refusal] * 9)) as ports:
        sick(ports, AT)
        assert "canary sms" in sick(ports, AT + 10 * MINUTE)
        with reading(ports.engine) as connection:
            rows = deliveries.all_deliveries(connection)
    told = [row for row in rows if row.purpose is Purpose.TROUBLE]
    assert told
    assert {row.channel for row in told} == {"outbox"}


def test_a_canary_that_is_sent_and_never_received_is_a_trouble(tmp_path: Path):
    """A gateway that loses messages says 200 to every one."""
    with house(tmp_path, receipt=timedelta(minutes=3)) as ports:
        sick(ports, AT)
        assert sick(ports, AT + 2 * MINUTE) == []
        assert sick(ports, AT + 10 * MINUTE) == ["canary sms"]


def test_a_receipt_ends_the_trouble(tmp_path: Path):
    """And the operators hear that it is over."""
    with house(tmp_path, receipt=timedelta(minutes=3)) as ports:
        sick(ports, AT)
        assert sick(ports, AT + 10 * MINUTE) == ["canary sms"]
        with writing(ports.engine) as connection:
            connection.execute(tables.delivery.update().values(delivered_at=AT + 11 * MINUTE))
        assert sick(ports, AT + 14 * MINUTE) == []


def test_the_heartbeat_goes_out_after_a_round_that_came_back(tmp_path: Path):
    """With the head of the record, so that nobody can write it anew unseen."""
    with MisbehavingReceiver(Conduct()) as outside, house(tmp_path, beat_url=outside.url("/ping")) as ports:
        assert sick(ports, AT) == []
        assert b'"head"' in outside.seen[0].body


def test_a_heartbeat_that_fails_is_a_trouble_until_it_passes(tmp_path: Path):
    """The address outside is the only one that notices when this machine is gone."""
    gone = f"http://127.0.0.1:{closed_port()}/ping"
    with house(tmp_path, beat_url=gone) as ports:
        assert sick(ports, AT) == ["beat"]
        assert sick(ports, AT + MINUTE) == ["beat"]


def test_no_heartbeat_goes_out_while_a_canary_is_missing(tmp_path: Path):
    """Silence is the signal."""
    refusal = DeliveryError("the account is closed", retry=False)
    channel = RecordingChannel(errors=[refusal] * 9)
    with (
        MisbehavingReceiver(Conduct()) as outside,
        house(tmp_path, channel, beat_url=outside.url("/ping")) as ports,
    ):
        for minutes in (0, 16, 32):
            sick(ports, AT + minutes * MINUTE)
        assert len(outside.seen) == 1


def test_a_clock_that_is_wrong_shows_in_the_answer_from_outside(tmp_path: Path):
    """Ours says 2022, the other side says what day it really is."""
    with MisbehavingReceiver(Conduct()) as outside, house(tmp_path, beat_url=outside.url("/ping")) as ports:
        wrong = beat(AT, ports)
    assert wrong is None or "our clock differs" in wrong


def test_a_clock_that_jumps_is_a_trouble(tmp_path: Path):
    """An hour forward or back: ladders and windows count on it."""
    with house(tmp_path) as ports:
        assert sick(ports, AT, drift=lambda: timedelta(hours=1)) == ["clock"]
        assert sick(ports, AT + MINUTE, drift=lambda: timedelta(seconds=-2)) == []


def test_messages_that_wait_show_that_nothing_is_sent(tmp_path: Path):
    """A worker that died leaves its queue behind."""
    with house(tmp_path) as ports:
        ring.ring(AT, ports)
        found = Guard(ports=ports).look(AT + 20 * MINUTE)
    assert [one.name for one in found if one.name.startswith("queue")] == ["queue sms"]


def test_the_guard_looks_every_minute(tmp_path: Path):
    """At once after a start."""
    with house(tmp_path) as ports:
        assert due(AT, ports) == AT
        Guard(ports=ports).look(AT)
        assert due(AT, ports) == AT + MINUTE


def test_without_a_ring_the_guard_still_guards(tmp_path: Path):
    """A district that has no gateway yet has sources all the same."""
    config = replace(ringing(RecordingChannel()), service=district().service, sources=district().sources)
    with instance(tmp_path, config) as ports:
        found = Guard(ports=ports).look(AT)
        assert "source open_meteo" in [one.name for one in found]
        assert canaries(ports) == []
        with reading(ports.engine) as connection:
            assert troubles.open_troubles(connection)


def test_a_canary_row_is_a_row_like_any_other(tmp_path: Path):
    """It was sent, or it was not: the record shows it."""
    with house(tmp_path) as ports:
        sick(ports, AT)
        (row,) = canaries(ports)
    assert (row.status, row.recipient, row.channel) == (Status.SENT, "operations_duty_a", "sms")
    assert Level.NONE.key == row.data["to"]
