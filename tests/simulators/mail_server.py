"""A real mail server (aiosmtpd) on loopback that refuses what it is told to refuse."""

from __future__ import annotations

import asyncio
import ssl
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One letter as it came."""

    sender: str
    """Envelope sender."""
    recipients: tuple[str, ...]
    """Envelope recipients."""
    content: bytes
    """Headers and body."""


@dataclass(kw_only=True)
class MailServer:
    """Takes letters, or answers a command with what `says` holds for it."""

    tls: tuple[Path, Path] | None = None
    """Certificate and key; None speaks in the clear."""
    implicit: bool = False
    """TLS from the first byte on in place of STARTTLS."""
    login: tuple[str, str] | None = None
    """User and password asked for."""
    says: dict[str, str] = field(default_factory=dict)
    """Command (MAIL, RCPT, DATA) -> the answer in place of 250."""
    letters: list[Letter] = field(default_factory=list)
    """What was taken."""
    port: int = 0
    """Where it listens."""

    def __enter__(self) -> MailServer:
        self._loop = asyncio.new_event_loop()
        self._sessions: set[SMTP] = set()
        starting = self._loop.create_server(
            self._session, "127.0.0.1", 0, ssl=self._context() if self.implicit else None
        )
        self._server = self._loop.run_until_complete(starting)
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        await asyncio.sleep(0.02)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _context(self) -> ssl.SSLContext | None:
        if self.tls is None:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.tls)
        return context

    def _session(self) -> SMTP:
        session = SMTP(
            self,
            hostname="mail.example",
            loop=self._loop,
            tls_context=None if self.implicit else self._context(),
            authenticator=self._authenticate if self.login else None,
            auth_require_tls=False,
        )
        self._sessions.add(session)
        return session

    def _authenticate(self, *arguments: Any) -> AuthResult:
        given = arguments[4]
        assert isinstance(given, LoginPassword)
        right = (given.login.decode(), given.password.decode()) == self.login
        return AuthResult(success=right, handled=False)

    async def handle_MAIL(self, server, session, envelope, address, options) -> str:
        """Take the sender, or refuse; who did not log in is refused where a login is asked for."""
        if self.login is not None and not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        return self.says.get("MAIL", "250 OK")

    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        """Take the recipient, or refuse."""
        envelope.rcpt_tos.append(address)
        return self.says.get("RCPT", "250 OK")

    async def handle_DATA(self, server, session, envelope) -> str:
        """Keep the letter, or refuse."""
        if "DATA" in self.says:
            return self.says["DATA"]
        self.letters.append(
            Letter(
                sender=envelope.mail_from,
                recipients=tuple(envelope.rcpt_tos),
                content=envelope.content,
            )
        )
        return "250 OK"
