"""The approval page: opening a link shows what would be sent to whom; only a button (POST) decides."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from sqlalchemy import Connection

from alerts.answers.links import APPROVE, BadLink, Claim, read_token
from alerts.duty import release_rows
from alerts.duty.release import decide, routed
from alerts.duty.release_rows import Asked, Decision, Vote
from alerts.duty.routing import Notice
from alerts.event.transition import Transition
from alerts.outgoing import desks
from alerts.record import store
from ingest.database import reading, writing
from ingest.errors import FengsuiError
from pipeline.console.pages import Clock, Pages

# Long enough to tell somebody who opens last week's link that it has expired, and is not wrong.
_REMEMBERED = timedelta(days=30)
_OUTCOMES = {
    Decision.WAITING: "等待审批 / waiting",
    Decision.HELD: "无人审批，暂未发出 / held, nobody decided in time",
    Decision.APPROVED: "已批准发出 / approved and sent",
    Decision.UNCONFIRMED: "未经确认已发出 / sent unconfirmed",
    Decision.REFUSED: "已退回，未通知任何人 / refused, nobody was told",
    Decision.SUPERSEDED: "已被更新的变化取代 / overtaken by a newer change",
}


def add_approving(app: APIRouter, pages: Pages, clock: Clock) -> None:
    """Serve ``/approve/{token}``."""
    page = _Approving(pages)

    @app.get("/approve/{token}", response_class=HTMLResponse)
    def show_release(token: str) -> Response:
        return page.show(token, clock())

    @app.post("/approve/{token}", response_class=HTMLResponse)
    def decide_release(
        token: str,
        word: Annotated[Literal["yes", "no"], Form()],
        why: Annotated[str, Form(max_length=500)] = "",
    ) -> Response:
        return page.take(token, word == "yes", why, clock())


class _Approving:
    """The two faces of an approval link; who acts is the person it was signed for."""

    def __init__(self, pages: Pages) -> None:
        self._pages, self._ports = pages, pages.ports

    def show(self, token: str, now: datetime) -> Response:
        """What would go out, to whom, and two buttons; changes nothing."""
        try:
            with reading(self._ports.engine) as connection:
                return self._release_page(connection, self._claim(connection, token, now), now)
        except BadLink as error:
            return self._pages.refused(410, str(error))

    def take(self, token: str, yes: bool, why: str, now: datetime) -> Response:
        """Keep the word of the person whose link it is."""
        try:
            with writing(self._ports.engine) as connection:
                claim = self._claim(connection, token, now)
                said = " ".join(why.split())
                word = Vote(
                    transition=claim.transition, person=claim.person, yes=yes, at=now, via="link", why=said
                )
                decide(connection, word, desks.current(connection, self._ports.desk, now), now)
                return self._release_page(connection, claim, now)
        except BadLink as error:
            return self._pages.refused(410, str(error))
        except FengsuiError as error:
            return self._pages.refused(409, str(error))

    def _claim(self, connection: Connection, token: str, now: datetime) -> Claim:
        ports = self._ports
        approvers = {level: rule.approvers for level, rule in ports.config.routes.release.items()}
        valid = ports.config.service.link_valid
        signed = release_rows.claims(connection, approvers, now - valid - _REMEMBERED, valid)
        return read_token(ports.link_key, token, signed, now, APPROVE)

    def _release_page(self, connection: Connection, claim: Claim, now: datetime) -> Response:
        row = release_rows.newest_for(connection, claim.transition)
        change = None if row is None else store.transition(connection, row.transition)
        if row is None or change is None:
            return self._pages.refused(404, "没有这条待审批的变化 / no such release")
        desk = self._ports.desk
        letter = desk.texts.letter(change, desk.language)
        words = release_rows.votes(connection, row)
        return self._pages.page(
            "approve.html",
            200,
            row=row,
            change=change,
            title=letter.title,
            text=letter.to(subsystem="", role="inform", task="", ack_link=None),
            because=desk.texts.because(change, desk.language),
            outcome=_OUTCOMES[row.decision],
            told=self._told(connection, row, change, now),
            votes=[(self._pages.person(word.person), word) for word in words],
            mine=next((word for word in words if word.person == claim.person), None),
            name=self._pages.person(claim.person),
        )

    def _told(
        self, connection: Connection, row: Asked, change: Transition, now: datetime
    ) -> list[tuple[str, list[str]]]:
        """Subsystem -> names of those who would hear of it now; nothing once it is decided."""
        if not row.open:
            return []
        desk = desks.current(connection, self._ports.desk, now)
        notices = routed(connection, change, desk, now)
        systems = self._ports.config.routes.subsystems
        people = {item.subsystem: self._people(notices, item.subsystem) for item in notices if item.told}
        return [(systems[name].name, names) for name, names in people.items()]

    def _people(self, notices: list[Notice], subsystem: str) -> list[str]:
        mine = [item.person for item in notices if item.subsystem == subsystem]
        return [self._pages.person(person) for person in mine if person is not None]
