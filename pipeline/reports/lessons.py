"""The report of a trained model: what it is, how good it is beside the rule, and what it must not do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pipeline.config import Config
from pipeline.reports import lesson_words
from pipeline.reports import sheet as common
from pipeline.reports.drawing import Sketch
from pipeline.reports.figures import chances
from pipeline.reports.language import Tongue
from pipeline.reports.lesson_tables import Row, Tables, period
from pipeline.reports.merits import Group, Trial, plain, trials_of
from pipeline.reports.sheet import Drawing, Head, Notice, Sheet, Tile
from rules.learned.manifest import Manifest

_TILES = 5


@dataclass(frozen=True, kw_only=True)
class Taught:
    """What the report of a model is about: the model, and maybe its score on a file."""

    manifest: Manifest
    """What the model is; its metrics are told where there is no score."""
    score: Mapping[str, Any] | None = None
    """Figures of ``fengsui score-model``; None for the tests of the training."""
    scored: str = ""
    """Name of the file that was scored."""

    @property
    def tests(self) -> list[Trial]:
        """Tests to tell of, that to believe most first."""
        if self.score is None:
            return list(trials_of(self.manifest.metrics))
        return list(trials_of(self.score, "file"))


@dataclass(frozen=True, kw_only=True)
class Part:
    """One test."""

    name: str
    """What it was tested on."""
    cases: str
    """How many cases, from when to when, how often it came."""
    rows: Sequence[Row]
    """Figures of merit."""
    coverage: str
    """How often the maximum fell below each quantile; empty where that was not computed."""
    drawings: Sequence[Drawing]
    """Reliability and value."""
    columns: Sequence[str]
    """Heads of the table of cities or years."""
    each: Sequence[Sequence[str]]
    """Its lines; none where that was not computed."""


def sheet(subject: Taught, config: Config, title: str) -> Sheet:
    """The report in either language."""
    return Sheet(template="lesson.html", facts=partial(_facts, subject, config, title))


def _facts(subject: Taught, config: Config, title: str, tongue: Tongue, paper: bool) -> dict[str, object]:
    page = _Page(subject=subject, config=config, tongue=tongue)
    head, model = page.head(title), subject.manifest
    return {
        "title": head.title,
        "head": head,
        "tiles": list(page.tiles()),
        "use": tongue.say(model.intended_use_zh, model.intended_use_en),
        "limits": tongue.say(model.limits_zh, model.limits_en),
        "made": page.made(),
        "parts": [page.part(test) for test in subject.tests],
    }


@dataclass(frozen=True, kw_only=True)
class _Page:
    """A model that is being told of in one language."""

    subject: Taught
    config: Config
    tongue: Tongue

    @property
    def model(self) -> Manifest:
        """What the model is."""
        return self.subject.manifest

    @property
    def tables(self) -> Tables:
        """What tells its figures."""
        return Tables(hazard=self.model.hazard, tongue=self.tongue)

    def head(self, title: str) -> Head:
        """Which model, what it was tested on, and what must be known before believing it."""
        t, scored = self.tongue, self.subject.score is not None
        known = lesson_words.NAMES.get(self.model.hazard)
        named = t.say(*known) if known else common.hazard_name(self.model.hazard, self.config, t)
        facts = [(t.say("训练到", "trained to"), self._trained())]
        if scored:
            facts.append((t.say("打分的文件", "scored on"), self.subject.scored))
        interval = t.say("90%，按周分块自助抽样", "90 %, bootstrap of whole weeks")
        facts.append((t.say("区间", "intervals"), interval))
        facts.append((t.say("模型文件", "model file"), self.model.sha256[:12] or "—"))
        return Head(
            sort=t.say("给模型打分", "score of a model") if scored else t.say("训练", "training"),
            title=title or t.say(f"学来的概率：{named}", f"A learned chance: {named}"),
            facts=facts,
            notices=[Notice(sign="!", text=text) for text in self._notices()],
            credits=[self.model.data],
        )

    def _trained(self) -> str:
        # Cases without a date are kept as the first day there is.
        return "—" if self.model.trained_to.year == 1 else self.model.trained_to.isoformat()

    def _notices(self) -> Iterator[str]:
        t, score = self.tongue, self.subject.score or {}
        if self.model.calibrated_for != "rongchang":
            yield t.say("没有用荣昌的资料标定，只供参考。", "Not calibrated at Rongchang: advice only.")
        if score.get("in_training"):
            yield t.say(
                "打分的都是训练用过的日子：成绩偏好，不能证明什么。",
                "All the days scored were shown in training: the figures flatter, and prove nothing.",
            )
        if any(test.found.get("better_than_rule") is False for test in self.subject.tests):
            yield t.say("有检验不能说明它好过物理规则。", "Not every test shows that it beats the rule.")

    def made(self) -> list[tuple[str, str]]:
        """What it was made of, as name and value."""
        t, model = self.tongue, self.model
        libraries = ", ".join(f"{name} {version}" for name, version in sorted(model.libraries.items()))
        return [
            (t.say("给出", "gives"), ", ".join(model.targets)),
            (t.say("资料", "data"), model.data),
            (t.say("资料的散列", "hash of the data"), model.data_hash[:12] or "—"),
            (t.say("特征", "features"), str(len(model.features))),
            (t.say("随机种子", "seed"), str(model.seed)),
            (t.say("库", "libraries"), libraries or "—"),
        ]

    def tiles(self) -> Iterator[Tile]:
        """Cases, and the first figures of the test to believe most."""
        for test in self.subject.tests[:1]:
            name = self.tongue.say("例数", "cases")
            yield Tile(name=name, value=str(test.found["n"]), note=period(test.found))
            skills = [row for row in self.tables.rows(test) if row.value != "—" and not row.beside]
            for row in skills[:_TILES]:
                yield Tile(name=row.name, value=row.value, note=row.bounds)

    def part(self, test: Trial) -> Part:
        """Tables and figures of one test."""
        t = self.tongue
        name = t.say(*lesson_words.TESTS.get(test.name, (test.name, test.name)))
        columns, each = self.tables.each(test.found)
        return Part(
            name=name[:1].upper() + name[1:],
            cases=self.tables.cases(test),
            rows=list(self.tables.rows(test)),
            coverage=self.tables.coverage(test.found.get("coverage", {})),
            drawings=[
                drawing
                for group in test.groups
                if group.shape
                for drawing in (self.reliability(test, group), self.value(test, group))
            ],
            columns=columns,
            each=each,
        )

    def reliability(self, test: Trial, group: Group) -> Drawing:
        """Share that came over chance, with the band of its interval and the counts."""
        t, found, limit = self.tongue, group.shape["reliability"], self._limit(group)
        brier, area = t.number(plain(found.get("brier")), 3), t.number(plain(found.get("auc")), 3)
        said = [t.say(
            f"可靠性{limit}：Brier {brier}，ROC面积{area}；空心点不足10例。",
            f"Reliability{limit}: Brier {brier}, ROC area {area}; hollow points have fewer than 10 cases.",
        )]  # fmt: skip
        if group.band:
            said.append(t.say(
                "竖条是实际频率的90%区间：盖住斜线就是说话算数。",
                "Bars are 90 % intervals of the observed frequency: where they cross the diagonal, the "
                "chance keeps its word.",
            ))  # fmt: skip
        caption = t.say("", " ").join(said)
        return self._drawing("reliability", test, group, caption)

    def value(self, test: Trial, group: Group) -> Drawing:
        """Value by cost and loss of acting on the chance, and of acting on the rule."""
        limit = self._limit(group)
        rule = self.tongue.say(*lesson_words.RULES.get(self.model.hazard, lesson_words.RULE))
        caption = self.tongue.say(
            f"相对价值{limit}：1为完美，0为听不听一样；对照是“{rule}”。",
            f"Relative value{limit}: 1 is perfect, at 0 one need not listen; the other is: {rule}.",
        )
        return self._drawing("value", test, group, caption)

    def _limit(self, group: Group) -> str:
        limit = self.tables.limit(group)
        return f" {limit}" if limit else ""

    def _drawing(self, sort: str, test: Trial, group: Group, caption: str) -> Drawing:
        draw = partial(chances.reliability if sort == "reliability" else chances.value, group=group)
        name = f"{sort}-{test.name}-{group.limit}".replace(".", "-")
        sketch = Sketch(name=name, alt=caption, draw=draw, width=400, height=440)
        return common.drawing(sketch, self.tongue, caption)
