"""The composition root."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from stage import ALARM, alarmed, district, instance, messages, place, telling, tokens

from alerts.answers.links import read_token
from alerts.record import store
from ingest.database import reading
from ingest.errors import StoreError
from pipeline.view import DERIVED, view_of
from pipeline.wiring import build, prepare_folder, read_link_key


def test_the_data_folder_is_made(tmp_path: Path):
    """With the database in it, and the key of the links."""
    folder = tmp_path / "a" / "b"
    with instance(folder, telling([])):
        assert {path.name for path in folder.iterdir()} >= {"fengsui.db", "link.key"}


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path):
    """One sentence with the remedy."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be made .*choose another with --data"):
        prepare_folder(tmp_path / "file" / "data")


def test_opening_twice_finds_what_was_there(tmp_path: Path):
    """Tables and rows of an earlier run stay."""
    with alarmed(tmp_path) as ports:
        before = messages(ports)
    with instance(tmp_path, telling([])) as ports:
        assert messages(ports) == before != []


def test_the_link_key_is_kept_and_is_ours_alone(tmp_path: Path):
    """Links in messages outlive a restart; nobody else on the machine may read the key."""
    key = read_link_key(tmp_path)
    assert read_link_key(tmp_path) == key
    assert len(key) >= 32
    assert stat.S_IMODE((tmp_path / "link.key").stat().st_mode) == 0o600


def test_two_that_start_together_agree_on_the_key(tmp_path: Path):
    """Also where many make one at the same moment; no draft is left behind."""
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(read_link_key, [tmp_path] * 32))
    assert len(keys) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["link.key"]


def test_a_key_whose_writing_was_cut_short_is_never_used(tmp_path: Path):
    """A draft that a crash left behind is not the key."""
    (tmp_path / "link.key.abcdef").write_text("")
    assert len(read_link_key(tmp_path)) >= 32


def test_links_name_who_was_called_for_what(tmp_path: Path):
    """The token holds the claim; it begins with the address that phones reach."""
    with alarmed(tmp_path) as ports:
        row = next(row for row in messages(ports) if row.subsystem == "health")
        with reading(ports.engine) as connection:
            signed = store.claims(connection, ALARM, timedelta(hours=24))
        claim = read_token(ports.link_key, tokens(ports)["health"], signed, ALARM)
        assert str(row.data["ack_link"]).startswith(ports.config.service.public_url + "/ack/")
    assert (claim.alert, claim.transition) == (row.alert, row.transition)
    assert (claim.subsystem, claim.person) == ("health", row.recipient)
    assert claim.expires_at == ALARM + timedelta(hours=24)


def test_channels_that_are_not_enabled_are_not_there(tmp_path: Path):
    """Their block stays in the configuration and sends nothing."""
    config = telling([])
    off = replace(config.channels["outbox"], enabled=False)
    with instance(tmp_path, replace(config, channels={"outbox": off})) as ports:
        assert dict(ports.outbox.channels) == {}


def test_the_view_holds_what_the_hazards_read():
    """Trusted sources first, derived values last, wide enough for every enabled hazard."""
    view = view_of(telling([]))
    heat = district().hazards["heat"].rule
    assert view.sources == ("told", DERIVED)
    assert view.hours_back >= heat.reach.hours_back
    assert view.hours_ahead >= heat.reach.hours_ahead
    assert set(view.quantities) >= set(heat.quantities)


def test_a_source_that_is_not_enabled_is_not_read():
    """Old batches of it count for nothing."""
    config = telling([])
    source = config.sources["told"]
    asleep = replace(source, feed=replace(source.feed, enabled=False))
    assert view_of(replace(config, sources={"told": asleep})).sources == (DERIVED,)


def test_a_database_that_cannot_be_opened_is_refused(tmp_path: Path):
    """The sentence names the file and the remedy."""
    (tmp_path / "fengsui.db").mkdir()
    with pytest.raises(StoreError, match=r"fengsui\.db cannot be written"):
        build(telling([]), place(tmp_path))
