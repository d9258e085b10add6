"""The words of rule tests: each key may be written in Chinese or in English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alerts.event.transition import Reason
from ingest.errors import ConfigMistake
from pipeline.configuration.words import suggest
from pipeline.configuration.yaml_lines import Document, Trail
from rules.level import Level

KEYS = {
    "用例": "tests", "名称": "name", "灾种": "hazard", "镇街": "towns", "开始": "start", "结束": "end",
    "平常": "normally", "天气": "weather", "各镇街": "by_town", "逐日": "days", "预报": "forecast",
    "内容": "says", "中断": "silent", "不补": "lost", "预期": "expect", "时间": "at", "从": "from",
    "到": "to", "误差": "within", "变为": "becomes", "等级": "level", "不到": "never",
    "无法判断": "unknown", "变化": "reason", "叫应": "calls", "通知": "hears", "别无变化": "nothing_else",
}  # fmt: skip
"""Key in Chinese -> the same key in English."""

REASONS = {
    Reason.OPENED: "发布", Reason.RAISED: "升级", Reason.SPREAD: "扩大", Reason.LOWERED: "降级",
    Reason.NARROWED: "缩小", Reason.EXTENDED: "延长", Reason.ENDED: "解除", Reason.CORRECTED: "更正",
    Reason.CANCELLED: "撤销", Reason.DATA_LOST: "数据中断", Reason.DATA_FOUND: "数据恢复",
}  # fmt: skip
"""Reason of a change -> its word in Chinese."""

AS_IT_COMES, NOTHING, ALL = "as_it_comes", "none", "all"
_WORDS = {"如实": AS_IT_COMES, "没有": NOTHING, "全部": ALL}
_YES = {"是": True, "否": False}
_LEVELS = {level.key: level for level in Level} | {
    word: level for level in Level for word in (level.zh, level.zh.removesuffix("色"))
}
_REASONS = {reason.value: reason for reason in Reason} | {zh: own for own, zh in REASONS.items()}


@dataclass(frozen=True, kw_only=True)
class Translated(Document):
    """A document with its keys in English, whose mistakes name them as they are written."""

    written: dict[Trail, Trail]
    """Way in English -> the way as it stands in the file."""

    def mistake(self, trail: Trail, sentence: str) -> str:
        """One line ``file:line: key: sentence``, the key as it is written."""
        known = trail
        while known and known not in self.written:
            known = known[:-1]
        shown = (*self.written.get(known, ()), *trail[len(known) :])
        plain = Document(file=self.file, data=self.data, lines={shown: self.line(trail)})
        return plain.mistake(shown, sentence)


def translated(document: Document) -> Translated:
    """The document with every Chinese key and word of a rule test in English.

    ConfigMistake where a key is written in both languages.
    """
    english = {trail: tuple(KEYS.get(str(part), part) for part in trail) for trail in document.lines}
    first: dict[Trail, Trail] = {}
    for trail, own in english.items():
        if first.setdefault(own, trail) != trail:
            again = f"is written as {first[own][-1]} as well; remove one of them"
            raise ConfigMistake(document.mistake(trail, again))
    return Translated(
        file=document.file,
        data={KEYS.get(key, key): _translate(part) for key, part in document.data.items()},
        lines={english[trail]: line for trail, line in document.lines.items()},
        written={own: trail for trail, own in english.items()},
    )


def _translate(value: object) -> object:
    if isinstance(value, dict):
        return {KEYS.get(key, key): _translate(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_translate(part) for part in value]
    if isinstance(value, str):
        return _YES.get(value, _WORDS.get(value, value))
    return value


def level_of(word: object) -> Level:
    """A level by its name, ``yellow``, ``黄色`` or ``黄``; ValueError lists the names."""
    if word in _LEVELS:
        return _LEVELS[str(word)]
    raise ValueError(f"{word} is no level; {suggest(str(word), (level.key for level in Level))}")


def reason_of(word: object) -> Reason:
    """The reason of a change by its word, ``extended`` or ``延长``; ValueError lists the words."""
    if word in _REASONS:
        return _REASONS[str(word)]
    raise ValueError(f"{word} is no change; {suggest(str(word), (reason.value for reason in Reason))}")


def named(word: object, names: Mapping[str, Sequence[str]], sort: str) -> str:
    """The key of what a word names by its key or one of its names; ValueError suggests one."""
    for key, others in names.items():
        if word == key or word in others:
            return key
    spoken = {others[0] if others else key for key, others in names.items()}
    raise ValueError(f'no {sort} is called "{word}"; {suggest(str(word), {*spoken, *names})}')
