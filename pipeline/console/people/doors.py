"""The doors: who comes in with what, and what a request must bring to change anything.

A session is a random token in a cookie that no script can read and no other site can send; the database
keeps its hash. A form brings back a second word, made of the token, which no other site can know. A
department comes with a key in the header, which no browser sends by itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection

from alerts.record import accounts
from alerts.record.accounts import Account, Session
from pipeline.console.people.visitor import RIGHTS, Right, Role, Visitor

COOKIE = "fengsui"
"""Name of the cookie."""
IDLE = timedelta(hours=12)
"""A session nobody used for so long is over: a shift at most."""
LONGEST = timedelta(days=7)
"""After so long everybody signs in again."""
TRIES = 10
"""Wrong passwords in a row after which an account is locked."""
LOCKED = timedelta(minutes=15)
"""For how long."""
SHORTEST = 10
"""Characters a password has at least."""
_NOTE_EVERY = timedelta(minutes=1)
_AT_ONCE = 2
_PATIENCE_S = 5.0
_WRONG = "账号或口令不对 / wrong account or password"


class Refused(Exception):
    """Somebody is not let in; the message is for them, in both languages."""


class Locked(Refused):
    """An account is locked.

    Parameters
    ----------
    message : str
        What to tell whoever tries.
    new : bool
        Whether it was this try that locked it.
    """

    def __init__(self, message: str, *, new: bool) -> None:
        super().__init__(message)
        self.new = new


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Lets people in; changes nothing but accounts and sessions.

    Moments are those of the real clock: a session does not end sooner because an event is played.
    """

    centre: str
    """Id of the command centre, whose officers act for every subsystem."""
    hasher: PasswordHasher = field(default_factory=PasswordHasher)
    """Argon2id, with the parameters of RFC 9106 for little memory."""
    turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_AT_ONCE))
    """Passwords that are looked at in the same moment."""

    def fits(self, known: Account | None, password: str) -> bool:
        """Whether a password is the account's; a name that nobody has takes as long as a wrong password.

        Argon2 takes 64 MB and a good part of a second on purpose, so that it is asked outside of any
        transaction, and a few at once at most. Raises Refused where too many ask.
        """
        if not self.turns.acquire(timeout=_PATIENCE_S):
            raise Refused("登录的人太多，请稍后再试 / too many are signing in, try again soon")
        try:
            wanted = known.hash if known is not None and known.hash else self._nobody
            return self.hasher.verify(wanted, password) and wanted is not self._nobody
        except (VerificationError, InvalidHashError):
            return False
        finally:
            self.turns.release()

    def settle(
        self, connection: Connection, tried: Account | None, right: bool, now: datetime
    ) -> str | Refused:
        """The token of a new session, or why there is none; what was learned of a wrong password is kept.

        `right` says whether the password was that of the account as it was when `tried` was read.
        """
        known = None if tried is None else accounts.find(connection, tried.name)
        if tried is None or known is None or known.closed_at is not None:
            return Refused(_WRONG)
        if known.locked_until is not None and now < known.locked_until:
            return _locked(known.locked_until, now)
        if not right or known.hash != tried.hash:
            return self._note_failure(connection, known, now)
        accounts.change(connection, known.name, {"failures": 0, "locked_until": None})
        return self.let_in(connection, known.name, now)

    @cached_property
    def _nobody(self) -> str:
        return self.hasher.hash(secrets.token_urlsafe(16))

    def _note_failure(self, connection: Connection, known: Account, now: datetime) -> Refused:
        failures = known.failures + 1
        if failures < TRIES:
            accounts.change(connection, known.name, {"failures": failures, "locked_until": None})
            return Refused(_WRONG)
        accounts.change(connection, known.name, {"failures": 0, "locked_until": now + LOCKED})
        return _locked(now + LOCKED, now, new=True)

    def let_in(self, connection: Connection, name: str, now: datetime) -> str:
        """The token of a new session of an account whose owner has been made sure of."""
        token = secrets.token_urlsafe(32)
        began = Session(hash=_hash(token), account=name, begun_at=now, seen_at=now, until=now + LONGEST)
        accounts.begin(connection, began)
        return token

    def visitor(self, connection: Connection, token: str, now: datetime) -> Visitor | None:
        """Who comes with a token; None where its session is over or was never begun."""
        found = accounts.session_of(connection, _hash(token))
        if found is None or now >= min(found.until, found.seen_at + IDLE):
            return None
        known = accounts.find(connection, found.account)
        if known is None or known.closed_at is not None:
            return None
        return self._visitor(known, csrf_of(token))

    def _visitor(self, known: Account, csrf: str) -> Visitor:
        roles = {Role(role) for role in known.roles if role in set(Role)}
        rights: frozenset[Right] = frozenset().union(*(RIGHTS[role] for role in roles))
        return Visitor(
            account=known.name,
            title=known.title,
            rights=rights,
            subsystems=frozenset(known.subsystems),
            everywhere=Role.OFFICER in roles and self.centre in known.subsystems,
            person=known.person,
            csrf=csrf,
            changing=known.changing,
        )

    def note(self, connection: Connection, token: str, now: datetime) -> None:
        """Keep that somebody was here."""
        accounts.seen(connection, _hash(token), now)

    def worth_noting(self, connection: Connection, token: str, now: datetime) -> bool:
        """Whether they were last noted so long ago that it is worth a write."""
        found = accounts.session_of(connection, _hash(token))
        return found is not None and now - found.seen_at >= _NOTE_EVERY

    def sign_out(self, connection: Connection, token: str) -> None:
        """End a session."""
        accounts.end(connection, _hash(token))

    def hashed(self, password: str) -> str:
        """What is kept of a password; Refused where it is too short."""
        if len(password) < SHORTEST:
            raise Refused(f"口令至少{SHORTEST}个字符 / a password has at least {SHORTEST} characters")
        return self.hasher.hash(password)

    def set_password(self, connection: Connection, name: str, hashed: str, *, keeping: str = "") -> None:
        """Keep a password of somebody's own; every session ends but that of the token `keeping`."""
        fresh = {"hash": hashed, "changing": False, "failures": 0, "locked_until": None}
        accounts.change(connection, name, fresh)
        accounts.end_all(connection, name, but=_hash(keeping) if keeping else "")


def _locked(until: datetime, now: datetime, *, new: bool = False) -> Locked:
    minutes = -(-(until - now) // timedelta(minutes=1))
    return Locked(
        f"口令错了太多次，请{minutes}分钟后再试 / too many wrong passwords, wait {minutes} minutes", new=new
    )


def csrf_of(token: str) -> str:
    """The word that forms of a session bring back; it does not give the token away."""
    digest = hmac.new(token.encode(), b"fengsui form", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()


def new_password() -> str:
    """A password that can be read out over the telephone: no letters that look alike."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
