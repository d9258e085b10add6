"""One tick: all or nothing, and nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select
from stage import HOUR, changes, day, instance, messages, recorded, telling

from alerts.record import ledger, store, tables
from ingest.database import reading
from pipeline.ports import Ports
from pipeline.pull import pull
from pipeline.tick import tick
from rules.findings import Verdict

NOW = day("08-15 12:05")


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    """An instance that has pulled three days of extreme heat and not ticked yet."""
    with instance(tmp_path, telling(recorded(day("08-12 12:00"), NOW))) as ports:
        pull("told", NOW, ports)
        yield ports


def rows(ports: Ports) -> dict[str, list[Any]]:
    """Every row of every table of the alerts."""
    with reading(ports.engine) as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table))]
            for table in tables.metadata.sorted_tables
        }


def test_a_tick_writes_everything_at_once(ports: Ports):
    """Change, notices, calls, messages, memory and ledger are there together."""
    report = tick(NOW, ports)
    (change,) = report.transitions
    assert (change.at, change.to_level.key, len(change.places)) == (NOW, "red", 21)
    assert report.planned == len(messages(ports)) > 10
    assert (report.still, report.unknown) == ({}, {"heat": 0})
    assert changes(ports) == [change]
    with reading(ports.engine) as connection:
        assert ledger.last_tick(connection).transitions == 1
        assert {call.begun_at for call in store.calls(connection)} == {NOW}


def test_a_second_tick_at_the_same_moment_changes_nothing(ports: Ports):
    """It judges the same and finds that everything has been told."""
    tick(NOW, ports)
    first = rows(ports)
    again = tick(NOW, ports)
    assert (again.transitions, again.planned) == ((), 0)
    assert dict(again.still) == {"heat": "stands"}
    second = rows(ports)
    for name in ("transition", "notice", "call", "delivery", "acknowledgement"):
        assert second[name] == first[name]
    assert len(second["tick"]) == len(first["tick"]) == 1


def test_a_state_that_did_not_change_is_not_written_again(ports: Ports):
    """What is kept says since when it has been so."""
    tick(NOW, ports)
    before = rows(ports)["lifecycle"]
    tick(NOW + HOUR / 60, ports)
    assert rows(ports)["lifecycle"] == before


@pytest.mark.parametrize("table", ["transition", "notice", "call", "delivery", "lifecycle", "tick"])
def test_a_tick_that_fails_anywhere_leaves_nothing(ports: Ports, table: str):
    """Whichever row cannot be written, none is; the next tick does the whole work."""
    before = rows(ports)

    def refuse(conn: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith(f"INSERT INTO {table} ") or f'INTO "{table}"' in statement:
            raise RuntimeError("the lights went out")

    event.listen(ports.engine, "before_cursor_execute", refuse)
    with pytest.raises(RuntimeError, match="the lights went out"):
        tick(NOW, ports)
    event.remove(ports.engine, "before_cursor_execute", refuse)
    assert rows(ports) == before
    assert len(tick(NOW, ports).transitions) == 1


def test_without_any_data_nothing_is_known_and_nothing_is_said(tmp_path: Path):
    """Missing is never calm: every town is unknown, and no alert opens."""
    with instance(tmp_path, telling([])) as ports:
        report = tick(NOW, ports)
    assert (report.transitions, dict(report.unknown)) == ((), {"heat": 21})
    assert dict(report.still) == {"heat": "unknown"}
    assert {int(one) for one in report.findings["heat"].verdict[0]} == {Verdict.UNKNOWN}


def test_a_hazard_that_is_not_enabled_is_not_judged(tmp_path: Path):
    """Its block is kept, its findings are not made."""
    config = telling(recorded(day("08-12 12:00"), NOW))
    heat = config.hazards["heat"]
    asleep = replace(heat, conduct=replace(heat.conduct, enabled=False))
    with instance(tmp_path, replace(config, hazards={"heat": asleep})) as ports:
        pull("told", NOW, ports)
        assert tick(NOW + HOUR, ports).findings == {}
