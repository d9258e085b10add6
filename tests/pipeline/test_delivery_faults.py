"""Gateways that hang, fail for an hour, or say nothing: people are reached all the same, and once."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alerts.event.transition import Reason
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.record import store
from ingest.database import reading
from tests.outage import BY_SMS, MINUTE, NONE, ORANGE, RED, YELLOW, Town, town


def called_by_sms(town: Town) -> list[str]:
    """Numbers of everybody who was to be called by SMS of a red or orange."""
    rows = town.rows(channel="sms", purpose=Purpose.ALERT)
    return [town.phone(row.recipient) for row in rows if row.data["ack_link"]]


FEW = ("education",)
"""So few people that a gateway is not known to be sick by the number of failures."""


@pytest.mark.parametrize("few", [BY_SMS, FEW], ids=["many", "few"])
@pytest.mark.parametrize("mode", ["hangs", "500"])
def test_who_waits_for_a_sick_gateway_is_called_over_the_next_channel_within_three_minutes(
    tmp_path: Path, mode: str, few: tuple[str, ...]
):
    """`unread` counts from the first attempt, however often it is tried again; others wait for nothing."""
    with town(tmp_path, few=few) as it:
        it.gateway.turn(mode)
        it.announce("a", Reason.OPENED, NONE, RED)
        begun = it.at
        it.pass_time(4 * MINUTE)
        first = it.channel("voice").first()
        assert called_by_sms(it)
        assert set(called_by_sms(it)) <= set(first)
        assert max(first.values()) - begun <= 3 * MINUTE
        assert {row.sent_at for row in it.rows(channel="outbox", step=0, purpose=Purpose.ALERT)} == {begun}


def test_mail_beside_a_hanging_gateway_is_not_delayed(tmp_path: Path):
    """Whoever has two channels has it over the one that works, at once."""
    with town(tmp_path) as it:
        it.gateway.turn("hangs")
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time()
        assert set(it.channel("mail").first()) == {it.phone("health_duty_a")}


def test_a_gateway_that_comes_back_dumps_nothing_twice(tmp_path: Path):
    """After ten minutes of hanging each number gets the words it still needs once."""
    with town(tmp_path) as it:
        it.gateway.turn("hangs")
        it.announce("a", Reason.OPENED, NONE, RED)
        it.pass_time(10 * MINUTE)
        assert not it.gateway.stored
        it.gateway.turn("fine")
        it.pass_time(50 * MINUTE)
        assert it.gateway.repeats() == {}
        assert not it.rows(channel="sms", status=Status.DUE)
        spoken = [(message.recipient.phone, message.data["step"]) for message in it.channel("voice").taken
                  if message.data.get("ack_link")]
        assert len(spoken) == len(set(spoken))


def storm(it: Town) -> None:
    """Two alerts that change again and again in an hour."""
    it.announce("heat", Reason.OPENED, NONE, YELLOW)
    it.announce("rain", Reason.OPENED, NONE, YELLOW, hazard="rainstorm")
    it.pass_time(5 * MINUTE)
    it.announce("heat", Reason.RAISED, YELLOW, ORANGE)
    it.pass_time(10 * MINUTE)
    it.announce("rain", Reason.RAISED, YELLOW, RED, hazard="rainstorm")
    it.pass_time(15 * MINUTE)
    it.announce("heat", Reason.RAISED, ORANGE, RED)
    it.pass_time(25 * MINUTE)
    it.announce("rain", Reason.LOWERED, RED, ORANGE, hazard="rainstorm")
    it.pass_time(5 * MINUTE)


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A storm through an hour of 500, and twenty minutes after it; the record was examined."""
    with town(tmp_path_factory.mktemp("hour")) as it:
        it.gateway.turn("500")
        storm(it)
        assert not it.gateway.stored
        it.gateway.turn("fine")
        it.pass_time(20 * MINUTE)
        yield it


def it_lasted(it: Town, row: Delivery) -> timedelta:
    """How long the change of a row stood before another took its place."""
    with reading(it.ports.engine) as connection:
        later = [one.at for one in store.transitions(connection, alert=row.alert) if one.at > row.planned_at]
    return min(later, default=it.at) - row.planned_at


def test_an_hour_of_500_every_call_is_spoken_within_three_minutes(hour: Town):
    """After the level's `unread`, every call is over voice; of orange that is five minutes."""
    answers = hour.ports.config.routes.answers
    unread = {YELLOW.key: 3 * MINUTE} | {level.key: answer.unread for level, answer in answers.items()}
    spoken = {
        (row.recipient, row.transition): row.sent_at
        for row in hour.rows(channel="voice")
        if row.sent_at is not None
    }
    calls = [row for row in hour.rows(channel="sms", purpose=Purpose.ALERT) if row.data["ack_link"]]
    waits = {
        (row.recipient, row.transition): spoken[row.recipient, row.transition] - row.planned_at
        for row in calls
        if row.sent_at is None and unread[str(row.data["to"])] <= it_lasted(hour, row)
    }
    assert waits
    assert set(waits.values()) <= {3 * MINUTE, 5 * MINUTE}
    assert all(waits[row.recipient, row.transition] <= unread[str(row.data["to"])] for row in calls
               if (row.recipient, row.transition) in waits)


def test_an_hour_of_500_the_operator_hears_by_another_road(hour: Town):
    """Once, that the gateway is sick, and once that it is well again."""
    rows = hour.rows(purpose=Purpose.TROUBLE, recipient="operations_duty_a")
    about = [row for row in rows if "渠道sms" in row.text]
    told = [(row.data["trouble"], row.data["over"]) for row in about]
    assert any("不通" in row.text for row in about)
    assert {over for _, over in told} == {False, True}
    assert len(told) == len(set(told))
    assert {(row.channel, row.status) for row in about} == {("outbox", Status.SENT)}


def test_an_hour_of_500_superseded_words_never_go_out(hour: Town):
    """What was said of a state that is over stays with us; what comes is the newest of each alert."""
    late = {row.transition for row in hour.rows(channel="sms") if row.sent_at is not None}
    overtaken = {"heat.1", "heat.2", "rain.1", "rain.2"}
    assert late
    assert not late & overtaken
    stale = [row for row in hour.rows(channel="sms") if row.transition in overtaken]
    assert {row.status for row in stale} <= {Status.CANCELLED, Status.FAILED, Status.FOLDED}


def test_an_hour_of_500_what_is_left_comes_once_and_by_urgency(hour: Town):
    """A red before an orange, and no number hears the same words twice."""
    sent = sorted((row.sent_at, row.priority) for row in hour.rows(channel="sms") if row.sent_at)
    urgency = [priority for _, priority in sent]
    assert urgency == sorted(urgency)
    assert hour.gateway.repeats() == {}
    assert len(hour.gateway.stored) == len(sent)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(2))
def test_hours_of_moods_reach_everybody_and_repeats_nothing(tmp_path: Path, seed: int):
    """Five hours in which gateway and alert change at random; then two quiet ones."""
    chance, level = random.Random(seed), NONE
    with town(tmp_path) as it:
        for _ in range(10):
            it.gateway.turn(chance.choice(["fine", "fine", "500", "hangs"]))
            target = chance.choice([YELLOW, ORANGE, RED])
            if target is not level:
                rising = Reason.RAISED if target > level else Reason.LOWERED
                it.announce("a", rising if level else Reason.OPENED, level, target)
                level = target
            it.pass_time(chance.randrange(10, 50) * MINUTE)
        it.gateway.turn("fine")
        end = it.announce("a", Reason.ENDED, level, NONE)
        it.pass_time(120 * MINUTE)
        # The same words may be right twice: what counts is that each row was taken once.
        sent = Counter(it.phone(row.recipient) for row in it.rows(channel="sms", status=Status.SENT))
        assert Counter(it.gateway.numbers()) == sent
        assert not it.rows(channel="sms", status=Status.DUE)
        assert {row.status for row in it.rows(transition=end.id)} == {Status.SENT}
