"""Who would be called, and when, by each change of a course: light enough for thousands of ladders.

Routing and quiet hours are those of the daemon. What a full replay adds (other hazards of the same incident,
silences, a call that waits for the morning and is over by then) is left out, and the proposal is replayed in
full before anybody sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from alerts.duty.people import Routes
from alerts.duty.routing import must_answer, route
from alerts.event.transition import supposed
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Page:
    """A change that somebody is called for."""

    at: datetime
    """When it came."""
    night: bool
    """Whether somebody is called at night for it."""


@dataclass(frozen=True, kw_only=True)
class Pager:
    """Knows who is called for a change of one hazard; changes of many ladders are mostly the same."""

    hazard: str
    """Name of the hazard block."""
    routes: Routes
    """The matrix, rotas and quiet hours."""
    dark: Callable[[datetime], bool]
    """Whether a moment lies in the night."""
    known: dict[tuple[datetime, Level, Level], Page | None] = field(default_factory=dict)
    """What was asked before."""

    def page(self, at: datetime, before: Level, after: Level) -> Page | None:
        """Who is called for a rise of the district's level; None where nobody is, or it did not rise."""
        if after <= before:
            return None
        key = (at, before, after)
        if key not in self.known:
            self.known[key] = self._asked(at, before, after)
        return self.known[key]

    def _asked(self, at: datetime, before: Level, after: Level) -> Page | None:
        change = supposed(self.hazard, self.hazard, at, before=before, after=after)
        notices = [one for one in route(change, self.routes, at) if must_answer(change, one)]
        if not notices:
            return None
        return Page(at=at, night=any(self.dark(one.not_before or at) for one in notices))
