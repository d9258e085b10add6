"""Silence leads to the next channel, then to the next step; an answer ends both at once."""

from __future__ import annotations

from dataclasses import replace

import pytest
from calling import Story, manned, with_person
from fakes import AT, HOUR, MINUTE, ORANGE, RED, change, routes
from sqlalchemy import Connection, select, update

from alerts.answers import chase, receipts
from alerts.event.transition import Reason
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Receipt, Sign, Status
from alerts.record import tables
from alerts.wording import memos
from alerts.wording.memos import Memo

UNREAD = AT + 3 * MINUTE


@pytest.fixture
def story(connection: Connection) -> Story:
    """A red that was announced and taken by the gateway."""
    told = Story(connection)
    told.announce()
    told.settle(AT)
    return told


def receipt(story: Story, sign: Sign, subsystem: str = "safety", at=AT + MINUTE) -> None:
    """What the gateway tells of the newest message to a subsystem."""
    row = story.rows(subsystem=subsystem)[-1]
    told = [Receipt(sign=sign, at=at, key=row.key)]
    receipts.take(story.connection, row.channel, told, story.own.people, at)


def test_whoever_has_not_read_after_three_minutes_is_tried_over_the_next_channel(story: Story):
    """Taken by the gateway is not read by anybody."""
    assert story.chase(UNREAD - MINUTE) == []
    assert ("safety", 0, "safety_day") in story.chase(UNREAD)
    assert story.channels("safety_day") == ["sms", "voice"]


def test_the_next_message_carries_the_words_and_a_link_that_works(story: Story):
    """Its link is signed for the moment of the notice that is kept with it."""
    story.chase(UNREAD)
    (row,) = story.rows(channel="voice", recipient="safety_day")
    first = story.rows(channel="sms", recipient="safety_day")[0]
    assert row.text.partition("http")[0] == first.text.partition("http")[0]
    at = select(tables.notice.c.at).where(tables.notice.c.why.like("no sign of life over sms%"))
    assert set(story.connection.scalars(at)) == {row.planned_at}


def test_each_silence_uses_one_channel_after_the_other(story: Story):
    """SMS, then voice, then mail, each three minutes after the one before it was sent."""
    for minutes, expected in ((3, ["sms", "voice"]), (6, ["sms", "voice", "mail"])):
        story.chase(AT + minutes * MINUTE)
        assert story.channels("safety_day") == expected
        story.settle(AT + minutes * MINUTE)


def lose(story: Story) -> None:
    """The officer has one channel, and its gateway says that the message will not arrive."""
    story.own = with_person(story.own, "safety_day", fallback=())
    (row,) = story.rows(recipient="safety_day")
    lost = Receipt(sign=Sign.UNDELIVERED, at=AT + MINUTE, key=row.key)
    receipts.take(story.connection, "sms", [lost], story.own.people, AT + MINUTE)


def test_a_person_without_another_channel_leaves_the_ladder_its_own_time(story: Story):
    """The message was taken and may be read yet: the deputy is called after five minutes, as configured."""
    story.own = with_person(story.own, "safety_day", fallback=())
    assert [one for one in story.chase(UNREAD) if one[0] == "safety"] == []
    assert [one.step for one in story.run(AT + 5 * MINUTE) if one.subsystem == "safety"] == [1]


def test_a_message_that_is_lost_for_good_sends_the_call_up_its_ladder(story: Story):
    """The deputy is called at once and not only after five minutes; the reason is kept."""
    lose(story)
    assert ("safety", 1, "safety_deputy_day") in story.chase(UNREAD)
    whys = story.connection.scalars(select(tables.notice.c.why).where(tables.notice.c.step == 1)).all()
    assert "safety_day shows no sign of life over any channel: next step at once" in whys[0]
    assert story.call().next_at == AT + 10 * MINUTE


def test_a_step_taken_early_is_not_taken_again(story: Story):
    """The minutes of the ladder go on from where it stands."""
    lose(story)
    story.chase(UNREAD)
    assert [one.subsystem for one in story.run(AT + 5 * MINUTE) if one.step == 1] == ["health"]


@pytest.mark.parametrize("sign", [Sign.READ])
def test_whoever_has_read_is_left_alone(story: Story, sign: Sign):
    """The call goes up its ladder at its own minutes."""
    receipt(story, sign)
    assert "safety" not in {who for who, *_ in story.chase(UNREAD)}


def test_delivered_is_not_read(story: Story):
    """A message on a phone in a pocket has not called anybody."""
    receipt(story, Sign.DELIVERED)
    assert "safety" in {who for who, *_ in story.chase(UNREAD)}


def test_who_is_only_informed_need_only_get_it(connection: Connection):
    """Traffic is chased where no receipt comes in its channel's time, and not where one did."""
    story = Story(connection)
    story.announce()
    story.settle(AT)
    mine = tables.delivery.c.subsystem == "traffic"
    connection.execute(update(tables.delivery).where(mine).values(chase_at=UNREAD))
    receipt(story, Sign.DELIVERED, "traffic")
    assert "traffic" not in {who for who, *_ in story.chase(UNREAD)}
    connection.execute(update(tables.delivery).where(mine).values(chase_at=UNREAD, delivered_at=None))
    assert "traffic" in {who for who, *_ in story.chase(UNREAD)}


def test_a_message_that_will_not_arrive_is_not_waited_for(story: Story):
    """The gateway says so after twenty seconds; the voice call does not wait for the third minute."""
    receipt(story, Sign.UNDELIVERED, at=AT + MINUTE / 3)
    assert chase.next_due(story.connection) == AT + MINUTE / 3
    assert story.chase(AT + MINUTE / 3) == [("safety", 0, "safety_day")]


def test_a_message_that_failed_for_good_is_not_waited_for(connection: Connection):
    """A refusal is a silence that counts at once."""
    story = Story(connection)
    story.announce()
    story.settle(AT, Status.FAILED, recipient="safety_day")
    assert story.chase(AT) == [("safety", 0, "safety_day")]
    assert story.channels("safety_day") == ["sms", "voice"]


def test_one_silence_uses_one_channel(connection: Connection):
    """Two first channels fail together: one further channel is used, not two."""
    own = manned()
    story = Story(connection, with_person(own, "safety_day", channels=("sms", "app")))
    story.announce()
    story.settle(AT, Status.FAILED, recipient="safety_day")
    story.chase(AT)
    assert story.channels("safety_day").count("voice") == 1
    assert "mail" not in story.channels("safety_day")


def test_a_late_failure_of_an_older_message_uses_no_further_channel(story: Story):
    """Its silence was answered by the voice call already."""
    story.chase(UNREAD)
    first = story.rows(recipient="safety_day", channel="sms")[0]
    late = [Receipt(sign=Sign.UNDELIVERED, at=UNREAD, key=first.key)]
    receipts.take(story.connection, "sms", late, story.own.people, UNREAD + MINUTE)
    assert story.chase(UNREAD + MINUTE) == []
    assert story.channels("safety_day") == ["sms", "voice"]


def test_another_message_that_may_still_arrive_keeps_the_ladder_waiting(connection: Connection):
    """One of two channels failed and nothing is left to try: the other has what the ladder gives it."""
    own = with_person(manned(), "safety_day", channels=("sms", "app"), fallback=())
    story = Story(connection, own)
    story.announce()
    story.settle(AT, Status.FAILED, channel="sms", recipient="safety_day")
    story.settle(AT, channel="app")
    assert story.chase(AT) == []
    assert [one for one in story.chase(UNREAD) if one[0] == "safety"] == []


def test_trap_4_only_a_post_counts_as_read(story: Story):
    """Nothing but a receipt or the page's POST sets the time of reading."""
    assert {row.read_at for row in story.rows()} == {None}
    receipts.read_by(story.connection, "x.1", "safety", "safety_day", AT + MINUTE)
    assert story.rows(recipient="safety_day")[0].read_at == AT + MINUTE
    assert receipts.read_by(story.connection, "x.1", "safety", "safety_day", AT + 2 * MINUTE) == 0


def test_complaint_3_an_acknowledgement_stops_every_message_at_once(story: Story):
    """Further channels and further steps that are planned go out to nobody."""
    story.chase(UNREAD)
    story.run(AT + 5 * MINUTE)
    story.answer(AT + 5 * MINUTE)
    waiting = [row for row in story.rows(subsystem="safety") if row.status is Status.DUE]
    assert waiting == []
    assert {row.detail for row in story.rows(subsystem="safety", channel="voice")} == {"acknowledged by Li"}


def test_complaint_3_a_message_under_way_is_not_tried_again_after_an_acknowledgement(story: Story):
    """Its attempt failed after the answer: nobody is called for what somebody has."""
    story.chase(UNREAD)
    (row,) = story.rows(recipient="safety_day", channel="voice")
    deliveries.claim(story.connection, row.key)
    story.answer(UNREAD)
    again = deliveries.Outcome(
        key=row.key, status=Status.DUE, at=UNREAD, detail="busy", next_at=UNREAD + HOUR
    )
    deliveries.settle(story.connection, again)
    assert story.rows(key=row.key)[0].status is Status.CANCELLED


def test_an_acknowledgement_keeps_nobody_from_hearing_of_a_spread(story: Story):
    """What came after the call, and asks for no answer, still goes out."""
    spread = change(Reason.SPREAD, id="x.2", at=AT + MINUTE, from_level=RED)
    story.announce(spread, AT + MINUTE)
    story.answer(AT + 2 * MINUTE)
    assert {row.status for row in story.rows(transition="x.2")} == {Status.DUE}


@pytest.mark.parametrize("months", [0, 1, 4])
def test_trap_14_an_acknowledged_alert_never_pages_again(story: Story, months: int):
    """Acknowledged in June, no delayed job pages anybody in October: every errand looks at the rows first."""
    story.answer(AT + MINUTE, transition="x.1")
    story.answer(AT + MINUTE, "health", transition="x.1")
    later = AT + 2 * MINUTE + months * 30 * 24 * HOUR
    late = update(tables.delivery).where(tables.delivery.c.subsystem != "traffic")
    story.connection.execute(late.values(chase_at=later))
    assert story.chase(later) == []
    assert [one for one in story.run(later) if "facts" not in one.why] == []


@pytest.mark.parametrize("reason", [Reason.LOWERED, Reason.ENDED, Reason.CANCELLED])
def test_nobody_is_chased_for_what_the_alert_is_no_more(story: Story, reason: Reason):
    """The newer message is chased, the older one is not."""
    newer = change(reason, id="x.2", at=AT + MINUTE, from_level=RED, to_level=ORANGE)
    story.announce(newer, AT + MINUTE)
    assert story.chase(UNREAD) == []


def test_somebody_who_left_the_configuration_is_not_chased(story: Story):
    """The ladder goes on instead, at its own time."""
    people = {name: person for name, person in story.own.people.items() if name != "safety_day"}
    story.own = replace(story.own, people=people)
    assert [one for one in story.chase(UNREAD) if one[0] == "safety"] == []
    assert [one.step for one in story.run(AT + 5 * MINUTE) if one.subsystem == "safety"] == [1]


def test_a_second_officer_of_the_step_who_may_answer_keeps_the_ladder_waiting(connection: Connection):
    """One is out of reach, the other has read it."""
    own = manned()
    shift = replace(own.subsystems["safety"].rota[0], duty=("safety_day", "slides_day"))
    rota = (shift, own.subsystems["safety"].rota[1])
    both = replace(own.subsystems["safety"], rota=rota)
    own = replace(own, subsystems={**own.subsystems, "safety": both})
    story = Story(connection, with_person(own, "safety_day", fallback=()))
    story.announce()
    story.settle(AT)
    receipts.read_by(connection, "x.1", "safety", "slides_day", AT + MINUTE)
    assert ("safety", 1, "safety_deputy_day") not in story.chase(UNREAD)


def test_memos_are_chased_too(story: Story):
    """The same words over the person's next channel."""
    memo = Memo(
        purpose=Purpose.TROUBLE, subject="disk", template="memo_facts", facts={"about": "disk"},
        people=("operations_day",), chase_after=2 * MINUTE,
    )  # fmt: skip
    deliveries.plan(story.connection, memos.deliveries(memo, story.desk, AT))
    story.settle(AT, purpose=Purpose.TROUBLE)
    story.chase(AT + 2 * MINUTE)
    first, second = story.rows(purpose=Purpose.TROUBLE)
    assert (second.channel, second.text, second.status) == ("voice", first.text, Status.DUE)
    assert second.key != first.key


def test_trap_1_one_dead_person_keeps_nobody_else_waiting(story: Story):
    """Of three who are silent the first cannot be reached at all; the others are tried."""
    lose(story)
    found = story.chase(UNREAD)
    assert {("safety", 1, "safety_deputy_day"), ("health", 0, "health_day")} <= set(found)


def test_a_level_without_a_ladder_ends_in_silence(connection: Connection):
    """Nothing is left to do, and nothing fails."""
    story = Story(connection, with_person(manned(ladders={}), "safety_day", fallback=()))
    story.announce()
    story.settle(AT)
    assert "safety" not in {who for who, *_ in story.chase(UNREAD)}
    assert chase.next_due(connection) is None


def test_without_a_rule_for_its_answers_nobody_is_chased(connection: Connection):
    """A level that asks for nothing is told once over channels that give no receipts."""
    story = Story(connection, routes())
    story.announce()
    story.settle(AT)
    assert chase.next_due(connection) is None
