"""What pages and their twins read in the same way."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import Request

from ingest.times import parse_instant
from pipeline.console.house import house_of
from pipeline.console.incident.cards import Cards, Evidence
from pipeline.console.incident.facts import Head
from pipeline.console.incident.past import Like
from pipeline.console.refusals import refuse

_OLDEST = datetime(1950, 1, 1, tzinfo=UTC)


def cards_of(request: Request) -> Cards:
    """The evidence of the console, made once for all who look at it."""
    state = request.app.state
    if not hasattr(state, "cards"):
        state.cards = Cards(house_of(request).ports)
    cards: Cards = state.cards
    return cards


def evidence_moment(text: str, now: datetime, usual: datetime) -> datetime:
    """The moment that is asked for, not after now; the usual one where none is. 422 where it is none."""
    if not text:
        return usual
    try:
        # A blank in a query is a plus that was not quoted.
        moment = parse_instant(text.strip().replace(" ", "+"))
    except (ValueError, OverflowError) as error:
        message = "时间须写成 2022-08-15T12:00+08:00 / give a time with its offset"
        raise refuse(422, message) from error
    if not _OLDEST < moment <= now:
        raise refuse(422, "时间须在过去 / the time must lie in the past")
    return moment


def like_of(head: Head | None, made: Evidence) -> Like:
    """What is compared with the past: an alert at its highest, or a card by itself."""
    card = made.card
    if head is None:
        return Like(block=card.hazard, level=card.asked.floor, value=card.asked.value, at=card.at)
    standing = head.standing
    return Like(
        block=card.hazard,
        level=standing.peak_level,
        value=standing.peak_value,
        at=standing.opened_at or card.at,
        alert=head.alert,
    )
