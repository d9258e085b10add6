"""`fengsui config apply` and `diff`."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

import click

from alerts.record import versions
from ingest.database import writing
from ingest.errors import UnknownName
from pipeline.commands.instance import recorded
from pipeline.config import Config, load
from pipeline.configuration.amend import amended, check_writable, recover, signed, write
from pipeline.configuration.folder import contents
from pipeline.configuration.patch import read_changes
from pipeline.daemon import wall_clock
from pipeline.settings import Settings


def apply_changes(settings: Settings, path: Path, said: tuple[str, str, str], *, dry: bool) -> None:
    """Apply a file of changes with reason, author and approver, and keep the version in the record.

    `said` is (reason, who, approver); the approver may be empty where one person is enough.
    """
    folder = settings.config
    if not dry:
        check_writable(folder)
    if recover(folder):
        click.echo("上次的修改没有做完，已恢复原样 / an application that was cut short was undone", err=True)
    changes = read_changes(path)
    by, because = _said(load(folder), *said)
    amendment = amended(folder, signed(changes, by, because))
    for line in amendment.lines():
        click.echo(line)
    if dry:
        click.echo("只是预演，什么都没有改 / a rehearsal: nothing was changed")
        return
    write(amendment)
    click.echo(f"已修改 / changed: {', '.join(amendment.after)}（{by}：{because}）")
    click.echo(_recorded(settings, by, because))


def print_difference(settings: Settings, path: Path) -> None:
    """Print what a file of changes would change, as a diff, after checking the whole."""
    changes = read_changes(path)
    head = [text for text in (changes.title, changes.because) if text]
    for line in (*head, *amended(settings.config, changes).lines()):
        click.echo(line)


def _said(config: Config, reason: str, by: str, approver: str) -> tuple[str, str]:
    """(author, reason) for the record; UnknownName where a second person must approve and does not."""
    words = " ".join(reason.split())
    if not words:
        raise click.UsageError("请写明理由 --reason must not be empty")
    author, second = _name(config, by), _name(config, approver) if approver else ""
    asked = _approvers(config)
    if second and second == author:
        raise UnknownName("the approver must be another person than the author; name another")
    if asked and second not in asked:
        raise UnknownName(
            f"a change is approved by a second person here (release in routes.yaml): give --approver, one of"
            f" {'、'.join(asked)}"
        )
    return (f"{author}，批准：{second}" if second else author), words


def _name(config: Config, person: str) -> str:
    """The name of somebody of the roster, given by id or name."""
    people = config.routes.people
    if person in people:
        return people[person].name
    if person not in {one.name for one in people.values()}:
        near = get_close_matches(person, people, n=3) or [*list(people)[:3], "..."]
        raise UnknownName(
            f"nobody in routes.yaml is called {person!r}; give the id or name of one of its people:"
            f" {', '.join(near)}"
        )
    return person


def _approvers(config: Config) -> tuple[str, ...]:
    """Names of those who may approve, where some level is released by two people or more; else nobody."""
    people = config.routes.people
    named = [one for rule in config.routes.release.values() if rule.needed > 1 for one in rule.approvers]
    return tuple(dict.fromkeys(people[one].name for one in named))


def _recorded(settings: Settings, by: str, because: str) -> str:
    """Keep the version in the record, where there is one already; what was done, in a sentence."""
    restart = "重启 fengsui run 后生效 / it holds from the next start of fengsui run"
    with recorded(settings) as engine:
        if engine is None:
            return f"还没有数据库，首次启动时记入档案；{restart}"
        with writing(engine) as connection:
            versions.keep(connection, contents(settings.config), by, because, wall_clock())
    return f"已记入档案 / kept in the record；{restart}"
