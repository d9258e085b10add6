"""What the warnings asked of people: pages per person, at night, who chatters, and how long we were blind."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.event.transition import ABOUT_DATA, Transition
from pipeline.replay.result import Paged, Replay

WINDOW = timedelta(minutes=10)
"""EEMUA 191 counts alarms per operator in ten minutes: about one in steady state."""
STEADY = 1
"""Pages in a window that a person can take for long."""
FLOOD = 10
"""More pages in a window than this are a flood."""
TOP = 10


@dataclass(frozen=True, kw_only=True)
class PersonLoad:
    """What one person got."""

    person: str
    """Id of the person."""
    pages: int
    """Messages."""
    calls: int
    """Those that had to be answered."""
    night: int
    """Those that came at night."""
    woken: int
    """Those that came in the person's own quiet hours, or without any at night."""
    busiest: int
    """Most messages in any ten minutes."""
    busiest_at: datetime
    """When those ten minutes began."""
    crowded: int
    """Ten-minute windows, side by side, with more than one message."""
    floods: int
    """Those with more than ten."""
    per_month: float
    """Messages a month."""


@dataclass(frozen=True, kw_only=True)
class Chatterer:
    """Something that speaks often."""

    sort: str
    """``hazard``, ``rule`` (hazard and level) or ``town``."""
    name: str
    """Which."""
    count: int
    """Pages of a hazard or rule; changes of a town's level."""
    share: float
    """Of all of its sort."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """The officers' load over a period."""

    pages: int
    """Messages to people."""
    night: int
    """Those at night."""
    per_month: float
    """Messages a month, all people together."""
    night_per_month: float
    """Those at night a month."""
    people: tuple[PersonLoad, ...]
    """By number of messages, the most first."""
    chatterers: tuple[Chatterer, ...]
    """The ten most talkative of each sort."""
    blind: Mapping[str, timedelta]
    """Hazard -> time in which some town could not be judged; hazards without any are left out."""

    def as_json(self) -> dict[str, object]:
        """All of it; moments in ISO 8601, times in hours."""
        people = [vars(one) | {"busiest_at": one.busiest_at.isoformat()} for one in self.people]
        return {
            "pages": self.pages, "night": self.night,
            "per_month": self.per_month, "night_per_month": self.night_per_month,
            "people": people, "chatterers": [vars(one) for one in self.chatterers],
            "blind_h": {name: time / timedelta(hours=1) for name, time in self.blind.items()},
        }  # fmt: skip


def load(replay: Replay, hazards: Iterable[str] | None = None) -> Load:
    """The load of a replay, of some hazards or of all."""
    wanted = None if hazards is None else frozenset(hazards)
    pages = [page for page in replay.pages if wanted is None or page.hazard in wanted]
    changes = [one for one in replay.transitions if wanted is None or one.hazard in wanted]
    night = sum(page.night for page in pages)
    return Load(
        pages=len(pages),
        night=night,
        per_month=len(pages) / replay.months,
        night_per_month=night / replay.months,
        people=_people(pages, replay.months),
        chatterers=_chatterers(pages, changes),
        blind={
            name: time for name, time in replay.blind.items()
            if time and (wanted is None or name in wanted)
        },
    )  # fmt: skip


def _people(pages: Sequence[Paged], months: float) -> tuple[PersonLoad, ...]:
    mine: dict[str, list[Paged]] = defaultdict(list)
    for page in sorted(pages, key=lambda page: page.at):
        mine[page.person].append(page)
    loads = [_person(person, found, months) for person, found in mine.items()]
    return tuple(sorted(loads, key=lambda one: (-one.pages, one.person)))


def _person(person: str, pages: Sequence[Paged], months: float) -> PersonLoad:
    busiest, busiest_at = _busiest([page.at for page in pages])
    windows = Counter((page.at - pages[0].at) // WINDOW for page in pages)
    return PersonLoad(
        person=person,
        pages=len(pages),
        calls=sum(page.calls for page in pages),
        night=sum(page.night for page in pages),
        woken=sum(page.woken for page in pages),
        busiest=busiest,
        busiest_at=busiest_at,
        crowded=sum(count > STEADY for count in windows.values()),
        floods=sum(count > FLOOD for count in windows.values()),
        per_month=len(pages) / months,
    )


def _busiest(moments: Sequence[datetime]) -> tuple[int, datetime]:
    """Most moments within any half-open window, and when the first such begins; moments rise."""
    best, best_at, first = 0, moments[0], 0
    for last, moment in enumerate(moments):
        while moment - moments[first] >= WINDOW:
            first += 1
        if last - first + 1 > best:
            best, best_at = last - first + 1, moments[first]
    return best, best_at


def _chatterers(
    pages: Sequence[Paged], changes: Sequence[Transition]
) -> tuple[Chatterer, ...]:
    hazards = Counter(page.hazard for page in pages)
    rules = Counter(f"{page.hazard} {page.level.key}" for page in pages)
    towns = Counter(
        town for change in changes if change.reason not in ABOUT_DATA for town in change.changed
    )
    return (*_top("hazard", hazards), *_top("rule", rules), *_top("town", towns))


def _top(sort: str, counts: Counter[str]) -> list[Chatterer]:
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:TOP]
    return [
        Chatterer(sort=sort, name=name, count=count, share=count / counts.total())
        for name, count in ranked
    ]
