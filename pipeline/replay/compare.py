"""What a proposal changes: the same period under two configurations, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from alerts.duty.people import Advice
from alerts.event.transition import Transition
from ingest.times import BEIJING
from pipeline.replay.result import Paged, Replay

_DAWN_H = 12
"""A night belongs to the day it began on: before noon it is that of the day before."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A number under today's rules and under the proposal."""

    today: int
    """Under the rules as they are."""
    proposal: int
    """Under the changed ones."""

    @property
    def more(self) -> int:
        """What the proposal adds; below zero what it spares."""
        return self.proposal - self.today


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What differs between two replays of one period."""

    months: float
    """Length of the period in months."""
    pages: Pair
    """Messages that reached people; a digest is one."""
    calls: Pair
    """Those of them that must be answered."""
    night: Pair
    """Those of them at night."""
    woken: Pair
    """Nights in which a person was woken, person by person: twice in one night counts once."""
    hazards: Mapping[str, Pair]
    """Hazard -> messages, those that differ."""
    people: Mapping[str, Pair]
    """Person -> messages, those that differ."""
    gone: tuple[Transition, ...]
    """Changes under today's rules only."""
    new: tuple[Transition, ...]
    """Changes under the proposal only."""

    @property
    def words(self) -> Advice:
        """Such as "+3.0 pages a month, +2.0 at night", in both languages."""
        if not (self.gone or self.new or self.people):
            return Advice(zh="没有差别", en="nothing differs")
        pages, night, calls, woken = (
            _signed(pair.more / self.months)
            for pair in (self.pages, self.night, self.calls, self.woken)
        )
        zh = f"每月{pages}条信息，其中夜间{night}条，要应答的{calls}条；每月{woken}人次夜里被叫醒"
        en = f"{pages} pages a month, {night} at night, {calls} to be answered; {woken} people woken a month"
        return Advice(zh=zh, en=en)

    def as_json(self) -> dict[str, object]:
        """The difference for machines; changes by identifier, whole ones stand in the replays."""
        totals = {name: _pair(getattr(self, name)) for name in ("pages", "calls", "night", "woken")}
        return {
            "months": round(self.months, 3),
            **totals,
            "hazards": {name: _pair(pair) for name, pair in self.hazards.items()},
            "people": {name: _pair(pair) for name, pair in self.people.items()},
            "gone": [change.id for change in self.gone],
            "new": [change.id for change in self.new],
            "words": {"zh": self.words.zh, "en": self.words.en},
        }


def compare(today: Replay, proposal: Replay) -> Difference:
    """Hold two replays of the same period against each other.

    A change is the same where hazard, moment, reason, levels and towns are: its words may differ.
    """
    count = partial(_counted, today.pages, proposal.pages)
    here = {_same(change) for change in today.transitions}
    there = {_same(change) for change in proposal.transitions}
    return Difference(
        months=today.months,
        pages=count(lambda _page: True),
        calls=count(lambda page: page.calls),
        night=count(lambda page: page.night),
        woken=Pair(today=len(nights_of(today.pages)), proposal=len(nights_of(proposal.pages))),
        hazards=_by(today, proposal, lambda page: page.hazard),
        people=_by(today, proposal, lambda page: page.person),
        gone=tuple(change for change in today.transitions if _same(change) not in there),
        new=tuple(change for change in proposal.transitions if _same(change) not in here),
    )


def nights_of(pages: Iterable[Paged]) -> set[tuple[str, int]]:
    """(Person, night) of everybody who was woken; a night is numbered by the day it began on."""
    found = set()
    for page in pages:
        if page.woken:
            local = page.at.astimezone(BEIJING)
            found.add((page.person, local.toordinal() - (local.hour < _DAWN_H)))
    return found


def _counted(
    today: Iterable[Paged], proposal: Iterable[Paged], which: Callable[[Paged], bool]
) -> Pair:
    return Pair(today=sum(map(which, today)), proposal=sum(map(which, proposal)))


def _by(today: Replay, proposal: Replay, key: Callable[[Paged], str]) -> dict[str, Pair]:
    before, after = Counter(map(key, today.pages)), Counter(map(key, proposal.pages))
    return {
        name: Pair(today=before[name], proposal=after[name])
        for name in sorted(before.keys() | after.keys())
        if before[name] != after[name]
    }


def _same(change: Transition) -> tuple[object, ...]:
    levels = (change.from_level, change.to_level)
    return change.hazard, change.at, change.reason, levels, tuple(sorted(change.places.items()))


def _signed(value: float) -> str:
    """One decimal with its sign; what rounds to nothing has none."""
    rounded = round(value, 1)
    return f"{rounded:+.1f}" if rounded else "±0"


def _pair(pair: Pair) -> dict[str, int]:
    return {"today": pair.today, "proposal": pair.proposal}
