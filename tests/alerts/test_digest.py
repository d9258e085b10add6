"""Storm mode: people are told no more than they can take in, upgrades pierce, and nothing is lost."""

import re
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from fakes import (
    AT,
    CALLS,
    HOUR,
    MINUTE,
    NONE,
    ORANGE,
    RED,
    YELLOW,
    change,
    delivery,
    routes,
    worded_desk,
)
from sqlalchemy import Connection, insert

from alerts.answers import calls, errands, pauses
from alerts.duty.people import Budget
from alerts.duty.routing import route
from alerts.event.transition import Reason, Transition
from alerts.outgoing import deliveries, digest, folding
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.outgoing.digest import pierces
from alerts.outgoing.dispatch import Desk
from alerts.record import store, tables
from alerts.record.store import Acknowledgement

BUDGET = Budget(pages=1, per=10 * MINUTE)


def stormy(**parts) -> Desk:
    """Real words, one message in ten minutes, the state of the world after half an hour."""
    own = routes(budget=BUDGET, ladders={RED: CALLS, ORANGE: CALLS})
    return worded_desk(own, **({"stale_after": 30 * MINUTE} | parts))


def note(key: str, minutes: float = 0, **parts) -> Delivery:
    """Something that need not be answered, of the level yellow."""
    at = AT + minutes * MINUTE
    whole = {"priority": 2, "data": {"ack_link": None}, "planned_at": at, "due_at": at} | parts
    return delivery(key, **whole)


def planned(connection: Connection, minutes: float, *rows: Delivery) -> list[Delivery]:
    """Plan at a moment and give every row."""
    digest.plan(connection, rows, stormy(), AT + minutes * MINUTE)
    return deliveries.all_deliveries(connection)


def pump(connection: Connection, now) -> list[Delivery]:
    """Do what is due and send it all; what was sent."""
    errands.run_due(connection, stormy(), now)
    out = deliveries.due(connection, now, 999)
    deliveries.claim_all(connection, [row.key for row in out])
    gone = [Outcome(key=row.key, status=Status.SENT, at=now, detail="") for row in out]
    deliveries.settle_all(connection, gone)
    return out


def announce(connection: Connection, made: Transition, now, desk: Desk | None = None) -> None:
    """Write a change down as a tick does."""
    desk = desk or stormy()
    calls.replace_older(connection, made, now)
    notices = route(made, desk.routes, now, store.warned(connection, made.alert))
    calls.announce(connection, made, notices, desk, now)


def test_the_first_message_goes_out_and_the_second_waits(connection: Connection):
    """Until the period of the first is over."""
    planned(connection, 0, note("a"))
    pump(connection, AT)
    rows = planned(connection, 4, note("b", 4))
    assert [row.fold_at for row in rows] == [None, AT + 10 * MINUTE]
    assert [row.key for row in rows if row.status is Status.SENT] == ["a"]
    assert deliveries.due(connection, AT + HOUR, 9) == []


def test_what_is_held_joins_what_is_held(connection: Connection):
    """One digest a period, whenever its messages came."""
    planned(connection, 0, note("a"), note("b"))
    rows = planned(connection, 9, note("c", 9))
    assert [row.fold_at for row in rows][1:] == [AT + 10 * MINUTE] * 2


def test_each_person_and_channel_has_a_budget(connection: Connection):
    """Every channel of a person tells the same; another person has not been told yet."""
    rows = planned(connection, 0, note("a"), note("b", channel="other"), note("c", recipient="health_day"))
    assert {row.fold_at for row in rows} == {None}


@pytest.mark.parametrize(
    ("parts", "through"),
    [
        ({"data": {"ack_link": "http://127.0.0.1/x"}}, True),
        ({"priority": 0}, True),
        ({"purpose": Purpose.COVERAGE}, True),
        ({"purpose": Purpose.APPROVAL}, True),
        ({"purpose": Purpose.TROUBLE}, True),
        ({"purpose": Purpose.FACTS}, True),
        ({"priority": 1}, False),
        ({}, False),
    ],
)
def test_what_must_be_answered_pierces(connection: Connection, parts, through: bool):
    """So does every red, and what is not about a change at all."""
    planned(connection, 0, note("a"))
    assert pierces(note("b", 1, **parts)) is through
    (row,) = [row for row in planned(connection, 1, note("b", 1, **parts)) if row.key == "b"]
    assert (row.fold_at is None) is through


def test_one_that_was_held_alone_goes_out_as_it_is(connection: Connection):
    """A digest of one would only hide it."""
    planned(connection, 0, note("a"), note("b", 1))
    pump(connection, AT)
    assert [row.key for row in pump(connection, AT + 10 * MINUTE)] == ["b"]


def opened(connection: Connection, name: str, level=YELLOW, minutes: float = 0, **parts) -> Transition:
    """An alert of its own is recorded, and told to nobody yet."""
    made = change(
        **{"id": f"{name}.1", "alert": name, "at": AT + minutes * MINUTE, "to_level": level,
           "places": {"500153001": level}, "changed": {}, "figures": {}} | parts
    )  # fmt: skip
    store.record(connection, made, [])
    return made


def held(connection: Connection, count: int, **parts) -> list[Delivery]:
    """So many messages about alerts of their own, of which the first went out and the others wait."""
    rows = []
    for number in range(count):
        name = f"h{number}"
        opened(connection, name)
        rows.append(note(f"k{number}", transition=f"{name}.1", alert=name, **parts))
    return planned(connection, 0, *rows)


def test_several_become_one_digest(connection: Connection):
    """Who, where and how many changes, in one message; the others say in which."""
    held(connection, 4)
    pump(connection, AT)
    (row,) = pump(connection, AT + 10 * MINUTE)
    assert row.purpose is Purpose.DIGEST
    assert row.text.startswith("荣昌区预警建议汇总（3条变化）：高温黄色预警建议（昌元街道")
    folded = [one for one in deliveries.all_deliveries(connection) if one.status is Status.FOLDED]
    assert {one.detail for one in folded} == {row.key}
    assert sorted(named(row, "folded")) == [f"k{n}" for n in (1, 2, 3)]


def test_a_digest_names_the_highest_first(connection: Connection):
    """Orange before yellow, whenever they came."""
    for name, level in (("x", YELLOW), ("y", ORANGE), ("z", YELLOW)):
        opened(connection, name, level)
    rows = [note(name, transition=f"{name}.1", alert=name) for name in "xyz"]
    planned(connection, 0, note("first"), *rows)
    pump(connection, AT)
    (row,) = pump(connection, AT + 10 * MINUTE)
    assert row.text.index("橙色") < row.text.index("黄色")


def test_several_changes_of_one_alert_are_one_line_as_it_stands(connection: Connection):
    """The newest state, and how often it changed."""
    opened(connection, "x")
    opened(connection, "x", id="x.2", reason=Reason.SPREAD, from_level=YELLOW, minutes=2)
    rows = [note(f"k{n}", transition=f"x.{n}", alert="x") for n in (1, 2)]
    planned(connection, 0, note("first"), *rows)
    pump(connection, AT)
    (row,) = pump(connection, AT + 10 * MINUTE)
    assert row.text.count("高温黄色预警建议") == 1
    assert "×2" in row.text
    assert row.alert == "x"


def test_data_found_and_an_opening_of_one_tick_are_one_message(connection: Connection):
    """Whichever of the two is announced first; the news says in which message it was told."""
    desk = worded_desk()
    found = change(Reason.DATA_FOUND, id="d.1", alert="d", to_level=NONE)
    for first, second in ((found, change()), (change(id="y.1", alert="y"), replace(found, id="d.2"))):
        lead = [n for n in route(first, desk.routes, AT) if n.told]
        told = lead or [replace(n, role="inform") for n in route(change(), desk.routes, AT) if n.told]
        calls.announce(connection, first, told, desk, AT)
        calls.announce(connection, second, [replace(told[0], person="safety_day")], desk, AT)
        calls.announce(connection, replace(found, id=first.id + "z"), [], desk, AT)
    news = [row for row in deliveries.all_deliveries(connection) if row.data["reason"] == "data_found"]
    mine = [row for row in news if row.recipient == "safety_day"]
    assert mine
    assert {row.status for row in mine} == {Status.FOLDED}


def named(row: Delivery, fact: str) -> list[Any]:
    """A list among the facts of a row."""
    found = row.data[fact]
    assert isinstance(found, list)
    return found


def storm(number: int = 500) -> list[Transition]:
    """So many changes of forty alerts within three hours, in an order that a seed decides."""
    chance, made = Random(7), []
    standing: dict[str, Any] = {}
    for index in range(number):
        name, at = f"a{chance.randrange(40)}", AT + index * timedelta(hours=3) / number
        before, count = standing.get(name, (NONE, 0))
        after = chance.choice([NONE, YELLOW, YELLOW, ORANGE, ORANGE, RED]) if before else YELLOW
        reason = Reason.OPENED if not before else Reason.SPREAD
        if before and after != before:
            reason = Reason.RAISED if after > before else Reason.LOWERED if after else Reason.ENDED
        made.append(
            change(reason, id=f"{name}.{count}", alert=name, at=at, from_level=before, to_level=after,
                   places={"500153001": after} if after else {}, changed={}, figures={})
        )  # fmt: skip
        standing[name] = (after, count + 1)
    return made


@pytest.mark.parametrize("number", [150, pytest.param(500, marks=pytest.mark.soak)])
def test_complaint_13_a_storm_of_changes_drowns_nobody(connection: Connection, number: int):
    """In any ten minutes nobody gets more than their budget and what pierces; every change can be found."""
    made, sent = storm(number), defaultdict(list)
    for step in range(200):
        now = AT + step * MINUTE
        for one in [one for one in made if now - MINUTE < one.at <= now]:
            announce(connection, one, now)
        for row in pump(connection, now):
            sent[row.recipient].append((now, pierces(row) and row.purpose is not Purpose.DIGEST))
    for person, moments in sent.items():
        for begin, _ in moments:
            within = [through for at, through in moments if begin <= at < begin + BUDGET.per]
            assert len(within) - sum(within) <= BUDGET.pages, person
    rows = deliveries.all_deliveries(connection)
    assert {row.status for row in rows} <= {Status.SENT, Status.FOLDED, Status.CANCELLED}
    digests = {row.key for row in rows if row.purpose is Purpose.DIGEST}
    assert {row.detail for row in rows if row.status is Status.FOLDED} <= digests
    told = {row.transition for row in rows}
    kept = {one.id for one in store.transitions(connection)}
    assert kept == {one.id for one in made}
    assert Counter(row.status for row in rows)[Status.FOLDED] > number / 5
    assert {one.id for one in made if one.reason is not Reason.ENDED} <= told


def backlog(connection: Connection, count: int, **parts) -> None:
    """So many alerts of which nothing could be sent."""
    for number in range(count):
        opened(connection, f"h{number}", YELLOW, number)
        row = note(f"k{number}", number, transition=f"h{number}.1", alert=f"h{number}", **parts)
        deliveries.plan(connection, [row])


def test_complaint_22_a_receiver_that_comes_back_gets_no_backlog(connection: Connection):
    """A day of messages becomes one, on how things stand now."""
    backlog(connection, 20)
    over = change(Reason.ENDED, id="h3.2", alert="h3", at=AT + HOUR, from_level=YELLOW, to_level=NONE)
    store.record(connection, over, [])
    (row,) = pump(connection, AT + HOUR)
    assert row.purpose is Purpose.DIGEST
    assert "目前情况（2022年8月9日09时05分，代替20条" in row.text
    assert "高温预警建议解除" in row.text
    assert pump(connection, AT + 2 * HOUR) == []


def test_a_backlog_is_left_alone_until_it_is_stale(connection: Connection):
    """A short hiccup of a gateway changes nothing."""
    backlog(connection, 3)
    desk = stormy()
    assert errands.next_due(connection, desk) is not None
    assert folding.state_of_the_world(connection, desk, AT + 29 * MINUTE, 30 * MINUTE) == 0
    assert folding.state_of_the_world(connection, desk, AT + 30 * MINUTE, 30 * MINUTE) == 1
    assert folding.first_backlog(connection) is None


def test_a_single_message_is_never_the_state_of_the_world(connection: Connection):
    """It is the newest of its alert: older ones were cancelled."""
    backlog(connection, 1)
    assert folding.state_of_the_world(connection, stormy(), AT + 9 * HOUR, 30 * MINUTE) == 0


def test_a_gateway_that_stays_away_leaves_one_message_a_person(connection: Connection):
    """The state of the world is itself replaced by a newer one, with everything it stood for."""
    backlog(connection, 3)
    folding.state_of_the_world(connection, stormy(), AT + HOUR, 30 * MINUTE)
    opened(connection, "late", ORANGE, 90)
    deliveries.plan(connection, [note("late", 90, transition="late.1", alert="late")])
    folding.state_of_the_world(connection, stormy(), AT + 2 * HOUR, 30 * MINUTE)
    (row,) = deliveries.due(connection, AT + 2 * HOUR, 9)
    assert row.data["changes"] == 4
    assert row.data["alerts"] == ["h0", "h1", "h2", "late"]
    assert "橙色" in row.text


def test_the_world_tells_of_open_alerts_the_backlog_does_not_name(connection: Connection):
    """How every alert that concerns them stands, not only what could not be sent."""
    backlog(connection, 2)
    opened(connection, "other", RED)
    state = {"alert": "other", "level": [int(RED)]}
    connection.execute(insert(tables.lifecycle).values(hazard="heat", at=AT, state=state))
    (row,) = pump(connection, AT + HOUR)
    assert "高温红色预警建议" in row.text


def test_the_world_asks_for_what_is_still_to_be_answered(connection: Connection):
    """The link of a call that is open stays in it; one that was answered meanwhile does not."""
    desk = worded_desk()
    for name in ("x", "y"):
        announce(connection, change(id=f"{name}.1", alert=name, to_level=ORANGE), AT, desk)
    word = Acknowledgement(alert="y", subsystem="safety", by="Li", via="link", at=AT + MINUTE)
    store.acknowledge(connection, word)
    folding.state_of_the_world(connection, desk, AT + HOUR, 30 * MINUTE)
    row = next(r for r in deliveries.due(connection, AT + HOUR, 99) if r.recipient == "safety_day")
    assert [ask["transition"] for ask in named(row, "asks")] == ["x.1"]
    assert row.text.count("http://") == 1
    assert row.text.endswith(" ")


def calling(connection: Connection, count: int, desk: Desk) -> Delivery:
    """So many calls nobody could be told of, as the one message the safety officer gets in their place."""
    for number in range(count):
        made = change(id=f"x{number}.1", alert=f"x{number}", to_level=ORANGE, at=AT + number * MINUTE)
        announce(connection, made, made.at, desk)
    folding.state_of_the_world(connection, desk, AT + HOUR, 30 * MINUTE)
    rows = deliveries.due(connection, AT + HOUR, 99)
    return next(row for row in rows if row.recipient == "safety_day")


@pytest.mark.parametrize("count", [2, 5, 12])
def test_a_digest_carries_one_link_however_many_calls_it_asks_for(connection: Connection, count: int):
    """That of the newest, which lasts longest; machines still get each of them."""
    row = calling(connection, count, worded_desk())
    asks = named(row, "asks")
    assert len(asks) == count
    assert re.findall(r"http://\S+", row.text) == [asks[-1]["link"]]
    assert asks[-1]["transition"] == f"x{count - 1}.1"
    assert f"其中{count}项待您确认" in row.text


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_digest_is_short_where_words_are_paid_for(connection: Connection, language: str):
    """Two SMS at most: how many, the most severe, and the link."""
    desk = worded_desk(brief=frozenset({"fake"}), language=language)
    row = calling(connection, 12, desk)
    assert len(row.text.strip()) <= (134 if language == "zh" else 160)
    assert ("12项待确认：http" if language == "zh" else "12 to acknowledge: http") in row.text
    assert row.text.endswith(" ")


def test_a_text_that_forgets_the_link_gets_it_all_the_same(connection: Connection):
    """A district may write its own words."""
    desk = worded_desk()
    plain = {"memo_world": {"zh": "汇总", "en": "digest"}}
    desk = replace(desk, texts=replace(desk.texts, templates={**desk.texts.templates, **plain}))
    assert calling(connection, 2, desk).text.startswith("汇总 http://")


def test_after_a_pause_a_call_takes_one_step_and_its_clock_goes_on_from_now(connection: Connection):
    """Two hours without power: the deputy is called, and the centre only when the deputy had their time."""
    announce(connection, change(), AT)
    back = AT + 2 * HOUR
    pauses.resume(connection, stormy(), back, 2 * HOUR)
    taken = [n.step for n in errands.run_due(connection, stormy(), back) if n.subsystem == "safety"]
    assert taken == [1]
    assert errands.run_due(connection, stormy(), back + 4.9 * MINUTE) == []
    later = errands.run_due(connection, stormy(), back + 5 * MINUTE)
    assert [n.step for n in later if n.subsystem == "safety"] == [2]


@pytest.mark.parametrize(("gap", "messages"), [(HOUR, 1), (10 * MINUTE, 0)])
def test_only_a_long_pause_folds_what_waits(connection: Connection, gap: timedelta, messages: int):
    """A restart of ten minutes sends what was due."""
    backlog(connection, 3)
    assert pauses.resume(connection, stormy(), AT + 5 * MINUTE, gap) == messages


def test_without_a_budget_nothing_is_held(connection: Connection):
    """The roster that names none has none."""
    digest.plan(connection, [note("a"), note("b")], worded_desk(), AT)
    assert len(deliveries.due(connection, AT, 9)) == 2


def test_a_digest_of_a_drill_says_so(connection: Connection):
    """Before and after, like everything else in it."""
    held(connection, 3)
    folding.fold_due(connection, stormy(exercise="spring"), AT + 10 * MINUTE)
    (row,) = [r for r in deliveries.all_deliveries(connection) if r.purpose is Purpose.DIGEST]
    assert row.text.startswith("【演练】演练“spring”：")
    assert row.data["status"] == "Exercise"
