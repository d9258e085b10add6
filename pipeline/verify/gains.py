"""What a proposal would have caught that today's rules miss, and what it would lose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alerts.duty.people import Advice
from alerts.event.transition import Transition
from pipeline.config import Config
from pipeline.verify.catalogue import Occurrence
from pipeline.verify.matching import match, warned
from pipeline.verify.result import Story
from pipeline.verify.story import story
from pipeline.verify.terms import Terms
from rules.level import Level


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Events by what became of them before and after."""

    events: int
    """Events in the period."""
    missed: tuple[str, ...]
    """Those not warned of in time today, at the level they deserved."""
    caught: tuple[str, ...]
    """Those of them that the proposal warns of in time."""
    lost: tuple[str, ...]
    """Those warned of in time today, but not by the proposal."""
    earlier: tuple[str, ...]
    """Those warned of in time by both, by the proposal earlier."""
    later: tuple[str, ...]
    """Those warned of in time by both, by the proposal later."""

    @property
    def words(self) -> Advice:
        """Such as "catches 2 of 3 misses", in both languages."""
        if not self.events:
            return Advice(zh="目录中没有这一时段的事件", en="the catalogue holds no event of this period")
        zh, en = [f"{len(self.missed)}个漏报中抓住{len(self.caught)}个"], []
        en.append(f"catches {len(self.caught)} of {len(self.missed)} misses")
        if self.lost:
            zh.append(f"丢掉{len(self.lost)}个")
            en.append(f"loses {len(self.lost)}")
        if self.earlier or self.later:
            zh.append(f"{len(self.earlier)}个更早，{len(self.later)}个更晚")
            en.append(f"{len(self.earlier)} earlier, {len(self.later)} later")
        return Advice(zh="，".join(zh), en=", ".join(en))

    def as_json(self) -> dict[str, object]:
        """Identifiers of events by what became of them."""
        names = ("missed", "caught", "lost", "earlier", "later")
        return {"events": self.events} | {name: list(getattr(self, name)) for name in names}


def gains(today: Iterable[Story], proposal: Iterable[Story]) -> Gains:
    """Compare the stories of the same events; see `stories`."""
    then = {one.occurrence.id: one for one in today}
    now = {one.occurrence.id: one for one in proposal}
    both = [name for name in then if name in now]
    missed = [name for name in both if then[name].fate != "hit"]
    hit = [name for name in both if then[name].fate == "hit"]
    kept = [name for name in hit if now[name].fate == "hit"]
    lead = {name: (_lead(then[name]), _lead(now[name])) for name in kept}
    return Gains(
        events=len(both),
        missed=tuple(missed),
        caught=tuple(name for name in missed if now[name].fate == "hit"),
        lost=tuple(name for name in hit if now[name].fate != "hit"),
        earlier=tuple(name for name in kept if lead[name][1] > lead[name][0]),
        later=tuple(name for name in kept if lead[name][1] < lead[name][0]),
    )


def stories(
    transitions: Iterable[Transition],
    occurrences: Sequence[Occurrence],
    config: Config,
    terms: Terms,
) -> tuple[Story, ...]:
    """How each event was warned of by some changes; needs no further library.

    Events of hazards that the configuration does not judge are left out. To compare two replays, hand in
    those occurrences that lie within the period of both.
    """
    alerts = warned(transitions)
    ladders: Mapping[str, list[Level]] = {
        name: sorted(block.rule.ladder) for name, block in config.hazards.items() if block.conduct.enabled
    }
    told = []
    for hazard, ladder in ladders.items():
        events = [one for one in occurrences if one.hazard == hazard and one.happened]
        mine = [one for one in alerts if one.hazard == hazard]
        windows = terms.windows_of(hazard)
        matches = {level: match(mine, events, windows, level) for level in ladder} if events else {}
        told += [story(one, matches) for one in events]
    return tuple(sorted(told, key=lambda one: (one.occurrence.onset, one.occurrence.id)))


def _lead(one: Story) -> float:
    return one.leads[one.level].total_seconds()
