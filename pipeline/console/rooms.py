"""The rooms of the console, in the order of the menu: one line each."""

from __future__ import annotations

from fastapi import APIRouter

from pipeline.console.brief import routes as brief
from pipeline.console.damage import routes as damage
from pipeline.console.duty import routes as duty
from pipeline.console.incident import routes as incident
from pipeline.console.now import routes as now
from pipeline.console.now import twins as now_twins
from pipeline.console.people import routes as people
from pipeline.console.studio import routes as studio


def routers() -> tuple[APIRouter, ...]:
    """What every room serves, its pages and their twins for programs."""
    return (
        now.pages, now_twins.api,
        duty.pages, duty.api,
        damage.pages, damage.api,
        incident.pages, incident.api,
        people.pages, people.api,
        brief.pages, brief.api,
        studio.pages, studio.api,
    )  # fmt: skip
