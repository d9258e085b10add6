"""From a sheet to a page: templates filled in both languages, everything inside one file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.reports.fonts import chinese_font
from pipeline.reports.language import LANGUAGES, Tongue
from pipeline.reports.sheet import Sheet

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True)
class Edition:
    """A sheet as it is published."""

    sheet: Sheet
    """What it says."""
    first: Tongue
    """Language it opens in."""
    paper: bool
    """Whether it is for print: one language, no switch."""

    @property
    def tongues(self) -> list[Tongue]:
        """Languages it holds."""
        return [self.first] if self.paper else [Tongue(language=language) for language in LANGUAGES]


@dataclass(frozen=True, kw_only=True)
class Body:
    """The report in one language."""

    tongue: Tongue
    """Which."""
    title: str
    """Its heading."""
    content: Markup
    """The rest of it."""


def render(edition: Edition) -> str:
    """The whole page; nothing in it is fetched from anywhere."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bodies = [_body(environment, edition, tongue) for tongue in edition.tongues]
    style = Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))
    page = environment.get_template("page.html")
    return page.render(bodies=bodies, first=edition.first.language, paper=edition.paper, style=style)


def _body(environment: Environment, edition: Edition, tongue: Tongue) -> Body:
    facts = edition.sheet.facts(tongue, edition.paper)
    # Said once a page, and only where the words of its figures are in the wrong language.
    fontless = tongue.language == "zh" and chinese_font() is None
    common = {"t": tongue, "paper": edition.paper, "fontless": fontless}
    content = environment.get_template(edition.sheet.template).render(**common, **facts)
    return Body(tongue=tongue, title=str(facts["title"]), content=Markup(content))
