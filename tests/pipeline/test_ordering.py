"""A person sets an alert lower, or withdraws it: taken by the next tick, told to exactly those warned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from stage import ALARM, HOUR, alarmed, changes, instance, messages, reasons

from alerts.duty import release
from alerts.event import orders
from alerts.event.stages import Stage
from alerts.event.transition import Reason
from alerts.outgoing.delivery import Delivery, Purpose, Status
from ingest.database import reading, writing
from ingest.errors import UnknownName
from pipeline import ordering
from pipeline.ordering import MISTAKEN, Said
from pipeline.ports import Ports
from pipeline.standing import overview
from pipeline.tick import tick
from pipeline.work import tick_due
from rules.level import Level

LATER = ALARM + HOUR / 4
BY = "指挥中心值班员A"
SAID = Said(by="command_centre_duty_a", why="测站故障", at=LATER)


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """An instance with an open red of which everybody heard."""
    with alarmed(tmp_path) as ports:
        ports.outbox.drain(ALARM)
        yield ports


def alert(ports: Ports) -> str:
    """Identifier of the alert."""
    return changes(ports)[0].alert


def warned(rows: list[Delivery], reason: Reason) -> list[tuple[str, str, str]]:
    """Who was sent what of a reason, and over which channel."""
    mine = (row for row in rows if row.data.get("reason") == reason.value)
    return sorted((row.subsystem, row.recipient, row.channel) for row in mine)


def stage(ports: Ports, now: datetime) -> Stage:
    """Where the one alert stands."""
    with reading(ports.engine) as connection:
        (row, *_) = overview(connection, ports.config, now)
    return row.standing.stage


def test_an_order_makes_a_tick_due_at_once(ports: Ports):
    """A retraction must not wait for the next data; taken, it makes nothing due any more."""
    assert tick_due(LATER, ports) > LATER
    ordering.cancel(ports.engine, ports.config, alert(ports), SAID)
    assert tick_due(LATER, ports) == LATER
    tick(LATER, ports)
    assert tick_due(LATER, ports) > LATER


def test_a_withdrawal_reaches_exactly_those_who_were_warned(ports: Ports):
    """By the same channels, with the reason, and their calls end."""
    ordering.cancel(ports.engine, ports.config, alert(ports), SAID)
    tick(LATER, ports)
    rows = messages(ports)
    assert reasons(ports) == ["opened", "cancelled"]
    assert warned(rows, Reason.CANCELLED) == warned(rows, Reason.OPENED)
    texts = {row.text for row in rows if row.data.get("reason") == "cancelled"}
    assert all("预警建议撤销" in text and f"撤销说明：测站故障（{BY}）" in text for text in texts)


def test_a_withdrawal_by_one_tap_has_its_text_ready(ports: Ports):
    """No reason need be typed."""
    said = replace(SAID, why="")
    assert ordering.cancel(ports.engine, ports.config, alert(ports), said).why == MISTAKEN


def test_a_correction_reaches_exactly_those_who_were_warned(ports: Ports):
    """With the level that counts now."""
    ordering.correct(ports.engine, ports.config, alert(ports), Level.YELLOW, SAID)
    tick(LATER, ports)
    rows = messages(ports)
    assert warned(rows, Reason.CORRECTED) == warned(rows, Reason.OPENED)
    text = next(row.text for row in rows if row.data.get("reason") == "corrected")
    assert "预警建议更正" in text
    assert "高温黄色" in text
    assert f"更正说明：测站故障（{BY}）" in text


def test_a_corrected_alert_is_not_raised_at_the_next_tick(ports: Ports):
    """Nor sent again: the data still say red."""
    ordering.correct(ports.engine, ports.config, alert(ports), Level.YELLOW, SAID)
    tick(LATER, ports)
    for hours in range(1, 12):
        assert tick(LATER + hours * HOUR, ports).still == {"heat": "capped"}
    assert reasons(ports) == ["opened", "corrected"]


def test_an_order_survives_a_crash_between_order_and_tick(ports: Ports):
    """It is a row: the first tick after the restart takes it, once."""
    ordering.cancel(ports.engine, ports.config, alert(ports), SAID)
    with reading(ports.engine) as connection:
        assert len(orders.untaken(connection)) == 1
    tick(LATER, ports)
    tick(LATER + HOUR, ports)
    assert reasons(ports) == ["opened", "cancelled"]


@pytest.mark.parametrize("reason", [Reason.ENDED, Reason.CANCELLED])
def test_an_all_clear_that_falls_into_a_restart_is_not_lost(tmp_path: Path, reason: Reason):
    """Killed after the tick and before the send, the next process sends it to exactly those warned."""
    with alarmed(tmp_path) as ports:
        ports.outbox.drain(ALARM)
        (opened,) = changes(ports)
        over = replace(
            opened, id=f"{opened.alert}.2", at=LATER, reason=reason, from_level=Level.RED,
            to_level=Level.NONE, places={},
        )  # fmt: skip
        with writing(ports.engine) as connection:
            release.announce(connection, over, ports.desk, LATER)
    with instance(tmp_path, ports.config) as ports:
        ports.outbox.drain(LATER + HOUR / 60)
        rows = messages(ports)
    assert {row.status for row in rows if row.purpose is Purpose.ALERT} == {Status.SENT}
    assert warned(rows, reason) == warned(rows, Reason.OPENED)


@pytest.mark.parametrize(
    ("level", "said", "error", "words"),
    [
        (Level.YELLOW, replace(SAID, by=" "), ValueError, "--by must not be empty"),
        (Level.YELLOW, replace(SAID, by="comand_centre"), UnknownName, "id or name .*: command_centre_"),
        (Level.YELLOW, replace(SAID, by="张三"), UnknownName, "nobody in routes.yaml is called '张三'"),
        (Level.YELLOW, replace(SAID, why=""), ValueError, "--why must not be empty"),
        (Level.YELLOW, replace(SAID, lasts=25 * HOUR), UnknownName, "24 hours at most"),
    ],
)
def test_an_order_that_cannot_be_taken_is_refused(
    ports: Ports, level: Level, said: Said, error: type[Exception], words: str
):
    """With the remedy, and nothing is kept."""
    with pytest.raises(error, match=words):
        ordering.correct(ports.engine, ports.config, alert(ports), level, said)
    with reading(ports.engine) as connection:
        assert not orders.waiting(connection)


@pytest.mark.parametrize("by", ["command_centre_duty_a", "指挥中心值班员A", " 指挥中心值班员A "])
def test_who_orders_is_named_as_people_know_them(ports: Ports, by: str):
    """By id or by name."""
    assert ordering.cancel(ports.engine, ports.config, alert(ports), replace(SAID, by=by)).by == BY


def test_a_correction_does_not_raise(ports: Ports):
    """That is an order of its own, which calls people."""
    ordering.correct(ports.engine, ports.config, alert(ports), Level.YELLOW, SAID)
    tick(LATER, ports)
    with pytest.raises(UnknownName, match="stands at yellow; correcting sets it lower"):
        ordering.correct(ports.engine, ports.config, alert(ports), Level.ORANGE, SAID)


def test_an_alert_that_is_not_open_cannot_be_withdrawn(ports: Ports):
    """The answer names those that are."""
    with pytest.raises(UnknownName, match=f"open ones: {alert(ports)}"):
        ordering.cancel(ports.engine, ports.config, "500153-heat-1", SAID)


def test_lifting_raises_it_again(ports: Ports):
    """The rules decide, and people are called."""
    ordering.correct(ports.engine, ports.config, alert(ports), Level.YELLOW, SAID)
    tick(LATER, ports)
    ordering.lift(ports.engine, ports.config, "heat", replace(SAID, at=LATER + HOUR))
    tick(LATER + HOUR, ports)
    assert reasons(ports) == ["opened", "corrected", "raised"]


def test_what_nobody_set_lower_cannot_be_lifted(ports: Ports):
    """The answer says where to look."""
    with pytest.raises(UnknownName, match="nobody has set heat lower"):
        ordering.lift(ports.engine, ports.config, "heat", SAID)


def test_the_overview_follows_an_alert(ports: Ports):
    """Active, withdrawn and pending again while the data say otherwise."""
    assert stage(ports, LATER) is Stage.ACTIVE
    ordering.cancel(ports.engine, ports.config, alert(ports), SAID)
    tick(LATER, ports)
    with reading(ports.engine) as connection:
        rows = overview(connection, ports.config, LATER + HOUR)
        assert [row.standing.stage for row in rows] == [Stage.PENDING, Stage.ENDED]
        assert overview(connection, ports.config, LATER + 30 * HOUR)[1:] == []


def test_a_rise_by_hand_is_refused_where_it_is_none(ports: Ports):
    """A red stands already; a level that the hazard does not have is named."""
    for level, words in ((Level.RED, "raising sets it higher"), (Level.BLUE, "has no level blue")):
        with pytest.raises(UnknownName, match=words):
            ordering.raise_(ports.engine, ports.config, alert(ports), level, SAID)


def test_a_hold_is_taken_by_the_next_tick_and_can_be_lifted(ports: Ports):
    """It tells nobody, stands in the overview with who gave it, and `uncap` ends it."""
    before = len(messages(ports))
    ordering.hold(ports.engine, ports.config, alert(ports), SAID)
    tick(LATER, ports)
    with reading(ports.engine) as connection:
        (row, *_) = overview(connection, ports.config, LATER)
    assert row.standing.stand is not None
    assert row.as_json()["stand"]["by"] == BY
    assert len(messages(ports)) == before
    ordering.lift(ports.engine, ports.config, "heat", SAID)
    tick(LATER + HOUR / 4, ports)
    with reading(ports.engine) as connection:
        (row, *_) = overview(connection, ports.config, LATER)
    assert row.standing.stand is None
