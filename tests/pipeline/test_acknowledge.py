"""Acknowledging by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stage import ALARM, alarmed, changes, messages, place

from alerts.outgoing.delivery import Status
from alerts.record import store
from alerts.record.store import Acknowledgement
from ingest.database import reading
from ingest.errors import UnknownName
from pipeline.acknowledge import acknowledge, sole_subsystem, word_of
from pipeline.ports import Ports
from pipeline.work import escalate


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """An instance with an open red alert."""
    assert place(tmp_path).data == tmp_path
    with alarmed(tmp_path) as ports:
        yield ports


def word(ports: Ports, subsystem: str = "health", **parts: str) -> Acknowledgement:
    """Somebody's word, two minutes after the alert."""
    given = {"alert": changes(ports)[0].alert, "by": "张三", "via": "cli"} | parts
    return word_of(subsystem=subsystem, at=ALARM + timedelta(minutes=2), **given)


def called(ports: Ports, minutes: int) -> set[str]:
    """Subsystems that are called so many minutes after the alert."""
    return {item.subsystem for item in escalate(ALARM + timedelta(minutes=minutes), ports)}


def test_the_subsystem_is_called_no_more(ports: Ports):
    """The ladders of the others go on."""
    assert acknowledge(ports, word(ports)).effective
    assert "work_safety" in called(ports, 5)
    assert "health" not in called(ports, 10)


def test_calls_that_were_planned_are_cancelled(ports: Ports):
    """The deputy's message that has not gone out is not needed; the first one still is."""
    called(ports, 5)
    acknowledge(ports, word(ports))
    mine = {row.step: row for row in messages(ports) if row.subsystem == "health"}
    assert (mine[0].status, mine[1].status) == (Status.DUE, Status.CANCELLED)
    assert "张三" in mine[1].detail


def test_a_second_word_is_kept_and_changes_nothing(ports: Ports):
    """Who was first has it."""
    acknowledge(ports, word(ports))
    assert not acknowledge(ports, word(ports, by="李四")).effective
    with reading(ports.engine) as connection:
        kept = store.acknowledgements(connection)
        calls = {call.subsystem: call for call in store.calls(connection)}
    assert [(one.by, one.effective) for one in kept] == [("张三", True), ("李四", False)]
    assert calls["health"].status == "acknowledged"


def test_one_that_only_heard_may_say_so(ports: Ports):
    """Traffic is informed and not called: its word is kept without effect."""
    assert not acknowledge(ports, word(ports, "traffic")).effective


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"alert": "nothing"}, "there is no alert 'nothing'; calls are open for 500153-heat-"),
        ({"subsystem": "navy"}, "no subsystem is called 'navy'; there are command_centre, "),
    ],
)
def test_what_is_not_there_is_refused(ports: Ports, parts: dict[str, Any], sentence: str):
    """The message lists what there is; nothing is kept."""
    with pytest.raises(UnknownName, match=sentence):
        acknowledge(ports, replace(word(ports), **parts))
    with reading(ports.engine) as connection:
        assert store.acknowledgements(connection) == []


@pytest.mark.parametrize("name", ["", "  ", "\n\t"])
def test_nobody_is_refused(ports: Ports, name: str):
    """A word needs somebody's name."""
    with pytest.raises(ValueError, match="needs a name"):
        word(ports, by=name)


@pytest.mark.parametrize(
    ("name", "kept"), [(" 张 \n 三 ", "张 三"), ("x" * 65, "x" * 64), ("<b>", "<b>")]
)
def test_a_name_is_one_short_line(ports: Ports, name: str, kept: str):
    """As it was written, but for white space and length."""
    assert acknowledge(ports, word(ports, by=name)).by == kept


def test_the_only_one_waiting_need_not_be_named(ports: Ports):
    """While several wait, all are listed."""
    alert = changes(ports)[0].alert
    with reading(ports.engine) as connection:
        waiting = [call.subsystem for call in store.calls(connection)]
        with pytest.raises(UnknownName, match=r"work_safety.*name one with --subsystem"):
            sole_subsystem(connection, alert)
    for name in waiting[1:]:
        acknowledge(ports, word(ports, name))
    with reading(ports.engine) as connection:
        assert sole_subsystem(connection, alert) == waiting[0]
        with pytest.raises(UnknownName, match="none"):
            sole_subsystem(connection, "nothing")
