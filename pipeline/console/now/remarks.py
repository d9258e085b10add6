"""The strip above all: what of Fengsui itself is sick, missing or arranged, each in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection

from alerts.duty import coverage, silences
from alerts.duty.coverage import Gap
from alerts.outgoing import desks
from alerts.record import troubles
from ingest.times import BEIJING, parse_instant
from pipeline.climate import waiting_for_baseline
from pipeline.console.now.facts import Remark, Said, SourceAge
from pipeline.health import Health, silent_sources, tick_problems
from pipeline.ports import Ports

SOON = timedelta(hours=12)
"""So far ahead an empty rota is told here; the whole day stands in the room of dispatch."""
_NOTHING = Said(zh="", en="")
_STAMP = re.compile(r"(?:(\d{4})-)?(\d\d)-(\d\d)T(\d\d:\d\d)Z")
_NO_DATA = "因缺数据无法判断"
_GAPS = {
    "nobody": Said(zh="无人值班", en="nobody is on duty"),
    "ends": Said(zh="排班到此为止", en="the rota ends"),
    "stand_in": Said(zh="替班结束后无人接班", en="nobody follows the stand-in"),
    "unreachable": Said(zh="值班人员没有可用的联系渠道", en="no channel reaches who is on duty"),
    "approvers": Said(zh="能联系上的审批人不足", en="too few approvers can be reached"),
}


def sources_of(told: Health) -> tuple[SourceAge, ...]:
    """How old the newest of each source is."""
    return tuple(
        SourceAge(name=one.name, newest=one.newest, silent=one.silent) for one in told.sources
    )


def remarks_of(
    connection: Connection, ports: Ports, told: Health, now: datetime
) -> tuple[Remark, ...]:
    """Everything that is wrong or arranged now, the grave first."""
    found = [
        *_ticks(ports, told, now),
        *_sources(told),
        *_unknown(ports, told),
        *_others(connection, ports, told, now),
        *_channels(ports),
        *_troubles(connection, ports),
        *_gaps(connection, ports, now),
        *_silences(connection, ports, now),
        *_waiting(ports),
    ]
    return tuple(sorted(found, key=lambda one: not one.grave))


def _ticks(ports: Ports, told: Health, now: datetime) -> Iterator[Remark]:
    if tick_problems(told.last_tick, ports.config, now):
        zh, en = "从未研判", "No tick was ever made"
        if told.last_tick is not None:
            since = _at(told.last_tick)
            zh = f"自{since}起没有研判，下面显示的是那时的情况"
            en = f"No tick since {since}: what is shown is old"
        yield Remark(
            grave=True,
            what=Said(zh=zh, en=en),
            remedy=Said(zh="请检查 fengsui run 是否在运行", en="check that fengsui run is alive"),
        )


def _sources(told: Health) -> Iterator[Remark]:
    for one in told.sources:
        if one.silent:
            zh = f"自{_at(one.newest)}起没有新数据" if one.newest else "从未来过数据"
            en = f"silent since {_at(one.newest)}" if one.newest else "never said anything"
            yield Remark(
                grave=True,
                what=Said(zh=f"数据源{one.name}{zh}", en=f"Source {one.name}: {en}"),
                remedy=Said(
                    zh="请检查网络和该数据源的配置，恢复前以气象台资料为准",
                    en="check the network and its settings; until then ask the weather office",
                ),
            )


def _unknown(ports: Ports, told: Health) -> Iterator[Remark]:
    """One sentence for all hazards whose towns cannot be judged; those without a baseline are noted apart."""
    hazards, waiting = ports.config.hazards, waiting_for_baseline(ports.config, ports.baseline)
    blind = {name: count for name, count in told.unknown.items() if count and name not in waiting}
    named = [(hazards[name].conduct, count) for name, count in blind.items() if name in hazards]
    if named:
        zh = "、".join(f"{conduct.name}{count}个镇街" for conduct, count in named)
        en = ", ".join(f"{conduct.name_en} in {count} towns" for conduct, count in named)
        yield Remark(
            grave=True,
            what=Said(zh=f"缺数据，无法研判：{zh}", en=f"Cannot be judged for lack of data: {en}"),
            remedy=Said(
                zh="没有资料不等于没有危险，请人工研判", en="no data is not no danger: judge by hand"
            ),
        )


def _others(
    connection: Connection, ports: Ports, told: Health, now: datetime
) -> Iterator[Remark]:
    """What health says beside ticks, sources and data."""
    above = {
        *tick_problems(told.last_tick, ports.config, now),
        *silent_sources(connection, ports.config, now).values(),
    }
    for text in told.problems:
        if text not in above and _NO_DATA not in text:
            yield Remark(grave=True, what=_said(text), remedy=_NOTHING)


def _channels(ports: Ports) -> Iterator[Remark]:
    for name, (since, what) in sorted(ports.outbox.sick.items()):
        yield Remark(
            grave=True,
            what=Said(
                zh=f"渠道{name}自{_at(since)}起不通（{what}）",
                en=f"Channel {name} is out of order since {_at(since)} ({what})",
            ),
            remedy=Said(zh="请改用电话叫应，并联系通道服务商", en="call by telephone and ask its provider"),
        )


def _troubles(connection: Connection, ports: Ports) -> Iterator[Remark]:
    """What the guard found, without what is said above of ticks, sources and channels."""
    told = {f"channel {name}" for name in ports.outbox.sick}
    for one in troubles.open_troubles(connection):
        if one.name not in told and one.name != "tick" and not one.name.startswith("source "):
            yield Remark(grave=True, what=_said(one.text), remedy=_NOTHING)


def _gaps(connection: Connection, ports: Ports, now: datetime) -> Iterator[Remark]:
    desk = desks.current(connection, ports.desk, now)
    for gap in coverage.find(desk, now, SOON):
        yield Remark(
            grave=gap.start <= now,
            what=_gap(ports, gap, now),
            remedy=Said(zh="请在“调度”安排替班", en="arrange a stand-in under Dispatch"),
        )


def _gap(ports: Ports, gap: Gap, now: datetime) -> Said:
    known = ports.desk.routes.subsystems.get(gap.subsystem)
    zh, en = (known.name, known.name_en) if known else (gap.subsystem, gap.subsystem)
    since = "现在" if gap.start <= now else f"{_at(gap.start)}起"
    from_ = "now" if gap.start <= now else f"from {_at(gap.start)}"
    words = _GAPS[gap.kind]
    return Said(zh=f"{zh}：{since}{words.zh}", en=f"{en}: {words.en} {from_}")


def _silences(connection: Connection, ports: Ports, now: datetime) -> Iterator[Remark]:
    for one in silences.in_force(connection, now):
        block = ports.config.hazards.get(one.hazard or "")
        system = ports.desk.routes.subsystems.get(one.subsystem or "")
        names = [(found.conduct.name, found.conduct.name_en) for found in (block,) if found]
        names += [(found.name, found.name_en) for found in (system,) if found]
        names += [(one.alert, one.alert)] if one.alert else []
        about_zh, about_en = "、".join(zh for zh, _ in names), ", ".join(en for _, en in names)
        until, person = _at(one.until), ports.desk.routes.people.get(one.by)
        by = person.name if person else one.by
        yield Remark(
            grave=False,
            what=Said(
                zh=f"静默中：{about_zh or '全部'}，{one.level.zh}及以下，至{until}（{by}：{one.why}）",
                en=f"Silenced: {about_en or 'everything'} up to {one.level.key} until {until}"
                f" ({by}: {one.why})",
            ),
            remedy=_NOTHING,
        )


def _waiting(ports: Ports) -> Iterator[Remark]:
    waiting = waiting_for_baseline(ports.config, ports.baseline)
    idle = [ports.config.hazards[name].conduct for name in waiting]
    if idle:
        zh, en = "、".join(one.name for one in idle), ", ".join(one.name_en for one in idle)
        yield Remark(
            grave=False,
            what=Said(zh=f"没有气候基准，不研判：{zh}", en=f"Not judged without a baseline: {en}"),
            remedy=Said(zh="请运行 fengsui baseline", en="run fengsui baseline"),
        )


def _said(text: str) -> Said:
    """A sentence of the operators' log for people: its two halves, with times of Beijing."""
    zh, _, en = _STAMP.sub(_beijing, text).partition(" / ")
    return Said(zh=zh, en=en or zh)


def _beijing(found: re.Match[str]) -> str:
    # Without a year a stamp says its day well enough; any year turns it into the same day of Beijing.
    year, month, day, clock = found.groups()
    return _at(parse_instant(f"{year or 2024}-{month}-{day}T{clock}:00Z"))


def _at(moment: datetime | None) -> str:
    return f"{moment.astimezone(BEIJING):%m-%d %H:%M}" if moment else ""
