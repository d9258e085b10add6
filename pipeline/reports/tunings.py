"""The report of a tuning: what was tried, what is proposed, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pipeline.config import Config
from pipeline.configuration.yaml_lines import dotted
from pipeline.reports import courses, panels
from pipeline.reports import sheet as common
from pipeline.reports.drawing import Draw, Sketch
from pipeline.reports.figures import pareto, performance
from pipeline.reports.figures.pareto import Cloud
from pipeline.reports.figures.performance import Point, bounds
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Drawing, Head, Notice, Sheet, Tile
from pipeline.tune.result import FIGURES, Row, Tuning
from pipeline.tune.words import NAMES
from pipeline.verify.bootstrap import FEW, Figure

_WIDE = 400


@dataclass(frozen=True, kw_only=True)
class Line:
    """One figure of the table of scores."""

    name: str
    """What is measured."""
    today: str
    """Of the ladder in force."""
    today_bounds: str
    """Its interval."""
    proposal: str
    """Of the proposal."""
    proposal_bounds: str
    """Its interval."""
    difference: str
    """Proposal minus today."""
    difference_bounds: str
    """Its interval, both drawn from the same past."""
    held_out: str
    """The choice without a year, on that year: over all years."""
    held_out_today: str
    """Today's ladder on the same years."""


def sheet(subject: Tuning, config: Config, title: str) -> Sheet:
    """The report in either language."""
    return Sheet(template="tuning.html", facts=partial(_facts, subject, config, title))


def _facts(
    tuning: Tuning, config: Config, title: str, tongue: Tongue, paper: bool
) -> dict[str, object]:
    page = _Page(tuning=tuning, config=config, tongue=tongue, paper=paper)
    head = page.head(title)
    return {
        "title": head.title,
        "head": head,
        "tiles": page.tiles(),
        "notes": [tongue.words(note) for note in tuning.notes],
        "price": tongue.words(tuning.price),
        "few": tuning.events < FEW,
        "events": tuning.events,
        "aim": page.aim(),
        "edits": page.edits(),
        "lines": list(page.lines()),
        "drawings": list(page.drawings()),
        "front": [page.row(row) for row in tuning.front],
        "keys": [_short(key) for key in tuning.today.values],
        "folds": page.folds(),
        "parts": page.parts(),
        "refused": page.refused(),
        "same": not tuning.changes.edits,
    }


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A tuning that is being told in one language."""

    tuning: Tuning
    config: Config
    tongue: Tongue
    paper: bool

    @property
    def hazard(self) -> str:
        """Name of the hazard."""
        block = self.config.hazards.get(self.tuning.plan.hazard)
        return self.tongue.name(block.conduct) if block else self.tuning.plan.hazard

    def named(self, figure: str) -> str:
        """Name of a figure."""
        return self.tongue.say(*NAMES[figure])

    def head(self, title: str) -> Head:
        """What was tuned, and what must be known of the data."""
        t, tuning = self.tongue, self.tuning
        facts = common.identity(self.config, (tuning.start, tuning.end), t)
        level = t.level(tuning.plan.level)
        what = t.say(f"{self.hazard}，{level}及以上", f"{self.hazard}, {level} and above")
        facts.append((t.say("灾种和等级", "hazard and level"), what))
        replays = tuning.replays or ()
        marks = common.union(change.marks for replay in replays for change in replay.transitions)
        notices: list[Notice] = common.provenance(marks, self.config, t)
        return Head(
            sort=t.say("调阈值", "tuning"),
            title=title or tuning.title or t.say(f"{self.hazard}阈值调优", f"Tuning {self.hazard.lower()}"),
            facts=facts,
            notices=notices,
            credits=common.credits(self.config, [replay.event for replay in replays]),
            band=courses.band(replays[0]) if replays else (),
        )

    def tiles(self) -> list[Tile]:
        """Events, ladders tried, and the figures people ask for first."""
        t, tuning = self.tongue, self.tuning
        return [
            Tile(name=t.say("事件", "events"), value=str(tuning.events)),
            Tile(name=t.say("试过的阶梯", "ladders tried"), value=f"{tuning.tried:,}"),
            *(self._tile(name) for name in ("pod", "far", "lead_h", "night_pages_per_month")),
        ]

    def _tile(self, name: str) -> Tile:
        today, proposal = (row.figures.get(name) for row in (self.tuning.today, self.tuning.proposal))
        digits = 1 if name == "lead_h" else 2
        return Tile(
            name=self.named(name),
            value=self.tongue.number(_value(today), digits),
            proposed=self.tongue.number(_value(proposal), digits),
        )

    def aim(self) -> str:
        """What was wanted, and within which constraints."""
        t, plan = self.tongue, self.tuning.plan
        bounds = [f"{self.named(name)} {bound.words}" for name, bound in plan.constraints.items()]
        best = self.named(plan.maximise)
        wanted = t.say(f"目标：{best}最好", f"Wanted: the best {best}")
        return wanted + (t.say("；约束：", "; kept to: ") + t.say("，", ", ").join(bounds) if bounds else "")

    def edits(self) -> list[tuple[str, str, str]]:
        """Key, value in force, value proposed."""
        return [
            (f"{edit.file} {dotted(edit.trail)}", _plain(edit.former), _plain(edit.value))
            for edit in self.tuning.changes.edits
        ]

    def lines(self) -> Iterator[Line]:
        """Every figure of today's ladder and of the proposal."""
        t, tuning = self.tongue, self.tuning
        for name in FIGURES:
            today, proposal = (row.figures.get(name) for row in (tuning.today, tuning.proposal))
            less = tuning.differences.get(name)
            chosen, now = tuning.held_out.get(name, (math.nan, math.nan))
            yield Line(
                name=self.named(name),
                today=t.fixed(_value(today)),
                today_bounds=self._bounds(today),
                proposal=t.fixed(_value(proposal)),
                proposal_bounds=self._bounds(proposal),
                difference=t.signed(_value(less), 2),
                difference_bounds=self._bounds(less, counted=False),
                held_out=t.number(chosen),
                held_out_today=t.number(now),
            )

    def _bounds(self, figure: Figure | None, counted: bool = True) -> str:
        if figure is None or not math.isfinite(figure.low):
            return ""
        said = self.tongue.interval((figure.low, figure.high))
        return f"{said}, n={figure.n}" if counted else said

    def drawings(self) -> Iterator[Drawing]:
        """The front, and the performance diagram."""
        t, tuning = self.tongue, self.tuning
        for across in ("night_pages_per_month", "far"):
            cloud = self._cloud(across, "pod")
            if cloud is not None:
                caption = t.say(
                    "前沿上的阶梯，没有一个能在三项（命中、空报、夜间叫应）上都被别的超过。",
                    "Of the ladders on the front none is beaten in all of detection, false alarms and calls "
                    "at night.",
                )
                yield self._square(f"front-{across}", caption, partial(pareto.draw, cloud=cloud), 380)
        points = [
            point
            for row, label in (
                (tuning.today, t.say("今", "today")),
                (tuning.proposal, t.say("方案", "proposal")),
            )
            if (point := _point(row, label)) is not None
        ]
        if points:
            caption = t.say(
                "成功率与命中率；十字是90%区间。",
                "Success ratio and detection; crosses are 90 % intervals.",
            )
            yield self._square("performance", caption, partial(performance.draw, points=points), 440)

    def _square(self, name: str, caption: str, draw: Draw, height: int) -> Drawing:
        sketch = Sketch(name=name, alt=caption, draw=draw, width=_WIDE, height=height)
        return common.drawing(sketch, self.tongue, caption)

    def _cloud(self, across: str, up: str) -> Cloud | None:
        spots = sorted(spot for row in self.tuning.front if (spot := _spot(row, across, up)) is not None)
        if len(set(spots)) < 2:
            return None  # one spot is no choice
        tuning = self.tuning
        return Cloud(
            across=self.named(across),
            up=self.named(up),
            others=[spot for spot in spots if spot not in _edge(spots)],
            front=_edge(spots),
            today=_spot(tuning.today, across, up),
            proposal=_spot(tuning.proposal, across, up),
        )

    def row(self, row: Row) -> dict[str, object]:
        """A ladder of the front: its values, its figures, and whether it may be chosen."""
        t = self.tongue
        said = [t.say("今", "today")] * row.today + [t.say("方案", "proposal")] * row.proposed
        said += [] if row.keeps else [t.say("不满足约束", "breaks a constraint")]
        return {
            "mark": t.say("、", ", ").join(said),
            "proposed": row.proposed,
            "values": [_plain(value) for value in row.values.values()],
            "counts": [str(row.hits), str(row.misses), str(row.false_alarms)],
            "figures": [t.number(figure.value) if (figure := row.figures.get(name)) else "—"
                        for name in ("pod", "far", "lead_h", "night_pages_per_month")],
        }  # fmt: skip

    def folds(self) -> list[tuple[str, ...]]:
        """Years left out, what was chosen without them, and how it did on them against today's ladder."""
        t = self.tongue
        names = (self.tuning.plan.maximise, "far" if self.tuning.plan.maximise != "far" else "pod")
        return [
            (t.say("、", ", ").join(map(str, fold.years)),
             t.say("，", ", ").join(f"{_short(key)} {_plain(value)}" for key, value in fold.values.items()),
             *(f"{t.number(fold.figures.get(name))} / {t.number(fold.today.get(name))}" for name in names))
            for fold in self.tuning.folds
        ]  # fmt: skip

    def parts(self) -> list[panels.Part]:
        """The hazard over the period under both ladders, where it was replayed in full."""
        if self.tuning.replays is None:
            return []
        today, proposal = self.tuning.replays
        both = panels.Pair(today=today, proposal=proposal if self.tuning.changes.edits else None)
        return [panels.part(self.tuning.plan.hazard, both, self.config, self.tongue, self.paper)]

    def refused(self) -> list[str]:
        """Why some values of the plan make no ladder."""
        return [f"{count} × {why}" for why, count in self.tuning.refused.items()]


def _short(key: str) -> str:
    return key.removeprefix("ladder.")


def _plain(value: object) -> str:
    return "—" if value is None else str(value)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _spot(row: Row, across: str, up: str) -> tuple[float, float] | None:
    found = [row.figures.get(name) for name in (across, up)]
    values = [math.nan if figure is None else figure.value for figure in found]
    return (values[0], values[1]) if all(map(math.isfinite, values)) else None


def _edge(spots: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Spots from left to right than which none further left lies as high."""
    kept: list[tuple[float, float]] = []
    best = -math.inf
    for across, up in sorted(spots, key=lambda spot: (spot[0], -spot[1])):
        if up > best:
            kept.append((across, up))
            best = up
    return kept


def _point(row: Row, label: str) -> Point | None:
    pod, far = row.figures.get("pod"), row.figures.get("far")
    if pod is None or far is None or not (math.isfinite(pod.value) and math.isfinite(far.value)):
        return None
    return Point(
        label=label,
        success=1 - far.value,
        pod=pod.value,
        success_bounds=bounds(1 - far.high, 1 - far.low),
        pod_bounds=bounds(pod.low, pod.high),
        proposed=row.proposed and not row.today,
    )
