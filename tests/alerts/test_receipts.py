"""Receipts come twice, late and out of order; each is kept once, and the earliest time counts."""

from __future__ import annotations

import logging
from itertools import permutations

import pytest
from calling import HEALTH, SAFETY, Story
from fakes import AT, HOUR, MINUTE
from sqlalchemy import Connection, select, update

from alerts.answers import receipts
from alerts.outgoing.delivery import Receipt, Sign, Status
from alerts.record import tables


@pytest.fixture
def story(connection: Connection) -> Story:
    """A red that was announced and taken by the gateway."""
    told = Story(connection)
    told.announce()
    told.settle(AT)
    return told


def key(story: Story, person: str = "safety_day") -> str:
    """Key of a person's first message."""
    return story.rows(recipient=person)[0].key


def take(story: Story, *told: Receipt, channel: str = "sms", at=AT + 9 * MINUTE) -> int:
    """Hear receipts."""
    return receipts.take(story.connection, channel, told, story.own.people, at)


def kept(story: Story) -> list[tuple[str, str]]:
    """Key and sign of every receipt that was kept."""
    table = tables.receipt
    rows = story.connection.execute(select(table.c.key, table.c.sign).order_by(table.c.id))
    return [(row.key, row.sign) for row in rows]


def test_a_receipt_names_its_message_by_key(story: Story):
    """What the provider carries back of ours."""
    told = Receipt(sign=Sign.DELIVERED, at=AT + MINUTE, key=key(story), detail="DELIVRD")
    assert take(story, told) == 1
    assert story.rows(recipient="safety_day")[0].delivered_at == AT + MINUTE


SIGNS = [
    Receipt(sign=Sign.DELIVERED, at=AT + MINUTE, reference="ref"),
    Receipt(sign=Sign.DELIVERED, at=AT + 2 * MINUTE, reference="ref"),
    Receipt(sign=Sign.READ, at=AT + 3 * MINUTE, reference="ref"),
    Receipt(sign=Sign.READ, at=AT + 4 * MINUTE, reference="ref"),
]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_in_whatever_order_they_come_the_earliest_counts(story: Story, order: tuple[int, ...]):
    """Every order of four ends in the same row."""
    mine = tables.delivery.c.key == key(story)
    story.connection.execute(update(tables.delivery).where(mine).values(reference="ref"))
    for number in order:
        take(story, SIGNS[number])
    (row,) = story.rows(recipient="safety_day")
    assert (row.delivered_at, row.read_at) == (AT + MINUTE, AT + 3 * MINUTE)
    assert len(kept(story)) == 2


def test_a_repeat_is_no_news(story: Story):
    """Providers push until they are answered."""
    told = Receipt(sign=Sign.UNDELIVERED, at=AT + MINUTE, key=key(story))
    assert [take(story, told) for _ in range(3)] == [1, 0, 0]


def test_one_reference_for_many_numbers_is_told_apart_by_the_number(story: Story):
    """A batch has one id; its receipts come one for each number."""
    story.connection.execute(update(tables.delivery).values(reference="batch"))
    told = Receipt(sign=Sign.DELIVERED, at=AT, reference="batch", phone=f"+86 {HEALTH}")
    assert take(story, told) == 1
    assert kept(story) == [(key(story, "health_day"), "delivered")]


def test_one_reference_for_many_numbers_says_nothing_without_the_number(story: Story):
    """Of whom it is told cannot be known."""
    story.connection.execute(update(tables.delivery).values(reference="batch"))
    assert take(story, Receipt(sign=Sign.DELIVERED, at=AT, reference="batch")) == 0


@pytest.mark.parametrize(
    "told",
    [
        Receipt(sign=Sign.READ, at=AT, key="nothing"),
        Receipt(sign=Sign.READ, at=AT, reference="nothing"),
        Receipt(sign=Sign.READ, at=AT, reference="ref-safety_day-sms", phone=HEALTH),
        Receipt(sign=Sign.READ, at=AT),
        Receipt(sign=Sign.READ, at=AT, reference=""),
    ],
)
def test_what_is_told_of_an_unknown_message_is_logged(story: Story, told: Receipt, caplog):
    """An event for the operator, and no error for the gateway."""
    with caplog.at_level(logging.WARNING):
        assert take(story, told) == 0
    assert [vars(record)["action"] for record in caplog.records] == ["receipt_unknown"]
    assert kept(story) == []


def test_a_gateway_cannot_speak_for_another(story: Story):
    """The key of an SMS, told by the operator of the voice calls, is not known there."""
    told = Receipt(sign=Sign.READ, at=AT, key=key(story))
    assert take(story, told, channel="voice") == 0
    assert story.rows(recipient="safety_day")[0].read_at is None


@pytest.mark.parametrize(
    ("number", "plain"),
    [
        ("13800000101", SAFETY), ("+8613800000101", SAFETY), ("0086 138-0000-0101", SAFETY),
        ("8613800000101", SAFETY), ("１３８", ""), ("", ""), ("10086", "10086"),
    ],
)  # fmt: skip
def test_a_number_is_compared_without_its_country(number: str, plain: str):
    """As gateways write it, as people do."""
    assert receipts.plain_number(number) == plain


def test_what_lacks_a_receipt_is_asked_for(story: Story):
    """Oldest first, with the number, for two hours; what was told once is not asked again."""
    take(story, Receipt(sign=Sign.DELIVERED, at=AT, key=key(story, "health_day")))
    found = receipts.pending(story.connection, "sms", story.own.people, AT + MINUTE)
    assert {one.key for one in found} == {key(story), key(story, "traffic_day")}
    assert SAFETY in {one.phone for one in found}
    assert receipts.pending(story.connection, "sms", story.own.people, AT + 3 * HOUR) == []
    assert receipts.pending(story.connection, "voice", story.own.people, AT) == []


def test_a_provider_is_asked_while_an_answer_may_come(story: Story):
    """All were delivered: a reply may still come for two hours, unless all have read."""
    assert receipts.waiting(story.connection, "sms", AT + HOUR)
    assert not receipts.waiting(story.connection, "sms", AT + 3 * HOUR)
    for row in story.rows():
        take(story, Receipt(sign=Sign.READ, at=AT, key=row.key))
    assert not receipts.waiting(story.connection, "sms", AT + HOUR)


def test_a_detail_that_no_database_can_keep_is_kept_without_it(story: Story):
    """Zeros and halves of characters come from gateways too."""
    told = Receipt(sign=Sign.READ, at=AT, key=key(story), detail="a\x00b\ud800" + "x" * 999)
    assert take(story, told) == 1
    assert story.connection.scalar(select(tables.receipt.c.detail)) == ("ab?" + "x" * 999)[:500]


def test_only_what_was_sent_can_be_read(connection: Connection):
    """The page of a message that waits was reached over another one."""
    story = Story(connection)
    story.announce()
    assert receipts.read_by(connection, "x.1", "safety", "safety_day", AT) == 0
    assert {row.status for row in story.rows()} == {Status.DUE}
