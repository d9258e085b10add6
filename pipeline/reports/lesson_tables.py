"""The tables in the report of a model: figures of merit beside the rule, and each city or year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.reports import lesson_words
from pipeline.reports.language import Tongue
from pipeline.reports.merits import Group, Number, Trial, number, plain


@dataclass(frozen=True, kw_only=True)
class Row:
    """A figure of merit, and the same of what the model is held against."""

    name: str
    """Which, with its threshold."""
    value: str
    """Of the model."""
    bounds: str
    """Its interval."""
    beside: str
    """Of the other; empty where the figure holds both already."""
    beside_bounds: str
    """Its interval."""
    whose: str
    """What the other is."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """What is told of a trial in columns and in figures, in one language."""

    hazard: str
    """What the model foretells: it decides on units."""
    tongue: Tongue
    """The language."""

    def cases(self, test: Trial) -> str:
        """Number of cases, first and last day, and how often each threshold was reached."""
        t, count = self.tongue, test.found["n"]
        came = [
            f"{self.limit(group)} {t.number(plain(group.shape['base_rate']) * 100, 1)}%".strip()
            for group in test.groups
            if "base_rate" in group.shape
        ]
        said = [t.say(f"{count}例", f"{count} cases"), period(test.found)]
        if "events" in test.found:
            events = test.found["events"]
            said.append(t.say(f"发生{events}次", f"{events} events"))
        if came:
            said.append(t.say("实际发生：", "it came in ") + t.say("、", ", ").join(came))
        return t.say("；", "; ").join(part for part in said if part)

    def rows(self, test: Trial) -> Iterator[Row]:
        """Every figure that is known, by measure, then by threshold."""
        for measure in lesson_words.MEASURES:
            for group in test.groups:
                if measure in group.numbers:
                    yield self._row(measure, group)

    def _row(self, measure: str, group: Group) -> Row:
        words, unit = lesson_words.MEASURES[measure]
        pairs = ((name, of) for name, (of, _) in lesson_words.BESIDE.items() if name in group.numbers)
        other = next((name for name, of in pairs if of == measure), "")
        own, beside = group.numbers[measure], group.numbers.get(other, number(None))
        named = [self.tongue.say(*words), self.limit(group), f"[{unit}]" if unit not in ("", "%") else ""]
        return Row(
            name=" ".join(part for part in named if part),
            value=self.told(own.value, unit),
            bounds=self.bounds(own, unit),
            beside=self.told(beside.value, unit) if other else "",
            beside_bounds=self.bounds(beside, unit),
            whose=self._whose(measure, other),
        )

    def _whose(self, measure: str, other: str) -> str:
        if other:
            return self.tongue.say(*lesson_words.BESIDE[other][1])
        baseline = lesson_words.BASELINES.get(self.hazard, lesson_words.OF_DAYS)
        return self.tongue.say(*baseline) if measure == "brier_skill" else ""

    def limit(self, group: Group) -> str:
        """A threshold with its sign and unit."""
        return f"≥{group.limit}{lesson_words.UNITS.get(self.hazard, '')}" if group.limit else ""

    def told(self, value: float, unit: str = "") -> str:
        """A figure as people write it."""
        t = self.tongue
        return f"{t.fixed(value * 100, 1)}%" if unit == "%" and np.isfinite(value) else t.fixed(value)

    def bounds(self, found: Number, unit: str = "") -> str:
        """Its interval; empty where there is none."""
        if not np.isfinite([found.low, found.high]).all():
            return ""
        scale, digits = (100, 1) if unit == "%" else (1, 2)
        # A dash between two minus signs could not be read.
        low, high = (self.tongue.fixed(part * scale, digits) for part in (found.low, found.high))
        return f"{low} … {high}"

    def coverage(self, found: Mapping[str, Any]) -> str:
        """How often it came at or below each quantile; the closer to its name, the better calibrated."""
        t = self.tongue
        said = t.say("、", ", ").join(
            f"{t.number(float(share) * 100)}% → {t.number(plain(found[share]) * 100, 1)}%"
            for share in sorted(found, key=float)
        )
        zh, en = f"分位数 → 实际不高于它的比例：{said}。", f" Quantile → share at or below it: {said}."
        return said and t.say(zh, en)

    def each(self, found: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
        """Heads and lines by city, the least helped first, or by year; nothing where neither is known."""
        t = self.tongue
        if "by_city" in found:
            return self._cities(found["by_city"])
        if "by_year" not in found:
            return [], []
        heads = [t.say("年", "year"), t.say("次数", "events"), t.say("平均概率", "mean chance"), "AP",
                 t.say("规则的 AP", "AP of the rule")]  # fmt: skip
        lines = [
            [year, str(own["events"]), *(self.told(plain(own[name])) for name in ("chance", "ap", "ap_rule"))]
            for year, own in sorted(found["by_year"].items())
        ]
        return heads, lines

    def _cities(self, cities: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
        t = self.tongue
        limits = sorted({key for own in cities.values() for key in own["brier_skill"]}, key=float)
        heads = [t.say("城市", "city"), t.say("例", "cases"), t.say("误差 ℃", "error °C"),
                 t.say("多模式平均 ℃", "multi-model mean °C"), t.say("低", "lower by"),
                 t.say("区间", "interval")]  # fmt: skip
        heads += [t.say(f"技巧≥{each}", f"skill ≥{each}") for each in limits]
        lines = [self._city(name, own, limits) for name, own in sorted(cities.items(), key=_help)]
        return heads, lines

    def _city(self, name: str, own: Mapping[str, Any], limits: Sequence[str]) -> list[str]:
        lower = number(own.get("mae_under_mean"), own.get("intervals", {}).get("mae_under_mean"))
        return [
            name,
            str(own["n"]),
            self.told(plain(own["mae"])),
            self.told(plain(own["mae_multi_model_mean"])),
            self.told(lower.value, "%"),
            self.bounds(lower, "%"),
            *(self.told(plain(own["brier_skill"].get(limit))) for limit in limits),
        ]


def period(found: Mapping[str, Any]) -> str:
    """First and last day of a trial; empty where its days bear no date."""
    return f"{found['first']} – {found['last']}" if "first" in found else ""


def _help(item: tuple[str, Any]) -> tuple[float, str]:
    gain = plain(item[1].get("mae_under_mean"))
    return (gain if np.isfinite(gain) else np.inf), item[0]
