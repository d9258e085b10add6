"""The brief on paper: WeasyPrint makes a PDF of what the page shows. Nothing is fetched from anywhere."""

from __future__ import annotations

import threading
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from pipeline.console.pages import HERE
from pipeline.console.refusals import refuse

_TURN = threading.BoundedSemaphore()
_PATIENCE_S = 20.0


def printed(html: str) -> bytes:
    """The PDF of a whole page; refused with 501 where the extra `reports` is missing, 503 where many print.

    Laying out takes a second or two of one core, so it is done one at a time.
    """
    if find_spec("weasyprint") is None:
        raise refuse(
            501,
            '生成PDF需要安装扩展：pip install "fengsui[reports]"；也可以直接打印网页'
            ' / a PDF needs pip install "fengsui[reports]"; or print the page',
        )
    if not _TURN.acquire(timeout=_PATIENCE_S):
        raise refuse(503, "正在打印别的简报，请稍后再试 / another brief is being printed, try again")
    try:
        made: bytes = _document(html).write_pdf()
        return made
    finally:
        _TURN.release()


def _document(html: str) -> Any:
    # It ships no types, and takes half a second to import that only print needs.
    weasyprint = import_module("weasyprint")
    style = weasyprint.CSS(string=(HERE / "static" / "brief.css").read_text("utf-8"))
    page = weasyprint.HTML(string=html, url_fetcher=_nothing, media_type="print")
    return page.render(stylesheets=[style])


def _nothing(url: str, *_: object, **__: object) -> dict[str, object]:
    """Refuse whatever a page would load: it has everything in itself."""
    raise ValueError(f"{url}: a brief loads nothing")
