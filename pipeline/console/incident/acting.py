"""Doing what was decided: an order, the word of an approver, a verdict, each with its deed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerts.answers.reports import plain_text
from alerts.duty import release
from alerts.duty.release_rows import Asked, Vote
from alerts.event import orders
from alerts.event.orders import Order
from alerts.outgoing import desks
from alerts.record.verdicts import Judged, Verdict
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.console.house import House
from pipeline.console.incident.deciding import KINDS, OrderKind, Wish
from pipeline.console.incident.facts import Head, head_of
from pipeline.console.incident.rehearsal import Rehearsal, rehearse_order, rehearse_vote
from pipeline.console.people.visitor import Right, Visitor
from pipeline.console.refusals import refuse
from pipeline.verify.hindsight import Said, give_verdict
from rules.level import Level

VOTES = {"approve": True, "refuse": False}
"""Key of a decision on a release -> whether it may go out."""


@dataclass(frozen=True, kw_only=True)
class Asking:
    """What a form, or a program, asks for."""

    kind: str
    """Key of an order, ``approve`` or ``refuse``."""
    level: Level = Level.NONE
    """Level to set."""
    hours: int = 12
    """For how long [h]."""
    why: str = ""
    """The reason."""
    about: str = ""
    """Newest change of the alert that was seen when it was decided; empty where nobody said."""


def head(house: House, alert: str) -> Head:
    """Where an alert stands."""
    with reading(house.ports.engine) as connection:
        return head_of(connection, house.ports, alert)


def rehearse(house: House, who: Visitor, alert: str, asked: Asking) -> Rehearsal:
    """What would be sent to whom; 403 where the visitor may not decide it, 422 where something is missing."""
    if asked.kind in VOTES:
        vote = _vote(house, who, head(house, alert), asked)
        return rehearse_vote(house.ports, vote, alert)
    order = _proposed(house, who, head(house, alert), asked)
    return rehearse_order(house.ports, order, alert, house.clock())


def give_order(house: House, who: Visitor, alert: str, asked: Asking) -> Order:
    """Give an order for the next tick, which is due at once."""
    found = head(house, alert)
    _still(found, asked)
    wish = _wish(house, who, asked)
    kind = _kind(found, asked.kind)
    with writing(house.ports.engine) as connection:
        try:
            order = orders.give(connection, kind.propose(connection, house.ports.config, found, wish))
        except ValueError as error:
            raise refuse(422, str(error)) from error
        detail: dict[str, object] = {"level": asked.level.key, "hours": asked.hours, "order": order.id}
        house.done(connection, who, f"order_{asked.kind}", subject=alert, why=order.why, **detail)
    return order


def _proposed(house: House, who: Visitor, found: Head, asked: Asking) -> Order:
    wish = _wish(house, who, asked)
    with reading(house.ports.engine) as connection:
        try:
            return _kind(found, asked.kind).propose(connection, house.ports.config, found, wish)
        except ValueError as error:
            raise refuse(422, str(error)) from error


def _kind(found: Head, name: str) -> OrderKind:
    kind = KINDS.get(name)
    if kind is None:
        raise refuse(422, f"没有“{name}”这种指令 / there is no such order: {', '.join(KINDS)}")
    if not kind.offered(found):
        raise refuse(409, f"现在不能{kind.zh} / nothing to {name} now")
    return kind


def _wish(house: House, who: Visitor, asked: Asking) -> Wish:
    _allowed(who, Right.ORDER)
    why = " ".join(plain_text(asked.why).split())
    if not why:
        raise refuse(422, "请写明理由 / a reason is needed")
    return Wish(
        kind=asked.kind, level=asked.level, hours=asked.hours, why=why, by=_person(who), at=house.clock()
    )


def vote(house: House, who: Visitor, alert: str, asked: Asking) -> Asked:
    """Take the word of the visitor, as the person they are, on the release that waits."""
    found = head(house, alert)
    _still(found, asked)
    word = _vote(house, who, found, asked)
    with writing(house.ports.engine) as connection:
        desk = desks.current(connection, house.ports.desk, word.at)
        row = release.decide(connection, word, desk, word.at)
        house.done(
            connection, who, f"release_{asked.kind}", subject=alert, why=word.why,
            transition=row.transition, decision=row.decision.value,
        )  # fmt: skip
    return row


def _vote(house: House, who: Visitor, found: Head, asked: Asking) -> Vote:
    _allowed(who, Right.APPROVE)
    person = _person(who)
    if found.release is None or not found.release.asked.open:
        raise refuse(409, "没有等待审批的变化 / nothing waits for approval")
    if person not in found.release.approvers:
        raise refuse(403, "您不是这一级的审批人 / you do not approve this level")
    why = " ".join(plain_text(asked.why).split())
    if not why and not VOTES[asked.kind]:
        raise refuse(422, "不批准须写明理由 / a no needs a reason")
    return Vote(
        transition=found.release.asked.transition,
        person=person,
        yes=VOTES[asked.kind],
        at=house.clock(),
        via="console",
        why=why,
    )


def judge(
    house: House, who: Visitor, alert: str, judged: Judged, why: str, onset: datetime | None
) -> Verdict:
    """Keep what an officer says of an alert afterwards."""
    said = Said(by=who.title, at=house.clock(), words=plain_text(why))
    with writing(house.ports.engine) as connection:
        try:
            kept = give_verdict(connection, house.ports.config, alert, judged, said, onset)
        except ValueError as error:
            raise refuse(422, str(error)) from error
        house.done(connection, who, "verdict", subject=alert, why=kept.why, judged=judged)
    return kept


def _still(found: Head, asked: Asking) -> None:
    if asked.about and asked.about != found.newest:
        raise Moved(
            f"{found.alert} 已有新变化，请重新查看 / the alert has moved on ({found.newest}), look again"
        )


class Moved(FengsuiError):
    """The alert changed between the preview and the button; the preview is to be made again."""


def _allowed(who: Visitor, right: Right) -> None:
    if not who.may(right):
        raise refuse(403, f"您的账号没有这项权限（{right}） / your account may not do this ({right})")


def _person(who: Visitor) -> str:
    if who.person is None:
        raise refuse(
            403, "您的账号没有对应值班表里的人员，请运维补上 / your account is no person of routes.yaml"
        )
    return who.person
