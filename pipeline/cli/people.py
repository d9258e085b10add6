"""Commands about who may come into the console: accounts of people, keys of departments."""

from __future__ import annotations

from typing import Any

import click

from pipeline.cli.group import main
from pipeline.console.people.visitor import Role
from pipeline.settings import Settings

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_BY = click.option("--by", required=True, help="Who does it; kept in the record.")
_ROLES = click.option(
    "--role",
    "roles",
    multiple=True,
    required=True,
    type=click.Choice([str(role) for role in Role]),
    help="What they are; may be repeated.",
)
_SUBSYSTEMS = click.option(
    "--subsystem", "subsystems", multiple=True, help="Subsystem they act for; may be repeated."
)
_PERSON = click.option("--person", help="Id of who they are in routes.yaml; approvers need it.")
_TITLE = click.option("--title", default="", help="Name of the person; default the account.")


@main.group()
def account() -> None:
    """Accounts of people: who may sign in to the console, and as what.

    Example: fengsui account list
    """


@account.command(name="list")
@_JSON
@click.pass_obj
def list_accounts(settings: Settings, as_json: bool) -> None:
    """List the accounts: names, roles, whether they are open.

    Example: fengsui account list --json
    """
    from pipeline.commands.people import print_accounts

    print_accounts(settings, as_json=as_json)


@account.command()
@click.argument("name")
@_ROLES
@_SUBSYSTEMS
@_PERSON
@_TITLE
@_BY
@click.pass_obj
def add(settings: Settings, /, **given: Any) -> None:
    """Make an account and print its one-time password, which must be changed at the first sign-in.

    Example: fengsui account add zhang --role officer --subsystem health --title 张三 --by 李四
    """
    from pipeline.commands.people import add_account

    add_account(settings, given)


@account.command()
@click.argument("name")
@_BY
@click.pass_obj
def password(settings: Settings, name: str, by: str) -> None:
    """Give an account a new one-time password and print it; its sessions end.

    Example: fengsui account password zhang --by 李四
    """
    from pipeline.commands.people import give_password

    give_password(settings, name, by)


@account.command()
@click.argument("name")
@_BY
@click.pass_obj
def unlock(settings: Settings, name: str, by: str) -> None:
    """Let somebody try again at once who gave too many wrong passwords.

    Example: fengsui account unlock zhang --by 李四
    """
    from pipeline.commands.people import unlock_account

    unlock_account(settings, name, by)


@account.command()
@click.argument("name")
@_ROLES
@_SUBSYSTEMS
@_PERSON
@_TITLE
@_BY
@click.pass_obj
def roles(settings: Settings, /, **given: Any) -> None:
    """Change what somebody is; it counts from their next request on.

    Example: fengsui account roles zhang --role officer --subsystem traffic --by 李四
    """
    from pipeline.commands.people import assign_roles

    assign_roles(settings, given)


@account.command()
@click.argument("name")
@click.option("--why", default="", help="The reason.")
@click.option("--reopen", is_flag=True, help="Open a closed account again.")
@_BY
@click.pass_obj
def close(settings: Settings, name: str, why: str, reopen: bool, by: str) -> None:
    """Close an account: its sessions end and nobody signs in with it; the record keeps its name.

    Example: fengsui account close zhang --why 调离 --by 李四
    """
    from pipeline.commands.people import close_account

    close_account(settings, name, (by, why), reopen=reopen)


@main.group()
def key() -> None:
    """Keys of departments: what programs come to the API with.

    Example: fengsui key list
    """


@key.command(name="list")
@_JSON
@click.pass_obj
def list_keys(settings: Settings, as_json: bool) -> None:
    """List the keys by their public part; the keys themselves are kept nowhere.

    Example: fengsui key list --json
    """
    from pipeline.commands.people import print_keys

    print_keys(settings, as_json=as_json)


@key.command(name="add")
@click.argument("title")
@click.option(
    "--right",
    "rights",
    multiple=True,
    required=True,
    help="What it may do, such as read or acknowledge; may be repeated.",
)
@_SUBSYSTEMS
@click.option("--until", help="Until when it works, ISO 8601 with offset; default without end.")
@_BY
@click.pass_obj
def add_key(settings: Settings, /, **given: Any) -> None:
    """Make a key for a department and print it, this one time.

    Example: fengsui key add 区卫健委 --right read --until 2027-01-01T00:00+08:00 --by 李四
    """
    from pipeline.commands.people import make_key

    make_key(settings, given)


@key.command(name="end")
@click.argument("name")
@_BY
@click.pass_obj
def end_key(settings: Settings, name: str, by: str) -> None:
    """End a key at once, by its public part as `fengsui key list` shows it.

    Example: fengsui key end 3fa85f64 --by 李四
    """
    from pipeline.commands.people import end_key as end

    end(settings, name, by)
