"""A start keeps the configuration, and after a pause tells how things stand and not how they stood."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from fakes import AT, HOUR, MINUTE
from sqlalchemy import select
from stage import district, instance, rewrite

from alerts.record import store, tables, versions
from alerts.record.store import Call
from alerts.record.verify import verify
from ingest.database import reading, writing
from pipeline.beginning import begin
from pipeline.config import Config, default_folder
from rules.level import Level


def named(by: str, why: str) -> Config:
    """The district, changed by somebody for a reason."""
    return replace(
        district(), service=replace(district().service, changed_by=by, changed_because=why)
    )


def test_the_configuration_in_force_is_kept_with_author_and_reason(tmp_path: Path):
    """Every file of it, and none twice."""
    with instance(tmp_path, named("李工", "入汛前调整")) as ports:
        begin(ports, AT, None)
        begin(ports, AT + HOUR, AT)
        with reading(ports.engine) as connection:
            kept = versions.newest(connection)
            assert verify(connection).whole
    assert kept is not None
    assert (kept.author, kept.reason, kept.at) == ("李工", "入汛前调整", AT)
    assert {"routes.yaml", "hazards/heat.yaml", "drills/storm_327.yaml"} <= kept.files.keys()


def test_no_number_of_anybody_enters_the_record(tmp_path: Path):
    """Not in any file of the configuration; a number that is changed makes a new version all the same."""
    shutil.copytree(default_folder(), tmp_path / "config")
    config = replace(district(), folder=tmp_path / "config")
    with instance(tmp_path, config) as ports:
        begin(ports, AT, None)
        rewrite(tmp_path / "config/routes.yaml", ("13800000001", "13899990001"))
        begin(ports, AT + HOUR, AT)
        with reading(ports.engine) as connection:
            kept = list(connection.execute(select(tables.config_version)))
    assert len(kept) == 2
    one, other = (row.files["routes.yaml"].splitlines() for row in kept)
    assert [line.count("138****0001#") for line in set(one) ^ set(other)] == [1, 1]
    numbers = {person.phone for person in config.routes.people.values()}
    assert not any(number in str(row.files) for row in kept for number in {*numbers, "13899990001"})


def test_a_call_whose_steps_fell_due_in_a_pause_goes_on_with_one(tmp_path: Path):
    """Who is next gets their time before the one after is called."""
    call = Call(
        transition="x.1", alert="x", subsystem="flood_control", level=Level.RED, begun_at=AT, step=0,
        next_at=AT + 5 * MINUTE,
    )  # fmt: skip
    with instance(tmp_path, district()) as ports:
        with writing(ports.engine) as connection:
            store.open_call(connection, call)
        now = AT + 3 * HOUR
        begin(ports, now, AT + MINUTE)
        with reading(ports.engine) as connection:
            (resumed,) = store.calls(connection)
    assert resumed.step == 0
    assert resumed.next_at is not None
    assert resumed.next_at <= now
    assert resumed.begun_at > AT
