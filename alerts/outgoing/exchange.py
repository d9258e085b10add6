"""A request on its way and the answer to it, waited for or looked for now and then."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from typing import Protocol

from alerts.outgoing.answer import Answer
from alerts.outgoing.incoming import BrokenOff, Incoming, Raw
from ingest.errors import DeliveryError

# What has come already is read, however late it is looked at.
_GRACE_S = 0.1


class Unreachable(OSError):
    """No address of the host takes a connection."""


class Line(Protocol):
    """A connection, as an exchange needs it."""

    until: float
    """End of the present deadline, by the monotonic clock [s]."""
    origin: str
    """Scheme, host and port, which are safe to print."""
    number: int
    """Its file descriptor, to wait for."""

    said: tuple[bytes, Raw] | None
    """The last whole answer that came in one piece, as it came and as it was read; None before it."""

    def receive(self) -> bytes:
        """The next piece, waited for; empty at the end."""
        ...

    def glance(self) -> bytes | None:
        """The next piece, empty at the end; None where nothing has come yet."""
        ...

    def odd(self, begun: bytes, largest: int) -> Raw:
        """Wait for the whole of an answer in chunks, without a length, or after an interim one."""
        ...

    def rest(self) -> None:
        """Keep it for the next exchange."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Exchange:
    """A request on its way: sent, and waiting for its answer; used by one thread at a time.

    Its connection goes back to the house it came from when the answer is whole, and is closed by any error.
    """

    def __init__(self, line: Line, started: float, largest: int) -> None:
        self.number = line.number
        self.until = line.until
        self.started = started
        self._line = line
        self._largest = largest
        self._incoming: Incoming | None = None

    def wait(self) -> Answer:
        """The whole answer, waited for; DeliveryError as `Post.send` says."""
        answer = None
        while answer is None:
            answer = self._next(self._line.receive)
        return answer

    def hear(self) -> Answer | None:
        """The answer, if it is whole by now; None where more must come. DeliveryError as `Post.send` says.

        Only an answer without a plain length is waited for once it has begun.
        """
        return self._next(self._line.glance)

    def expire(self) -> DeliveryError:
        """Give it up, its time is over; what to say of it."""
        self._line.close()
        return fault(TimeoutError(), self._line.origin, self.until - self.started)

    def _next(self, read: Callable[[], bytes | None]) -> Answer | None:
        """The answer, once it is whole with what can be read; None where nothing more has come yet."""
        raw = None
        try:
            while raw is None:
                piece = read()
                if piece is None:
                    return None
                raw = self._taken(piece)
        except (BrokenOff, OSError) as error:
            self._line.close()
            raise fault(error, self._line.origin, self.until - self.started) from None
        except BaseException:
            self._line.close()
            raise
        return self._concluded(raw)

    def _taken(self, piece: bytes) -> Raw | None:
        line, incoming = self._line, self._incoming
        if incoming is None:
            # A receiver often says the same again, which is not read twice.
            if line.said is not None and line.said[0] == piece:
                return line.said[1]
            self._incoming = incoming = Incoming(self._largest)
        whole = incoming.take(piece)
        if incoming.odd:
            line.until = max(self.until, time.monotonic() + _GRACE_S)
            return line.odd(incoming.content, self._largest)
        if whole is not None and whole.keep and incoming.content is piece:
            line.said = (piece, whole)
        return whole

    def _concluded(self, raw: Raw) -> Answer:
        if raw.keep:
            self._line.rest()
        else:
            self._line.close()
        if len(raw.body) > self._largest:
            raise DeliveryError(
                f"{self._line.origin} answered more than {self._largest} bytes; check that it is a receiver",
                retry=True,
            )
        head = raw.head
        return Answer(head.status, head.fields, raw.body, time.monotonic() - self.started)


def fault(error: Exception, origin: str, seconds: float) -> DeliveryError:
    """Say what went wrong on the way, without the library's text."""
    if isinstance(error, Unreachable):
        text = f"{origin} cannot be reached; check that it runs and that the network is up"
    elif isinstance(error, TimeoutError):
        text = f"{origin} did not answer within {seconds:g} s; check that it is not overloaded"
    elif isinstance(error, ssl.SSLError):
        text = f"{origin} has no certificate that is trusted for it; have it renewed"
    else:
        text = f"{origin} broke off before its answer was complete; check its logs"
    return DeliveryError(text, retry=True)
