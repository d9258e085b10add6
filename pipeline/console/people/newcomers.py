"""Who comes through a sign-in service: which account is theirs, and what they may do with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection

from alerts.record import accounts
from alerts.record.accounts import Account
from pipeline.configuration.sign_in import SignIn
from pipeline.console.people.doors import Refused
from pipeline.console.people.visitor import Role

_LONGEST = 255


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the groups of somebody make them."""

    roles: tuple[str, ...]
    """What they are."""
    subsystems: tuple[str, ...]
    """Subsystems they are duty officers of."""


def account_of(
    connection: Connection, keys: SignIn, claims: Mapping[str, Any], now: datetime
) -> Account:
    """The account of somebody whose claims were verified, made where there is none and they may come in.

    Where groups are granted something, they decide anew at every sign-in; an account of the same name that
    was made here is never theirs. Refused where they are not let in.
    """
    subject = f"{keys.issuer}#{claims['sub']}"
    if len(subject) > _LONGEST:
        raise Refused("登录服务给的编号太长 / the sign-in service gives too long a subject")
    known, standing = accounts.of_subject(connection, subject), _standing(keys, claims)
    if known is None:
        return _made(connection, keys, claims, _admissible(standing, keys), now)
    if known.closed_at is not None:
        raise Refused("这个账号已停用，请找运维 / this account is closed, ask an operator")
    if keys.grants:
        found = _admissible(standing, keys)
        parts = {"roles": list(found.roles), "subsystems": list(found.subsystems)}
        accounts.change(connection, known.name, parts)
    return known


def _standing(keys: SignIn, claims: Mapping[str, Any]) -> Standing:
    told = claims.get(keys.groups)
    groups = {told} if isinstance(told, str) else set(told) if isinstance(told, list) else set()
    mine = [grant for grant in keys.grants if grant.group in groups]
    return Standing(
        roles=tuple(dict.fromkeys(str(grant.role) for grant in mine)),
        subsystems=tuple(dict.fromkeys(grant.subsystem for grant in mine if grant.subsystem)),
    )


def _admissible(standing: Standing, keys: SignIn) -> Standing:
    if standing.roles:
        return standing
    if keys.unknown == "refuse":
        raise Refused(
            "您不在可以进入的分组里，请找运维 / you are in no group that is let in, ask an operator"
        )
    return Standing(roles=(str(Role.VIEWER),), subsystems=())


def _made(
    connection: Connection, keys: SignIn, claims: Mapping[str, Any], standing: Standing, now: datetime
) -> Account:
    subject = f"{keys.issuer}#{claims['sub']}"
    called = str(claims.get(keys.account) or claims["sub"])
    title = "".join(letter for letter in str(claims.get("name") or called) if letter.isprintable())
    made = Account(
        name=_free_name(connection, called, keys.issuer, subject), title=title[:64] or called[:64], hash="",
        roles=standing.roles, subsystems=standing.subsystems, made_at=now, subject=subject,
    )  # fmt: skip
    accounts.add(connection, made)
    return made


def _free_name(connection: Connection, called: str, issuer: str, subject: str) -> str:
    """Such as ``zhang@id.example.gov.cn``; two people of one name there are told apart."""
    plain, host = re.sub(r"[^\w.-]", "_", called)[:24], (urlsplit(issuer).hostname or "")[-30:]
    name = f"{plain}@{host}"
    if accounts.find(connection, name) is None:
        return name
    return f"{plain}-{hashlib.sha256(subject.encode()).hexdigest()[:6]}@{host}"
