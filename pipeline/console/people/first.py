"""The first account of an instance that has none."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from argon2 import PasswordHasher

from alerts.record import accounts, deeds
from alerts.record.accounts import Account
from alerts.record.deeds import Deed
from ingest.database import reading, writing
from pipeline.console.people.roll import one_time
from pipeline.console.people.visitor import Role
from pipeline.ports import Ports

OPERATOR = "operator"
"""Name of the account that a first start makes."""
FIRST = (Role.OPERATOR, Role.VIEWER)
"""What it is: enough to make accounts for everybody else, and to look."""


def first_account(
    ports: Ports,
    now: datetime,
    *,
    name: str = OPERATOR,
    roles: Collection[Role] = FIRST,
    changing: bool = True,
) -> str | None:
    """Make an account where there is none, and return its password; None where there is one already.

    With `changing`, the password must be changed at the first sign-in. An officer made so acts for the
    command centre, and so for every subsystem. The password is kept nowhere: the caller shows it.
    """
    with reading(ports.engine) as connection:
        if accounts.number(connection):
            return None
    given = one_time(PasswordHasher())
    subsystems = ports.config.routes.subsystems
    centre = tuple(one for one, subsystem in subsystems.items() if subsystem.centre)
    made = Account(
        name=name, title=name, hash=given.hash, roles=tuple(str(role) for role in roles),
        subsystems=centre if Role.OFFICER in roles else (), made_at=now, changing=changing,
    )  # fmt: skip
    with writing(ports.engine) as connection:
        # Two that start together agree on the first.
        if accounts.number(connection):
            return None
        accounts.add(connection, made)
        why = "首次启动 / first start"
        deeds.keep(connection, Deed(at=now, by=name, title=name, what="account_made", subject=name, why=why))
    return given.password
