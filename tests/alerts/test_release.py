"""Nobody is told before those who must approve have; silence, a no and newer changes have stated ends."""

from dataclasses import replace
from datetime import datetime

import pytest
from fakes import (
    AT,
    CONDUCT,
    HOUR,
    MINUTE,
    NONE,
    ORANGE,
    RED,
    YELLOW,
    change,
    desk,
    routes,
    texts,
)
from sqlalchemy import Connection

from alerts.answers import errands
from alerts.duty import release, release_rows
from alerts.duty.people import Release
from alerts.duty.release_rows import Asked, Decision, Vote
from alerts.event.transition import UNCONFIRMED, Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.deliveries import Outcome
from alerts.outgoing.delivery import Delivery, Purpose, Status
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.record.verify import verify
from ingest.errors import UnknownName
from rules.level import Level

APPROVERS = ("centre_day", "centre_deputy_day", "centre_night")
TWO = Release(approvers=APPROVERS, needed=2, after=5 * MINUTE)
ONE = replace(TWO, needed=1)


def bureau(rule: Release = TWO, *levels: Level, deadly: bool = False) -> Desk:
    """A desk where red, or these levels, must be approved."""
    own = routes(release=dict.fromkeys(levels or (RED,), rule), supervisor=("operations_day",))
    conducts = {"heat": replace(CONDUCT, life_safety=deadly)}

    def approve(made: Transition, person: str, until: datetime) -> str:
        return f"http://127.0.0.1/approve/{made.id}/{person}/{until:%H%M}"

    return replace(desk(own), texts=replace(texts(), conducts=conducts), approve=approve)


def announce(connection: Connection, made: Transition, own: Desk, minutes: float = 0) -> int:
    """Let a change come at so many minutes after `AT`."""
    now = AT + minutes * MINUTE
    return release.announce(connection, replace(made, at=now), own, now)


def red(number: int = 1, reason: Reason = Reason.OPENED, **parts) -> Transition:
    """A change of the alert; an opening to red unless said otherwise."""
    return change(reason, id=f"x.{number}", **parts)


def say(
    connection: Connection, person: str, own: Desk, *, yes: bool = True, at: float = 1, on: str = "x.1"
) -> Asked:
    """The word of a person so many minutes after `AT`."""
    now = AT + at * MINUTE
    word = Vote(transition=on, person=person, yes=yes, at=now, via="link", why="" if yes else "sensor")
    return release.decide(connection, word, own, now)


def told(connection: Connection, purpose: Purpose = Purpose.ALERT) -> list[Delivery]:
    """Messages of a purpose, in order."""
    return [row for row in deliveries.all_deliveries(connection) if row.purpose is purpose]


def asked(connection: Connection) -> list[str]:
    """Who was asked to approve."""
    found = told(connection, Purpose.APPROVAL)
    return sorted({row.recipient for row in found if row.text == "memo_approval"})


def status(connection: Connection, on: str = "x.1") -> Decision:
    """How the release of a change stands."""
    row = release_rows.of(connection, on)
    assert row is not None
    return row.decision


def silence(connection: Connection, own: Desk, *minutes: float) -> None:
    """Let time pass without an answer."""
    for each in minutes:
        errands.run_due(connection, own, AT + each * MINUTE)


def send(connection: Connection, minutes: float) -> None:
    """Let everything that is due reach its people."""
    for row in told(connection):
        deliveries.claim(connection, row.key)
        at = AT + minutes * MINUTE
        deliveries.settle(connection, Outcome(key=row.key, status=Status.SENT, at=at, detail="taken"))


def test_without_a_release_a_change_goes_out_at_once(connection: Connection):
    """Most districts send recommendations to professional subsystems: nothing waits."""
    assert announce(connection, red(), desk()) == len(told(connection)) == 3
    assert release_rows.asked(connection) == []


def test_nobody_is_told_before_it_is_approved(connection: Connection):
    """The change is on record with the reason for the silence; as many approvers as needed are asked."""
    own = bureau()
    announce(connection, red(), own)
    assert store.transition(connection, "x.1") is not None
    assert (told(connection), store.calls(connection)) == ([], [])
    assert asked(connection) == ["centre_day", "centre_deputy_day"]
    (notice,) = store.notices(connection)
    assert notice.person is None
    assert "waits until 2 of" in notice.why


def test_the_question_carries_a_link_of_its_own_for_each_approver(connection: Connection):
    """Whose link it is decides who acts."""
    announce(connection, red(), bureau())
    links = [str(row.data["ack_link"]) for row in told(connection, Purpose.APPROVAL)]
    assert sorted(links) == [
        f"http://127.0.0.1/approve/x.1/{person}/0005" for person in ("centre_day", "centre_deputy_day")
    ]


@pytest.mark.parametrize("reason", [Reason.OPENED, Reason.RAISED, Reason.SPREAD, Reason.EXTENDED])
def test_every_change_to_the_level_waits(connection: Connection, reason: Reason):
    """Whatever brings people under it."""
    announce(connection, red(reason=reason), bureau())
    assert status(connection) is Decision.WAITING


@pytest.mark.parametrize("reason", [reason for reason in Reason if reason not in release.ASKING])
def test_nothing_else_waits(connection: Connection, reason: Reason):
    """Lowerings, ends, corrections and news of data are told as the routes say."""
    announce(connection, red(reason=reason), bureau())
    assert release_rows.of(connection, "x.1") is None


def test_a_level_without_a_release_does_not_wait(connection: Connection):
    """Orange goes out at once where only red must be approved."""
    announce(connection, red(to_level=ORANGE), bureau())
    assert len(told(connection)) == 3


def test_two_different_people_release_it(connection: Connection):
    """After the second yes everybody is told and called, at that moment."""
    own = bureau()
    announce(connection, red(), own)
    assert say(connection, "centre_day", own).decision is Decision.WAITING
    assert told(connection) == []
    assert say(connection, "centre_deputy_day", own, at=2).decision is Decision.APPROVED
    assert {row.planned_at for row in told(connection)} == {AT + 2 * MINUTE}
    assert len(told(connection)) == 3
    assert [call.subsystem for call in store.calls(connection)] == ["safety", "health"]


def test_the_same_person_twice_counts_once(connection: Connection):
    """One person with two taps is not two people."""
    own = bureau()
    announce(connection, red(), own)
    for minute in (1, 2, 3):
        assert say(connection, "centre_day", own, at=minute).decision is Decision.WAITING
    assert told(connection) == []


def test_an_approver_who_was_not_asked_yet_may_decide(connection: Connection):
    """Whoever is on the list and quick."""
    own = bureau()
    announce(connection, red(), own)
    say(connection, "centre_night", own)
    assert say(connection, "centre_day", own).decision is Decision.APPROVED


def test_somebody_else_cannot_approve(connection: Connection):
    """The answer names those who can."""
    own = bureau()
    announce(connection, red(), own)
    with pytest.raises(UnknownName, match=r"'safety_day' does not approve red.*centre_deputy_day"):
        say(connection, "safety_day", own)


def test_a_no_refuses_it(connection: Connection):
    """Nobody is warned; the other approvers and the supervisor hear who refused."""
    own = bureau()
    announce(connection, red(), own)
    row = say(connection, "centre_day", own, yes=False)
    assert (row.decision, row.detail) == (Decision.REFUSED, "refused by centre_day: sensor")
    assert told(connection) == []
    heard = [r.recipient for r in told(connection, Purpose.APPROVAL) if r.text == "memo_refused"]
    assert sorted(heard) == ["centre_deputy_day", "centre_night", "operations_day"]


def test_a_change_of_mind_counts_while_it_waits(connection: Connection):
    """A yes that the same person takes back before the second yes refuses it."""
    own = bureau()
    announce(connection, red(), own)
    say(connection, "centre_day", own)
    assert say(connection, "centre_day", own, yes=False, at=2).decision is Decision.REFUSED


def test_what_is_decided_cannot_be_decided_again(connection: Connection):
    """The second approver of one hears that it is out, and how it is withdrawn."""
    own = bureau(ONE)
    announce(connection, red(), own)
    say(connection, "centre_day", own)
    with pytest.raises(UnknownName, match=r"decided already \(approved.*fengsui cancel"):
        say(connection, "centre_night", own, yes=False)
    assert len(told(connection)) == 3


def test_what_never_waited_cannot_be_decided(connection: Connection):
    """The answer says where to look."""
    with pytest.raises(UnknownName, match="fengsui releases"):
        say(connection, "centre_day", bureau())


def test_silence_asks_the_next_approver(connection: Connection):
    """One more after each pause, and nobody twice."""
    own = bureau()
    announce(connection, red(), own)
    silence(connection, own, 4.9)
    assert len(asked(connection)) == 2
    silence(connection, own, 5, 6)
    assert asked(connection) == sorted(APPROVERS)
    assert len(told(connection, Purpose.APPROVAL)) == 3


def test_at_the_end_of_the_list_a_hazard_that_does_not_kill_is_held(connection: Connection):
    """Nobody is warned, the supervisor is told, and it can still be approved."""
    own = bureau()
    announce(connection, red(), own)
    silence(connection, own, 5, 10, 15)
    assert (status(connection), told(connection)) == (Decision.HELD, [])
    last = [row for row in told(connection, Purpose.APPROVAL) if row.text == "memo_held"]
    assert [row.recipient for row in last] == ["operations_day"]
    say(connection, "centre_day", own, at=60)
    assert say(connection, "centre_night", own, at=61).decision is Decision.APPROVED
    assert len(told(connection)) == 3


def test_at_the_end_of_the_list_a_hazard_that_kills_goes_out_unconfirmed(connection: Connection):
    """Everybody is told and called; note, machines and every later message of it say unconfirmed."""
    own = bureau(deadly=True)
    announce(connection, red(), own)
    silence(connection, own, 5, 10)
    assert status(connection) is Decision.UNCONFIRMED
    assert {row.data.get("unconfirmed") for row in told(connection)} == {True}
    change_now = store.transition(connection, "x.1")
    assert change_now.note == UNCONFIRMED
    assert change_now.unconfirmed
    silence(connection, own, 15)
    assert [row.data["unconfirmed"] for row in told(connection) if row.step == 1] == [True] * 2


def test_a_level_that_needs_no_approval_any_more_goes_out(connection: Connection):
    """The configuration was changed while it waited."""
    announce(connection, red(), bureau())
    silence(connection, desk(), 5)
    assert status(connection) is Decision.APPROVED
    assert len(told(connection)) == 3


@pytest.mark.parametrize(
    ("reason", "level"), [(Reason.ENDED, NONE), (Reason.CANCELLED, NONE)]
)
@pytest.mark.parametrize("refused", [True, False])
def test_what_nobody_heard_of_needs_no_all_clear(
    connection: Connection, reason: Reason, level: Level, refused: bool
):
    """Refused or overtaken while it waited: later ends go to nobody."""
    own = bureau()
    announce(connection, red(), own)
    if refused:
        say(connection, "centre_day", own, yes=False)
    announce(connection, red(2, reason, from_level=RED, to_level=level, places={}), own, 30)
    assert told(connection) == []
    assert status(connection) is (Decision.REFUSED if refused else Decision.SUPERSEDED)
    with pytest.raises(UnknownName, match="decided already"):
        say(connection, "centre_deputy_day", own, at=40)


def test_a_lowering_after_a_no_goes_to_nobody(connection: Connection):
    """The red was refused; its orange is no news of its own."""
    own = bureau()
    announce(connection, red(), own)
    say(connection, "centre_day", own, yes=False)
    announce(connection, red(2, Reason.LOWERED, from_level=RED, to_level=ORANGE), own, 30)
    assert told(connection) == []


def test_a_lowering_below_the_approved_level_opens_for_those_who_never_heard(connection: Connection):
    """The red waited when it fell to orange, which needs no approval: people hear of it, and are called."""
    own = bureau()
    announce(connection, red(), own)
    announce(connection, red(2, Reason.LOWERED, from_level=RED, to_level=ORANGE), own, 3)
    assert status(connection) is Decision.SUPERSEDED
    made = store.transition(connection, "x.2")
    assert (made.reason, made.from_level, made.to_level) == (Reason.OPENED, NONE, ORANGE)
    assert {call.transition for call in store.calls(connection)} == {"x.2"}


def test_coming_back_to_the_level_people_know_is_no_news(connection: Connection):
    """Orange was told, the red waited and is over: nothing changed for anybody, and the calls go on."""
    own = bureau()
    announce(connection, red(to_level=ORANGE), own)
    announce(connection, red(2, Reason.RAISED, from_level=ORANGE), own, 3)
    announce(connection, red(3, Reason.LOWERED, from_level=RED, to_level=ORANGE), own, 6)
    assert {row.transition for row in told(connection)} == {"x.1"}
    assert {call.status.value for call in store.calls(connection)} == {"open"}


def test_the_calls_of_the_level_people_know_go_on_while_a_higher_one_waits(connection: Connection):
    """A rise that is not released replaces nothing; released, it does."""
    own = bureau(ONE)
    announce(connection, red(to_level=ORANGE), own)
    announce(connection, red(2, Reason.RAISED, from_level=ORANGE), own, 3)
    assert [call.status.value for call in store.calls(connection)] == ["open"] * 2
    say(connection, "centre_day", own, at=4, on="x.2")
    stands = {(call.transition, call.status.value) for call in store.calls(connection)}
    assert stands == {("x.1", "superseded"), ("x.2", "open")}


@pytest.mark.parametrize("reason", [Reason.SPREAD, Reason.EXTENDED])
def test_what_overtakes_a_waiting_opening_opens(connection: Connection, reason: Reason):
    """Whoever hears of it first is called, though the rules only spread it."""
    own = bureau(ONE)
    announce(connection, red(), own)
    announce(connection, red(2, reason, from_level=RED), own, 2)
    assert (status(connection), status(connection, "x.2")) == (Decision.SUPERSEDED, Decision.WAITING)
    say(connection, "centre_day", own, at=3, on="x.2")
    assert store.transition(connection, "x.2").reason is Reason.OPENED
    assert len(store.calls(connection)) == 2


def test_what_overtakes_keeps_the_clock_and_the_approvals(connection: Connection):
    """A storm that spreads every few minutes does not put its release off for ever."""
    own = bureau(deadly=True)
    announce(connection, red(), own)
    say(connection, "centre_day", own)
    for number in (2, 3):
        announce(connection, red(number, Reason.SPREAD, from_level=RED), own, number)
    assert release_rows.next_due(connection) == AT + 5 * MINUTE
    assert say(connection, "centre_night", own, at=4, on="x.3").decision is Decision.APPROVED
    assert {row.transition for row in told(connection)} == {"x.3"}


def test_an_old_link_decides_what_took_its_place(connection: Connection):
    """The approver opens the first message and approves what is known now."""
    own = bureau(ONE)
    announce(connection, red(), own)
    announce(connection, red(2, Reason.SPREAD, from_level=RED), own, 2)
    assert say(connection, "centre_day", own, at=3, on="x.1").transition == "x.2"


def test_a_higher_level_asks_anew(connection: Connection):
    """Whoever approved orange did not approve red."""
    own = bureau(TWO, ORANGE, RED)
    announce(connection, red(to_level=ORANGE), own)
    say(connection, "centre_day", own)
    announce(connection, red(2, Reason.RAISED, from_level=ORANGE), own, 2)
    assert say(connection, "centre_night", own, at=3, on="x.2").decision is Decision.WAITING


@pytest.mark.parametrize("reason", [Reason.NARROWED, Reason.DATA_LOST, Reason.DATA_FOUND])
def test_what_is_not_about_the_level_overtakes_nothing(connection: Connection, reason: Reason):
    """Fewer towns, or lost data: the question stands."""
    announce(connection, red(), bureau())
    announce(connection, red(2, reason, from_level=RED), bureau(), 2)
    assert status(connection) is Decision.WAITING


def test_a_held_release_that_spreads_is_asked_for_anew(connection: Connection):
    """Danger grew since nobody answered."""
    own = bureau()
    announce(connection, red(), own)
    silence(connection, own, 5, 10, 15)
    announce(connection, red(2, Reason.SPREAD, from_level=RED), own, 60)
    assert status(connection, "x.2") is Decision.WAITING
    assert release_rows.next_due(connection) == AT + 65 * MINUTE


def test_an_all_clear_goes_to_those_who_were_warned_after_approval(connection: Connection):
    """Exactly the people of the released change."""
    own = bureau(ONE)
    announce(connection, red(), own)
    say(connection, "centre_day", own)
    send(connection, 2)
    first = sorted(row.recipient for row in told(connection))
    announce(connection, red(2, Reason.ENDED, from_level=RED, to_level=NONE, places={}), own, 600)
    rows = told(connection)
    assert sorted(row.recipient for row in rows if row.data["all_clear"]) == first


@pytest.mark.parametrize("level", [YELLOW, ORANGE])
def test_the_end_of_a_refused_rise_is_told_from_the_level_people_know(
    connection: Connection, level: Level
):
    """They were warned of less than the rules said: the all-clear lifts that."""
    own = bureau()
    announce(connection, red(to_level=level), own)
    send(connection, 1)
    announce(connection, red(2, Reason.RAISED, from_level=level), own, 2)
    say(connection, "centre_day", own, yes=False, at=3, on="x.2")
    announce(connection, red(3, Reason.ENDED, from_level=RED, to_level=NONE, places={}), own, 60)
    ends = [row for row in told(connection) if row.data["all_clear"]]
    assert ends
    assert {row.data["from"] for row in ends} == {level.key}


def test_decisions_and_words_are_sealed(connection: Connection):
    """A row that is changed afterwards no longer fits its seal."""
    own = bureau(deadly=True)
    announce(connection, red(), own)
    say(connection, "centre_day", own)
    silence(connection, own, 5, 10)
    assert verify(connection).whole
    connection.exec_driver_sql("update approval set person = 'somebody'")
    assert not verify(connection).whole


@pytest.mark.parametrize("needed", [1, 2, 3])
def test_as_many_as_needed_are_asked_at_once(connection: Connection, needed: int):
    """Two needed, two asked: nobody waits five minutes for the second question."""
    announce(connection, red(), bureau(replace(TWO, needed=needed)))
    assert len(asked(connection)) == needed


def test_a_link_is_no_longer_valid_than_a_message(connection: Connection):
    """It expires so long after the question began."""
    own = bureau()
    announce(connection, red(), own)
    (first, *_) = release_rows.claims(connection, {RED: APPROVERS}, AT - HOUR, own.valid)
    assert (first.person, first.expires_at) == ("centre_day", AT + own.valid)
