"""The report of a verification, alone or beside that of a proposal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import median

from ingest.times import HOUR
from pipeline.config import Config
from pipeline.replay.result import Replay
from pipeline.reports import burden, diagrams
from pipeline.reports import sheet as common
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Drawing, Head, Notice, Sheet, Tile
from pipeline.reports.words import BLOCKS, CERTAINTIES, FATES, KINDS
from pipeline.verify.bootstrap import FEW, Figure
from pipeline.verify.result import Fate, HazardScore, LevelScore, Story, Verification
from rules.level import Level

SCORES = (
    ("pod", "POD", "命中率", "detected", 2),
    ("far", "FAR", "空报比", "false alarms", 2),
    ("csi", "CSI", "临界成功指数", "critical success", 2),
    ("bias", "Bias", "频率偏差", "frequency bias", 2),
    ("sedi", "SEDI", "稀有事件指数，按日", "rare events, of days", 2),
)
"""Scores of the table: name in the figures, sign, Chinese, English, decimals."""


@dataclass(frozen=True, kw_only=True)
class Contest:
    """What the report of a verification is about: the rules of today, and maybe a proposal beside them."""

    today: Verification
    """Under the configuration as it is."""
    proposal: Verification | None = None
    """The same events and period under the changed configuration."""
    replay: Replay | None = None
    """What was verified: it knows what the data were."""
    summary: Mapping[str, Sequence[str]] | None = None
    """Language -> sentences on what differs."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event in the list."""

    when: str
    """Its onset."""
    hazard: str
    """Name of the hazard."""
    level: Level
    """Level it was judged at."""
    sign: str
    """A sign of what became of it."""
    fate: str
    """What became of it, in words."""
    key: str
    """The same for style."""
    lead: str
    """From the first warning of that level to the onset."""
    note: str
    """What happened."""
    source: str
    """Who says so, and how sure that is."""
    url: str
    """Where it can be read; empty where it cannot."""
    proposed: str
    """What became of it under the proposal; empty where that is the same."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One score in a table."""

    value: str
    """The score."""
    bounds: str
    """Its interval."""
    n: int
    """Cases behind it."""
    few: bool
    """Whether they are too few to decide anything."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One level of a hazard."""

    level: Level
    """Which."""
    proposed: bool
    """Whether it is the proposal's."""
    counts: Sequence[str]
    """Hits, late, near, misses, false alarms."""
    cells: Sequence[Cell]
    """As `SCORES`."""
    lead: str
    """Median lead time of its hits."""
    time: str
    """How long the district stood at it."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One hazard."""

    name: str
    """Its name."""
    few: bool
    """Whether it has fewer than ten events."""
    events: int
    """Events."""
    rows: Sequence[Row]
    """Scores by level."""
    tiers: str
    """The score of the ladder as a whole; empty where there is none."""
    drawings: Sequence[Drawing]
    """Its figures."""


def sheet(subject: Verification | Contest, config: Config, title: str) -> Sheet:
    """The report in either language."""
    contest = subject if isinstance(subject, Contest) else Contest(today=subject)
    return Sheet(template="verification.html", facts=partial(_facts, contest, config, title))


def _facts(contest: Contest, config: Config, title: str, tongue: Tongue, paper: bool) -> dict[str, object]:
    page = _Page(contest=contest, config=config, tongue=tongue)
    head = page.head(title)
    return {
        "title": head.title,
        "head": head,
        "tiles": page.tiles(),
        "summary": (contest.summary or {}).get(tongue.language, ()),
        "fates": page.fates(),
        "parts": [page.part(name) for name in contest.today.hazards],
        "scores": [(sign, tongue.say(zh, en)) for _, sign, zh, en, _ in SCORES],
        "worth": burden.worth(contest.today.worth, config, tongue),
        "load": burden.said(contest.today.load, config, tongue),
        "people": burden.people(contest.today.load, config),
        "quiet": [page.hazard(name) for name in contest.today.quiet],
        "compared": contest.proposal is not None,
    }


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A verification that is being told in one language."""

    contest: Contest
    config: Config
    tongue: Tongue

    @property
    def today(self) -> Verification:
        """Today's."""
        return self.contest.today

    def hazard(self, name: str) -> str:
        """Name of a hazard."""
        return common.hazard_name(name, self.config, self.tongue)

    def head(self, title: str) -> Head:
        """What it is about, and what must be known before believing it."""
        t, found = self.tongue, self.today
        event = common.event_of(found.event)
        named = "" if event is None else t.say(event.title_zh, event.title_en)
        facts = common.identity(self.config, (found.start, found.end), t)
        drawn = t.say(*BLOCKS[found.block])
        interval = t.say(f"90%，按{drawn}分块自助抽样", f"90 %, bootstrap of whole {drawn}")
        facts.append((t.say("区间", "intervals"), interval))
        notices = [Notice(sign="!", text=t.words(note)) for note in found.notes]
        if self.contest.replay is not None:
            marks = common.union(change.marks for change in self.contest.replay.transitions)
            notices += common.provenance(marks, self.config, t)
        if event is not None:
            notices.append(Notice(sign="i", text=t.say(event.notes_zh, event.notes_en)))
        return Head(
            sort=t.say("检验", "verification"),
            title=title or (t.say(f"检验：{named}", f"Verified: {named}") if named else
                            t.say("预警与事实", "Warnings against what happened")),
            facts=facts,
            notices=notices,
            credits=common.credits(self.config, [found.event]),
        )  # fmt: skip

    def tiles(self) -> list[Tile]:
        """What became of the events."""
        t, tile = self.tongue, self._count
        return [
            Tile(name=t.say("事件", "events"), value=str(len(self.today.stories)),
                 note=t.say("目录、灾情、值班员判定", "catalogue, damage reports, verdicts")),
            tile("hit", t.say("及时且等级够", "in time and high enough")),
            tile("late", t.say("发生之后才报", "warned after it began")),
            tile("near", t.say("差一点：时间、地点或等级", "nearly: time, place or level")),
            tile("miss", t.say("没有预警", "no warning")),
            Tile(name=t.say("空报", "false alarms"), value=str(_false(self.today)),
                 proposed="" if self.contest.proposal is None else str(_false(self.contest.proposal)),
                 note=t.say("按各灾种最低一级", "at the lowest level of each hazard")),
            Tile(name=t.say("首次预警提前", "first warning ahead"), value=t.span(_first(self.today)),
                 proposed="" if self.contest.proposal is None else t.span(_first(self.contest.proposal)),
                 note=t.say("中位数，任何等级", "median, any level")),
        ]  # fmt: skip

    def _count(self, fate: Fate, note: str) -> Tile:
        sign, zh, en = FATES[fate]
        both = [self.today, *([self.contest.proposal] if self.contest.proposal else [])]
        counts = [str(sum(story.fate == fate for story in found.stories)) for found in both]
        name = f"{sign} {self.tongue.say(zh, en)}"
        return Tile(name=name, value=counts[0], proposed=counts[1] if len(counts) > 1 else "", note=note)

    def fates(self) -> list[Told]:
        """Every event, by onset."""
        other = {} if self.contest.proposal is None else {
            story.occurrence.id: story for story in self.contest.proposal.stories
        }  # fmt: skip
        return [self._fate(story, other.get(story.occurrence.id)) for story in self.today.stories]

    def _fate(self, story: Story, other: Story | None) -> Told:
        t, event = self.tongue, story.occurrence
        sign, zh, en = FATES[story.fate]
        sure = [t.say(*KINDS[event.kind]), t.say(*CERTAINTIES[event.certainty]), event.source]
        moved = other is not None and other.fate != story.fate
        return Told(
            when=t.moment(event.onset, year=True),
            hazard=self.hazard(event.hazard),
            level=story.level,
            sign=sign,
            fate=t.say(zh, en),
            key=story.fate,
            lead=self._lead(story.leads.get(story.level)),
            note=t.words(event.note) if event.note else event.id,
            source=" · ".join(sure),
            url=event.url,
            proposed=t.say(*FATES[other.fate][1:]) if other is not None and moved else "",
        )

    def _lead(self, lead: timedelta | None) -> str:
        t = self.tongue
        if lead is None:
            return ""
        far = t.span(abs(lead))
        if lead < timedelta(0):
            return t.say(f"晚{far}", f"{far} after")
        return t.say(f"提前{far}", f"{far} ahead")

    def part(self, name: str) -> Part:
        """Scores and figures of one hazard."""
        score = self.today.hazards[name]
        other = None if self.contest.proposal is None else self.contest.proposal.hazards.get(name)
        t, pair = self.tongue, diagrams.Pair(today=score, proposal=other)
        return Part(
            name=self.hazard(name),
            few=0 < len(score.stories) < FEW,
            events=len(score.stories),
            rows=list(self._rows(score, other)),
            tiers=self._tiers(score),
            drawings=list(diagrams.drawn(pair, self.config, self.today.worth, t)),
        )

    def _rows(self, score: HazardScore, other: HazardScore | None) -> Iterator[Row]:
        for level, found in sorted(score.levels.items(), reverse=True):
            yield self._row(found, proposed=False)
            if other is not None and level in other.levels:
                yield self._row(other.levels[level], proposed=True)

    def _row(self, found: LevelScore, proposed: bool) -> Row:
        t, told = self.tongue, found.matches
        lists = (told.hits, told.late, told.near_hits, told.misses, told.false_alarms)
        return Row(
            level=found.level,
            proposed=proposed,
            counts=[str(len(each)) for each in lists],
            cells=[self._cell(found.figures.get(name), digits) for name, *_, digits in SCORES],
            lead=t.span(_typical(found.leads)),
            time=t.span(found.time),
        )

    def _cell(self, figure: Figure | None, digits: int) -> Cell:
        t = self.tongue
        if figure is None:
            return Cell(value=t.number(None), bounds="", n=0, few=False)
        bounds = t.interval((figure.low, figure.high), digits)
        return Cell(value=t.fixed(figure.value, digits), bounds=bounds, n=figure.n, few=figure.few)

    def _tiers(self, score: HazardScore) -> str:
        tiers = score.tiers
        if tiers is None:
            return ""
        t = self.tongue
        firm, over, under, never = (
            t.number(part, 3) for part in (tiers.firm, tiers.over, tiers.under, tiers.never)
        )
        skill = t.number(tiers.skill)
        zh = (
            f"整个阶梯（FIRM，每日，越小越好）：{firm}，其中偏高{over}、偏低{under}；"
            f"从不预警为{never}，技巧{skill}，{tiers.days}天。"
        )
        en = (
            f"The ladder as a whole (FIRM per day, less is better): {firm}, of it too high {over}, too low "
            f"{under}; never warning {never}, skill {skill}, {tiers.days} days."
        )
        return t.say(zh, en)

def _false(found: Verification) -> int:
    lowest = (score.levels[min(score.levels)] for score in found.hazards.values() if score.levels)
    return sum(len(level.matches.false_alarms) for level in lowest)


def _first(found: Verification) -> timedelta | None:
    return _typical([story.first for story in found.stories if story.first is not None])


def _typical(spans: Sequence[timedelta]) -> timedelta | None:
    """The median; None of nothing."""
    return median(span / HOUR for span in spans) * HOUR if spans else None
