"""What a rule test expects: each key of an expectation is a claim, which holds or says what is so instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import MappingProxyType

from alerts.duty.people import Routes
from alerts.event.transition import CALLING, Transition
from ingest.errors import ConfigMistake
from pipeline.rule_tests.notation import Expectation, RuleTest
from pipeline.rule_tests.outcome import Outcome
from pipeline.rule_tests.vocabulary import REASONS, level_of, named, reason_of
from rules.level import Level

Holds = Callable[[Outcome], str]
"""Tells what is so instead; an empty text where all is as expected."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One thing that must be so."""

    line: int
    """Line of the expectation."""
    words: str
    """What is expected, in both languages."""
    holds: Holds
    """Compares it with what came."""
    moment: datetime
    """The last moment it is about."""
    change: tuple[datetime, datetime, Level] | None = None
    """From when to when the hazard of the test may come to this level; None for other claims."""


@dataclass(frozen=True, kw_only=True)
class _Ask:
    """One expectation, and how its words are read; every mistake names its line and key."""

    test: RuleTest
    """The test it belongs to."""
    index: int
    """Its place in the list."""
    told: Expectation
    """What is written."""
    routes: Routes
    """The subsystems."""

    def mistake(self, sentence: str) -> ConfigMistake:
        """A mistake of this expectation as a whole."""
        return self.test.mistake(("expect", self.index), sentence)

    @property
    def hazard(self) -> str:
        """The hazard it is about."""
        if self.told.hazard is None:
            return self.test.hazards[0]
        return self.test.hazard(self.told.hazard, "expect", self.index, "hazard")

    @property
    def at(self) -> datetime:
        """The moment it is about."""
        if self.told.at is None:
            raise self.mistake("needs a moment; write at: as well")
        return self.moment("at", self.told.at)

    @property
    def first(self) -> datetime:
        """The earliest moment at which a change may come."""
        return self.at - self.told.within

    @property
    def last(self) -> datetime:
        """The latest moment at which a change may come."""
        return self.at + self.told.within

    def moment(self, key: str, word: str) -> datetime:
        """A moment that stands under a key."""
        return self.test.moment(word, "expect", self.index, key)

    def level(self, *trail: str, word: object) -> Level:
        """A level that stands at some place of the expectation."""
        return self.test.located(("expect", self.index, *trail), partial(level_of, word))

    def subsystems(self, key: str) -> set[str]:
        """Keys of the subsystems named under a key."""
        names = {name: (own.name,) for name, own in self.routes.subsystems.items()}
        trail = ("expect", self.index, key)
        return {
            self.test.located(trail, partial(named, word, names, "subsystem"))
            for word in getattr(self.told, key)
        }

    def listed(self, subsystems: Iterable[str]) -> str:
        """Subsystems in words."""
        known = sorted(subsystems)
        if not known:
            return "无 / nobody"
        return f"{'、'.join(self.routes.subsystems[name].name for name in known)} / {', '.join(known)}"

    def claim(self, moment: datetime, words: str, holds: Holds) -> Claim:
        """A claim of it about a moment."""
        line = self.test.document.line((*self.test.base, "expect", self.index))
        return Claim(line=line, words=f"{self.test.clock.words(moment)} {words}", holds=holds, moment=moment)


def claims(test: RuleTest, routes: Routes) -> list[Claim]:
    """Everything a test expects; ConfigMistake where an expectation cannot be understood."""
    found: list[Claim] = []
    for index, told in enumerate(test.written.expect):
        ask = _Ask(test=test, index=index, told=told, routes=routes)
        keys = [key for key in _KINDS if getattr(told, key) is not None]
        if not keys:
            raise ask.mistake(f"expects nothing; write one of: {', '.join(_KINDS)}")
        for key in keys:
            found += _KINDS[key](ask)
    return found


def unexpected(outcome: Outcome, found: Iterable[Claim]) -> Iterator[Transition]:
    """Changes of level of the first hazard that no expectation speaks of."""
    allowed = [claim.change for claim in found if claim.change is not None]
    replay = outcome.replay
    for change in _moving(outcome.changes(outcome.test.hazards[0], replay.start, replay.end)):
        if not any(first <= change.at <= last and change.to_level == to for first, last, to in allowed):
            yield change


def _becomes(ask: _Ask) -> Iterator[Claim]:
    to, hazard, first, last = ask.level("becomes", word=ask.told.becomes), ask.hazard, ask.first, ask.last

    def holds(outcome: Outcome) -> str:
        steps = _moving(outcome.changes(hazard, first, last))
        if any(step.to_level is to for step in steps):
            return ""
        return _changed(steps) or _at_level(outcome.level(hazard, last))

    claim = ask.claim(ask.at, f"变为{to.zh} / becomes {to.key}", holds)
    change = (first, last, to) if hazard == ask.test.hazards[0] else None
    yield Claim(line=claim.line, words=claim.words, holds=holds, moment=last, change=change)


def _level(ask: _Ask) -> Iterator[Claim]:
    want, hazard, at = ask.level("level", word=ask.told.level), ask.hazard, ask.at

    def holds(outcome: Outcome) -> str:
        got = outcome.level(hazard, at)
        return "" if got is want else _at_level(got)

    yield ask.claim(at, _at_level(want), holds)


def _never(ask: _Ask) -> Iterator[Claim]:
    told, hazard, clock = ask.told, ask.hazard, ask.test.clock
    bound = ask.level("never", word=told.never)
    if bound is Level.NONE or told.at is not None:
        raise ask.mistake("never is about a stretch: write from: and to:, and a level such as blue")
    first = clock.start if told.start is None else ask.moment("from", told.start)
    last = None if told.to is None else ask.moment("to", told.to)

    def holds(outcome: Outcome) -> str:
        before = outcome.level(hazard, first)
        if before >= bound:
            return _at_level(before)
        steps = outcome.changes(hazard, first, last or outcome.replay.end)
        return _changed([step for step in steps if step.to_level >= bound][:1])

    until = "起 / on" if last is None else f"至 / to {clock.words(last)}"
    claim = ask.claim(first, f"{until} 不到{bound.zh} / never {bound.key}", holds)
    yield Claim(line=claim.line, words=claim.words, holds=holds, moment=last or first)


def _unknown(ask: _Ask) -> Iterator[Claim]:
    want, hazard, at = bool(ask.told.unknown), ask.hazard, ask.at

    def holds(outcome: Outcome) -> str:
        towns = outcome.unknown(hazard, at)
        return "" if (towns > 0) is want else f"{towns}个镇街无法判断 / {towns} towns cannot be judged"

    words = ("都能判断 / every town can be judged", "有镇街无法判断 / some town cannot be judged")[want]
    yield ask.claim(at, words, holds)


def _reason(ask: _Ask) -> Iterator[Claim]:
    trail = ("expect", ask.index, "reason")
    want = ask.test.located(trail, partial(reason_of, ask.told.reason))
    hazard, first, last = ask.hazard, ask.first, ask.last

    def holds(outcome: Outcome) -> str:
        steps = outcome.changes(hazard, first, last)
        if any(step.reason is want for step in steps):
            return ""
        return _changed(steps) or "没有变化 / nothing changed"

    yield ask.claim(last, f"{REASONS[want]} / {want.value}", holds)


def _calls(ask: _Ask) -> Iterator[Claim]:
    want, hazard, first, last = ask.subsystems("calls"), ask.hazard, ask.first, ask.last

    def holds(outcome: Outcome) -> str:
        steps = [step for step in outcome.changes(hazard, first, last) if step.reason in CALLING]
        got = outcome.reached(steps, asked=True)
        return "" if got == want else f"叫应 / called: {ask.listed(got)}"

    yield ask.claim(last, f"叫应且只叫应 / calls exactly: {ask.listed(want)}", holds)


def _hears(ask: _Ask) -> Iterator[Claim]:
    want, hazard, first, last = ask.subsystems("hears"), ask.hazard, ask.first, ask.last

    def holds(outcome: Outcome) -> str:
        got = outcome.reached(outcome.changes(hazard, first, last), asked=False)
        return "" if got >= want else f"通知 / told: {ask.listed(got)}"

    yield ask.claim(last, f"通知 / tells: {ask.listed(want)}", holds)


def _towns(ask: _Ask) -> Iterator[Claim]:
    for word, told in (ask.told.towns or {}).items():
        town = ask.test.town(word, "expect", ask.index, "towns", word)
        want = ask.level("towns", word, word=told)
        holds = partial(_town_holds, hazard=ask.hazard, at=ask.at, town=town, want=want)
        yield ask.claim(ask.at, f"{word} {_at_level(want)}", holds)


def _town_holds(outcome: Outcome, *, hazard: str, at: datetime, town: str, want: Level) -> str:
    got = outcome.level(hazard, at, town)
    return "" if got is want else _at_level(got)


_KINDS: Mapping[str, Callable[[_Ask], Iterator[Claim]]] = MappingProxyType(
    {
        "becomes": _becomes,
        "level": _level,
        "never": _never,
        "unknown": _unknown,
        "reason": _reason,
        "calls": _calls,
        "hears": _hears,
        "towns": _towns,
    }
)


def _moving(steps: Iterable[Transition]) -> list[Transition]:
    return [step for step in steps if step.from_level is not step.to_level]


def _at_level(level: Level) -> str:
    return f"等级为{level.zh} / level {level.key}"


def _changed(steps: Iterable[Transition]) -> str:
    return "; ".join(
        f"{REASONS[step.reason]}{step.from_level.zh}→{step.to_level.zh} / {step.reason.value}"
        for step in steps
    )
