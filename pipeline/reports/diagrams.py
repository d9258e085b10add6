"""The figures of a verified hazard: performance, lead times, ROC, value and reliability."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from ingest.times import HOUR
from pipeline.config import Config
from pipeline.reports import sheet as common
from pipeline.reports.drawing import Draw, Sketch
from pipeline.reports.figures import leads, performance, probability
from pipeline.reports.figures.performance import Point, bounds
from pipeline.reports.figures.probability import Curve
from pipeline.reports.language import Tongue
from pipeline.reports.sheet import Drawing
from pipeline.verify.reliability import Reliability
from pipeline.verify.result import HazardScore
from pipeline.verify.value import RATIOS, Worth, value
from rules.level import Level

_WIDTH = 400


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The scores of one hazard under the rules of today, and maybe under a proposal."""

    today: HazardScore
    """Under the rules of today."""
    proposal: HazardScore | None
    """Under the proposal, where there is one."""

    @property
    def both(self) -> list[tuple[HazardScore, bool]]:
        """Each, and whether it is the proposal."""
        return [(self.today, False), *([(self.proposal, True)] if self.proposal else [])]


def drawn(pair: Pair, config: Config, worth: Iterable[Worth], tongue: Tongue) -> Iterator[Drawing]:
    """Every figure there are numbers for."""
    page = _Page(pair=pair, tongue=tongue)
    yield from page.performance()
    yield from page.leads()
    yield from page.roc()
    yield from page.value(_stakes(pair.today.hazard, worth, config, tongue))
    if pair.today.reliability is not None and pair.today.reliability.bins:
        yield page.reliability(pair.today.reliability)


def _stakes(
    hazard: str, worth: Iterable[Worth], config: Config, tongue: Tongue
) -> list[tuple[str, float]]:
    """Subsystems by their ratio, those with the same one together."""
    shared: dict[float, list[str]] = {}
    for one in worth:
        if one.hazard == hazard:
            name = common.subsystem_name(one.subsystem, config, tongue)
            shared.setdefault(one.ratio, []).append(name)
    return [
        (names[0], ratio) if len(names) == 1
        else (tongue.say(f"{len(names)}个分系统", f"{len(names)} subsystems"), ratio)
        for ratio, names in sorted(shared.items())
    ]  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A hazard that is being drawn in one language."""

    pair: Pair
    tongue: Tongue

    def _square(self, sort: str, caption: str, draw: Draw, height: int) -> Drawing:
        name = f"{sort}-{self.pair.today.hazard}"
        sketch = Sketch(name=name, alt=caption, draw=draw, width=_WIDTH, height=height)
        return common.drawing(sketch, self.tongue, caption)

    def performance(self) -> Iterator[Drawing]:
        """The performance diagram, with a cross for each level."""
        points = [point for each, new in self.pair.both for point in self._points(each, new)]
        if points:
            caption = self.tongue.say(
                "成功率与命中率；曲线为CSI，虚线为偏差，右上角最好。十字是90%区间。",
                "Success ratio and detection; curved lines are CSI, dashed ones bias, best at the top "
                "right. Crosses are 90 % intervals.",
            )
            yield self._square("performance", caption, partial(performance.draw, points=points), 440)

    def _points(self, score: HazardScore, proposed: bool) -> Iterator[Point]:
        for level, found in score.levels.items():
            pod, far = found.figures.get("pod"), found.figures.get("far")
            if pod and far and math.isfinite(pod.value) and math.isfinite(far.value):
                yield Point(
                    label=self._label(level, proposed),
                    success=1 - far.value,
                    pod=pod.value,
                    success_bounds=bounds(1 - far.high, 1 - far.low),
                    pod_bounds=bounds(pod.low, pod.high),
                    proposed=proposed,
                )

    def _label(self, level: Level, proposed: bool) -> str:
        named = self.tongue.level(level)
        return named if self.pair.proposal is None else f"{named} · {self._whose(proposed)}"

    def _whose(self, proposed: bool) -> str:
        t = self.tongue
        return t.say("方案", "proposal") if proposed else t.say("今", "today")

    def leads(self) -> Iterator[Drawing]:
        """Lead times of the first warnings."""
        ahead = [_ahead(score) for score, _ in self.pair.both]
        if any(ahead):
            caption = self.tongue.say(
                "首次预警的提前时间；零线左边是事后。",
                "Lead time of the first warning; left of zero it came after.",
            )
            second = ahead[1] if len(ahead) > 1 else None
            yield self._square("leads", caption, partial(leads.draw, today=ahead[0], proposal=second), 330)

    def roc(self) -> Iterator[Drawing]:
        """The ROC curve: of the probabilities where there are some, else of the levels."""
        found = [self._roc(score, new) for score, new in self.pair.both]
        curves = [curve for curve in found if curve is not None]
        if curves:
            caption = self.tongue.say(
                "按日：各等级（或各概率）的命中率与误报率；越靠左上越好。",
                "By days: detection and false detection at each level or probability; best at the top left.",
            )
            yield self._square("roc", caption, partial(probability.roc, curves=curves), 440)

    def _roc(self, score: HazardScore, proposed: bool) -> Curve | None:
        if score.reliability is not None:
            known = [(pofd, pod) for _, pofd, pod in score.reliability.roc]
        else:
            known = [(float(each.days.pofd), float(each.days.pod)) for each in score.levels.values()]
        points = sorted({(0.0, 0.0), (1.0, 1.0), *(spot for spot in known if all(map(math.isfinite, spot)))})
        if len(points) < 3:
            return None
        label = "" if self.pair.proposal is None else self._whose(proposed)
        across, up = zip(*points, strict=True)
        return Curve(label=label, across=across, up=up, proposed=proposed)

    def value(self, stakes: list[tuple[str, float]]) -> Iterator[Drawing]:
        """Value by cost and loss, a curve for each level."""
        curves = [curve for score, new in self.pair.both for curve in self._values(score, new)]
        if curves:
            caption = self.tongue.say(
                "相对价值：1为完美，0为听不听一样；竖线是各分系统自己的成本/损失。",
                "Relative value: 1 is perfect, at 0 one need not listen; upright lines are the ratios of the "
                "subsystems.",
            )
            draw = partial(probability.value, curves=curves, stakes=stakes)
            yield self._square("value", caption, draw, 420)

    def _values(self, score: HazardScore, proposed: bool) -> Iterator[Curve]:
        ratios = np.array(RATIOS)
        for level, found in score.levels.items():
            worth = np.asarray(value(found.days, ratios))
            if np.isfinite(worth).any():
                label = self._label(level, proposed)
                yield Curve(label=label, across=ratios.tolist(), up=worth.tolist(), proposed=proposed)

    def reliability(self, found: Reliability) -> Drawing:
        """The reliability diagram with its counts."""
        t = self.tongue
        brier, skill, area = t.number(found.brier, 3), t.number(found.skill), t.number(found.auc)
        caption = t.say(
            f"可靠性：Brier {brier}，技巧{skill}，ROC面积{area}，{found.n}例。",
            f"Reliability: Brier {brier}, skill {skill}, ROC area {area}, {found.n} cases.",
        )
        draw = partial(
            probability.reliability,
            curve=Curve(
                label="",
                across=[tenth.forecast for tenth in found.bins],
                up=[tenth.observed for tenth in found.bins],
            ),
            counts=[tenth.n for tenth in found.bins],
            climate=found.events / found.n,
        )
        return self._square("reliability", caption, draw, 440)


def _ahead(score: HazardScore) -> list[float]:
    return [story.first / HOUR for story in score.stories if story.first is not None]
