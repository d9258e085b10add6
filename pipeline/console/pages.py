"""How pages are made: templates, times in Beijing, and the banner of a drill on every one of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, select_autoescape

from ingest.times import BEIJING
from pipeline.ports import Ports

HERE = Path(__file__).parent
"""Where templates and static files stand."""

Clock = Callable[[], datetime]
"""Gives the present moment."""


class Pages:
    """Renders the templates of one instance; everything people wrote is escaped."""

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape()
        )
        self._templates.filters["beijing"] = _beijing
        self._templates.globals["exercise"] = ports.desk.exercise

    def page(self, template: str, status: int = 200, **facts: Any) -> Response:
        """A page of a template."""
        body = self._templates.get_template(template).render(**facts)
        return HTMLResponse(body, status_code=status)

    def refused(self, status: int, message: str) -> Response:
        """A page that says why not, and what to do."""
        return self.page("refused.html", status, message=message)

    def person(self, person: str) -> str:
        """Name of a person; one who left the configuration stands for oneself."""
        known = self.ports.desk.routes.people.get(person)
        return known.name if known else person


def _beijing(moment: datetime) -> str:
    return f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M}"
