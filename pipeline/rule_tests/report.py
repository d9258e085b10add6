"""Rule tests in words: what was expected, what came, and the course of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.event.transition import Transition
from pipeline.rule_tests.run import Verdict
from pipeline.rule_tests.vocabulary import REASONS


def lines(verdict: Verdict) -> Iterator[str]:
    """A failed test in words; nothing of one that passed."""
    if verdict.passed:
        return
    test = verdict.outcome.test
    yield f"✗ {test.document.file}:{test.line}: {test.written.name}"
    for failure in verdict.failures:
        yield f"    {test.document.file}:{failure.line}"
        yield f"      预期 expected: {failure.expected}"
        yield f"      实际 got:      {failure.got}"
    yield "    经过 what happened:"
    steps = [step for step in verdict.outcome.replay.transitions if step.hazard in test.hazards]
    for step in steps:
        yield f"      {_step(verdict, step)}"
    if not steps:
        yield "      没有变化 / nothing changed"


def _step(verdict: Verdict, step: Transition) -> str:
    test = verdict.outcome.test
    of = f"{step.hazard} " if len(test.hazards) > 1 else ""
    value = "" if step.value is None else f"，{step.value:g}"
    arrow = f"{step.from_level.zh}→{step.to_level.zh}"
    word = f"{REASONS[step.reason]} {step.reason.value}"
    return f"{test.clock.words(step.at)} {of}{word} {arrow}，{len(step.places)}个镇街{value}"


def as_json(verdicts: Sequence[Verdict]) -> dict[str, object]:
    """All tests as JSON: ``passed``, ``failed``, and ``tests`` with file, line, failures and course."""
    failed = sum(not verdict.passed for verdict in verdicts)
    return {
        "passed": len(verdicts) - failed,
        "failed": failed,
        "tests": [_test(verdict) for verdict in verdicts],
    }


def _test(verdict: Verdict) -> dict[str, object]:
    test = verdict.outcome.test
    return {
        "file": test.document.file,
        "line": test.line,
        "name": test.written.name,
        "hazards": list(test.hazards),
        "passed": verdict.passed,
        "failures": [vars(failure) for failure in verdict.failures],
        "got": [
            {
                "at": step.at.isoformat(),
                "hazard": step.hazard,
                "reason": step.reason.value,
                "from": step.from_level.key,
                "to": step.to_level.key,
                "places": {place: level.key for place, level in step.places.items()},
                "value": step.value,
            }
            for step in verdict.outcome.replay.transitions
        ],
    }
