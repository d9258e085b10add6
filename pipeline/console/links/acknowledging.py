"""The page behind a link: what happened, a button, and after it what a red asks back.

Opening it changes nothing. That it was seen is told by a small script where there is one, and by the button
in any case. A link stands for one person and one change; where the alert has moved on since, the page shows
how things stand, and the button answers that. What else waits for the same person is listed on it, with a
button each and one for all: a digest carries one link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, Field

from alerts.answers.call_rows import ANSWERED
from alerts.answers.links import BadLink, Claim, read_token
from alerts.answers.reports import Report
from alerts.duty.routing import task_of
from alerts.event.transition import Transition
from alerts.record import store
from alerts.record.store import Acknowledgement, CallStatus
from ingest.database import reading
from ingest.errors import FengsuiError
from pipeline.acknowledge import acknowledge, read, report, word_of
from pipeline.console.links.behind_link import Standing, standing_of
from pipeline.console.links.others import Other, name_of, others_of
from pipeline.console.pages import Clock, Pages

# Long enough to tell somebody who opens last week's link that it has expired, and is not wrong.
_REMEMBERED = timedelta(days=30)

_Name = Annotated[str, Form(max_length=200)]
_Names = Annotated[Sequence[_Name], Form(max_length=100)]


def add_acknowledging(app: APIRouter, pages: Pages, clock: Clock) -> None:
    """Serve ``/ack/{token}`` and what can be done there."""
    links = _Links(pages)

    @app.get("/ack/{token}", response_class=HTMLResponse)
    def show(token: str) -> Response:
        return links.show(token, clock())

    @app.post("/ack/{token}", response_class=HTMLResponse)
    def take(token: str, name: _Name = "", seen: _Name = "") -> Response:
        return links.take(token, (name, seen), clock())

    @app.post("/ack/{token}/all", response_class=HTMLResponse)
    def take_all(token: str, call: _Names = (), name: _Name = "") -> Response:
        return links.take_all(token, tuple(call), name, clock())

    @app.post("/ack/{token}/read")
    def seen(token: str) -> Response:
        return links.seen(token, clock())

    @app.post("/ack/{token}/report", response_class=HTMLResponse)
    def tell(token: str, form: Annotated[_Form, Form()]) -> Response:
        return links.tell(token, form, clock())


class _Form(BaseModel):
    """What was filled in."""

    kind: Literal["facts", "closing"] = "facts"
    """Which form."""
    name: str = Field("", max_length=200)
    """Who reports."""
    commander: str = Field("", max_length=2000)
    """Who commands."""
    affected: str = Field("", max_length=2000)
    """What is affected."""
    moved: str = Field("", max_length=2000)
    """Who was moved."""
    words: str = Field("", max_length=2000)
    """Further words."""

    @property
    def said(self) -> str:
        """All of it, as it was written."""
        parts = (self.commander, self.affected, self.moved, self.words)
        return " ".join(part for part in parts if part.strip())


@dataclass(frozen=True, kw_only=True)
class _Link:
    """A link that can be used."""

    token: str
    """As it stands in the address."""
    claim: Claim
    """What it stands for."""
    usable: tuple[Claim, ...]
    """What every link that can be used now stands for, the newest first."""


class _Links:
    """What can be done with a link."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._ports = pages.ports

    def show(self, token: str, now: datetime) -> Response:
        """What happened, who has it, and a button; changes nothing."""
        try:
            link = self._link(token, now)
        except BadLink as error:
            return self._pages.refused(410, str(error))
        return self._page(link)

    def seen(self, token: str, now: datetime) -> Response:
        """Keep that the page was before somebody's eyes."""
        try:
            claim = self._link(token, now).claim
        except BadLink:
            return Response(status_code=410)
        standing = self._standing(claim)
        read(self._ports, claim, now, None if standing is None else standing.change.id)
        return Response(status_code=204)

    def take(self, token: str, form: tuple[str, str], now: datetime) -> Response:
        """Acknowledge by name; a second word changes nothing and says who was first.

        Where the alert moved on while the page was open, nothing is acknowledged: it shows what is new.
        """
        name, shown = form
        try:
            link = self._link(token, now)
            claim, standing = link.claim, self._standing(link.claim)
            if standing is not None and standing.waits and standing.change.id != (shown or claim.transition):
                return self._page(link, 409, moved_on=True)
            word = word_of(
                alert=claim.alert,
                subsystem=claim.subsystem,
                by=name or self._pages.person(claim.person),
                via="link",
                at=now,
                transition=claim.transition if standing is None else standing.change.id,
            )
            kept = acknowledge(self._ports, word)
            read(self._ports, claim, now, word.transition)
        except BadLink as error:
            return self._pages.refused(410, str(error))
        except (FengsuiError, ValueError) as error:
            return self._pages.refused(400, str(error))
        return self._page(link, kept=kept)

    def take_all(
        self, token: str, names: tuple[str, ...], name: str, now: datetime
    ) -> Response:
        """Acknowledge the calls whose buttons were pressed, as they were shown; what moved on stays open."""
        try:
            link = self._link(token, now)
            mine = self._answerable(link)
            pressed = [mine[one] for one in dict.fromkeys(names) if one in mine]
            moved = [one for one in pressed if not self._acknowledge(one, name, now)]
        except BadLink as error:
            return self._pages.refused(410, str(error))
        except (FengsuiError, ValueError) as error:
            return self._pages.refused(400, str(error))
        return self._page(link, 409 if moved else 200, moved_on=bool(moved))

    def _answerable(self, link: _Link) -> dict[str, Claim]:
        """Name of a button -> what it answers; that of the link itself is what its page shows."""
        mine = {name_of(one): one for one in link.usable if one.person == link.claim.person}
        standing = self._standing(link.claim)
        if standing is not None:
            shown = replace(link.claim, transition=standing.change.id)
            mine.setdefault(name_of(shown), shown)
        return mine

    def _acknowledge(self, claim: Claim, name: str, now: datetime) -> bool:
        """Whether the word counts: a newer change of the alert must be seen first."""
        with reading(self._ports.engine) as connection:
            call = store.call_for(connection, claim.transition, claim.subsystem)
        if call is None or call.status is CallStatus.SUPERSEDED:
            return False
        by = name or self._pages.person(claim.person)
        word = word_of(
            alert=claim.alert, subsystem=claim.subsystem, by=by, via="link", at=now,
            transition=claim.transition,
        )  # fmt: skip
        acknowledge(self._ports, word)
        read(self._ports, claim, now)
        return True

    def tell(self, token: str, form: _Form, now: datetime) -> Response:
        """Keep the facts, or the closing report."""
        try:
            link = self._link(token, now)
            claim = link.claim
            if not form.said:
                return self._page(link, 400, empty=True)
            standing = self._standing(claim)
            call = None if standing is None else standing.call
            told = Report(
                kind=form.kind,
                alert=claim.alert,
                transition=claim.transition if call is None else call.transition,
                subsystem=claim.subsystem,
                by=form.name or self._pages.person(claim.person),
                via="link",
                at=now,
                commander=form.commander,
                affected=form.affected,
                moved=form.moved,
                words=form.said,
            )
            report(self._ports, told)
            read(self._ports, claim, now)
        except BadLink as error:
            return self._pages.refused(410, str(error))
        except (FengsuiError, ValueError) as error:
            return self._pages.refused(400, str(error))
        return self._page(link)

    def _link(self, token: str, now: datetime) -> _Link:
        valid = self._ports.config.service.link_valid
        with reading(self._ports.engine) as connection:
            signed = store.claims(connection, now - valid - _REMEMBERED, valid)
        claim = read_token(self._ports.link_key, token, signed, now)
        usable = tuple(one for one in signed if one.expires_at > now)
        return _Link(token=token, claim=claim, usable=usable)

    def _others(self, link: _Link) -> list[Other]:
        texts, key = self._ports.desk.texts, self._ports.link_key
        with reading(self._ports.engine) as connection:
            return others_of(connection, link.claim, link.usable, texts, key)

    def _standing(self, claim: Claim) -> Standing | None:
        with reading(self._ports.engine) as connection:
            return standing_of(connection, claim)

    def _page(
        self,
        link: _Link,
        status: int = 200,
        *,
        kept: Acknowledgement | None = None,
        moved_on: bool = False,
        empty: bool = False,
    ) -> Response:
        claim = link.claim
        standing, others = self._standing(claim), self._others(link)
        if standing is None:
            return self._pages.refused(404, "没有这条预警 / no such alert")
        change, texts = standing.change, self._ports.desk.texts
        head = standing.newest if standing.over else change
        told = [one for one in standing.told if one.transition == change.id and one.kind == "facts"]
        return self._pages.page(
            "call.html",
            status,
            base=f"/ack/{link.token}",
            standing=standing,
            change=change,
            head=head,
            title=texts.letter(head, "zh").title,
            texts={language: self._text(change, claim, language) for language in ("zh", "en")},
            since=self._since(standing),
            because=texts.because(change, "zh"),
            subsystem=self._ports.desk.routes.subsystems[claim.subsystem],
            name=self._pages.person(claim.person),
            kept=kept,
            moved_on=moved_on,
            older=change.id != claim.transition,
            empty=empty,
            asks=self._asks(standing),
            others=others,
            waiting=_waiting(claim, standing, others),
            told=told[-1] if told else None,
        )

    def _asks(self, standing: Standing) -> bool:
        """Whether the facts are asked for now."""
        call = standing.call
        if call is None or standing.over or call.status not in ANSWERED or call.facts_at is not None:
            return False
        answer = self._ports.desk.routes.answers.get(call.level)
        return answer is not None and answer.facts

    def _since(self, standing: Standing) -> str | None:
        """What the alert has become since; None where the page is about the newest change."""
        if standing.newest.id == standing.change.id:
            return None
        return self._ports.desk.texts.letter(standing.newest, "zh").title

    def _text(self, change: Transition, claim: Claim, language: str) -> str:
        routes = self._ports.desk.routes
        part = routes.matrix.get(change.hazard, {}).get(claim.subsystem)
        found = routes.subsystems[claim.subsystem]
        return self._ports.desk.texts.render(
            change,
            language=language,
            subsystem=found.name if language == "zh" else found.name_en,
            role=part.role if part else "inform",
            task=task_of(part, change.to_level).get(language, ""),
            ack_link=None,
        )


def _waiting(claim: Claim, standing: Standing, others: list[Other]) -> list[str]:
    """What the button for all sends: every call that waits for a word, as it is shown."""
    own = [name_of(replace(claim, transition=standing.change.id))] if standing.waits else []
    return own + [other.name for other in others if other.waits]
