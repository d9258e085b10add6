"""What becomes of a message that a gateway did not take: the three endings of every documented code."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

from alerts.outgoing.delivery import Means
from ingest.errors import ConfigMistake, DeliveryError
from ingest.secret import Secret


class Ending(Enum):
    """What an error code of a gateway means for what comes next."""

    RETRY = "retry"
    """Another attempt over the same gateway can help."""
    FINAL = "final"
    """This message or number will not pass; the person's next channel is used."""
    FAIL_OVER = "fail-over"
    """The gateway as a whole is at fault; the next channel for everybody, and its operator is told."""

    def error(self, sentence: str, pause: timedelta | None = None) -> DeliveryError:
        """The error that ends so, and how long to leave the gateway alone."""
        return DeliveryError(
            sentence,
            retry=self is Ending.RETRY,
            retry_after=pause,
            gateway=self is Ending.FAIL_OVER,
        )


def reveal(secret: Secret, means: Means) -> str:
    """Read a secret; DeliveryError with ``retry=True`` where it is missing.

    The operator can mend that before the message expires.
    """
    try:
        return means.reveal(secret)
    except ConfigMistake as mistake:
        raise DeliveryError(str(mistake), retry=True) from None
