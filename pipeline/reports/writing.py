"""Writes a report: the suffix of the path decides between a page for the browser and one to print."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from ingest.errors import FengsuiError
from pipeline.config import Config
from pipeline.reports.language import tongue

if TYPE_CHECKING:
    from pipeline.replay.result import Replay
    from pipeline.reports.lessons import Taught
    from pipeline.reports.replays import Comparison
    from pipeline.reports.sheet import Sheet
    from pipeline.reports.verifications import Contest
    from pipeline.tune.result import Tuning
    from pipeline.verify.run import Verification

    Subject: TypeAlias = Replay | Comparison | Verification | Contest | Tuning | Taught

SUFFIXES = (".html", ".pdf")
"""What can be written. A page for the browser holds both languages and a switch; print holds one."""


class ReportError(FengsuiError):
    """The report cannot be written: wrong suffix, missing library, or a folder that cannot be written to."""


def write(
    path: Path, subject: Subject, *, config: Config, language: str = "zh", title: str = ""
) -> None:
    """Write the report of a replay, a comparison of two, a verification, a tuning or a trained model.

    Parameters
    ----------
    path : Path
        Ends with ``.html`` or ``.pdf``; the file is replaced as a whole.
    config : Config
        The rules it was made with: names, people, texts, version.
    language : str
        ``zh`` or ``en``: the language a page opens in, and the only one of print.
    title : str
        Heading; empty takes one from the subject.

    Raises ReportError with one sentence where that cannot be done. Nothing of it depends on when it is
    written: the same subject gives the same bytes.
    """
    check(path)
    from pipeline.reports.page import Edition, render

    sheet = _sheet(subject, config, title)
    edition = Edition(sheet=sheet, first=tongue(language), paper=path.suffix == ".pdf")
    text = render(edition)
    content = _printed(text) if edition.paper else text.encode("utf-8")
    _replace(path, content)


def check(path: Path) -> None:
    """Refuse with ReportError, before hours of work, a report that could not be written in the end."""
    if path.suffix not in SUFFIXES:
        raise ReportError(f"{path}: a report is a page or print; let its name end with .html or .pdf")
    wanted = ["matplotlib", "weasyprint"] if path.suffix == ".pdf" else ["matplotlib"]
    if any(find_spec(module) is None for module in wanted):
        raise ReportError('reports need further libraries: pip install "fengsui[reports]"')
    if not path.parent.is_dir():
        raise ReportError(f"{path.parent}: there is no such folder; make it first")


def _sheet(subject: Subject, config: Config, title: str) -> Sheet:
    """What the report of a subject says; each sort is imported only where it is asked for."""
    # Sorts are told apart by name, so that a replay's report loads nothing of verification and tuning.
    match type(subject).__name__:
        case "Verification" | "Contest":
            from pipeline.reports import verifications

            return verifications.sheet(cast("Verification", subject), config, title)
        case "Tuning":
            from pipeline.reports import tunings

            return tunings.sheet(cast("Tuning", subject), config, title)
        case "Taught":
            from pipeline.reports import lessons

            return lessons.sheet(cast("Taught", subject), config, title)
        case "Comparison":
            from pipeline.reports import replays

            return replays.sheet(cast("Comparison", subject), config, title)
        case "Replay":
            from pipeline.reports import replays

            return replays.sheet(replays.Comparison(today=cast("Replay", subject)), config, title)
        case other:
            raise TypeError(f"there is no report of a {other}")


def _printed(text: str) -> bytes:
    # It ships no types, and is needed for print alone.
    content: bytes = import_module("weasyprint").HTML(string=text).write_pdf()
    return content


def _replace(path: Path, content: bytes) -> None:
    """Put the file there as a whole, so that an interrupted run leaves no half of one."""
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        why = (error.strerror or "unknown reason").lower()
        raise ReportError(f"{path}: cannot be written ({why}); name another place") from None
