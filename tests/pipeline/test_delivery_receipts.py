"""Gateways that lose receipts, or tell them late, twice, backwards and of strangers' messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes import HOUR
from sqlalchemy import select
from stage import ALARM

from alerts.event.transition import Reason
from alerts.outgoing.delivery import Purpose, Status
from alerts.record import tables
from ingest.database import reading
from pipeline.cli import main
from pipeline.console.inbound import MOST_BYTES
from pipeline.console.server import Console
from tests.outage import BOTH, MINUTE, NONE, RED, Town, town


def test_lost_receipts_move_each_call_to_the_next_channel_after_unread(tmp_path: Path):
    """The gateway takes every SMS and tells nothing: three minutes later everybody is called by voice."""
    with town(tmp_path) as it:
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time(4 * MINUTE)
        sms = it.rows(channel="sms", purpose=Purpose.ALERT)
        assert {row.status for row in sms} == {Status.SENT}
        spoken = {row.recipient: row.sent_at for row in it.rows(channel="voice")}
        assert spoken == dict.fromkeys((row.recipient for row in sms), ALARM + 3 * MINUTE)
        assert it.gateway.repeats() == {}


def test_no_message_without_a_receipt_counts_as_delivered(tmp_path: Path):
    """Sent is known, delivered and read are not, however many channels took it."""
    with town(tmp_path) as it:
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time(10 * MINUTE)
        clocks = it.clocks("a")
        assert all(one.sent is not None for one in clocks)
        assert {(one.delivered, one.read, one.knows) for one in clocks} == {(None, None, False)}
        ran = CliRunner().invoke(main, ["--data", str(tmp_path), "answers", "a", "--json"])
        assert {(one["delivered"], one["read"]) for one in json.loads(ran.output)} == {(None, None)}
        assert ran.exit_code == 1


@dataclass
class Told:
    """A town with an open red whose SMS were sent, and its console."""

    town: Town
    url: str

    def push(self, *receipts: dict[str, Any]) -> int:
        """Call back; the status of the answer."""
        return self.town.gateway.push(self.url, list(receipts)).status_code

    def tables(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with reading(self.town.ports.engine) as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in tables.metadata.sorted_tables
            }

    def delivered(self) -> set[datetime | None]:
        """When the SMS arrived."""
        return {row.delivered_at for row in self.town.rows(channel="sms")}


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Told]:
    """The gateway has told nothing yet."""
    with town(tmp_path) as it, Console("127.0.0.1:0") as console:
        url = console.bind()
        console.start(it.ports, it.now)
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time()
        yield Told(town=it, url=url)


def test_receipts_told_twice_and_backwards_are_one_each(told: Told):
    """The second telling changes no row of any table, whatever its order."""
    receipts = told.town.gateway.pushes(told.town.at)
    assert told.push(*receipts) == 200
    before = told.tables()
    assert [told.push(*reversed(receipts)), told.push(*receipts, *receipts)] == [200, 200]
    assert told.tables() == before
    assert told.delivered() == {told.town.at}


def test_the_earliest_time_counts_in_whatever_order_it_comes(told: Told):
    """A later report of the same arrival moves nothing."""
    early = told.town.gateway.pushes(told.town.at + MINUTE)
    late = [{**one, "report_time": "2022-08-15 18:00:00"} for one in early]
    told.push(*late)
    told.push(*early)
    told.push(*late)
    assert told.delivered() == {told.town.at + MINUTE}


def test_receipts_of_strangers_messages_change_nothing(told: Told):
    """A reference nobody knows, a number that was not called, another channel's message."""
    (one, *_) = told.town.gateway.pushes(told.town.at)
    mail = told.town.rows(channel="mail")[0]
    without = {name: value for name, value in one.items() if name != "out_id"}
    before = told.tables()
    for stranger in (
        {**without, "biz_id": "900619746936498440^0"},
        {**without, "phone_number": "13999999999"},
        {**one, "out_id": mail.key},
    ):
        assert told.push(stranger) == 200
    assert told.tables() == before


def test_a_receipt_is_no_answer_and_will_not_arrive_uses_the_next_channel_at_once(told: Told):
    """On the device is not read: the call goes on; one that will not arrive is spoken now."""
    it = told.town
    told.push(*it.gateway.pushes(it.at, success=False)[:1])
    told.push(*it.gateway.pushes(it.at))
    it.pass_time()
    assert [row.planned_at for row in it.rows(channel="voice")] == [it.at]
    it.pass_time(3 * MINUTE)
    assert len(it.rows(channel="voice")) == len(it.rows(channel="sms"))


def test_receipts_of_an_hour_ago_repeat_nothing(told: Told):
    """They come when everybody was called already: kept, and nobody is called again for them."""
    it = told.town
    it.pass_time(HOUR)
    before = [(row.key, row.sent_at) for row in it.rows()]
    told.push(*it.gateway.pushes(it.at - HOUR + MINUTE))
    it.pass_time(5 * MINUTE)
    assert [(row.key, row.sent_at) for row in it.rows()] == before
    sms = {one.person for one in it.clocks("a") if one.channels[0] == "sms" and BOTH not in one.person}
    arrived = {one.person for one in it.clocks("a") if one.delivered is not None}
    assert sms <= arrived


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"secret": "wrong"}, 404),
        ({"channel": "voice"}, 404),
        ({"told": b" " * (MOST_BYTES + 1)}, 413),
        ({"told": b"<xml/>"}, 400),
        ({"told": {"phone": "13800000001"}}, 400),
        ({"told": [{"nothing": "known"}]}, 400),
    ],
)
def test_a_callback_that_is_not_the_gateways_is_refused_and_kept_nowhere(
    told: Told, how: dict[str, Any], status: int
):
    """Wrong secret, no such way in, too long, not JSON, not a list, not one element that can be read."""
    before = told.tables()
    said = how.pop("told", told.town.gateway.pushes(told.town.at))
    assert told.town.gateway.push(told.url, said, **how).status_code == status
    assert told.tables() == before
