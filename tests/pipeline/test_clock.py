"""Clocks: time goes forward whatever the machine's clock does."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from stage import actions

from pipeline.daemon import SimulatedClock, SteadyClock, wall_clock

AT = datetime(2022, 8, 15, 12, 0, tzinfo=UTC)


@dataclass
class Wall:
    """The machine's clock, which anybody may set."""

    at: datetime = AT

    def __call__(self) -> datetime:
        """What it shows."""
        return self.at

    def move(self, **span: float) -> None:
        """Let time pass, or set the clock."""
        self.at += timedelta(**span)


def test_it_follows_the_machine_while_that_goes_forward():
    """Jumps forward are taken as they come."""
    wall = Wall()
    clock = SteadyClock(wall)
    for hours in (0, 1, 25):
        wall.move(hours=hours)
        assert clock.now() == wall.at


@pytest.mark.parametrize("back", [{"hours": -1}, {"days": -365}, {"milliseconds": -1}])
def test_it_goes_on_when_the_machine_goes_back(back: dict[str, float]):
    """Time passes at its own pace from the last moment."""
    wall = Wall()
    clock = SteadyClock(wall)
    wall.move(**back)
    moments = []
    for _ in range(5):
        moments.append(clock.now())
        time.sleep(0.002)
    assert moments == sorted(set(moments))
    assert AT < moments[0] < moments[-1] < AT + timedelta(seconds=30)


def test_it_rejoins_the_machine_that_has_caught_up():
    """The wrong hour is lived once."""
    wall = Wall()
    clock = SteadyClock(wall)
    wall.move(hours=-1)
    assert clock.now() > wall.at
    wall.move(hours=2)
    assert clock.now() == wall.at


def test_it_says_so_once(caplog: pytest.LogCaptureFixture):
    """One line for each time the clock goes back, with the remedy, not one for each look."""
    wall = Wall()
    clock = SteadyClock(wall)
    with caplog.at_level(logging.ERROR):
        for _ in range(2):
            wall.move(hours=-1)
            clock.now()
            clock.now()
            wall.move(hours=3)
            clock.now()
    assert actions(caplog.records) == ["clock_went_back"] * 2
    assert "check the time service" in caplog.text


@pytest.mark.parametrize(("known", "begins"), [(-1, 0), (0, 0), (1, 1)])
def test_it_begins_no_earlier_than_what_was_written(known: int, begins: int):
    """After a restart on a machine whose clock is behind, time does not run twice."""
    clock = SteadyClock(Wall())
    clock.not_before(AT + timedelta(hours=known))
    assert timedelta(0) <= clock.now() - (AT + timedelta(hours=begins)) < timedelta(seconds=30)


def test_a_simulated_clock_stands():
    """It moves where it is set."""
    clock = SimulatedClock(AT)
    assert clock.now() == clock.now() == AT
    clock.at += timedelta(hours=1)
    assert clock.now() == AT + timedelta(hours=1)


def test_the_wall_clock_is_aware():
    """The present moment, in UTC."""
    assert wall_clock().utcoffset() == timedelta(0)
