"""Syslog (RFC 5424): what is warned of stands in the log of the command centre as well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.line import Until, check_ca_file, datagram, dial, fault, finish, trust, write
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.times import utc
from rules.level import Level

_SEVERITY = {Level.RED: 1, Level.ORANGE: 2, Level.YELLOW: 4, Level.BLUE: 5}
_INFORMATIONAL = 6
_LARGEST_DATAGRAM = 65_507
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ESCAPED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


@channel("syslog")
@dataclass(frozen=True, kw_only=True)
class Syslog:
    """Writes one line per message to a syslog server.

    Over TCP (octet counting, RFC 6587) and TLS (RFC 5425) a message counts as taken once the
    server has read it to its end. UDP tells nothing: use it where TCP is not to be had.
    """

    host: str
    """Name or number of the syslog server."""
    port: int = 514
    """Port; 6514 is usual for TLS."""
    transport: Literal["tcp", "udp", "tls"] = "tcp"
    """How it is sent."""
    facility: Annotated[int, Field(ge=0, le=23)] = 16
    """Facility by its number; 16 is local0."""
    hostname: Annotated[str, Field(pattern="^[!-~]{1,255}$")] = "fengsui"
    """What the lines name as their host."""
    enterprise: Annotated[int, Field(ge=1)] = 32473
    """Private enterprise number in the name of the structured data; 32473 is IANA's for examples."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of the system's."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        check_ca_file(self.ca_file)

    def send(self, message: Message, means: Means) -> Taken:
        """Send one line; the key in its structured data makes a repeat known as one.

        DeliveryError with ``retry=True`` where the network or the server failed, final where a
        text is too long for a datagram.
        """
        line = self._line(message)
        until = Until(self.deadline)
        try:
            self._deliver(line, until)
        except OSError as error:
            raise fault(error, f"the syslog server {self.host}:{self.port}", until) from None
        return Taken(reference=message.key, detail=self.transport)

    def _deliver(self, line: bytes, until: Until) -> None:
        if self.transport == "udp":
            if len(line) > _LARGEST_DATAGRAM:
                text = "the text is too long for one datagram; use transport: tcp"
                raise DeliveryError(text, retry=False)
            datagram(self.host, self.port, line)
            return
        context = trust(self.ca_file) if self.transport == "tls" else None
        with dial(self.host, self.port, until, context) as sock:
            write(sock, b"%d %s" % (len(line), line), until)
            finish(sock, until)

    def _line(self, message: Message) -> bytes:
        """One message of RFC 5424, its text in UTF-8 behind a byte order mark."""
        priority = self.facility * 8 + _SEVERITY.get(message.level, _INFORMATIONAL)
        at = utc(message.at).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        head = f"<{priority}>1 {at} {self.hostname} fengsui - {message.purpose}"
        return f"{head} {self._facts(message)} \ufeff{visible(message.text)}".encode(
            "utf-8", "replace"
        )

    def _facts(self, message: Message) -> str:
        """The structured data; who is told is named by subsystem, never by number."""
        facts = {
            "alert": message.data.get("alert"),
            "hazard": message.data.get("hazard"),
            "level": message.level.key,
            "key": message.key,
            "subsystem": message.subsystem,
            "exercise": message.exercise,
        }
        told = (f'{name}="{_value(fact)}"' for name, fact in facts.items() if fact is not None)
        return f"[fengsui@{self.enterprise} {' '.join(told)}]"


def visible(text: str) -> str:
    r"""`text` on one line: control characters as ``\n`` or ``\x1b``, for readers of logs and terminals."""
    return _CONTROL.sub(lambda found: _ESCAPED.get(found[0], f"\\x{ord(found[0]):02x}"), text)


def _value(fact: object) -> str:
    """A PARAM-VALUE: backslash, quote and closing bracket escaped (RFC 5424 6.3.3)."""
    return re.sub(r'(["\\\]])', r"\\\1", visible(str(fact)))
