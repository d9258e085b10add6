"""Acknowledged is not acted: the facts are asked for up the ladder, and the end is reported too."""

from __future__ import annotations

from dataclasses import replace

import pytest
from calling import FACTS, Story, manned
from fakes import AT, HOUR, MINUTE, NONE, ORANGE, RED, change
from sqlalchemy import Connection, select

from alerts.answers import closing, reports
from alerts.answers.call_rows import CallStatus
from alerts.answers.reports import Report
from alerts.duty.people import Answer
from alerts.event.transition import Reason
from alerts.outgoing.delivery import Purpose, Status
from alerts.record import store, tables

DUE = AT + 16 * MINUTE


@pytest.fixture
def story(connection: Connection) -> Story:
    """A red that safety acknowledged after a minute."""
    told = Story(connection)
    told.announce()
    told.settle(AT)
    told.answer(AT + MINUTE)
    told.answer(AT + MINUTE, "health")
    store.step_call(connection, replace(told.call("health"), facts_due=None))
    return told


def report(**parts: str) -> Report:
    """What safety tells."""
    told = {"commander": "张三", "affected": "昌元", "moved": "320人", "words": "…"} | parts
    return Report(
        kind="facts", alert="x", transition="x.1", subsystem="safety", by="Li", via="link",
        at=AT + 9 * MINUTE, **told,  # type: ignore[arg-type]
    )  # fmt: skip


def asked(story: Story, at) -> list[tuple[str, int, str | None]]:
    """Whom a reminder reaches at a moment."""
    found = reports.remind(story.connection, story.desk, at)
    return [(one.subsystem, one.step, one.person) for one in found]


def test_the_facts_are_due_a_while_after_the_acknowledgement(story: Story):
    """Fifteen minutes, and nobody is asked before."""
    assert story.call().facts_due == DUE == reports.next_due(story.connection)
    assert asked(story, DUE - MINUTE / 60) == []


def test_overdue_facts_are_asked_for_up_the_ladder(story: Story):
    """First who has it and the deputy, then the centre at the ladder's own pace, then nobody any more."""
    assert asked(story, DUE) == [("safety", 1, "safety_day"), ("safety", 1, "safety_deputy_day")]
    assert story.call().status is CallStatus.OWING
    assert asked(story, DUE + 5 * MINUTE) == [("safety", 2, "centre_day")]
    assert reports.next_due(story.connection) is None


def test_a_reminder_is_a_message_of_its_own(story: Story):
    """It asks for the facts and not for another acknowledgement, with a link to the form."""
    asked(story, DUE)
    (row,) = story.rows(purpose=Purpose.FACTS, recipient="safety_deputy_day")
    assert row.text.startswith("memo_facts")
    assert str(row.data["ack_link"]).startswith("http://127.0.0.1/x.1/safety/safety_deputy_day/")
    assert [one for one in store.warned(story.connection, "x") if one.person == "safety_deputy_day"] == []


def test_an_owing_call_pages_nobody_for_an_acknowledgement(story: Story):
    """Somebody has it: only the facts are missing."""
    story.run(DUE)
    assert {row.purpose for row in story.rows(step=1)} == {Purpose.FACTS}
    assert story.call().next_at is None


def test_a_report_ends_the_asking(story: Story):
    """What is planned is cancelled, and nobody is asked again."""
    asked(story, DUE)
    assert reports.add(story.connection, report()).complete
    assert (story.call().facts_at, story.call().status) == (AT + 9 * MINUTE, CallStatus.ACKNOWLEDGED)
    assert {row.status for row in story.rows(purpose=Purpose.FACTS)} == {Status.CANCELLED}
    assert asked(story, DUE + 99 * HOUR) == []


@pytest.mark.parametrize("missing", ["commander", "affected", "moved"])
def test_a_report_that_lacks_a_fact_is_kept_and_does_not_end_the_asking(story: Story, missing: str):
    """Until another one tells it."""
    assert not reports.add(story.connection, report(**{missing: " "})).complete
    assert asked(story, DUE) != []
    only = {"commander": "", "affected": "", "moved": ""} | {missing: "无"}
    assert reports.add(story.connection, report(**only)).complete
    assert reports.next_due(story.connection) is None


def test_a_level_that_asks_for_nothing_is_not_asked(connection: Connection):
    """Acknowledged is enough."""
    own = replace(manned(), answers={RED: Answer()})
    story = Story(connection, own)
    story.announce()
    story.answer(AT + MINUTE)
    assert story.call().facts_due is None


def test_facts_of_an_alert_that_was_raised_are_asked_for_anew(story: Story):
    """The red of this morning is overtaken; its facts are nobody's concern any more."""
    story.announce(change(Reason.LOWERED, id="x.2", from_level=RED, to_level=ORANGE, at=DUE), DUE)
    assert reports.next_due(story.connection) is None
    assert asked(story, DUE + HOUR) == []


def test_a_ladder_of_one_step_asks_whoever_has_it(connection: Connection):
    """Nobody stands above."""
    story = Story(connection, manned(ladders={}))
    story.announce()
    story.answer(AT + MINUTE)
    assert asked(story, DUE) == [("safety", 0, "safety_day")]
    assert reports.next_due(connection) is None


def over(story: Story, reason: Reason = Reason.ENDED) -> None:
    """The alert is over after two hours."""
    end = change(reason, id="x.2", at=AT + 2 * HOUR, from_level=RED, to_level=NONE)
    story.announce(end, AT + 2 * HOUR)


@pytest.mark.parametrize("reason", [Reason.ENDED, Reason.CANCELLED])
def test_whoever_was_asked_for_facts_is_asked_how_it_ended(story: Story, reason: Reason):
    """Lead and support, not who was only informed; once."""
    over(story, reason)
    rows = story.rows(purpose=Purpose.CLOSING)
    assert {row.recipient for row in rows} == {"safety_day", "health_day"}
    assert all(row.data["ack_link"] for row in rows)
    ends = closing.closings(story.connection, "x")
    assert {end.due_at for end in ends} == {AT + 2 * HOUR + FACTS.closing_within}


def test_an_alert_that_asked_for_no_facts_asks_for_no_closing_report(connection: Connection):
    """Orange in a district whose red alone asks for facts."""
    story = Story(connection)
    story.announce(change(to_level=ORANGE))
    over(story)
    assert closing.closings(connection, "x") == []


def test_a_missing_closing_report_is_told_to_the_centre_once(story: Story):
    """Half an hour after it was asked for, by name."""
    over(story)
    told = closing.chase(story.connection, story.desk, AT + 2.5 * HOUR)
    assert {one.person for one in told} == {"centre_day"}
    assert len(story.rows(purpose=Purpose.CLOSING, recipient="centre_day")) == 2
    assert closing.next_due(story.connection) is None
    assert closing.chase(story.connection, story.desk, AT + 99 * HOUR) == []


def test_a_closing_report_ends_the_matter(story: Story):
    """Any words will do; the other subsystem still owes its own."""
    over(story)
    told = replace(report(commander="", affected="", moved=""), kind="closing", at=AT + 2.1 * HOUR)
    assert reports.add(story.connection, told).complete
    assert {one.subsystem: bool(one.reported_at) for one in closing.closings(story.connection, "x")} == {
        "safety": True,
        "health": False,
    }
    late = closing.chase(story.connection, story.desk, AT + 99 * HOUR)
    assert [one.why.partition(";")[0] for one in late] == ["no closing report of health"]


def test_every_report_is_on_record(story: Story):
    """Sealed in the transaction that wrote it."""
    reports.add(story.connection, report())
    sealed = " ".join(story.connection.scalars(select(tables.audit.c.entries)))
    assert '["report","1",' in sealed
    assert '["acknowledgement","1",' in sealed


def test_words_no_database_can_keep_are_kept_without_them(story: Story):
    """Zeros, halves of characters, and books."""
    kept = reports.add(story.connection, report(words="a\x00\ud800" + "长" * 9999))
    assert (kept.words[:2], len(kept.words)) == ("a?", 2000)
