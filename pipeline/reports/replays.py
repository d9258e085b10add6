"""The report of a replay, alone or beside that of a proposal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, partial

from alerts.event.transition import ABOUT_DATA, Transition
from alerts.wording.texts import Texts
from ingest.times import BEIJING
from pipeline.config import Config
from pipeline.configuration.patch import Changes
from pipeline.configuration.yaml_lines import dotted
from pipeline.replay.compare import Difference, compare, nights_of
from pipeline.replay.result import Paged, Replay
from pipeline.reports import courses, panels
from pipeline.reports import sheet as common
from pipeline.reports.drawing import Sketch
from pipeline.reports.figures import load
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Drawing, Head, Sheet, Tile
from pipeline.reports.words import REASONS
from rules.level import Level

MOST_PEOPLE = 20
"""Rows of the table of people; the rest is told as a number."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What the report of a replay is about: the rules of today, and maybe a proposal beside them."""

    today: Replay
    """Under the configuration as it is."""
    proposal: Replay | None = None
    """The same period under the changed configuration."""
    changes: Changes | None = None
    """What was changed."""
    summary: Mapping[str, Sequence[str]] | None = None
    """Language -> sentences on what differs."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One change in the list."""

    number: str
    """As in the figures; a plus where only the proposal makes it."""
    only: str
    """``gone`` where only today's rules make it, ``new`` where only the proposal does; else empty."""
    when: str
    """Day and time."""
    day_part: str
    """``night`` where it is one."""
    hazard: str
    """Name of the hazard."""
    reason: str
    """What kind of change."""
    before: Level
    """Level before."""
    after: Level
    """Level after."""
    told: str
    """Who heard of it."""
    text: str
    """The words that went out."""
    because: str
    """The evidence."""


def sheet(subject: Comparison, config: Config, title: str) -> Sheet:
    """The report in either language."""
    return Sheet(template="replay.html", facts=partial(_facts, subject, config, title))


def _facts(
    subject: Comparison, config: Config, title: str, tongue: Tongue, paper: bool
) -> dict[str, object]:
    page = _Page(subject=subject, config=config, tongue=tongue, paper=paper)
    head = page.head(title)
    return {
        "title": head.title,
        "head": head,
        "tiles": page.tiles(),
        "summary": (subject.summary or {}).get(tongue.language, ()),
        "changed": page.changed(),
        "parts": page.parts(),
        "silent": page.silent(),
        "hours": page.hours(),
        "people": page.people(),
        "rest": max(0, len({each.person for each in subject.today.pages}) - MOST_PEOPLE),
        "steps": page.steps(),
        "compared": subject.proposal is not None,
    }


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A comparison that is being told in one language."""

    subject: Comparison
    config: Config
    tongue: Tongue
    paper: bool

    @property
    def replay(self) -> Replay:
        """Today's."""
        return self.subject.today

    def head(self, title: str) -> Head:
        """What it is about, and what must be known of its data."""
        tongue, replay = self.tongue, self.replay
        event = common.event_of(replay.event)
        named = "" if event is None else tongue.say(event.title_zh, event.title_en)
        facts = common.identity(self.config, (replay.start, replay.end), tongue)
        facts.append((tongue.say("判断", "judged"), tongue.say(f"{replay.ticks}次", f"{replay.ticks} times")))
        marks = common.union(change.marks for change in replay.transitions)
        notices = common.provenance(marks, self.config, tongue)
        if event is not None:
            notices.append(common.Notice(sign="i", text=tongue.say(event.notes_zh, event.notes_en)))
        return Head(
            sort=tongue.say("回放", "replay") if self.subject.proposal is None
            else tongue.say("回放：今与方案", "replay: today and a proposal"),
            title=title or named or tongue.say("历史天气，今日规则", "Past weather, today's rules"),
            facts=facts,
            notices=notices,
            credits=common.credits(self.config, [replay.event]),
            band=courses.band(replay),
        )  # fmt: skip

    def tiles(self) -> list[Tile]:
        """The replay in a few figures."""
        t = self.tongue
        peak = _peak(self.replay)
        top = self._tile(t.say("最高等级", "highest level"), lambda r: t.level(_peak(r)), level=peak)
        woken = t.say("人次，同一夜算一次", "people, once a night")
        blind = t.say("有镇街无法判断，各灾种相加", "some town could not be judged, hazards added")
        return [
            top,
            self._tile(t.say("预警", "alerts"), lambda r: str(_alerts(r)),
                       t.say(f"{_told(self.replay)}次变化", f"{_told(self.replay)} changes")),
            self._tile(t.say("信息", "messages"), lambda r: str(len(r.pages)),
                       t.say("到人，人次", "that reached people")),
            self._tile(t.say("要确认", "to be answered"), lambda r: str(_count(r, "calls"))),
            self._tile(t.say("夜间", "at night"), lambda r: str(_count(r, "night")),
                       "–".join(self.config.service.night)),
            self._tile(t.say("叫醒", "woken"), lambda r: str(len(nights_of(r.pages))), woken),
            self._tile(t.say("看不清", "blind"),
                       lambda r: t.span(sum(r.blind.values(), timedelta(0))), blind),
        ]  # fmt: skip

    def _tile(
        self, name: str, value: Callable[[Replay], str], note: str = "", level: Level = Level.NONE
    ) -> Tile:
        proposal = self.subject.proposal
        proposed = "" if proposal is None else value(proposal)
        return Tile(name=name, value=value(self.replay), proposed=proposed, note=note, level=level)

    def changed(self) -> list[tuple[str, str, str]]:
        """What the proposal changes: key, value today, value proposed."""
        changes = self.subject.changes
        if changes is None:
            return []
        return [
            (f"{edit.file} {dotted(edit.trail)}", _plain(edit.former), _plain(edit.value))
            for edit in changes.edits
        ]

    def parts(self) -> list[panels.Part]:
        """A panel for each hazard that had something to tell."""
        pair = panels.Pair(today=self.replay, proposal=self.subject.proposal)
        return [
            panels.part(name, pair, self.config, self.tongue, self.paper)
            for name in self._shown()
            if name in self.config.hazards
        ]

    def _shown(self) -> list[str]:
        return courses.hazards_shown(self.replay, self.subject.proposal)

    def silent(self) -> list[str]:
        """Names of hazards that were judged and of which nothing was told."""
        names = courses.silent(self.replay, self.config, self._shown())
        return [self.tongue.name(self.config.hazards[name].conduct) for name in names]

    def hours(self) -> Drawing:
        """At what hour of the day people are reached."""
        t, proposal = self.tongue, self.subject.proposal
        called, told = (
            _by_hour(page for page in self.replay.pages if page.calls is calls) for calls in (True, False)
        )
        draw = partial(
            load.draw, today=(called, told), night=courses.night_of(self.config),
            proposal=None if proposal is None else _by_hour(proposal.pages),
        )  # fmt: skip
        name = t.say("每小时的信息", "messages by hour of the day")
        wide, slim = (
            Sketch(name=f"{kind}-hours", alt=name, draw=draw, width=width, height=300)
            for kind, width in (("wide", 500), ("slim", 360))
        )
        return common.drawing(wide, t, name, None if self.paper else slim)

    def people(self) -> list[tuple[str, ...]]:
        """Person, subsystem, messages, calls, night, woken: the most burdened first."""
        mine: dict[str, list[Paged]] = defaultdict(list)
        for page in self.replay.pages:
            mine[page.person].append(page)
        ranked = sorted(
            mine.items(), key=lambda one: (-_woken(one[1]), -_nightly(one[1]), -len(one[1]), one[0])
        )
        return [
            (self._person(person), self._subsystems(pages), str(len(pages)),
             str(sum(page.calls for page in pages)), str(_nightly(pages)), str(_woken(pages)))
            for person, pages in ranked[:MOST_PEOPLE]
        ]  # fmt: skip

    def _person(self, person: str) -> str:
        known = self.config.routes.people.get(person)
        return known.name if known else person

    def _subsystems(self, pages: Iterable[Paged]) -> str:
        names = dict.fromkeys(page.subsystem for page in pages)
        known = self.config.routes.subsystems
        words = [self.tongue.name(known[name]) if name in known else name for name in names]
        return self.tongue.say("、", ", ").join(words)

    def steps(self) -> list[Step]:
        """Every change with its words; beside a proposal those that only one of both makes."""
        difference = self.difference
        if difference is None:
            told = [(number, change, "") for number, change in enumerate(self.replay.transitions, 1)]
        else:
            numbers = {change.id: number for number, change in enumerate(self.replay.transitions, 1)}
            told = [(numbers[change.id], change, "gone") for change in difference.gone]
            told += [(0, change, "new") for change in difference.new]
            told.sort(key=lambda one: (one[1].at, one[2], one[1].hazard))
        texts = common.texts_of(self.config)
        return [
            self._step(number, change, only, texts)
            for number, change, only in told
            if change.hazard in self.config.hazards
        ]

    @property
    def difference(self) -> Difference | None:
        """What differs; None without a proposal."""
        return None if self.subject.proposal is None else compare(self.replay, self.subject.proposal)

    @cached_property
    def reached(self) -> dict[str, dict[str, list[Paged]]]:
        """"new" for those of the proposal, "" and "gone" for today's -> change -> its messages."""
        today, proposal = _by_change(self.replay.pages), {}
        if self.subject.proposal is not None:
            proposal = _by_change(self.subject.proposal.pages)
        return {"": today, "gone": today, "new": proposal}

    def _step(self, number: int, change: Transition, only: str, texts: Texts) -> Step:
        t = self.tongue
        facts = texts.facts(change, t.language)
        return Step(
            number=str(number) if number else "+",
            only=only,
            when=t.moment(change.at),
            day_part=t.say("夜间", "night") if self._by_night(change) else "",
            hazard=t.name(self.config.hazards[change.hazard].conduct),
            reason=t.say(*REASONS[change.reason]),
            before=change.from_level,
            after=change.to_level,
            told=self._told(self.reached[only].get(change.id, [])),
            text=texts.part(change.reason.value, t.language, facts),
            because=texts.part("because", t.language, facts),
        )

    def _told(self, pages: Sequence[Paged]) -> str:
        t, people = self.tongue, len({page.person for page in pages})
        if not people:
            return t.say("不单独告知", "told to nobody by itself")
        told = t.say(f"到{people}人", f"to {people} people")
        calls = sum(page.calls for page in pages)
        return told + (t.say(f"，{calls}人次要确认", f", {calls} to be answered") if calls else "")

    def _by_night(self, change: Transition) -> bool:
        local = change.at.astimezone(BEIJING)
        begin, end = courses.night_of(self.config)
        return (local.hour + local.minute / 60 - begin) % 24 < (end - begin) % 24


def _by_change(pages: Iterable[Paged]) -> dict[str, list[Paged]]:
    found: dict[str, list[Paged]] = defaultdict(list)
    for page in pages:
        found[page.transition].append(page)
    return found


def _plain(value: object) -> str:
    return "—" if value is None else str(value)


def _by_hour(pages: Iterable[Paged]) -> list[int]:
    counts = Counter(page.at.astimezone(BEIJING).hour for page in pages)
    return [counts[hour] for hour in range(24)]


def _peak(replay: Replay) -> Level:
    return max((change.to_level for change in replay.transitions), default=Level.NONE)


def _alerts(replay: Replay) -> int:
    return len({change.alert for change in replay.transitions if change.reason not in ABOUT_DATA})


def _told(replay: Replay) -> int:
    return len(replay.transitions)


def _count(replay: Replay, what: str) -> int:
    return sum(bool(getattr(page, what)) for page in replay.pages)


def _nightly(pages: Iterable[Paged]) -> int:
    return sum(page.night for page in pages)


def _woken(pages: Iterable[Paged]) -> int:
    return sum(page.woken for page in pages)
