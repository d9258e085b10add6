"""Callbacks of gateways: each has a secret address, says things twice, and is never trusted further."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from fakes import RecordingChannel
from sqlalchemy import select
from stage import ALARM, alarmed, messages

from alerts.outgoing.delivery import (
    BadCallback,
    Inbound,
    Intake,
    Means,
    Message,
    Pending,
    Receipt,
    Reply,
    Sign,
    Taken,
)
from alerts.record import store, tables
from ingest.database import reading
from ingest.errors import DeliveryError
from ingest.secret import Secret
from pipeline import hearing
from pipeline.console.inbound import MOST_BYTES
from pipeline.console.server import Console
from pipeline.daemon import SimulatedClock
from pipeline.ports import Ports

SECRET = "a-secret-part-of-the-address"
HEARD = ALARM + timedelta(minutes=3)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway that calls back with JSON, and can be asked for the same."""

    callback: Secret | None
    """What its address ends in."""
    told: list[Intake] = field(default_factory=list)
    """What it says when it is asked, one answer a question; then nothing."""
    asked: list[Sequence[Pending]] = field(default_factory=list)
    """Questions so far."""

    def send(self, message: Message, means: Means) -> Taken:
        """Take everything."""
        return Taken(reference=f"ref-{message.key}")

    def hear(self, request: Inbound, means: Means) -> Intake:
        """Read receipts ``[[key, sign]]`` and replies ``[[phone, text]]``."""
        try:
            said = json.loads(request.body)
        except ValueError:
            raise BadCallback("the callback is not JSON") from None
        signs = [Receipt(sign=Sign(sign), at=request.at, key=key) for key, sign in said.get("receipts", ())]
        at = ALARM + timedelta(minutes=2)
        words = [Reply(phone=phone, text=text, at=at) for phone, text in said.get("replies", ())]
        answer = b'{"code":0,"msg":"\xe6\x8e\xa5\xe6\x94\xb6\xe6\x88\x90\xe5\x8a\x9f"}'
        return Intake(receipts=tuple(signs), replies=tuple(words), answer=answer)

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """Say what is next; DeliveryError where that is nothing."""
        self.asked.append(pending)
        if not self.told:
            raise DeliveryError("the gateway is away", retry=True)
        return self.told.pop(0)


@dataclass(frozen=True, kw_only=True)
class Door:
    """The console of an instance with an open alert, whose messages were sent."""

    ports: Ports
    gateway: Gateway
    url: str

    def call(self, path: str = f"outbox/{SECRET}", body: Any = None, **how: Any) -> requests.Response:
        """Call back."""
        data = how.pop("data", json.dumps({} if body is None else body))
        return requests.post(f"{self.url}/inbound/{path}", data=data, timeout=10, **how)

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with reading(self.ports.engine) as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }

    def words(self) -> list[tuple[str, str]]:
        """Subsystem and way in of every acknowledgement."""
        with reading(self.ports.engine) as connection:
            return [(word.subsystem, word.via) for word in store.acknowledgements(connection)]


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Served on loopback, three minutes after the alert."""
    secret = tmp_path / "callback.key"
    secret.write_text(SECRET, encoding="utf-8")
    secret.chmod(0o600)
    gateway = Gateway(callback=Secret(file=str(secret)))
    with alarmed(tmp_path, gateway) as ports, Console("127.0.0.1:0") as console:
        ports.outbox.drain(ALARM)
        url = console.bind()
        console.start(ports, SimulatedClock(HEARD).now)
        yield Door(ports=ports, gateway=gateway, url=url)


def number(door: Door, subsystem: str = "health") -> str:
    """Number of the officer of a subsystem who was told."""
    (row,) = [row for row in messages(door.ports) if row.subsystem == subsystem]
    return door.ports.config.routes.people[row.recipient].phone


def test_a_receipt_is_kept_and_answered_as_the_gateway_wants(door: Door):
    """The answer is the channel's own."""
    row = messages(door.ports)[0]
    answer = door.call(body={"receipts": [[row.key, "delivered"]]})
    assert (answer.status_code, answer.json()["msg"]) == (200, "接收成功")
    assert answer.headers["content-type"] == "application/json"
    assert messages(door.ports)[0].delivered_at == HEARD


def test_1_by_sms_acknowledges(door: Door):
    """For the subsystem whose officer wrote it."""
    door.call(body={"replies": [[number(door), "１"]]})
    assert door.words() == [("health", "sms")]


def test_a_replayed_callback_changes_nothing(door: Door):
    """Whoever listened in, or a gateway that repeats itself."""
    key = messages(door.ports)[0].key
    body = {"receipts": [[key, "read"], [key, "undelivered"]]}
    body["replies"] = [[number(door), "1"], ["10086", "?"]]
    assert door.call(body=body).status_code == 200
    before = door.rows()
    for _ in range(3):
        assert door.call(body=body).status_code == 200
    assert door.rows() == before


@pytest.mark.parametrize(
    "path",
    ["outbox/wrong", f"outbox/{SECRET}x", "outbox/%00", "outbox/烽燧", f"nothing/{SECRET}", f"none/{SECRET}"],
)
def test_a_wrong_secret_looks_like_no_channel(door: Door, path: str):
    """Nobody finds out which there are; nothing is read, nothing is kept."""
    before = door.rows()
    answer = door.call(path, {"replies": [[number(door), "1"]]})
    assert (answer.status_code, answer.text) == (404, "Not Found")
    assert door.rows() == before


@pytest.mark.parametrize("channel", ["none", "file"])
def test_a_channel_without_a_secret_takes_no_callbacks(door: Door, tmp_path: Path, channel: str):
    """None is configured, or its file is gone."""
    secret = None if channel == "none" else Secret(file=str(tmp_path / "gone"))
    deaf = replace(door.gateway, callback=secret)
    kinds = {"none": deaf, "file": deaf, "plain": RecordingChannel()}
    other = replace(door.ports, outbox=replace(door.ports.outbox, channels=kinds))
    with Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(other, lambda: HEARD)
        for name in (channel, "plain"):
            assert requests.post(f"{url}/inbound/{name}/{SECRET}", timeout=10).status_code == 404


def test_a_callback_that_is_not_genuine_is_refused_in_one_sentence(door: Door):
    """400, without a trace of the program."""
    answer = door.call(data="<xml/>")
    assert (answer.status_code, answer.text) == (400, "the callback is not JSON")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_end_is_not_read(door: Door, chunked: bool):
    """A megabyte at most, whether or not its length is told."""
    pieces = (b" " * 100_000 for _ in range(11))
    body = pieces if chunked else b" " * (MOST_BYTES + 1)
    assert door.call(data=body).status_code == 413
    assert door.call(data=b" " * (MOST_BYTES - 2) + b"{}").status_code == 200


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_a_callback_is_a_post(door: Door, method: str):
    """405 with or without the secret."""
    for secret in (SECRET, "wrong"):
        answer = requests.request(method, f"{door.url}/inbound/outbox/{secret}", timeout=10)
        assert answer.status_code == 405


def test_the_secret_is_in_no_log(door: Door, caplog):
    """Neither of a good callback nor of a bad one."""
    with caplog.at_level(logging.INFO):
        door.call(data="<xml/>")
        door.call(body={"receipts": [["nothing", "read"]]})
    assert SECRET not in caplog.text


def test_a_provider_that_does_not_call_is_asked(door: Door):
    """For what lacks a receipt, every half minute, in one commit with what it said."""
    row = messages(door.ports)[0]
    told = Receipt(sign=Sign.DELIVERED, at=HEARD, reference=row.reference)
    word = Reply(phone=number(door), text="1", at=HEARD)
    door.gateway.told.append(Intake(receipts=(told,), replies=(word,)))
    assert hearing.due(HEARD, door.ports) == HEARD
    assert [word.subsystem for word in hearing.ask(HEARD, door.ports)] == ["health"]
    assert {one.key for one in door.gateway.asked[0]} == {row.key for row in messages(door.ports)}
    assert hearing.due(HEARD, door.ports) == HEARD + timedelta(seconds=30)
    assert messages(door.ports)[0].delivered_at == HEARD


def test_nobody_is_asked_when_nothing_can_come(door: Door):
    """Two hours after the last message, or before the first."""
    assert hearing.due(HEARD + timedelta(hours=3), door.ports) is None


def test_trap_1_a_provider_that_cannot_be_asked_keeps_nobody_waiting(door: Door, caplog):
    """The next one is asked all the same; the failure is on record."""
    away, there = replace(door.gateway, told=[]), replace(door.gateway, told=[Intake()], asked=[])
    outbox = replace(door.ports.outbox, channels={"away": away, "outbox": there})
    both = replace(door.ports, outbox=outbox)
    assert hearing.ask(HEARD, both) == []
    assert len(there.asked) == 1
    assert "channel away could not be asked: the gateway is away" in caplog.text
