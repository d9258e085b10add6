"""Replies by SMS end calls, tell facts, and are kept whatever they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from calling import HEALTH, SAFETY, Story, sms, with_person
from fakes import AT, HOUR, MINUTE, ORANGE, RED, change, database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update

from alerts.answers import replies, reports
from alerts.answers.call_rows import CallStatus
from alerts.event.transition import Reason
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Reply, Status
from alerts.record import store, tables

HEARD = AT + 3 * MINUTE


@pytest.fixture
def story(connection: Connection) -> Story:
    """A red that was announced and taken by the gateway."""
    told = Story(connection)
    told.announce()
    told.settle(AT)
    return told


def take(story: Story, *told: Reply, now=HEARD) -> list[tuple[str, str]]:
    """Hear replies; subsystem and name of the words that ended calls."""
    words = replies.take(story.connection, "sms", told, story.desk, now)
    return [(word.subsystem, word.by) for word in words]


def test_1_ends_the_call_of_whoever_was_sent_it(story: Story):
    """By number, in the person's name, for the person's subsystem alone."""
    assert take(story, sms("1")) == [("safety", "safety_day")]
    assert story.call("safety").status is CallStatus.ACKNOWLEDGED
    assert story.call("health").status is CallStatus.OPEN
    (word,) = store.acknowledgements(story.connection)
    assert (word.via, word.at, word.transition) == ("sms", AT + 2 * MINUTE, "x.1")


def test_a_reply_shows_that_it_was_read(story: Story):
    """Nobody answers what they have not seen."""
    take(story, sms("1"))
    assert story.rows(recipient="safety_day")[0].read_at == AT + 2 * MINUTE


def test_a_reply_of_any_words_ends_the_chase(story: Story):
    """Whoever writes back has the phone in hand; the call goes on at its own minutes."""
    take(story, sms("稍等"))
    assert "safety" not in {who for who, *_ in story.chase(HEARD)}
    assert story.call("safety").status is CallStatus.OPEN


def fold(story: Story) -> None:
    """The officer's message was told in a digest, sent a minute later."""
    first = story.rows(recipient="safety_day")[0]
    asks = [{"transition": "x.1", "subsystem": "safety", "link": "…", "title": "…"}]
    digest = replace(
        first, key="d", transition="d", alert="d", purpose=Purpose.DIGEST, data={"asks": asks},
        sent_at=AT + MINUTE, status=Status.SENT,
    )  # fmt: skip
    deliveries.plan(story.connection, [digest])
    mine = update(tables.delivery).where(tables.delivery.c.key == first.key)
    story.connection.execute(mine.values(status=Status.FOLDED.value, detail="d", sent_at=None))


def test_a_digest_is_answered_like_what_stands_in_it(story: Story):
    """Held back with others, told with them, acknowledged by "1", and read with the digest."""
    fold(story)
    assert take(story, sms("1")) == [("safety", "safety_day")]
    assert {row.read_at for row in story.rows(recipient="safety_day")} == {AT + 2 * MINUTE}


@pytest.mark.parametrize("answered", [False, True])
def test_a_digest_that_asks_for_answers_is_chased_until_they_are_given(story: Story, answered: bool):
    """Like each of the calls in it."""
    fold(story)
    if answered:
        story.answer(AT + 2 * MINUTE)
    mine = update(tables.delivery).where(tables.delivery.c.key == "d")
    story.connection.execute(mine.values(chase_at=HEARD, delivered_at=HEARD))
    story.chase(HEARD)
    assert len(story.rows(purpose=Purpose.DIGEST)) == (1 if answered else 2)


def test_one_number_may_be_several_peoples(story: Story):
    """An office phone answers for each of them that was sent something."""
    story.own = with_person(story.own, "health_day", phone=SAFETY)
    assert sorted(take(story, sms("收到"))) == [("health", "health_day"), ("safety", "safety_day")]


@pytest.mark.parametrize("number", [f"+86{SAFETY}", f"0086{SAFETY}", "138-0000-0101"])
def test_a_number_is_known_however_a_gateway_writes_it(story: Story, number: str):
    """With and without the country."""
    assert take(story, sms("1", phone=number)) == [("safety", "safety_day")]


def test_a_repeat_does_nothing(story: Story):
    """Pushed again, or asked for after it was pushed."""
    assert len(take(story, sms("1", reference="7"))) == 1
    before = all_rows(story.connection)
    assert take(story, sms("1", reference="7"), now=HEARD + HOUR) == []
    assert all_rows(story.connection) == before


def all_rows(connection: Connection) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    return {
        table.name: [tuple(row) for row in connection.execute(select(table))]
        for table in tables.metadata.sorted_tables
    }


def test_a_reply_that_was_written_before_a_call_is_none_to_it(story: Story):
    """A gateway hands over an old "1" an hour late; meanwhile the alert was raised."""
    take(story, sms("1"))
    raised = change(Reason.RAISED, id="x.2", at=AT + HOUR, from_level=ORANGE, to_level=RED)
    story.announce(raised, AT + HOUR)
    story.settle(AT + HOUR)
    assert take(story, sms("1 ", at=AT + 50 * MINUTE), now=AT + 2 * HOUR) == []
    assert story.call("safety").status is CallStatus.OPEN


def test_a_provider_that_cuts_off_the_seconds_is_understood(story: Story):
    """The reply came forty seconds after the message, in the same minute."""
    written = AT.replace(second=0)
    assert take(story, sms("1", at=written)) == [("safety", "safety_day")]


def test_a_provider_whose_clock_is_ahead_answers_nothing_that_is_to_come(story: Story):
    """The reply is dated tomorrow; it counts as of the moment it was heard."""
    take(story, sms("1", at=AT + 24 * HOUR))
    (word,) = store.acknowledgements(story.connection)
    assert word.at == HEARD


def test_somebody_who_was_not_called_ends_nothing(story: Story):
    """The deputy's number is known; nothing was sent to it."""
    deputy = story.own.people["safety_deputy_day"].phone
    assert take(story, sms("1", phone=deputy)) == []
    (kept,) = replies.replies(story.connection)
    assert (kept.person, kept.detail) == ("safety_deputy_day", "nothing was waiting for this number")


def test_a_stranger_is_kept_and_ends_nothing(story: Story):
    """With the number, so that somebody can call back."""
    assert take(story, sms("1", phone="13912345678")) == []
    (kept,) = replies.replies(story.connection)
    assert (kept.person, kept.meaning) == (None, "stranger")
    assert "13912345678" in kept.detail


@pytest.mark.parametrize("text", ["稍等", "你是谁？", "退订", ""])
def test_words_that_are_not_understood_are_kept(story: Story, text: str):
    """Answered to nobody, shown to whoever looks."""
    assert take(story, sms(text)) == []
    (kept,) = replies.replies(story.connection)
    assert (kept.text, kept.meaning, kept.person) == (text, "unknown", "safety_day")


def test_facts_acknowledge_and_report_in_one(story: Story):
    """The raw words are kept with what was read in them."""
    text = "1 指挥张三 影响昌元、广顺 转移320人"
    assert take(story, sms(text)) == [("safety", "safety_day")]
    (kept,) = reports.reports(story.connection, "x")
    assert (kept.commander, kept.affected, kept.moved) == ("张三", "昌元、广顺", "320人")
    assert (kept.words, kept.complete, kept.via) == (text, True, "sms")
    assert story.call("safety").facts_at == AT + 2 * MINUTE


def test_facts_may_follow_the_acknowledgement(story: Story):
    """First "1", then the rest, in two parts."""
    take(story, sms("1"))
    take(story, sms("指挥张三 影响昌元", at=AT + 5 * MINUTE), now=AT + 6 * MINUTE)
    assert story.call("safety").facts_at is None
    take(story, sms("转移320人", at=AT + 7 * MINUTE), now=AT + 8 * MINUTE)
    assert story.call("safety").facts_at == AT + 7 * MINUTE
    last = reports.reports(story.connection, "x")[-1]
    assert (last.commander, last.affected, last.moved, last.complete) == ("张三", "昌元", "320人", True)


def test_a_word_that_comes_late_leaves_the_whole_time_for_the_facts(story: Story):
    """The gateway was down for twenty minutes: nobody is in arrears by its fault."""
    take(story, sms("1"), now=AT + 22 * MINUTE)
    assert story.call("safety").facts_due == AT + 37 * MINUTE


TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(st.sampled_from(["1", "收到", "指挥", "影响", "转移", "张三", " ", "；", "\x00"])).map("".join),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.tuples(TEXTS, st.sampled_from([SAFETY, HEALTH, "10086", "", "x"])), max_size=4),
    late=st.integers(-600, 600),
)
def test_no_reply_can_make_it_fail_and_every_repeat_is_idle(tmp_path_factory, texts, late: int):
    """Whatever is written, from whatever number, at whatever moment, twice."""
    with database(tmp_path_factory.mktemp("replies")) as engine, engine.begin() as connection:
        story = Story(connection)
        story.announce()
        story.settle(AT)
        told = [sms(text, phone, AT + timedelta(seconds=late)) for text, phone in texts]
        take(story, *told)
        before = all_rows(connection)
        assert take(story, *told, now=HEARD + HOUR) == []
        assert all_rows(connection) == before
        assert len(replies.replies(connection)) <= len(told)
