"""Logs are events: a sentence, an action, and fields."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest

from pipeline.logs import JsonLines, set_up_logs


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger that writes JSON lines to a buffer in place of standard error."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    root, scheduler = logging.getLogger(), logging.getLogger("apscheduler")
    handlers, levels = list(root.handlers), (root.level, scheduler.level)
    # Taken off first: setting up closes the handlers it replaces, and these are pytest's.
    root.handlers[:] = []
    set_up_logs("json")
    yield logging.getLogger("pipeline.test"), stream
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    scheduler.setLevel(levels[1])


def lines(stream: io.StringIO) -> list[dict[str, str]]:
    """What was written."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_json_object(log: tuple[logging.Logger, io.StringIO]):
    """Time with offset, level, sentence, action and fields."""
    log[0].warning("%d towns\nare silent", 3, extra={"action": "silent", "town": "吴家镇"})
    (line,) = lines(log[1])
    assert datetime.fromisoformat(line.pop("at")).utcoffset() is not None
    assert line == {
        "level": "warning",
        "logger": "pipeline.test",
        "message": "3 towns\nare silent",
        "action": "silent",
        "town": "吴家镇",
    }


def test_an_exception_brings_its_trace(log: tuple[logging.Logger, io.StringIO]):
    """Still on one line."""
    try:
        raise KeyError("lost")
    except KeyError:
        log[0].exception("failed", extra={"action": "job_failed"})
    (line,) = lines(log[1])
    assert "KeyError: 'lost'" in line["trace"]


@pytest.mark.parametrize("value", [object(), {1, 2}, b"\xff", datetime(2022, 8, 1), None])
def test_any_field_can_be_written(log: tuple[logging.Logger, io.StringIO], value: object):
    """What JSON does not know is written as text."""
    log[0].info("x", extra={"field": value})
    assert lines(log[1])[0]["field"] == str(value)


def test_the_scheduler_keeps_quiet(log: tuple[logging.Logger, io.StringIO]):
    """A line for every look, and a warning for every look at a slow pull, would drown ours."""
    logging.getLogger("apscheduler.scheduler").warning("skipped: maximum number of instances")
    logging.getLogger("apscheduler.executors.default").error("raised")
    assert [line["message"] for line in lines(log[1])] == ["raised"]


def test_debugging_is_not_written(log: tuple[logging.Logger, io.StringIO]):
    """Events that operators need, and no more."""
    log[0].debug("detail")
    assert lines(log[1]) == []


def test_every_field_of_the_plain_record_is_left_out():
    """Only what the caller added is a field."""
    record = logging.makeLogRecord({"msg": "x", "action": "a"})
    assert set(json.loads(JsonLines().format(record))) == {"at", "level", "logger", "message", "action"}
