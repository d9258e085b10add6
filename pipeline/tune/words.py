"""What tuning says to people: the verdict, what limits it, and the reason on the proposal. Chinese first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alerts.duty.people import Advice
from pipeline.configuration.yaml_lines import dotted
from pipeline.tune.plan import Plan
from pipeline.tune.propose import Choice
from pipeline.tune.result import FIGURES, Row, Tuning, Verdict
from pipeline.verify.bootstrap import FEW, Figure

NAMES: Mapping[str, tuple[str, str]] = {
    "pod": ("命中率 POD", "POD"),
    "far": ("空报率 FAR", "FAR"),
    "csi": ("临界成功指数 CSI", "CSI"),
    "bias": ("频率偏差", "bias"),
    "lead_h": ("平均提前量（小时）", "mean lead [h]"),
    "pages_per_month": ("每月叫应（次）", "calls a month"),
    "night_pages_per_month": ("每月夜间叫应（次）", "calls at night a month"),
    "hits": ("命中（次）", "hits"),
    "misses": ("漏报（次）", "misses"),
    "false_alarms": ("空报（次）", "false alarms"),
}  # fmt: skip
"""Figure -> its name in Chinese and in English."""

_VERDICTS: Mapping[Verdict, Advice] = {
    "better": Advice(
        zh="建议的阶梯比现行的好：差值的90%区间不含0，在没有参与挑选的年份上也不差。",
        en="The proposal is better than today's ladder: the 90 % interval of the difference leaves out 0, and"
        " on years that had no say in the choice it is no worse.",
    ),
    "no_better": Advice(
        zh="没有把握说哪个阶梯比现行的好，可以不改。",
        en="No ladder is surely better than today's; it may stay as it is.",
    ),
    "few_events": Advice(
        zh="事件太少，下面只是候选，不能说是最优：请看区间，多积累几年再定。",
        en="There are too few events to call anything best: this is a candidate. Look at the intervals, and"
        " gather more years before you decide.",
    ),
    "no_events": Advice(
        zh="这段时间没有登记的事件，没有可比的依据：先在 config/events/ 登记，或用 fengsui happened 补报。",
        en="No event of this level is on record in the period, so there is nothing to compare with: enter"
        " events in config/events/ or with fengsui happened.",
    ),
    "infeasible": Advice(
        zh="没有一个阶梯满足全部约束；列出的是差得最少的。放宽约束，或多给几个取值。",
        en="No ladder keeps all constraints; the one that breaks them least is shown. Relax a constraint or"
        " give more values.",
    ),
}


def notes(plan: Plan, choice: Choice, verdict: Verdict, exact: bool) -> Iterator[Advice]:
    """Everything a person must know before using the proposal, the verdict first."""
    yield _VERDICTS[verdict]
    if choice.events < FEW and verdict != "no_events":
        yield Advice(
            zh=f"这段时间只有{choice.events}次事件（少于{FEW}次），比例用精确区间。",
            en=f"There are only {choice.events} events in the period (fewer than {FEW}); shares have exact"
            " intervals.",
        )
    folds = [fold for fold, _, _ in choice.folds()]
    if not folds:
        yield Advice(
            zh="不足两年，无法留出年份检验：在别的年份上好不好，不知道。",
            en="Less than two years: nothing could be left out, so how it does on other years is unknown.",
        )
    elif len({tuple(fold.values.values()) for fold in folds}) > 1:
        yield Advice(
            zh="留出不同年份时选出的阶梯不一样：最优并不稳定。",
            en="Leaving out different years chooses different ladders: the best one is not stable.",
        )
    if choice.chosen in _at_ends(plan, choice):
        yield Advice(
            zh="有取值落在给定范围的边上，更好的可能在范围之外。",
            en="A value lies at the end of its range; better ones may lie beyond it.",
        )
    if not exact:
        yield Advice(
            zh="完整回放与挑选时的结果不一致，请不要使用这个建议，并报告这个问题。",
            en="The full replay differs from what the choice was made by: report this, and do not use the"
            " proposal.",
        )


def _at_ends(plan: Plan, choice: Choice) -> set[int]:
    """The chosen trial, where one of its values is the first or last of three or more and not today's."""
    now = choice.board.trials[0].candidate.values
    mine = choice.board.trials[choice.chosen].candidate.values
    for value, before, values in zip(mine, now, plan.choices.values(), strict=True):
        if value != before and len(values) > 2 and value in (values[0], values[-1]):
            return {choice.chosen}
    return set()


def because(plan: Plan, events: int, today: Row, proposal: Row) -> str:
    """The reason that a proposal carries: what was wanted, and the figures before and after."""
    name = NAMES[plan.maximise][0]
    parts = [
        f"{NAMES[figure][0]} {short(today.figures[figure])}→{short(proposal.figures[figure])}"
        for figure in FIGURES
    ]
    return f"按{name}调优，{plan.level.zh}及以上，{events}次事件；" + "，".join(parts)


def comments(tuning: Tuning) -> Iterator[str]:
    """Lines that stand above the changes of a proposal, without the mark of a comment."""
    period = f"{tuning.start:%Y-%m-%d} – {tuning.end:%Y-%m-%d}"
    yield f"{period}，{tuning.tried} 个阶梯 ladders，{tuning.events} 次事件 events"
    for figure in FIGURES:
        names = " / ".join(dict.fromkeys(NAMES[figure]))
        now, then = tuning.today.figures[figure], tuning.proposal.figures[figure]
        yield f"{names}: {now.words} → {then.words}"
    for edit in tuning.changes.edits:
        yield f"{dotted(edit.trail)}: {edit.former} → {edit.value}"
    for note in (tuning.price, *tuning.notes):
        yield note.zh
        yield note.en


def short(figure: Figure) -> str:
    """A figure in two decimals; — where it cannot be told."""
    return "—" if figure.value != figure.value else f"{figure.value:.2f}"
