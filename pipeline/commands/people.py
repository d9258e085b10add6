"""`fengsui account` and `fengsui key`: the roll and the key ring by the database of an instance."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import click
from argon2 import PasswordHasher
from sqlalchemy import Connection, Engine

from alerts.record import deeds, keys, tables
from alerts.record.deeds import Deed
from ingest import archive
from ingest.database import create_tables, reading, writing
from ingest.errors import UnknownName
from ingest.times import BEIJING, parse_instant
from pipeline.commands.instance import opened
from pipeline.config import Config
from pipeline.console.people import key_ring, roll
from pipeline.console.people.facts import AccountFact, KeyFact, all_accounts, all_keys
from pipeline.console.people.key_ring import KeyWish
from pipeline.console.people.roll import Wish, checked, one_time
from pipeline.console.people.visitor import Right, Role
from pipeline.daemon import wall_clock
from pipeline.settings import Settings

_STATES = {
    "open": "正常 open",
    "changing": "待换口令 to change password",
    "locked": "已锁定 locked",
    "closed": "已停用 closed",
    "works": "可用 works",
    "over": "已到期 over",
    "ended": "已停用 ended",
}


@dataclass(frozen=True, kw_only=True)
class _Book:
    """The instance, at a moment."""

    engine: Engine
    config: Config
    now: datetime

    @contextmanager
    def entry(self, by: str, what: str, subject: str, why: str = "", **detail: Any) -> Iterator[Connection]:
        """One change, kept in the record with who made it at the command line."""
        with writing(self.engine) as connection:
            yield connection
            done = Deed(
                at=self.now, by="cli", title=by[:64], what=what, subject=subject, why=why, detail=detail
            )
            deeds.keep(connection, done)


@contextmanager
def _book(settings: Settings) -> Iterator[_Book]:
    with opened(settings) as (engine, config):
        create_tables(engine, archive.metadata, tables.metadata)
        yield _Book(engine=engine, config=config, now=wall_clock())


def print_accounts(settings: Settings, *, as_json: bool) -> None:
    """Print every account."""
    with _book(settings) as book, reading(book.engine) as connection:
        found = all_accounts(connection, book.now)
    if as_json:
        _print_json(found)
        return
    for one in found:
        more = "、".join((*one.roles, *one.subsystems))
        click.echo(f"{one.name}  {one.title}  {more}  {_STATES[one.state]}")
    if not found:
        click.echo("还没有账号 / no accounts yet")


def add_account(settings: Settings, given: Mapping[str, Any]) -> None:
    """Keep an account and print its one-time password."""
    with _book(settings) as book:
        wish, secret = checked(_wish(given), book.config.routes), one_time(PasswordHasher())
        with book.entry(given["by"], "account_made", wish.name, roles=list(given["roles"])) as connection:
            roll.make(connection, wish, secret, book.now)
    _print_password(wish.name, secret.password)


def give_password(settings: Settings, name: str, by: str) -> None:
    """Keep a new one-time password and print it."""
    with _book(settings) as book:
        secret = one_time(PasswordHasher())
        with book.entry(by, "password_given", name) as connection:
            roll.give(connection, name, secret)
    _print_password(name, secret.password)


def unlock_account(settings: Settings, name: str, by: str) -> None:
    """Lift a lock."""
    with _book(settings) as book, book.entry(by, "unlocked", name) as connection:
        roll.unlock(connection, name)
    click.echo(f"{name} 已解锁 / unlocked")


def assign_roles(settings: Settings, given: Mapping[str, Any]) -> None:
    """Change what somebody is."""
    with _book(settings) as book:
        wish = checked(_wish(given), book.config.routes)
        with book.entry(given["by"], "roles", wish.name, roles=list(given["roles"])) as connection:
            roll.assign(connection, wish)
    click.echo(f"{wish.name} 已保存 / saved: {'、'.join(wish.roles)}")


def close_account(settings: Settings, name: str, told: tuple[str, str], *, reopen: bool) -> None:
    """Close an account, or open it again; `told` is who and why."""
    by, why = told
    what = "account_reopened" if reopen else "account_closed"
    with _book(settings) as book, book.entry(by, what, name, why) as connection:
        if reopen:
            roll.reopen(connection, name)
        else:
            roll.close(connection, name, book.now)
    click.echo(f"{name} 已恢复 / open again" if reopen else f"{name} 已停用，会话已结束 / closed")


def print_keys(settings: Settings, *, as_json: bool) -> None:
    """Print every key by its public part."""
    with _book(settings) as book, reading(book.engine) as connection:
        found = all_keys(connection, book.now)
    if as_json:
        _print_json(found)
        return
    for one in found:
        end = f"{one.until.astimezone(BEIJING):%Y-%m-%d %H:%M}" if one.until else "不限期 no end"
        more = "、".join((*one.rights, *one.subsystems))
        click.echo(f"{one.id}  {one.title}  {more}  {end}  {_STATES[one.state]}")
    if not found:
        click.echo("还没有密钥 / no keys yet")


def make_key(settings: Settings, given: Mapping[str, Any]) -> None:
    """Keep a key and print it."""
    until = parse_instant(given["until"]) if given["until"] else None
    rights = tuple(_right(name) for name in dict.fromkeys(given["rights"]))
    wish = KeyWish(title=given["title"], rights=rights, subsystems=given["subsystems"], until=until)
    with _book(settings) as book, writing(book.engine) as connection:
        public, whole = key_ring.cut(connection, wish, book.config.routes, "cli", book.now)
        deeds.keep(connection, Deed(
            at=book.now, by="cli", title=given["by"][:64], what="key_made", subject=public,
            detail={"holder": wish.title, "rights": list(given["rights"])},
        ))  # fmt: skip
    click.echo(f"{wish.title} {public}：{whole}")
    click.echo("只显示这一次 / shown this one time: Authorization: Bearer …", err=True)


def end_key(settings: Settings, name: str, by: str) -> None:
    """End a key."""
    with _book(settings) as book, book.entry(by, "key_ended", name) as connection:
        keys.end(connection, name, book.now)
    click.echo(f"{name} 已停用 / ended")


def _wish(given: Mapping[str, Any]) -> Wish:
    return Wish(
        name=given["name"], title=given["title"], roles=tuple(Role(role) for role in given["roles"]),
        subsystems=tuple(given["subsystems"]), person=given["person"],
    )  # fmt: skip


def _right(name: str) -> Right:
    try:
        return Right(name)
    except ValueError:
        raise UnknownName(f"没有权限“{name}” / no right is called {name!r}: {', '.join(Right)}") from None


def _print_password(name: str, password: str) -> None:
    click.echo(f"{name}：{password}")
    click.echo("只显示这一次，首次登录后须更换 / shown this one time, to be changed after", err=True)


def _print_json(found: tuple[AccountFact, ...] | tuple[KeyFact, ...]) -> None:
    plain = [
        {name: part.isoformat() if isinstance(part, datetime) else part for name, part in asdict(one).items()}
        for one in found
    ]
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2))
