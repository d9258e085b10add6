"""The words of a change: templates of the configuration, filled in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import get_args

from jinja2 import (
    DictLoader,
    Environment,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
    UndefinedError,
)
from jinja2.meta import find_undeclared_variables

from alerts.conduct import Conduct
from alerts.evidence import UNJUDGED
from alerts.people import Role
from alerts.transition import ABOUT_DATA, CALLING, Reason, Transition
from alerts.words import FILTERS, LANGUAGES, known, plain, tidy
from ingest.batch import PROVENANCE, Flag
from ingest.places import District
from rules.findings import Basis
from rules.level import Level
from rules.sheet import WINDOW

_MARKS = tuple(PROVENANCE)
# Values of these are no measurements, so the texts do not call them so.
_UNMEASURED = Flag.ANALYSIS | Flag.RECONSTRUCTED
_BASIS = {
    Basis.NOTHING: "nothing",
    Basis.OBSERVED: "observed",
    Basis.FORECAST: "forecast",
    Basis.BOTH: "either",
}
_PARTS = ("related", "repeat", "task", "acknowledge", "disclaimer", "because", "lead", "support", "inform")
_FIGURE = "figure_"
NEEDED = (
    tuple(reason.value for reason in Reason)
    + _PARTS
    + tuple(str(mark.name).lower() for mark in _MARKS)
)
"""Names of the templates that must exist, in both languages."""

_CONTEXT = (
    "t", "hazard", "district", "basis", "measured", "mixed", "fresh", "about_data", "stands", "window",
    "related",
)  # fmt: skip
_CALL = ("subsystem", "role", "task", "ack_link", "step")
_NAMES = frozenset({*_CONTEXT, *_CALL, "figures", "figure"})
_RENDERING = (TemplateError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
"""What a template with a mistake in it raises."""


@dataclass(frozen=True, kw_only=True)
class Texts:
    """Renders changes; pure, and safe to share between threads once `check` has run."""

    templates: dict[str, dict[str, str]]
    """Name -> language (zh, en) -> Jinja template, as in texts.yaml."""
    district: District
    """Whose towns are named."""
    conducts: Mapping[str, Conduct]
    """Hazard name -> its words."""

    def render(  # noqa: PLR0913 - each is one fact of the message, given by name
        self,
        transition: Transition,
        *,
        language: str,
        subsystem: str,
        role: Role,
        task: str,
        ack_link: str | None,
        step: int = 0,
    ) -> str:
        """The message to one subsystem, one line.

        Parameters
        ----------
        language : str
            ``zh`` or ``en``.
        subsystem : str
            Name of the subsystem as the text shall print it, in that language.
        task : str
            What it is asked to do; empty leaves the part out, and so do an end and news about data.
        ack_link : str or None
            Where to acknowledge; None asks for none.
        step : int
            Step of the call ladder; above 0 the text says that it is a repeated call.
        """
        letter = self.letter(transition, language)
        return letter.to(subsystem=subsystem, role=role, task=task, ack_link=ack_link, step=step)

    def letter(self, transition: Transition, language: str) -> Letter:
        """One change, written once, to be addressed to many."""
        return Letter(texts=self, change=transition, language=language)

    def because(self, transition: Transition, language: str) -> str:
        """The evidence, for logs and replay: value, threshold, number of towns, basis, marks."""
        facts = self.facts(transition, language)
        return _joined(self.part(name, language, facts) for name in ["because", *_marks(transition)])

    def check(self) -> list[str]:
        """What is wrong with the templates, in sentences; empty when all of them render."""
        absent = [
            f"texts.yaml has no {language} text for {name}; add it"
            for name in sorted({*NEEDED, *self.templates})
            for language in LANGUAGES
            if not self.templates.get(name, {}).get(language)
        ]
        return absent or list(dict.fromkeys(self._faults()))

    def _faults(self) -> Iterator[str]:
        unread = [
            _fault(name, language, what)
            for language in LANGUAGES
            for name in self.templates
            for what in self._misread(name, language)
        ]
        yield from unread
        samples = [] if unread else self._samples()
        for sample in samples:
            for language in LANGUAGES:
                yield from self._unrenderable(sample, language)

    def _misread(self, name: str, language: str) -> Iterator[str]:
        # Names are read from the syntax tree too, for branches that no sample takes.
        environment = self._environments[language]
        try:
            used = find_undeclared_variables(environment.parse(self.templates[name][language]))
            environment.get_template(name)
        except TemplateError as error:
            yield str(error.message)
        else:
            yield from (f"there is no {unknown!r}" for unknown in sorted(used - _NAMES))

    def _unrenderable(self, sample: Transition, language: str) -> Iterator[str]:
        try:
            self.because(sample, language)
            letter = self.letter(sample, language)
            for role in get_args(Role):
                letter.to(subsystem="-", role=role, task="-", ack_link="http://localhost/", step=1)
        except TemplateNotFound as error:
            yield _fault(sample.reason.value, language, f"it includes {error}, which is not there")
        except _RENDERING as error:
            yield _fault(sample.reason.value, language, str(error))

    def _samples(self) -> Iterator[Transition]:
        """Changes of every hazard and reason; of the first also with two levels, and without numbers.

        Hazards differ by templates of their own, which the plain change of each reason takes.
        """
        figures = {n.removeprefix(_FIGURE): 2.0 for n in self.templates if n.startswith(_FIGURE)}
        figures[WINDOW] = 3.0
        towns = self.district.place_ids
        for number, hazard in enumerate(self.conducts):
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
                yield replace(full, falling=True, related=dict.fromkeys(self.conducts, Level.RED))
                yield replace(mixed_up, onset=None, expires=None, figures={UNJUDGED: 1.0})

    @cached_property
    def _environments(self) -> dict[str, Environment]:
        return {language: self._environment(language) for language in LANGUAGES}

    def _environment(self, language: str) -> Environment:
        sources = {name: texts.get(language, "") for name, texts in self.templates.items()}
        # Nothing is escaped: these are plain texts for phones; a page escapes what it shows.
        made = Environment(
            loader=DictLoader(sources),
            undefined=StrictUndefined,
            autoescape=False,
            trim_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        # Laid anew into the names of every part that is written; `check` refuses a template that uses one.
        made.globals.clear()
        words = LANGUAGES[language](district=self.district)
        made.filters.update({name: getattr(words, name) for name in FILTERS})
        made.filters.update(plain=plain, grade=_grade)
        made.tests["known"] = known
        return made

    def facts(self, t: Transition, language: str) -> dict[str, object]:
        """What the templates may name about a change, whoever it is told to."""
        phrases = (self._phrase(name, t, language) for name in t.figures)
        return {
            "t": t,
            "hazard": self.conducts[t.hazard],
            "district": self.district,
            "basis": _basis(t),
            "measured": not t.marks & _UNMEASURED,
            "mixed": len(set(t.places.values())) > 1,
            "fresh": [place for place, level in t.changed.items() if level],
            "figures": [phrase for phrase in phrases if phrase],
            "about_data": t.reason in ABOUT_DATA,
            "stands": _stands(t),
            "window": t.figures.get(WINDOW),
            "related": [(self._title(name, language), level) for name, level in _ranked(t.related)],
        }

    def _title(self, hazard: str, language: str) -> str:
        """Name of a hazard; one that left the configuration stands for itself."""
        conduct = self.conducts.get(hazard)
        if conduct is None:
            return hazard
        return conduct.name if language == "zh" else conduct.name_en.lower()

    def _phrase(self, name: str, t: Transition, language: str) -> str:
        figure = t.figures[name]
        if f"{_FIGURE}{name}" not in self.templates or not known(figure):
            return ""
        return self.part(f"{_FIGURE}{name}", language, {"figure": figure, "t": t})

    def part(self, name: str, language: str, facts: Mapping[str, object]) -> str:
        """One part of a message; UndefinedError where its template needs more than `facts`."""
        return tidy(self._environments[language].get_template(name).render(facts))

    def attempt(self, name: str, language: str, facts: Mapping[str, object]) -> str | None:
        """One part of a message; None where its template needs more than `facts`."""
        # What it includes is not known before it is written, and may need more.
        if not self._named(name, language) <= facts.keys():
            return None
        try:
            return self.part(name, language, facts)
        except UndefinedError:
            return None

    def addressed(
        self, name: str, language: str, address: Mapping[str, object]
    ) -> str | None:
        """One part of a message that names no fact of any change; None where it does.

        `address` is the subsystem, its role and task, and the step. They come from the configuration, so
        that few differ, and what was written once is kept.
        """
        key = (name, language, *address.values())
        if key not in self._addressed:
            self._addressed[key] = self.attempt(name, language, address)
        return self._addressed[key]

    def _named(self, name: str, language: str) -> set[str]:
        """Names that a template itself uses."""
        if (name, language) not in self._names:
            tree = self._environments[language].parse(self.templates[name][language])
            self._names[name, language] = find_undeclared_variables(tree)
        return self._names[name, language]

    @cached_property
    def _names(self) -> dict[tuple[str, str], set[str]]:
        return {}

    @cached_property
    def _addressed(self) -> dict[tuple[object, ...], str | None]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A change in words: the parts that are the same for everybody are written once."""

    texts: Texts
    """The templates."""
    change: Transition
    """What is told."""
    language: str
    """``zh`` or ``en``."""

    def to(
        self, *, subsystem: str, role: Role, task: str, ack_link: str | None, step: int = 0
    ) -> str:
        """The message to one subsystem, one line; see `Texts.render`."""
        change = self.change
        asked = task if change.to_level and change.reason not in ABOUT_DATA else ""
        address = {"subsystem": subsystem, "role": role, "task": asked, "step": step}
        names = ["repeat"] if step else []
        names += [change.reason.value, "related", "task", "acknowledge", "disclaimer", *_marks(change)]
        return _joined(self._part(name, address, ack_link) for name in names)

    def _part(self, name: str, address: Mapping[str, object], link: str | None) -> str:
        """A part, written with as few names as it makes do with: the fewer, the more messages share it."""
        written = self._written.get((name,)) or self.texts.addressed(name, self.language, address)
        if written is None:
            written = self._once(name, {})
        if written is None:
            written = self._once(name, {"ack_link": link})
        if written is None:
            facts = {**self._facts, **address, "ack_link": link}
            written = self.texts.part(name, self.language, facts)
        return written

    def _once(self, name: str, further: Mapping[str, object]) -> str | None:
        """A part that names nobody in particular; None where it does."""
        key = (name, *further.values())
        if key not in self._written:
            facts = {**self._facts, **further}
            self._written[key] = self.texts.attempt(name, self.language, facts)
        return self._written[key]

    @cached_property
    def _facts(self) -> dict[str, object]:
        return self.texts.facts(self.change, self.language)

    @cached_property
    def _written(self) -> dict[tuple[object, ...], str | None]:
        return {}


def _joined(parts: Iterable[str]) -> str:
    # A blank after Latin letters: a phone would take what follows for part of the link.
    spaced = [f"{part} " if part[-1].isascii() else part for part in parts if part]
    return "".join(spaced).strip()


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


def _basis(t: Transition) -> str:
    """What the text may claim: with data of both kinds, an onset still to come is a forecast."""
    if t.basis == Basis.BOTH and t.onset is not None and t.onset > t.at:
        return "forecast"
    return _BASIS[Basis(t.basis)]


def _stands(t: Transition) -> str:
    """Why the highest level is in force: its criterion is ``met``, it is ``kept``, or it is ``unjudged``."""
    if t.reason in CALLING or (t.onset is not None and not _short_of(t)):
        return "met"
    return "unjudged" if t.figures.get(UNJUDGED) else "kept"


def _short_of(t: Transition) -> bool:
    """Whether the value, as it is printed, is on the harmless side of the threshold."""
    if t.value is None or t.threshold is None:
        return False
    value, threshold = float(plain(t.value)), float(plain(t.threshold))
    return value > threshold if t.falling else value < threshold


def _ranked(related: Mapping[str, Level]) -> list[tuple[str, Level]]:
    """The other hazards of an incident, the most severe first."""
    return sorted(related.items(), key=lambda one: (-one[1], one[0]))


def _grade(level: Level) -> str:
    return level.grade


def _marks(t: Transition) -> list[str]:
    return [str(mark.name).lower() for mark in _MARKS if t.marks & mark]


def _fault(name: str, language: str, what: str) -> str:
    return f"texts.yaml: the {language} text for {name} fails: {what}; mend it"
