"""At the command line: who does not know yet, what a subsystem reports, what people wrote back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fakes import RecordingChannel
from stage import ALARM, alarmed, changes, messages, present

from alerts.answers import receipts, replies, reports
from alerts.outgoing.delivery import Reply
from alerts.record import store
from ingest.database import reading, writing
from pipeline.cli import main
from pipeline.ports import Ports


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A command line beside an instance with an open alert."""

    ports: Ports
    folder: Path

    def __call__(self, *arguments: object) -> Result:
        """Run a command."""
        return CliRunner().invoke(main, ["--data", str(self.folder), *map(str, arguments)])

    @property
    def alert(self) -> str:
        """The open alert."""
        return changes(self.ports)[0].alert


@pytest.fixture
def fengsui(tmp_path: Path) -> Iterator[Desk]:
    """The alert's messages were sent."""
    with alarmed(tmp_path, RecordingChannel()) as ports:
        ports.outbox.drain(ALARM)
        yield Desk(ports=ports, folder=tmp_path)


def read(fengsui: Desk, subsystem: str) -> None:
    """Somebody opened the page."""
    with writing(fengsui.ports.engine) as connection:
        (row,) = [row for row in messages(fengsui.ports) if row.subsystem == subsystem]
        receipts.read_by(connection, row.transition, subsystem, row.recipient, ALARM + timedelta(minutes=1))


def test_who_does_not_know_yet_comes_first(fengsui: Desk):
    """And the exit code says that there is somebody."""
    read(fengsui, "health")
    result = fengsui("answers", fengsui.alert)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert lines[0].startswith("尚不知晓 / do not know yet: ")
    assert [line for line in lines if "✓" in line] == [line for line in lines if "卫生健康" in line]
    assert "✓" in lines[-2]


def test_everybody_knows_is_zero(fengsui: Desk):
    """Once each of them has opened the page."""
    for row in messages(fengsui.ports):
        read(fengsui, row.subsystem)
    assert fengsui("answers", fengsui.alert).exit_code == 0


def test_the_clocks_are_there_for_machines(fengsui: Desk):
    """Times with their offset, None where a step was not made."""
    read(fengsui, "health")
    found = json.loads(fengsui("answers", fengsui.alert, "--json").output)
    (health,) = [one for one in found if one["subsystem"] == "health"]
    assert health["read"] == "2022-08-15T04:06:00+00:00"
    assert (health["acknowledged"], health["knows"], health["channels"]) == (None, True, ["outbox"])
    assert health["adjusted"] == ["delivered"]


def test_an_alert_nobody_was_told_of_is_refused(fengsui: Desk):
    """With the way to find one."""
    result = fengsui("answers", "nothing")
    assert (result.exit_code, "fengsui health" in result.output) == (2, True)


def report(fengsui: Desk, *more: str, subsystem: str = "health", by: str = "张三") -> Result:
    """Report at the command line."""
    return fengsui("report", fengsui.alert, "--subsystem", subsystem, "--by", by, *more)


def test_a_report_at_the_command_line_acknowledges_and_is_kept(fengsui: Desk):
    """What is missing is named, and may follow."""
    first = report(fengsui, "--commander", "李四", "--moved", "320人")
    assert (first.exit_code, "--affected" in first.output) == (0, True)
    assert "三项齐全" in report(fengsui, "--affected", "昌元").output
    with reading(fengsui.ports.engine) as connection:
        assert [word.subsystem for word in store.acknowledgements(connection) if word.effective] == ["health"]
        last = reports.reports(connection)[-1]
    assert (last.commander, last.affected, last.moved, last.complete) == ("李四", "昌元", "320人", True)


def test_a_closing_report_is_words(fengsui: Desk):
    """It acknowledges nothing."""
    result = report(fengsui, "--closing", "--words", "无伤亡")
    assert (result.exit_code, "总结报告" in result.output) == (0, True)
    with reading(fengsui.ports.engine) as connection:
        assert store.acknowledgements(connection) == []


@pytest.mark.parametrize(
    "more", [[], ["--commander", " "], ["--words", "x", "--by", " "], ["--words", "x", "--subsystem", "navy"]]
)
def test_a_report_that_says_nothing_is_misuse(fengsui: Desk, more: list[str]):
    """Nor one of nobody, nor one of a subsystem that is not there."""
    assert report(fengsui, *more).exit_code == 2


def write_back(fengsui: Desk, phone: str, text: str) -> None:
    """An SMS comes in now."""
    told = [Reply(phone=phone, text=text, at=present())]
    with writing(fengsui.ports.engine) as connection:
        replies.take(connection, "outbox", told, fengsui.ports.desk, present())


def test_replies_are_listed_with_what_they_led_to(fengsui: Desk):
    """Those that were not understood on demand alone."""
    (row,) = [row for row in messages(fengsui.ports) if row.subsystem == "health"]
    write_back(fengsui, fengsui.ports.config.routes.people[row.recipient].phone, "1")
    write_back(fengsui, "13912345678", "你是谁")
    everything, unknown = fengsui("replies").output, fengsui("replies", "--unknown").output
    assert f"acknowledged: {fengsui.alert} health" in everything
    assert len(unknown.splitlines()) == 1
    assert "13912345678" in unknown
    found = json.loads(fengsui("replies", "--json").output)
    assert {one["meaning"] for one in found} == {"acknowledged", "stranger"}


def test_no_replies_are_no_replies(fengsui: Desk):
    """Said, not left blank."""
    assert "没有回复" in fengsui("replies").output
