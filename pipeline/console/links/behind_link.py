"""What stands behind a link: how it is between one subsystem and one alert."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from alerts.answers import closing, reports
from alerts.answers.closing import Closing
from alerts.answers.links import Claim
from alerts.answers.reports import Report
from alerts.event.transition import ABOUT_DATA, OVER, Transition
from alerts.record import store
from alerts.record.store import Acknowledgement, Call, CallStatus


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How it stands between a subsystem and an alert."""

    change: Transition
    """The change that the page is about: the one that waits for an answer, else the link's own."""
    newest: Transition
    """The latest change of the alert that is about the hazard."""
    call: Call | None
    """The subsystem's newest call; None where it was not called."""
    words: list[Acknowledgement]
    """Acknowledgements of the subsystem."""
    told: list[Report]
    """Its reports."""
    closing: Closing | None
    """Its closing report, where one is asked for."""

    @property
    def waits(self) -> bool:
        """Whether somebody must still answer."""
        return self.call is not None and self.call.status is CallStatus.OPEN

    @property
    def over(self) -> bool:
        """Whether the alert is."""
        return self.newest.reason in OVER


def standing_of(connection: Connection, claim: Claim) -> Standing | None:
    """How it stands by now; None where the alert is not known (a database was restored without it)."""
    changes = store.transitions(connection, alert=claim.alert)
    own = next((change for change in changes if change.id == claim.transition), None)
    if own is None:
        return None
    mine = [
        call
        for call in store.calls(connection, alert=claim.alert)
        if call.subsystem == claim.subsystem
    ]
    waiting = [call for call in mine if call.status is CallStatus.OPEN]
    asked = waiting[-1].transition if waiting else own.id
    words = store.acknowledgements(connection, claim.alert)
    told = reports.reports(connection, claim.alert)
    ends = closing.closings(connection, claim.alert)
    return Standing(
        change=next(change for change in changes if change.id == asked),
        newest=[change for change in changes if change.reason not in ABOUT_DATA or change is own][-1],
        call=next(reversed(waiting or mine), None),
        words=[word for word in words if word.subsystem == claim.subsystem],
        told=[one for one in told if one.subsystem == claim.subsystem],
        closing=next((end for end in ends if end.subsystem == claim.subsystem), None),
    )
