"""Five clocks for each person: sent, delivered, read, acknowledged, acted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from calling import Story, sms
from fakes import AT, MINUTE
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from alerts.answers import receipts, replies
from alerts.answers.clocks import CLOCKS, Clocks, clocks, in_order
from alerts.outgoing.delivery import Receipt, Sign


@pytest.fixture
def story(connection: Connection) -> Story:
    """A red that was announced and taken by the gateway."""
    told = Story(connection)
    told.announce()
    told.settle(AT)
    return told


def of(story: Story, person: str = "safety_day") -> Clocks:
    """The clocks of a person."""
    found = clocks(story.connection, "x", story.own.people)
    return next(one for one in found if one.person == person)


def hear(story: Story, sign: Sign, minutes: float) -> None:
    """A receipt of the safety officer's first message."""
    key = story.rows(recipient="safety_day")[0].key
    told = [Receipt(sign=sign, at=AT + minutes * MINUTE, key=key)]
    receipts.take(story.connection, "sms", told, story.own.people, AT + 9 * MINUTE)


def test_each_step_has_its_own_moment(story: Story):
    """As it was told, by whom it was told."""
    hear(story, Sign.DELIVERED, 1)
    hear(story, Sign.READ, 2)
    text = "1 指挥张三 影响昌元 转移无"
    replies.take(story.connection, "sms", [sms(text, at=AT + 4 * MINUTE)], story.desk, AT + 5 * MINUTE)
    found = of(story)
    minutes = [(getattr(found, name) - AT) / MINUTE for name in CLOCKS]
    assert minutes == [0, 1, 2, 4, 4]
    assert (found.adjusted, found.channels, found.answered_by) == ((), ("sms",), "safety_day")


def test_who_does_not_know_yet_comes_first(story: Story):
    """Nobody at all stands before delivered, delivered before read."""
    hear(story, Sign.READ, 1)
    found = clocks(story.connection, "x", story.own.people)
    assert [one.person for one in found][-1] == "safety_day"
    assert [one.knows for one in found] == [False, False, True]


def test_whoever_acknowledged_has_read_and_got_it(story: Story):
    """No receipt came: the steps before are proven by the one after, and that is said."""
    story.answer(AT + 2 * MINUTE)
    assert of(story).answered_by == "Li"
    word = sms("1", at=AT + 3 * MINUTE)
    story.answer(AT + 4 * MINUTE, "health")
    replies.take(story.connection, "sms", [word], story.desk, AT + 3 * MINUTE)
    known, adjusted = in_order({"sent": AT, "acknowledged": AT + 2 * MINUTE})
    assert known["delivered"] == known["read"] == AT + 2 * MINUTE
    assert adjusted == ("delivered", "read")


def test_somebody_elses_answer_is_not_ones_own(story: Story):
    """The deputy acknowledged; whether the officer knows is not known."""
    story.answer(AT + 2 * MINUTE)
    assert (of(story).acknowledged, of(story).knows, of(story).answered_by) == (None, False, "Li")


def test_every_channel_that_was_used_is_named(story: Story):
    """In the order in which they were."""
    story.chase(AT + 3 * MINUTE)
    story.settle(AT + 3 * MINUTE)
    assert of(story).channels == ("sms", "voice")


def test_a_gateway_whose_clock_is_behind_is_put_in_order(story: Story):
    """It says delivered before it was sent: shown at the moment of sending, and marked."""
    hear(story, Sign.DELIVERED, -7)
    assert (of(story).delivered, of(story).adjusted) == (AT, ("delivered",))


def test_complaint_5_nobody_is_told_of_an_alert_unknown(connection: Connection):
    """An alert nobody heard of has no clocks."""
    assert clocks(connection, "nothing", {}) == []


MOMENTS = st.one_of(st.none(), st.integers(-9999, 9999).map(lambda s: AT + timedelta(seconds=s)))


@given(st.fixed_dictionaries(dict.fromkeys(CLOCKS, MOMENTS)))
def test_the_clocks_are_always_in_order(seen):
    """Whatever was told: no step is before the one it follows, and whatever was changed is named."""
    known, adjusted = in_order(seen)
    moments = [at for at in (known[name] for name in CLOCKS) if at is not None]
    assert moments == sorted(moments)
    assert all(known[name] is not None for name in CLOCKS if seen[name] is not None)
    assert {name for name in CLOCKS if known[name] != seen[name]} == set(adjusted)
