"""What a receiver answered over HTTP, and what its status says of another attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from ingest.errors import DeliveryError

LONGEST_PAUSE = timedelta(days=1)
"""A receiver that asks for a longer pause is asked again after this one."""
AGAIN = frozenset({408, 425, 429})
"""Client errors that another attempt can mend (RFC 9110, RFC 8470, RFC 6585)."""


class Answer(NamedTuple):
    """What a receiver answered, not yet judged."""

    status: int
    """HTTP status code."""
    headers: Mapping[str, str]
    """Header fields, names in lower case."""
    body: bytes
    """Body as it came."""
    elapsed_s: float
    """Time from the start of the send to the last byte [s]."""


def judge(answer: Answer, *, now: datetime | None = None) -> None:
    """Raise DeliveryError unless the status is 2xx; the body is the channel's to judge.

    408, 425, 429 and 5xx may be tried again, after the pause of ``Retry-After`` where it is given
    in seconds, or as a date and `now` is given. Another attempt cannot mend anything else.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    if status in AGAIN or status >= 500:
        raise DeliveryError(
            f"the receiver answered {status} and is tried again; if it lasts, tell its operator",
            retry=True,
            retry_after=_pause(answer.headers.get("retry-after", ""), now),
        )
    raise DeliveryError(f"the receiver answered {status}; {_remedy(status)}", retry=False)


def _remedy(status: int) -> str:
    if status == 410:
        return "it is gone for good, so take it out of the channels or enter its new address"
    if 300 <= status < 400:
        return "redirects are not followed, so enter its final address"
    return "check its address and key"


def _pause(text: str, now: datetime | None) -> timedelta | None:
    """The pause ``Retry-After`` asks for, within [0, LONGEST_PAUSE]; None where unreadable."""
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), LONGEST_PAUSE.total_seconds()))
    if now is None:
        return None
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    # RFC 5322 says -0000 where the zone is unknown, and Python then leaves it out; HTTP means GMT.
    pause = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(pause, timedelta(0)), LONGEST_PAUSE)
