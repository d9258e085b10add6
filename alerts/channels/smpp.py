"""SMPP 3.4: an operator's short message centre, as transceiver, with receipts and replies."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from alerts.gateways.endings import Ending, reveal
from alerts.gateways.short_message import Encoded, decode, encode, read_receipt, unheaded
from alerts.gateways.smpp_session import OK, Arrival, Bound
from alerts.gateways.sms_wire import harmless, mobile
from alerts.outgoing.delivery import (
    Intake,
    Means,
    Message,
    Pending,
    Receipt,
    Reply,
    Sign,
    Taken,
    channel,
)
from alerts.outgoing.line import Line, Until, check_ca_file, check_installed, dial, fault, trust
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import utc

_LONGEST_PASSWORD = 8
_PAUSE = timedelta(seconds=5)
_SIGNS = {
    "DELIVRD": Sign.DELIVERED,
    "EXPIRED": Sign.UNDELIVERED,
    "DELETED": Sign.UNDELIVERED,
    "UNDELIV": Sign.UNDELIVERED,
    "REJECTD": Sign.UNDELIVERED,
}
_STATES = {2: "DELIVRD", 3: "EXPIRED", 4: "DELETED", 5: "UNDELIV", 8: "REJECTD"}

ENDINGS: dict[int, tuple[str, Ending, str]] = {
    0x01: ("RINVMSGLEN", Ending.FINAL, "shorten the text"),
    0x02: ("RINVCMDLEN", Ending.FINAL, "shorten the text"),
    0x03: ("RINVCMDID", Ending.FAIL_OVER, "have the account allowed to bind as transceiver"),
    0x04: ("RINVBNDSTS", Ending.RETRY, ""),
    0x05: ("RALYBND", Ending.RETRY, ""),
    0x08: ("RSYSERR", Ending.RETRY, ""),
    0x0A: ("RINVSRCADR", Ending.FAIL_OVER, "correct source"),
    0x0B: ("RINVDSTADR", Ending.FINAL, "correct the number on file"),
    0x0D: ("RBINDFAIL", Ending.FAIL_OVER, "check system_id, password and system_type"),
    0x0E: ("RINVPASWD", Ending.FAIL_OVER, "correct the password"),
    0x0F: ("RINVSYSID", Ending.FAIL_OVER, "correct system_id"),
    0x14: ("RMSGQFUL", Ending.RETRY, ""),
    0x15: ("RINVSERTYP", Ending.FAIL_OVER, "ask the operator which service the account may use"),
    0x43: ("RINVESMCLASS", Ending.FAIL_OVER, "ask the operator to allow texts of several parts"),
    0x45: ("RSUBMITFAIL", Ending.RETRY, ""),
    0x48: ("RINVSRCTON", Ending.FAIL_OVER, "correct source"),
    0x49: ("RINVSRCNPI", Ending.FAIL_OVER, "correct source"),
    0x50: ("RINVDSTTON", Ending.FAIL_OVER, "correct ton"),
    0x51: ("RINVDSTNPI", Ending.FAIL_OVER, "correct npi"),
    0x53: ("RINVSYSTYP", Ending.FAIL_OVER, "correct system_type"),
    0x58: ("RTHROTTLED", Ending.RETRY, ""),
    0x64: ("RX_T_APPN", Ending.RETRY, ""),
    0x65: ("RX_P_APPN", Ending.FINAL, "ask the operator why"),
    0x66: ("RX_R_APPN", Ending.FINAL, "ask the operator why"),
    0xC3: ("RINVOPTPARAMVAL", Ending.FINAL, "ask the operator why"),
    0xFE: ("RDELIVERYFAILURE", Ending.FINAL, "correct the number on file"),
    0xFF: ("RUNKNOWNERR", Ending.RETRY, ""),
}
"""Statuses of SMPP 3.4 (5.1.3) and what comes next; one that is not listed is tried again."""
_PAUSED = {0x05, 0x14, 0x58}


@channel("smpp")
@dataclass(frozen=True, kw_only=True)
class Smpp:
    """Sends texts over one bound connection and reads receipts and replies from the same.

    The protocol knows no idempotency key: a text whose answer a crash swallowed arrives twice.
    The reference of a text of several parts is the id of its last part.
    """

    host: str
    """Name or number of the short message centre."""
    port: int = 2775
    """Its port."""
    system_id: Annotated[str, Field(pattern="^[!-~]{1,15}$")]
    """Name of the account."""
    password: Secret
    """Its password, at most eight ASCII characters."""
    source: str
    """Number the texts come from, and replies go to."""
    system_type: Annotated[str, Field(pattern="^[!-~]{0,12}$")] = ""
    """What the operator wants to read there, often nothing."""
    signature: str = "【烽燧】"
    """Signature before the text; empty where the gateway adds it."""
    prefix: Annotated[str, Field(pattern="^[0-9]{0,6}$")] = ""
    """Digits before the eleven of a number, such as 86."""
    ton: Annotated[int, Field(ge=0, le=6)] = 0
    """Type of the numbers sent to: 0 unknown, 1 international, 2 national."""
    npi: Annotated[int, Field(ge=0, le=18)] = 1
    """Numbering plan of the numbers sent to; 1 is E.164."""
    ids: Literal["text", "decimal", "hex"] = "text"
    """How receipts write an id: as it was given, or in decimal or hex where it was given in the other."""
    zone: str = "Asia/Shanghai"
    """Time zone of the receipts."""
    tls: bool = False
    """Whether the connection is TLS; without it, keep to the operator's dedicated line or VPN."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of the system's."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt, however many parts."""

    def __post_init__(self) -> None:
        check_installed("smpplib", "smpp")
        check_ca_file(self.ca_file)
        try:
            ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            raise ValueError("zone must be a time zone such as Asia/Shanghai") from None

    def send(self, message: Message, means: Means) -> Taken:
        """Submit every part and wait for each answer.

        DeliveryError by ENDINGS for a status, with ``retry=True`` where the line failed.
        """
        number = self.prefix + mobile(message.recipient.phone)
        mark = zlib.crc32(message.key.encode()) & 0xFF
        text = encode(self.signature + message.text, mark)
        until = Until(self.deadline)
        try:
            with self._line(means).turn(until, lambda: self._bind(means, until)) as bound:
                status, reference = self._submit(bound, text, number, until)
        except OSError as error:
            raise fault(error, self._where, until) from None
        if status != OK:
            raise self._refusal(status)
        return Taken(reference=self._id(reference, told=False), detail=f"{len(text.parts)} 条短信")

    def ask(self, pending: Sequence[Pending], means: Means, now: datetime) -> Intake:
        """Receipts and replies that came since; they are kept by the gateway until asked for.

        To be called every half minute or so, pending or not: it keeps the connection awake, and
        replies come at any time.
        """
        until = Until(self.deadline)
        try:
            with self._line(means).turn(until, lambda: self._bind(means, until)) as bound:
                arrived = bound.arrivals(until)
        except OSError as error:
            raise fault(error, self._where, until) from None
        told = (self._receipt(one, now) for one in arrived if one.receipt)
        written = [one for one in arrived if not one.receipt]
        return Intake(
            receipts=tuple(receipt for receipt in told if receipt is not None),
            replies=tuple(_replies(written, now)),
        )

    @property
    def _where(self) -> str:
        return f"the short message centre {self.host}:{self.port}"

    def _line(self, means: Means) -> Line[Bound]:
        with means.sessions.borrow(self, Line[Bound]) as line:
            return line  # It has turns of its own, which nobody awaits beyond a deadline.

    def _bind(self, means: Means, until: Until) -> Bound:
        password = reveal(self.password, means)
        if len(password) > _LONGEST_PASSWORD or not password.isascii():
            text = f"the password of {self.password.where} has more than 8 characters, or not ASCII"
            raise DeliveryError(f"{text}; SMPP takes no other", retry=False, gateway=True)
        context = trust(self.ca_file) if self.tls else None
        bound = Bound(dial(self.host, self.port, until, context))
        fields = {"system_id": self.system_id, "password": password}
        try:
            answer = bound.ask(
                "bind_transceiver", {**fields, "system_type": self.system_type}, until
            )
            if answer.status != OK:
                raise self._refusal(answer.status)
        except BaseException:
            bound.close()
            raise
        return bound

    def _submit(self, bound: Bound, text: Encoded, number: str, until: Until) -> tuple[int, str]:
        """The status of the first part refused, or of the last, and its id."""
        fields = {
            "source_addr": self.source,
            "destination_addr": number,
            "dest_addr_ton": self.ton,
            "dest_addr_npi": self.npi,
            "data_coding": text.coding,
            "esm_class": 0x40 if text.headed else 0,
            "registered_delivery": 1,
        }
        status, reference = OK, ""
        for part in text.parts:
            answer = bound.ask("submit_sm", {**fields, "short_message": part}, until)
            status, reference = answer.status, answer.message_id
            if status != OK:
                break
        return status, reference

    def _refusal(self, status: int) -> DeliveryError:
        name, ending, remedy = ENDINGS.get(status, ("an unknown status", Ending.RETRY, ""))
        said = f"{self._where} answered {name} ({status:#04x})"
        if ending is not Ending.RETRY:
            return ending.error(f"{said}; {remedy}")
        pause = _PAUSE if status in _PAUSED else None
        return DeliveryError(f"{said} and is tried again", retry=True, retry_after=pause)

    def _id(self, id: str, *, told: bool) -> str:
        """One writing of an id for both sides; `told` in a receipt rather than given on sending."""
        if self.ids == "text":
            return id
        base = 16 if (self.ids == "hex") == told else 10
        try:
            return str(int(id, base))
        except ValueError:
            return id

    def _receipt(self, one: Arrival, now: datetime) -> Receipt | None:
        """What a receipt tells; None where it tells of no end (on its way, accepted, unknown)."""
        said = read_receipt(decode(one.content, one.coding))
        stat = said.stat or _STATES.get(one.state or 0, "")
        sign, id = _SIGNS.get(stat), one.reference or said.id
        if sign is None or not id:
            return None
        phone = _national(one.phone)
        return Receipt(
            sign=sign,
            at=self._time(said.done, now),
            reference=self._id(id, told=True),
            # Some gateways name sender and receiver the wrong way round.
            phone=None if phone == _national(self.source) else phone,
            detail=harmless(f"{stat} {said.err}".strip()),
        )

    def _time(self, told: str, now: datetime) -> datetime:
        """A local time of a receipt, aware UTC; the present where it cannot be read."""
        for form in ("%y%m%d%H%M%S", "%y%m%d%H%M"):
            # `strptime` would read ten digits as twelve, with single digits at the end.
            if len(told) == len(form.replace("%", "")) * 2:
                try:
                    local = datetime.strptime(told, form)  # noqa: DTZ007  # its zone follows
                except ValueError:
                    break
                return local.replace(tzinfo=ZoneInfo(self.zone)).astimezone(UTC)
        return utc(now)


def _national(address: str) -> str:
    """A number as its last eleven digits."""
    return re.sub(r"\D", "", address)[-11:]


def _replies(written: Iterable[Arrival], now: datetime) -> list[Reply]:
    """What people wrote, the parts of one text put together where all of them are there."""
    texts: dict[tuple[str, int, int, int], dict[int, str]] = {}
    for one in written:
        body, (mark, parts, number) = (
            unheaded(one.content) if one.headed else (one.content, (0, 1, 1))
        )
        alone = one.sequence if parts == 1 else 0
        whole = texts.setdefault((_national(one.phone), mark, parts, alone), {})
        whole[number] = decode(body, one.coding)
    return [
        Reply(phone=key[0], text="".join(text for _, text in sorted(whole.items())), at=utc(now))
        for key, whole in texts.items()
    ]
