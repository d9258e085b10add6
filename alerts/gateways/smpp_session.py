"""A bound SMPP 3.4 connection: PDUs by smpplib, deadlines and the order of things by us."""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from alerts.outgoing.line import Socket, Until, read, waiting, write

OK = 0x00
_UNREADABLE = 0x65
"""ESME_RX_P_APPN: our refusal of a delivery that no second attempt would make readable."""
_LARGEST = 65_536
_MOST_AT_ONCE = 1000
_IDLE_S = 30
_DELIVER, _ENQUIRE, _UNBIND, _NACK = 0x05, 0x15, 0x06, 0x80000000
_RESPONSE = 0x80000000


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The response to a request of ours."""

    status: int
    """command_status."""
    message_id: str
    """Id of a message just taken; empty in other responses."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A deliver_sm: a receipt, or what somebody wrote."""

    sequence: int
    """Number it is acknowledged by."""
    receipt: bool
    """Whether it is a delivery receipt."""
    phone: str
    """Address it comes from."""
    coding: int
    """Data coding of its content."""
    headed: bool
    """Whether its content begins with a header."""
    content: bytes
    """User data."""
    reference: str
    """receipted_message_id, where the gateway tells it; empty otherwise."""
    state: int | None
    """message_state, where the gateway tells it."""


class Bound:
    """One connection as transceiver; used by one thread at a time."""

    def __init__(self, sock: Socket) -> None:
        self._sock = sock
        self._sequence = 0
        self._heard = time.monotonic()
        self._arrived: list[Arrival] = []

    @property
    def sequence(self) -> int:
        """Number of the last request; smpplib asks for it."""
        return self._sequence

    def next_sequence(self) -> int:
        """Number of the next request, starting anew before it outgrows its field."""
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def ask(self, command: str, fields: Mapping[str, object], until: Until) -> Answer:
        """Send a request and wait for its response; what else arrives meanwhile is kept."""
        sequence = self._say(command, fields, until)
        while True:
            code, status, number, raw = self._read(until)
            if code == _NACK and number in (0, sequence):
                return Answer(status=status, message_id="")
            if code & _RESPONSE and number == sequence:
                # Read by hand: optional parameters of a response vary with the make of the gateway.
                told = raw[16:].partition(b"\0")[0].decode("ascii", "replace")
                return Answer(status=status, message_id=told)
            self._other(code, number, raw, until)

    def alive(self, until: Until) -> bool:
        """Whether the other end is there; asked by enquire_link where it was silent for 30 s."""
        try:
            self._take_in(until)
            if time.monotonic() - self._heard > _IDLE_S:
                half = Until(timedelta(seconds=until.left() / 2))
                return self.ask("enquire_link", {}, half).status == OK
        except OSError:
            return False
        return True

    def arrivals(self, until: Until) -> list[Arrival]:
        """What has arrived, acknowledged only now: what a crash loses is delivered once more."""
        self._take_in(until)
        arrived, self._arrived = self._arrived, []
        # A line that breaks here has them delivered again, which does no harm.
        with suppress(OSError):
            for one in arrived:
                self._respond("deliver_sm_resp", one.sequence, OK, until)
        return arrived

    def close(self) -> None:
        """Unbind without waiting for the answer, and close."""
        try:
            with suppress(OSError):
                self._say("unbind", {}, Until(timedelta(seconds=0.2)))
        finally:
            self._sock.close()

    def _take_in(self, until: Until) -> None:
        for _ in range(_MOST_AT_ONCE):
            if not waiting(self._sock):
                return
            code, _, number, raw = self._read(until)
            self._other(code, number, raw, until)

    def _say(self, command: str, fields: Mapping[str, object], until: Until) -> int:
        from smpplib.smpp import make_pdu

        pdu = make_pdu(command, client=self, **fields)
        write(self._sock, pdu.generate(), until)
        return int(pdu.sequence)

    def _respond(self, command: str, sequence: int, status: int, until: Until) -> None:
        from smpplib.smpp import make_pdu

        pdu = make_pdu(command, client=self, sequence=sequence, status=status)
        pdu.sequence, pdu.status = sequence, status
        write(self._sock, pdu.generate(), until)

    def _read(self, until: Until) -> tuple[int, int, int, bytes]:
        """The next PDU: command id, status, sequence number, and all of its bytes."""
        head = read(self._sock, 16, until)
        length, code, status, number = struct.unpack(">LLLL", head)
        if not 16 <= length <= _LARGEST:
            raise ConnectionResetError("what came is no SMPP")
        raw = head + read(self._sock, length - 16, until)
        self._heard = time.monotonic()
        return code, status, number, raw

    def _other(self, code: int, number: int, raw: bytes, until: Until) -> None:
        """What the gateway sends of its own accord; late responses are passed over."""
        if code == _DELIVER:
            arrival = _arrival(number, raw)
            if arrival is None:
                self._respond("deliver_sm_resp", number, _UNREADABLE, until)
            else:
                self._arrived.append(arrival)
        elif code == _ENQUIRE:
            self._respond("enquire_link_resp", number, OK, until)
        elif code == _UNBIND:
            self._respond("unbind_resp", number, OK, until)
            raise ConnectionResetError("the gateway unbound us")


def _arrival(number: int, raw: bytes) -> Arrival | None:
    """A deliver_sm, parsed; None where it cannot be."""
    from smpplib.exceptions import PDUError, UnknownCommandError
    from smpplib.smpp import parse_pdu

    try:
        pdu: Any = parse_pdu(raw, client=None, allow_unknown_opt_params=True, sequence=number)
    except (PDUError, UnknownCommandError, struct.error, LookupError, ValueError, TypeError):
        return None
    if pdu.data_coding is None:
        return None  # The library takes a PDU that ends early for one without its last fields.
    kind = pdu.esm_class
    reference = (getattr(pdu, "receipted_message_id", None) or b"").decode("ascii", "replace")
    return Arrival(
        sequence=number,
        receipt=kind & 0x3C == 0x04 or bool(reference),
        phone=(pdu.source_addr or b"").decode("ascii", "replace"),
        coding=pdu.data_coding,
        headed=bool(kind & 0x40),
        content=pdu.short_message or getattr(pdu, "message_payload", None) or b"",
        reference=reference,
        state=getattr(pdu, "message_state", None),
    )
