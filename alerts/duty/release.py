"""Release: what named people must approve before anybody is told, and what happens where they are silent.

A change to a level that has a release in the roster is recorded at its tick, and nobody is told until as
many different people as needed have said yes. Approvers are asked one after the other; at the end of their
list a hazard that kills goes out marked as unconfirmed, any other is held and stays approvable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from alerts.answers import calls
from alerts.answers.links import Claim
from alerts.duty import release_rows
from alerts.duty.people import Release
from alerts.duty.release_rows import Asked, Decision, Vote
from alerts.duty.routing import Notice, centre_of, route
from alerts.event.incidents import engaged
from alerts.event.transition import ABOUT_DATA, UNCONFIRMED, Reason, Transition
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose
from alerts.outgoing.dispatch import Desk
from alerts.record import store
from alerts.wording import memos
from alerts.wording.memos import Memo
from ingest.errors import UnknownName
from rules.level import Level

ASKING = frozenset({Reason.OPENED, Reason.RAISED, Reason.SPREAD, Reason.EXTENDED})
"""Reasons that need a release where their level has one."""
_PASSED_OVER = ABOUT_DATA | {Reason.NARROWED}
_DOWN = frozenset({Reason.LOWERED, Reason.CORRECTED, Reason.ENDED, Reason.CANCELLED})
# One memo of each sort to a person: being asked, hearing that nobody answered, hearing of a no.
_ASK, _SILENCE, _NO = 0, 1, 2


def announce(connection: Connection, change: Transition, desk: Desk, now: datetime) -> int:
    """Record a change and tell whom it concerns, or ask for its release; the number of deliveries."""
    known, quiet = _as_known(connection, change)
    before = _overtake(connection, known, now)
    if quiet:
        store.record(connection, known, [_nobody(quiet, desk)])
        return 0
    rule = desk.routes.release.get(known.to_level) if known.reason in ASKING else None
    if rule is not None:
        return _Office(connection=connection, desk=desk, now=now).ask(known, rule, before)
    calls.replace_older(connection, known, now)
    notices = routed(connection, known, desk, now)
    return calls.announce(connection, known, notices, desk, now)


def routed(
    connection: Connection, change: Transition, desk: Desk, now: datetime
) -> list[Notice]:
    """Who would hear of a change at `now`, and who not, and why."""
    warned = store.warned(connection, change.alert)
    pages = store.pages(connection, change) if change.related else []
    return route(change, desk.routes, now, warned, engaged(pages, change))


def _as_known(connection: Connection, change: Transition) -> tuple[Transition, str]:
    """A change as it looks to people who were not told all that came before; why nobody is, or nothing.

    Where a higher level was never released, what spreads or lowers it to something people do not know of
    yet opens or raises for them, and calls; what only comes back to the level they know is no news.
    """
    last = release_rows.last_of(connection, change.alert)
    if last is None or change.reason in ABOUT_DATA:
        return change, ""
    known = release_rows.known_level(connection, change.alert)
    if change.to_level <= known:
        if change.reason is Reason.LOWERED and change.to_level == known:
            return change, f"nobody was told of more than {known.key}, which stands"
        return (replace(change, from_level=known) if change.to_level < known else change), ""
    if last.decision is Decision.REFUSED and change.reason in _DOWN:
        return change, f"nobody was told of the {last.level.key} that was refused"
    if known == change.from_level or change.reason is Reason.NARROWED:
        return change, ""
    reason = Reason.RAISED if known else Reason.OPENED
    return replace(change, reason=reason, from_level=known), ""


def _overtake(connection: Connection, change: Transition, now: datetime) -> Asked | None:
    """Close the release that a change overtakes; what it was, where one was open."""
    if change.reason in _PASSED_OVER:
        return None
    still_open = release_rows.asked(connection, alert=change.alert, open_only=True)
    for row in still_open:
        detail = f"overtaken by {change.id}"
        release_rows.close(connection, row, Decision.SUPERSEDED, now, detail)
    return still_open[-1] if still_open else None


def decide(connection: Connection, vote: Vote, desk: Desk, now: datetime) -> Asked:
    """Take the word of an approver; the release as it stands then.

    A later word of the same person takes the place of the first. A word on a change that another of the same
    alert and level has overtaken counts for that one. UnknownName where there is nothing to decide, or the
    person is none of the approvers.
    """
    row = open_release(connection, vote.transition)
    rule = desk.routes.release.get(row.level)
    approvers = rule.approvers if rule is not None else ()
    if vote.person not in approvers:
        raise UnknownName(_no_approver(vote.person, row.level, approvers, desk))
    vote = replace(vote, transition=row.transition)
    release_rows.vote(connection, vote)
    office = _Office(connection=connection, desk=desk, now=now)
    if not vote.yes:
        return office.refuse(row, vote, approvers)
    people = release_rows.agreed(connection, row)
    if len(people) < row.needed:
        return row
    return office.let_go(row, Decision.APPROVED, "approved by " + ", ".join(people))


def _no_approver(person: str, level: Level, approvers: tuple[str, ...], desk: Desk) -> str:
    if not approvers:
        return f"nobody approves {level.key} any more; name approvers under release in routes.yaml"
    who = ", ".join(f"{one} ({_name(one, desk)})" for one in approvers)
    said = f"{person!r} does not approve {level.key}" if person.strip() else "an approval needs a person"
    return f"{said}; give the id of one of those who do: {who}"


def open_release(connection: Connection, transition: str) -> Asked:
    """The release that a word on a change counts for; UnknownName where nothing is to be decided."""
    row = release_rows.newest_for(connection, transition)
    if row is None:
        raise UnknownName(f"nothing waits for approval as {transition!r}; list with: fengsui releases")
    if not row.open:
        remedy = "; withdraw it with: fengsui cancel" if row.decision in release_rows.OUT else ""
        raise UnknownName(f"{transition} is decided already ({row.decision.value}: {row.detail}){remedy}")
    return row


def run(connection: Connection, desk: Desk, now: datetime) -> list[Notice]:
    """Ask the next approver of every release whose pause is over; at the end of the list decide without."""
    office = _Office(connection=connection, desk=desk, now=now)
    notices: list[Notice] = []
    for row in release_rows.asked(connection, due=now):
        notices += office.go_on(row)
    return notices


@dataclass(frozen=True, kw_only=True)
class _Office:
    """Where releases are asked for and decided, at one moment."""

    connection: Connection
    """The transaction."""
    desk: Desk
    """Writes messages."""
    now: datetime
    """The moment."""

    def ask(self, change: Transition, rule: Release, before: Asked | None) -> int:
        """Begin a release; what goes on from a waiting one of its level keeps its clock and approvals."""
        row = Asked(
            transition=change.id,
            alert=change.alert,
            level=change.to_level,
            needed=rule.needed,
            asked_at=self.now,
            step=rule.needed,
            next_at=self.now + rule.after,
        )
        if before is not None and (before.level, before.decision) == (row.level, Decision.WAITING):
            row = replace(row, asked_at=before.asked_at, step=before.step, next_at=before.next_at)
        names = "、".join(_name(one, self.desk) for one in rule.approvers)
        why = f"waits until {rule.needed} of {names} approve it"
        store.record(self.connection, change, [_nobody(why, self.desk)])
        release_rows.begin(self.connection, row, self.now)
        return self._invite(row, change, rule.approvers[: row.step])

    def go_on(self, row: Asked) -> list[Notice]:
        """Ask one more, or decide without; who was told of the change then."""
        change = store.transition(self.connection, row.transition)
        rule = self.desk.routes.release.get(row.level)
        if change is None or rule is None:
            self.let_go(row, Decision.APPROVED, "the configuration asks for no approval any more")
        elif row.step < len(rule.approvers):
            further = replace(row, step=row.step + 1, next_at=self.now + rule.after)
            release_rows.move(self.connection, further)
            self._invite(further, change, rule.approvers[row.step : further.step])
        else:
            return self._run_out(row, change)
        return []

    def _run_out(self, row: Asked, change: Transition) -> list[Notice]:
        conduct = self.desk.texts.conducts.get(change.hazard)
        facts: dict[str, object] = {"about": self._title(change), "since": row.asked_at}
        if conduct is not None and conduct.life_safety:
            self.let_go(row, Decision.UNCONFIRMED, UNCONFIRMED)
            self._tell(change, "memo_unconfirmed", facts, _SILENCE, self.desk.routes.supervisor)
        else:
            why = "no approver decided in time"
            release_rows.close(self.connection, row, Decision.HELD, self.now, why)
            self._tell(change, "memo_held", facts, _SILENCE, self.desk.routes.supervisor)
        return []

    def let_go(self, row: Asked, decision: Decision, detail: str) -> Asked:
        """Tell everybody whom a released change concerns."""
        closed = release_rows.close(self.connection, row, decision, self.now, detail)
        if decision is Decision.UNCONFIRMED:
            release_rows.annotate(self.connection, row.transition, UNCONFIRMED, self.now)
        change = store.transition(self.connection, row.transition)
        if change is not None:
            calls.replace_older(self.connection, change, self.now)
            notices = routed(self.connection, change, self.desk, self.now)
            store.note(self.connection, change.id, self.now, notices)
            calls.spread_word(self.connection, change, notices, self.desk, self.now)
        return closed

    def refuse(self, row: Asked, vote: Vote, approvers: tuple[str, ...]) -> Asked:
        """Close a release with a no, and tell the others and the supervisor."""
        detail = f"refused by {vote.person}: {vote.why}"
        closed = release_rows.close(self.connection, row, Decision.REFUSED, self.now, detail)
        change = store.transition(self.connection, row.transition)
        if change is not None:
            others = [one for one in (*approvers, *self.desk.routes.supervisor) if one != vote.person]
            by = _name(vote.person, self.desk)
            facts = {"about": self._title(change), "by": by, "why": vote.why}
            self._tell(change, "memo_refused", facts, _NO, tuple(others))
        return closed

    def _invite(self, row: Asked, change: Transition, people: tuple[str, ...]) -> int:
        """Ask some approvers; how many messages."""
        letter = self.desk.texts.letter(change, self.desk.language)
        facts = {"text": letter.brief(subsystem="", ack_link=None), "count": row.needed}
        memo = self._memo(change, "memo_approval", facts, _ASK)
        links: Mapping[str, str] = {}
        if self.desk.approve is not None:
            until = row.asked_at + self.desk.valid
            links = {one: self.desk.approve(change, one, until) for one in people}
        return self._post(replace(memo, people=people, links=links))

    def _tell(
        self,
        change: Transition,
        template: str,
        facts: Mapping[str, object],
        step: int,
        people: tuple[str, ...],
    ) -> None:
        self._post(replace(self._memo(change, template, facts, step), people=people))

    def _memo(
        self, change: Transition, template: str, facts: Mapping[str, object], step: int
    ) -> Memo:
        return Memo(
            purpose=Purpose.APPROVAL,
            subject=change.id,
            template=template,
            facts=facts,
            people=(),
            level=max(change.to_level, change.from_level),
            alert=change.alert,
            step=step,
        )

    def _post(self, memo: Memo) -> int:
        return deliveries.plan(self.connection, memos.deliveries(memo, self.desk, self.now))

    def _title(self, change: Transition) -> str:
        return self.desk.texts.letter(change, self.desk.language).title


def approval_claim(change: Transition, person: str, until: datetime) -> Claim:
    """What an approval link stands for."""
    return Claim(
        alert=change.alert, transition=change.id, subsystem="", person=person, expires_at=until
    )


def _nobody(why: str, desk: Desk) -> Notice:
    return Notice(subsystem=centre_of(desk.routes), person=None, role="inform", task={}, step=0, why=why)


def _name(person: str, desk: Desk) -> str:
    known = desk.routes.people.get(person)
    return known.name if known else person
