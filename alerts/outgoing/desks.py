"""The desk as it is at this moment: with who stands in for whom, and what is silenced."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from alerts.duty import silences, stand_ins
from alerts.duty.people import Routes
from alerts.outgoing.dispatch import Desk


def current(connection: Connection, desk: Desk, now: datetime) -> Desk:
    """The desk with the stand-ins and silences that people arranged since the configuration was read."""
    routes = routes_now(connection, desk.routes, now)
    return desk if routes is desk.routes else replace(desk, routes=routes)


def routes_now(connection: Connection, routes: Routes, now: datetime) -> Routes:
    """The routes with stand-ins and silences; the very same where there are none.

    To be given the routes of the configuration, not its own result.
    """
    arranged = stand_ins.standing(connection, now)
    silenced = tuple(silences.in_force(connection, now))
    if not arranged and not silenced:
        return routes
    return replace(stand_ins.with_stand_ins(routes, arranged), silences=silenced)
