"""Whether every template of the configuration can be written, in both languages, before it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

from jinja2 import TemplateError, TemplateNotFound
from jinja2.meta import find_undeclared_variables

from alerts.duty.people import Role
from alerts.event.evidence import UNJUDGED
from alerts.event.transition import Reason, Transition
from alerts.wording.memos import SAMPLE
from alerts.wording.texts import FIGURE, MEMO, NEEDED, Texts
from alerts.wording.words import LANGUAGES
from ingest.batch import PROVENANCE
from rules.findings import Basis
from rules.level import Level
from rules.sheet import WINDOW

_CONTEXT = (
    "t", "hazard", "district", "basis", "measured", "mixed", "fresh", "about_data", "stands", "window",
    "related",
)  # fmt: skip
_CALL = ("subsystem", "role", "task", "ack_link", "step")
_NAMES = frozenset({*_CONTEXT, *_CALL, "figures", "figure", "drill"})
_MEMO_NAMES = frozenset({"district", *SAMPLE})
_RENDERING = (TemplateError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a template with a mistake in it raises."""


def proofread(texts: Texts) -> list[str]:
    """What is wrong with the templates, in sentences; empty when all of them render."""
    absent = [
        f"texts.yaml has no {language} text for {name}; add it"
        for name in sorted({*NEEDED, *texts.templates})
        for language in LANGUAGES
        if not texts.templates.get(name, {}).get(language)
    ]
    return absent or list(dict.fromkeys(_faults(texts)))


def _faults(texts: Texts) -> Iterator[str]:
    unread = [
        _fault(name, language, what)
        for language in LANGUAGES
        for name in texts.templates
        for what in _misread(texts, name, language)
    ]
    yield from unread
    samples = [] if unread else _samples(texts)
    if not unread:
        yield from _unrenderable_memos(texts)
    for sample in samples:
        for language in LANGUAGES:
            yield from _unrenderable(texts, sample, language)


def _misread(texts: Texts, name: str, language: str) -> Iterator[str]:
    # Names are read from the syntax tree too, for branches that no sample takes.
    environment = texts.environments[language]
    try:
        used = find_undeclared_variables(environment.parse(texts.templates[name][language]))
        environment.get_template(name)
    except TemplateError as error:
        yield str(error.message)
    else:
        known = _MEMO_NAMES if name.startswith(MEMO) else _NAMES
        yield from (f"there is no {unknown!r}" for unknown in sorted(used - known))


def _unrenderable_memos(texts: Texts) -> Iterator[str]:
    facts = {"district": texts.district, **SAMPLE}
    for name in sorted(texts.templates):
        for language in LANGUAGES if name.startswith(MEMO) else ():
            try:
                texts.part(name, language, facts)
            except _RENDERING as error:
                yield _fault(name, language, str(error))


def _unrenderable(texts: Texts, sample: Transition, language: str) -> Iterator[str]:
    try:
        texts.because(sample, language)
        letter = texts.letter(sample, language)
        for role in get_args(Role):
            letter.to(subsystem="-", role=role, task="-", ack_link="http://localhost/", step=1)
        letter.brief(subsystem="-", ack_link="http://localhost/")
        _ = letter.title
        texts.part("digest_item", language, texts.facts(sample, language))
    except TemplateNotFound as error:
        yield _fault(sample.reason.value, language, f"it includes {error}, which is not there")
    except _RENDERING as error:
        yield _fault(sample.reason.value, language, str(error))


def _samples(texts: Texts) -> Iterator[Transition]:
    """Changes of every hazard and reason; of the first also with two levels, and without numbers.

    Hazards differ by templates of their own, which the plain change of each reason takes.
    """
    figures = {n.removeprefix(FIGURE): 2.0 for n in texts.templates if n.startswith(FIGURE)}
    figures[WINDOW] = 3.0
    towns = texts.district.place_ids
    for number, hazard in enumerate(texts.conducts):
        for reason in Reason:
            full = _sample(hazard, reason, towns, figures)
            if number:
                yield full
                continue
            mixed = {town: Level(3 + (town == towns[0])) for town in towns}
            cleared = {towns[-1]: Level.NONE}
            yield full
            mixed_up = replace(full, places=mixed, changed=cleared, marks=0)
            yield replace(mixed_up, basis=Basis.FORECAST)
            yield replace(full, value=None, threshold=None, peak_value=None, figures={})
            yield replace(full, to_level=Level.NONE, places={}, onset=None, expires=None)
            yield replace(full, onset=None, expires=None)
            yield replace(full, falling=True, related=dict.fromkeys(texts.conducts, Level.RED))
            yield replace(mixed_up, onset=None, expires=None, figures={UNJUDGED: 1.0})


def _sample(
    hazard: str, reason: Reason, towns: tuple[str, ...], figures: Mapping[str, float]
) -> Transition:
    at = datetime(2022, 8, 9, 0, 5, tzinfo=UTC)
    return Transition(
        id="1-1",
        alert="1",
        hazard=hazard,
        at=at,
        reason=reason,
        from_level=Level.ORANGE,
        to_level=Level.RED,
        places=dict.fromkeys(towns, Level.RED),
        changed={towns[0]: Level.RED},
        onset=at,
        expires=at + timedelta(hours=12),
        value=1.0,
        threshold=1.0,
        basis=Basis.OBSERVED,
        marks=int(PROVENANCE),
        opened_at=at - timedelta(hours=1),
        peak_level=Level.RED,
        peak_value=1.0,
        figures=figures,
    )


def _fault(name: str, language: str, what: str) -> str:
    return f"texts.yaml: the {language} text for {name} fails: {what}; mend it"
