"""The words of a change: templates of the configuration, filled in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError
from jinja2.meta import find_undeclared_variables

from alerts.duty.people import Role
from alerts.event.conduct import Conduct
from alerts.event.evidence import UNJUDGED
from alerts.event.transition import ABOUT_DATA, CALLING, Reason, Transition
from alerts.wording.words import FILTERS, LANGUAGES, known, plain, tidy
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
_PARTS = (
    "title", "brief", "brief_acknowledge", "exercise", "exercise_end",
    "related", "repeat", "unconfirmed", "task", "acknowledge", "disclaimer", "because",
    "lead", "support", "inform", "digest_item", "memo_digest_brief",
)  # fmt: skip
FIGURE = "figure_"
"""Begin of the names of templates that put a figure into words."""
MEMO = "memo_"
"""Begin of the names of templates that tell of something else than a change; see `alerts.wording.memos`."""
NEEDED = (
    tuple(reason.value for reason in Reason)
    + _PARTS
    + tuple(str(mark.name).lower() for mark in _MARKS)
)
"""Names of the templates that must exist, in both languages."""



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

    @cached_property
    def environments(self) -> dict[str, Environment]:
        """Language -> where its templates are read."""
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
        if f"{FIGURE}{name}" not in self.templates or not known(figure):
            return ""
        return self.part(f"{FIGURE}{name}", language, {"figure": figure, "t": t})

    def part(self, name: str, language: str, facts: Mapping[str, object]) -> str:
        """One part of a message; UndefinedError where its template needs more than `facts`."""
        return tidy(self.environments[language].get_template(name).render(facts))

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
            tree = self.environments[language].parse(self.templates[name][language])
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

    def brief(self, *, subsystem: str, ack_link: str | None) -> str:
        """The same in one or two SMS, without the task: for channels that bill by the character."""
        address = {"subsystem": subsystem, "role": "", "task": "", "step": 0}
        names = ["brief", "brief_acknowledge"] if ack_link else ["brief"]
        return _joined(self._part(name, address, ack_link) for name in names)

    @cached_property
    def title(self) -> str:
        """A heading of a few words."""
        return self.texts.part("title", self.language, self._facts)

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
