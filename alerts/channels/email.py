"""E-mail: one letter per person, over verified TLS, judged by the code of the mail server."""

from __future__ import annotations

import hashlib
import io
import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Literal

from alerts.gateways.endings import reveal
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.line import (
    Socket,
    TimelyReader,
    Until,
    check_ca_file,
    dial,
    fault,
    is_loopback,
    trust,
)
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import utc

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


@channel("email")
@dataclass(frozen=True, kw_only=True)
class Email:
    """Hands one plain letter per person to one mail server; nobody sees who else gets one."""

    host: str
    """Name of the mail server; its certificate must be for this name."""
    sender: str
    """Address the letters come from."""
    sender_name: str = "烽燧 Fengsui"
    """Name shown beside it."""
    tls: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection is protected; ``none`` is for a server on this machine only."""
    port: int | None = None
    """Port; None takes 587 for starttls, 465 for tls, 25 for none."""
    user: str | None = None
    """Name to log in with; None does not log in."""
    password: Secret | None = None
    """Its password."""
    ca_file: str | None = None
    """PEM file of the authorities to trust in place of the system's."""
    deadline: Duration = timedelta(seconds=20)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        if (self.user is None) != (self.password is None):
            raise ValueError("give user and password together or neither")
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError("tls: none is for a server on this machine; write starttls or tls")
        check_ca_file(self.ca_file)
        try:
            Address(display_name=self.sender_name, addr_spec=self.sender)
        except (ValueError, IndexError, MessageError):
            raise ValueError(
                "sender must be an e-mail address such as alerts@example.org"
            ) from None

    def send(self, message: Message, means: Means) -> Taken:
        """Send one letter; its Message-ID is made of the key, so a repeat is known as one.

        DeliveryError: 4xx may be tried again; 5xx to the recipient or the letter is final; a
        refused login, sender or greeting and a missing STARTTLS are the gateway's.
        """
        letter = self._letter(message)
        password = self._revealed(means)
        until = Until(self.deadline)
        try:
            self._hand_over(letter, password, until)
        except smtplib.SMTPException as error:
            raise self._refusal(error, letter, until) from None
        except OSError as error:
            raise fault(error, self._where, until) from None
        return Taken(reference=str(letter["Message-ID"]), detail="SMTP 250")

    @property
    def _port(self) -> int:
        return self.port or _PORTS[self.tls]

    @property
    def _where(self) -> str:
        return f"the mail server {self.host}:{self._port}"

    def _revealed(self, means: Means) -> str:
        if self.password is None:
            return ""
        password = reveal(self.password, means)
        if not password.isascii():
            text = f"the password of {self.password.where} holds letters beyond ASCII; change it"
            raise DeliveryError(text, retry=False, gateway=True)
        return password

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        sender = Address(display_name=self.sender_name, addr_spec=self.sender)
        letter["From"] = sender
        letter["To"] = _recipient(message)
        letter["Subject"] = " ".join(_writable(message.title).split())
        letter["Date"] = format_datetime(utc(message.at))
        letter["Message-ID"] = (
            f"<{hashlib.sha256(message.key.encode()).hexdigest()}@{sender.domain}>"
        )
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Fengsui-Key"] = " ".join(message.key.split())
        if message.exercise is not None:
            letter["X-Fengsui-Exercise"] = " ".join(message.exercise.split())
        # Base64 passes servers that know nothing of eight bits.
        letter.set_content(_writable(message.text), charset="utf-8", cte="base64")
        return letter

    def _hand_over(self, letter: EmailMessage, password: str, until: Until) -> None:
        context = None if self.tls == "none" else trust(self.ca_file)
        implicit = context if self.tls == "tls" else None
        domain = self.sender.rpartition("@")[2]
        with closing(_TimelySmtp((self.host, self._port), domain, until, implicit)) as smtp:
            if self.tls == "starttls":
                smtp.starttls(context=context)
            if self.user is not None:
                smtp.login(self.user, password)
            smtp.send_message(letter)
            # It is taken: whatever the farewell brings changes nothing.
            with suppress(OSError):
                smtp.quit()

    def _refusal(
        self, error: smtplib.SMTPException, letter: EmailMessage, until: Until
    ) -> DeliveryError:
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            code = next(iter(error.recipients.values()))[0]
            return _judged(
                f"{self._where} refused the recipient", code, "correct the address on file"
            )
        if isinstance(error, smtplib.SMTPNotSupportedError):
            text = f"{self._where} does not offer what is needed (STARTTLS, AUTH or SMTPUTF8)"
            # Only an address beyond ASCII needs SMTPUTF8, and then the fault is this one letter's.
            everybody = letter["To"].addresses[0].addr_spec.isascii()
            return DeliveryError(
                f"{text}; check port, tls, user and address", retry=False, gateway=everybody
            )
        if isinstance(error, smtplib.SMTPDataError):
            return _judged(
                f"{self._where} refused the letter", error.smtp_code, "ask its operator why"
            )
        if isinstance(error, smtplib.SMTPResponseException):
            # Greeting, login and sender are the same for every letter.
            what = f"{self._where} refused {_stage(error)}"
            return _judged(what, error.smtp_code, "check user, password and sender", gateway=True)
        return fault(ConnectionResetError(), self._where, until)


def _writable(text: str) -> str:
    """`text` without halves of characters, which no encoding can write."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _recipient(message: Message) -> Address:
    """The one address; final DeliveryError where none that can be used is on file."""
    try:
        return Address(addr_spec=message.address or "")
    except (ValueError, IndexError, MessageError):
        text = f"no usable e-mail address of {message.recipient.name} is on file"
        remedy = f"enter it under addresses: {message.channel or 'email'}"
        raise DeliveryError(f"{text}; {remedy}", retry=False) from None


def _stage(error: smtplib.SMTPResponseException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "the login"
    if isinstance(error, smtplib.SMTPSenderRefused):
        return "the sender"
    return "the session"


def _judged(what: str, code: int, remedy: str, *, gateway: bool = False) -> DeliveryError:
    """The ending of a code (RFC 5321 4.2.1); the server's words may repeat the address, so they stay out."""
    if 400 <= code < 500:
        return DeliveryError(f"{what} for now ({code}) and is tried again", retry=True)
    return DeliveryError(f"{what} ({code}); {remedy}", retry=False, gateway=gateway)


class _TimelySmtp(smtplib.SMTP):
    """A client whose every reply and command share one deadline."""

    def __init__(
        self,
        address: tuple[str, int],
        name: str,
        until: Until,
        implicit: ssl.SSLContext | None,
    ) -> None:
        self._until = until
        self._implicit = implicit
        # Without a name of ours, the library would ask DNS for one, for as long as that takes.
        super().__init__(*address, local_hostname=name, timeout=until.left())

    def _get_socket(self, host: str, port: int, timeout: float) -> Socket:
        return dial(host, port, self._until, self._implicit)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(TimelyReader(self.sock, self._until))
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            self.sock.settimeout(self._until.left())
        super().send(s)
