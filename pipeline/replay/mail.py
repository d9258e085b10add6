"""When messages reach people: quiet hours and the budget of messages waited for, digests folded.

The daemon does this with rows (`alerts.outgoing.digest`, `alerts.outgoing.folding`); a replay does the same
in memory, by the same rules, and a test holds the two against each other. What it takes for granted:
everybody answers the first call at once, every channel takes its messages, and nothing was silenced.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import lru_cache

from alerts.duty.people import Budget, Routes
from alerts.duty.quiet import end_of, hours_of
from alerts.duty.routing import Notice, Warned, must_answer
from alerts.event.transition import ABOUT_DATA, CALLING, OVER, Reason, Transition
from ingest.times import BEIJING
from pipeline.replay.result import Paged
from rules.level import Level

_WARNS_NOBODY = ABOUT_DATA | OVER

Night = Callable[[datetime], bool]
"""Whether a moment lies in the night."""


def night_of(hours: tuple[str, str]) -> Night:
    """Tells the hours of the night, Beijing time ``HH:MM``; an end at or before the begin is next day."""
    begin, end = (time.fromisoformat(text) for text in hours)

    @lru_cache(maxsize=1)  # a change is told to many at once
    def dark(at: datetime) -> bool:
        clock = at.astimezone(BEIJING).time()
        return begin <= clock < end if begin < end else clock >= begin or clock < end

    return dark


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """A change on its way to a person."""

    person: str
    """Id of the person."""
    subsystem: str
    """Id of the subsystem."""
    change: Transition
    """What it tells of."""
    calls: bool
    """Whether it must be answered."""
    level: Level
    """What it weighs."""
    fold_at: datetime | None
    """Waits for this moment; None goes out by itself."""

    @property
    def pierces(self) -> bool:
        """Whether it goes out at any budget, as `digest.pierces` has it."""
        return self.calls or self.level >= Level.RED


@dataclass(frozen=True, kw_only=True)
class Mail:
    """The messages of a replay on their way; moments only rise."""

    routes: Routes
    """Quiet hours and the budget."""
    dark: Night
    """The night."""
    pages: list[Paged] = field(default_factory=list)
    """What has reached people."""
    _waiting: list[_Letter] = field(default_factory=list)
    _told: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    _heard: dict[str, dict[tuple[str, str], None]] = field(default_factory=lambda: defaultdict(dict))

    def fold(self, until: datetime, *, including: bool) -> None:
        """Tell what was held until a moment: before the tick of a now, what is due before it."""
        while self._waiting:
            due = min(letter.fold_at for letter in self._waiting if letter.fold_at is not None)
            if due > until or (due == until and not including):
                return
            ready: dict[str, list[_Letter]] = {}
            for letter in self._waiting:
                if letter.fold_at is not None and letter.fold_at <= due:
                    ready.setdefault(letter.person, []).append(letter)
            self._waiting[:] = [one for one in self._waiting if one.fold_at is None or one.fold_at > due]
            for letters in ready.values():
                self._send(letters, due)

    def withdraw(self, alert: str) -> None:
        """Cancel what still waits of an alert, because a newer change takes its place; see `supersede`."""
        self._waiting[:] = [
            one
            for one in self._waiting
            if one.change.alert != alert or one.change.reason in ABOUT_DATA
        ]

    def warned(self, alert: str) -> list[Warned]:
        """Whom a message of an open alert reached or is on its way to; news of data warns nobody."""
        waiting = [
            (one.subsystem, one.person)
            for one in self._waiting
            if one.change.alert == alert and one.change.reason not in ABOUT_DATA
        ]
        readers = dict.fromkeys([*self._heard.get(alert, {}), *waiting])
        return [Warned(subsystem=subsystem, person=person) for subsystem, person in readers]

    def forget(self, alert: str) -> None:
        """An alert is over, and nobody need be told of it again."""
        self._heard.pop(alert, None)

    def post(self, change: Transition, notices: Iterable[Notice], now: datetime) -> None:
        """Send the messages of a change on their way."""
        letters = [_letter(change, notice) for notice in notices if notice.told]
        held: dict[str, datetime] = {}
        for letter in self._as_one(letters, now):
            waits = letter.fold_at or self._held(letter, held, now)
            if waits is None:
                self._send([letter], now)
            else:
                self._waiting.append(replace(letter, fold_at=waits))

    def _as_one(self, letters: Sequence[_Letter], now: datetime) -> list[_Letter]:
        """News that data is back is not sent beside a call of the same moment about the same hazard."""
        if not letters:
            return []
        change = letters[0].change
        same = [
            page for page in self._latest(now)
            if page.hazard == change.hazard and page.transition != change.id
        ]
        if change.reason is Reason.DATA_FOUND:
            called = {page.person for page in same if page.reason in CALLING}
            return [letter for letter in letters if letter.person not in called]
        if change.reason in CALLING:
            people = {letter.person for letter in letters}
            for page in same:
                if page.reason is Reason.DATA_FOUND and page.person in people:
                    self.pages.remove(page)
        return list(letters)

    def _latest(self, now: datetime) -> list[Paged]:
        found = []
        for page in reversed(self.pages):
            if page.at < now:
                break
            found.append(page)
        return found

    def _held(
        self, letter: _Letter, held: dict[str, datetime], now: datetime
    ) -> datetime | None:
        """Until when the budget of a person holds a message; None where there is room for it."""
        budget, person = self.routes.budget, letter.person
        if budget is None or letter.pierces:
            return None
        told = [at for at in self._told[person] if at > now - budget.per]
        until = held.get(person) or self._holding(person, budget, now)
        if until is None and len(told) < budget.pages:
            return None
        held[person] = until or told[-budget.pages] + budget.per
        return held[person]

    def _holding(self, person: str, budget: Budget, now: datetime) -> datetime | None:
        """When what already waits for a person is told, where that is within the period."""
        ends = [
            one.fold_at
            for one in self._waiting
            if one.person == person and one.fold_at is not None and one.fold_at <= now + budget.per
        ]
        return min(ends, default=None)

    def _send(self, letters: Sequence[_Letter], at: datetime) -> None:
        first = min(letters, key=lambda one: (-one.level, one.change.at, one.change.id))
        per = timedelta(0) if self.routes.budget is None else self.routes.budget.per
        told = self._told[first.person]
        told[:] = [*(moment for moment in told if moment > at - per), at]
        for letter in letters:
            if letter.change.reason not in _WARNS_NOBODY:
                self._heard[letter.change.alert][letter.subsystem, letter.person] = None
        self.pages.append(self._page(first, letters, at))

    def _page(self, first: _Letter, letters: Sequence[_Letter], at: datetime) -> Paged:
        quiet, night = hours_of(first.person, self.routes), self.dark(at)
        return Paged(
            at=at,
            person=first.person,
            subsystem=first.subsystem,
            transition=first.change.id,
            alert=first.change.alert,
            hazard=first.change.hazard,
            level=first.level,
            reason=first.change.reason,
            calls=any(letter.calls for letter in letters),
            night=night,
            woken=night if quiet is None else end_of(quiet, at) is not None,
            changes=len(letters),
        )


def _letter(change: Transition, notice: Notice) -> _Letter:
    return _Letter(
        person=notice.person or "",
        subsystem=notice.subsystem,
        change=change,
        calls=must_answer(change, notice),
        level=max(change.from_level, change.to_level),
        fold_at=notice.not_before,
    )
