"""By which terms the past is judged: ``verification.yaml`` of the configuration folder, if there is one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ingest.errors import ConfigMistake
from pipeline.config import Config
from pipeline.configuration.decode import decode
from pipeline.configuration.words import Excerpt, suggest
from pipeline.configuration.yaml_lines import Document, read
from pipeline.verify.matching import Windows
from rules.level import Level

FILE = "verification.yaml"
DEFAULT = "default"
"""Key that stands for everything that is not named."""
_RATIO = 0.1
Ratio = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How near is near, what a warning costs, and how much each level counts."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}

    windows: dict[str, Windows] = field(default_factory=dict)
    """Hazard, or ``default``, -> how far a warning and an event may lie apart."""
    cost_loss: dict[str, Ratio] = field(default_factory=dict)
    """Subsystem, or ``default``, -> cost of acting as a share of the loss of not acting when it happens."""
    risk: Ratio = 0.7
    """Weight of a level too low against one too high, which weighs 1 - risk; the risk parameter of FIRM."""
    weights: dict[str, Annotated[float, Field(gt=0)]] = field(default_factory=dict)
    """Level -> how much telling it from the one below counts; 1 where it is not named."""

    def windows_of(self, hazard: str) -> Windows:
        """The windows of a hazard."""
        return self.windows.get(hazard) or self.windows.get(DEFAULT) or Windows()

    def ratio_of(self, subsystem: str) -> float:
        """The cost-loss ratio of a subsystem."""
        return self.cost_loss.get(subsystem, self.cost_loss.get(DEFAULT, _RATIO))

    @property
    def level_weights(self) -> Mapping[Level, float]:
        """Level -> its weight."""
        return {level: self.weights.get(level.key, 1.0) for level in Level if level}


def load_terms(folder: Path) -> Terms:
    """Read ``verification.yaml``; the terms that come with the program where there is none.

    Raises ConfigMistake with one line per mistake.
    """
    document = _document(folder)
    return Terms() if document is None else _decoded(document)


def check_terms(config: Config) -> list[str]:
    """What is wrong with the terms of a configuration that loads, one line each."""
    try:
        document = _document(config.folder)
        terms = None if document is None else _decoded(document)
    except ConfigMistake as mistake:
        return str(mistake).splitlines()
    if document is None or terms is None:
        return []
    levels = [level.key for level in Level if level]
    return [
        *_strange(document, "windows", terms.windows, [*config.hazards, DEFAULT]),
        *_strange(document, "cost_loss", terms.cost_loss, [*config.routes.subsystems, DEFAULT]),
        *_strange(document, "weights", terms.weights, levels),
    ]


def _document(folder: Path) -> Document | None:
    path = folder / FILE
    return read(path) if path.exists() else None


def _decoded(document: Document) -> Terms:
    return decode(Terms, Excerpt(document=document, data=document.data))


def _strange(
    document: Document, key: str, names: Iterable[str], known: list[str]
) -> Iterator[str]:
    for name in names:
        if name not in known:
            yield document.mistake((key, name), f"is not known here; {suggest(name, known)}")
