"""The timeline of an alert in words: what happened, by whom, over what, and how it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from alerts.event.transition import Transition
from alerts.record import timeline
from alerts.record.timeline import Line
from pipeline.console.incident.rehearsal import without_links
from pipeline.console.pages import Pages, Tongue
from rules.level import Level

PAGE = 50
"""Lines on a page."""
KINDS: Mapping[str, tuple[str, str]] = {
    "change": ("变化", "Changes"),
    "release": ("审批", "Releases"),
    "vote": ("审批意见", "Votes"),
    "order": ("指令", "Orders"),
    "notice": ("告知决定", "Decisions"),
    "send": ("消息", "Messages"),
    "receipt": ("回执", "Receipts"),
    "word": ("确认", "Acknowledgements"),
    "reply": ("回复", "Replies"),
    "report": ("报告", "Reports"),
    "verdict": ("评定", "Verdicts"),
    "deed": ("操作", "Deeds"),
}
"""Kind of a line -> its name in Chinese and in English."""
_STATES: Mapping[str, tuple[str, str]] = {
    "opened": ("发布", "opened"),
    "raised": ("升级", "raised"),
    "spread": ("范围扩大", "spread"),
    "lowered": ("降级", "lowered"),
    "narrowed": ("范围缩小", "narrowed"),
    "extended": ("延长", "extended"),
    "ended": ("解除", "ended"),
    "corrected": ("更正", "corrected"),
    "cancelled": ("撤销", "cancelled"),
    "data_lost": ("数据缺失", "data lost"),
    "data_found": ("数据恢复", "data found"),
    "waiting": ("等待审批", "waits for approval"),
    "held": ("暂缓", "held"),
    "approved": ("已批准", "approved"),
    "unconfirmed": ("未经确认发出", "sent unconfirmed"),
    "refused": ("不批准", "refused"),
    "superseded": ("已被新变化取代", "superseded"),
    "yes": ("同意", "yes"),
    "no": ("不同意", "no"),
    "correct": ("更正", "correct"),
    "cancel": ("撤销", "cancel"),
    "raise": ("升级", "raise"),
    "hold": ("维持", "hold"),
    "lift": ("恢复按数据判定", "leave to the rules"),
    "told": ("告知", "told"),
    "not_told": ("不告知", "not told"),
    "due": ("待发", "due"),
    "claimed": ("发送中", "being sent"),
    "sent": ("已发", "sent"),
    "failed": ("失败", "failed"),
    "folded": ("并入简报", "in a digest"),
    "delivered": ("已送达", "delivered"),
    "undelivered": ("未送达", "not delivered"),
    "read": ("已读", "read"),
    "first": ("首先确认", "has it"),
    "again": ("重复确认", "confirmed again"),
    "facts": ("三要素", "facts"),
    "closing": ("终报", "closing report"),
    "alert": ("预警消息", "alert messages"),
    "digest": ("简报", "digests"),
    "approval": ("审批请求", "approval requests"),
    "silence": ("静默提醒", "silence reminders"),
    "hit": ("命中", "hit"),
    "false_alarm": ("空报", "false alarm"),
    "near_hit": ("接近", "near hit"),
    "too_late": ("过晚", "too late"),
    "order_correct": ("下达更正", "ordered a correction"),
    "order_cancel": ("下达撤销", "ordered a cancellation"),
    "order_raise": ("下达升级", "ordered a rise"),
    "order_hold": ("下达维持", "ordered a hold"),
    "order_lift": ("交还规则判定", "left it to the rules"),
    "release_approve": ("批准发出", "approved the release"),
    "release_refuse": ("不批准发出", "refused the release"),
    "verdict": ("评定", "gave a verdict"),
    "acknowledge": ("确认", "acknowledged"),
    "report": ("报告", "reported"),
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the timeline, ready to be read."""

    at: datetime
    """When."""
    kind: str
    """Key of its kind."""
    sort: str
    """Name of its kind."""
    title: str
    """What happened, in a few words."""
    by: str
    """Who: names of person and subsystem, and the way; may be empty."""
    words: str
    """What was written, as it was; may be empty."""
    level: Level | None
    """Level it leads to; None where it is about none."""
    bad: bool
    """Whether something failed."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A page of the timeline."""

    events: tuple[Event, ...]
    """The newest first."""
    kind: str | None
    """The one kind that is shown; None shows the story."""
    counts: Mapping[str, int]
    """Kind -> number of rows."""
    page: int
    """Which page this is, from 1."""
    more: bool
    """Whether older ones follow."""


def story_of(
    connection: Connection,
    pages: Pages,
    changes: Mapping[str, Transition],
    alert: str,
    asked: tuple[str | None, int, Tongue],
) -> Story:
    """A page of what happened to an alert; `asked` is a kind or None, a page from 1, and the language."""
    kind, page, tongue = asked
    kind = kind if kind in KINDS else None
    rows = timeline.lines(connection, alert, kind=kind, first=(page - 1) * PAGE, most=PAGE + 1)
    teller = _Teller(pages=pages, changes=changes, tongue=tongue)
    return Story(
        events=tuple(teller.event(row, folded=kind is None) for row in rows[:PAGE]),
        kind=kind,
        counts=timeline.counts(connection, alert),
        page=page,
        more=len(rows) > PAGE,
    )


@dataclass(frozen=True, kw_only=True)
class _Teller:
    """Puts lines into words."""

    pages: Pages
    """Knows names."""
    changes: Mapping[str, Transition]
    """Identifier -> change of the alert."""
    tongue: Tongue
    """Language."""

    def event(self, line: Line, *, folded: bool) -> Event:
        """One line in words."""
        level = Level(line.number) if line.kind in ("change", "release", "verdict") else None
        if line.kind == "order" and line.state in ("correct", "raise"):
            level = Level(line.number)
        return Event(
            at=line.at,
            kind=line.kind,
            sort=KINDS[line.kind][self.tongue == "en"],
            title=self._title(line, folded),
            by=self._by(line),
            words=self._words(line),
            level=level,
            bad=line.state in ("failed", "undelivered") or (line.kind == "send" and line.bad > 0),
        )

    def _title(self, line: Line, folded: bool) -> str:
        if folded and line.kind == "send":
            return self._sends(line)
        if folded and line.kind == "notice":
            zh = f"告知{line.good}次，{line.bad}个分系统未告知"
            return zh if self.tongue == "zh" else f"{line.good} told, {line.bad} subsystems not"
        return self.state(line.state)

    def _sends(self, line: Line) -> str:
        what = self.state(line.state)
        if self.tongue == "zh":
            failed = f"，失败{line.bad}" if line.bad else ""
            return f"{what}{line.number}条：已发{line.good}{failed}，已读{line.read}"
        failed = f", {line.bad} failed" if line.bad else ""
        return f"{line.number} {what}: {line.good} sent{failed}, {line.read} read"

    def state(self, name: str) -> str:
        """A state in words; one that has none stands for itself."""
        return _STATES.get(name, (name.replace("_", " "),) * 2)[self.tongue == "en"]

    def _by(self, line: Line) -> str:
        who = self.pages.person(line.who) if line.who else ""
        where = self.pages.subsystem(line.subsystem, self.tongue) if line.subsystem else ""
        return " · ".join(part for part in (who, where, line.via) if part)

    def _words(self, line: Line) -> str:
        change = self.changes.get(line.subject)
        if line.kind == "change" and change is not None:
            texts = self.pages.ports.desk.texts
            title = texts.letter(change, self.tongue).title
            parts = (title, texts.because(change, self.tongue), line.said)
            return "\n".join(part for part in parts if part)
        return without_links(line.said)
