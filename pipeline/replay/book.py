"""The book of a replay: changes routed as the daemon would, who was warned, and who was called."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.answers import calls
from alerts.duty.routing import Notice, route
from alerts.event.incidents import Page, engaged
from alerts.event.transition import CALLING, OVER, TO_THE_WARNED, Reason, Transition
from alerts.outgoing.dispatch import Desk
from pipeline.replay.mail import Mail
from pipeline.replay.messages import Messages
from rules.level import Level

_REPLACING = frozenset({Reason.RAISED, Reason.LOWERED, Reason.ENDED, Reason.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Book:
    """Routes changes as the daemon would, and remembers who was warned and who was called."""

    desk: Desk
    """Writes messages."""
    mail: Mail
    """Brings them to people."""
    transitions: list[Transition] = field(default_factory=list)
    """Changes so far."""
    messages: Messages = field(init=False)
    """Messages so far."""
    pages: dict[str, list[Page]] = field(default_factory=dict)
    """Incident -> calls of its alerts that are open."""
    risen: dict[tuple[str, Level], list[datetime]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """(Hazard, level) -> when it was opened at or raised to it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "messages", Messages(self.desk))

    def tick(self, changes: Sequence[Transition], now: datetime) -> None:
        """Take the changes of one tick into the book."""
        self.mail.fold(now, including=False)
        for change in changes:
            self._write(change, now)

    def _write(self, change: Transition, now: datetime) -> None:
        if change.reason in _REPLACING:
            self.mail.withdraw(change.alert)
        busy = engaged(self._called(change), change)
        warned = self.mail.warned(change.alert) if change.reason in TO_THE_WARNED else ()
        notices = route(change, self.desk.routes, now, warned, busy)
        self._call(change, notices)
        skipped = calls.skipped_by(self._reissues(change), change, self.desk)
        told = [*notices, *calls.at_once(change, notices, self.desk, skipped, now)]
        self.mail.post(change, told, now)
        self.messages.add(change, told)
        self.transitions.append(change)
        if change.reason in OVER:
            self.mail.forget(change.alert)

    def _reissues(self, change: Transition) -> int:
        """How often the hazard came to this level within the time before; see `store.reissues`."""
        if change.reason not in CALLING:
            return 0
        before = self.risen[change.hazard, change.to_level]
        times = len(before) - bisect_left(before, change.at - self.desk.routes.reissue)
        before.append(change.at)
        return times

    def _called(self, change: Transition) -> list[Page]:
        """The calls of an incident so far; everybody has answered those of earlier ticks."""
        pages = [
            replace(page, answered=True)
            if not page.answered and page.begun_at < change.at
            else page
            for page in self.pages.get(change.incident, [])
        ]
        self.pages[change.incident] = pages
        return pages

    def _call(self, change: Transition, notices: Sequence[Notice]) -> None:
        """Remember the calls of a change; those of an alert that is over count no more."""
        kept = self.pages.get(change.incident, [])
        if change.reason in OVER:
            kept = [page for page in kept if page.alert != change.alert]
        made = [
            Page(
                incident=change.incident,
                alert=change.alert,
                hazard=change.hazard,
                subsystem=subsystem,
                level=change.to_level,
                begun_at=change.at,
                answered=False,
            )
            for subsystem in calls.called(change, notices)
        ]
        self.pages[change.incident] = kept + made
