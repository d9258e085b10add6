"""A replay, and two side by side, as lines of text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from unicodedata import east_asian_width

from alerts.event.transition import Transition
from ingest.times import BEIJING, HOUR
from pipeline.config import Config
from pipeline.replay.compare import Difference, Pair, nights_of
from pipeline.replay.result import Replay
from pipeline.verify.load import load

_PEOPLE = 10
_CHANGES = 30


def told(replay: Replay, config: Config) -> Iterator[str]:
    """Every change, who was paged how often, and the totals."""
    for change in replay.transitions:
        yield _line(change, config)
    if replay.pages:
        yield ""
        yield from _people(replay, config)
        yield ""
    blind = {name: span for name, span in replay.blind.items() if span}
    if blind:
        worst = sorted(blind, key=lambda name: (-blind[name], name))[:3]
        names = "，".join(f"{_name(name, config)}{blind[name] / HOUR:.0f}小时" for name in worst)
        yield f"有镇街判断不了 blind：{names}{f' 等{len(blind)}种' if len(blind) > len(worst) else ''}"
    people = len({page.person for page in replay.pages})
    yield (
        f"{replay.ticks}个时次 ticks，{len(replay.transitions)}次变化 transitions，"
        f"{len(replay.deliveries)}条信息 messages，{people}人 people，{replay.elapsed_s:.2f}秒"
    )


def _people(replay: Replay, config: Config) -> Iterator[str]:
    found = load(replay)
    rows = [("值班员 person", "信息 pages", "要应答 calls", "夜间 night", "叫醒 woken", "最忙10分钟 busiest")]
    for one in found.people[:_PEOPLE]:
        person = config.routes.people.get(one.person)
        when = one.busiest_at.astimezone(BEIJING)
        rows.append((
            one.person if person is None else f"{person.name} {one.person}",
            str(one.pages), str(one.calls), str(one.night), str(one.woken),
            f"{one.busiest}  {when:%Y-%m-%d %H:%M}",
        ))  # fmt: skip
    yield from _aligned(rows)
    if len(found.people) > _PEOPLE:
        yield f"… 另有 {len(found.people) - _PEOPLE} 人 more people"
    months, woken = replay.months, len(nights_of(replay.pages))
    yield (
        f"每月 a month：{found.per_month:.1f}条信息 pages，夜间 at night {found.night_per_month:.1f}，"
        f"被叫醒 woken {woken / months:.1f}人次"
    )


def compared(today: Replay, proposal: Replay, found: Difference, config: Config) -> Iterator[str]:
    """Today and the proposal in two columns, then what only one of them does."""
    counts = {
        "变化 transitions": Pair(today=len(today.transitions), proposal=len(proposal.transitions)),
        "信息 pages": found.pages,
        "要应答 calls": found.calls,
        "夜间 at night": found.night,
        "叫醒人次 woken": found.woken,
    }
    counts |= {f"  {_name(name, config)}": pair for name, pair in found.hazards.items()}
    rows = [("", "今天 today", "改后 proposal", "每月 a month")]
    for name, pair in counts.items():
        rows.append((name, str(pair.today), str(pair.proposal), f"{pair.more / found.months:+.1f}"))
    yield from _aligned(rows)
    for title, changes in (("只有今天 only today", found.gone), ("只有改后 only proposed", found.new)):
        if changes:
            yield ""
            yield f"{title}：{len(changes)}"
            yield from (_line(change, config) for change in changes[:_CHANGES])
            if len(changes) > _CHANGES:
                yield f"… 另有 {len(changes) - _CHANGES} 次，见 --json / more, see --json"
    yield ""
    yield f"{found.words.zh} / {found.words.en}"


def _line(change: Transition, config: Config) -> str:
    at = change.at.astimezone(BEIJING)
    arrow = f"{change.from_level.zh}→{change.to_level.zh}"
    head = f"{at:%Y-%m-%d %H:%M}  {_name(change.hazard, config)} {change.reason.value:<10}"
    return f"{head} {arrow:<6} {len(change.places)}个镇街"


def _name(hazard: str, config: Config) -> str:
    block = config.hazards.get(hazard)
    return hazard if block is None else block.conduct.name


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns side by side, the first to the left and the others to the right."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [first + " " * (widths[0] - _width(first))]
        cells += [" " * (width - _width(cell)) + cell for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join(cells).rstrip()


def _width(text: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(_columns(text))


def _columns(text: str) -> Iterable[int]:
    return (2 if east_asian_width(letter) in "WF" else 1 for letter in text)
