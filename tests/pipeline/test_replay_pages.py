"""When a message of a replay reaches a person: at once, after the night, or in a digest."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import fakes
import pytest
from fakes import AT, HOUR, MINUTE, ORANGE, RED, YELLOW

from alerts.duty.people import Budget, Quiet
from alerts.duty.routing import Notice
from alerts.event.transition import Reason, Transition
from pipeline.replay.mail import Mail, night_of
from pipeline.replay.result import Paged
from rules.level import Level

QUIET = Quiet(start="22:00", end="07:00", pierced_by=ORANGE)
MIDNIGHT = AT + 16 * HOUR
"""00:05 in Beijing."""


def mail(budget: Budget | None = None, quiet: Quiet | None = None) -> Mail:
    """Mail of a roster with this budget and these quiet hours."""
    own = replace(fakes.routes(), budget=budget, quiet=quiet)
    return Mail(routes=own, dark=night_of(("22:00", "06:00")))


def notice(not_before: datetime | None = None, person: str = "zhang") -> Notice:
    """Somebody who leads is told."""
    return Notice(
        subsystem="safety", person=person, role="lead", task={}, step=0, why="", not_before=not_before
    )


def change(number: int, at: datetime, level: Level = YELLOW, reason: Reason = Reason.SPREAD) -> Transition:
    """The change of a number of an alert that stands at a level."""
    return fakes.change(reason, id=f"a.{number}", alert="a", at=at, from_level=level, to_level=level)


def told(own: Mail, until: datetime) -> list[tuple[datetime, int]]:
    """When messages came until a moment, and of how many changes each tells."""
    own.fold(until, including=True)
    return [(page.at, page.changes) for page in own.pages]


def test_a_message_comes_at_once():
    """Nothing holds it."""
    own = mail()
    own.post(change(1, AT), [notice()], AT)
    assert told(own, AT) == [(AT, 1)]


def test_what_waits_for_the_morning_comes_then():
    """Not before, and not at all where the period ends earlier."""
    own, morning = mail(), MIDNIGHT + 7 * HOUR
    own.post(change(1, MIDNIGHT), [notice(morning)], MIDNIGHT)
    assert told(own, morning - MINUTE) == []
    assert told(own, morning) == [(morning, 1)]


def test_several_that_wait_come_as_one():
    """A digest speaks for the most severe."""
    own, morning = mail(), MIDNIGHT + 7 * HOUR
    own.post(change(1, MIDNIGHT), [notice(morning)], MIDNIGHT)
    own.post(change(2, MIDNIGHT + HOUR, ORANGE), [notice(morning)], MIDNIGHT + HOUR)
    assert told(own, morning) == [(morning, 2)]
    assert own.pages[0].level is ORANGE


def test_what_is_overtaken_while_it_waits_is_never_told():
    """Nobody reads in the morning of a level that is over, and nobody was warned of it."""
    own, morning = mail(), MIDNIGHT + 7 * HOUR
    own.post(change(1, MIDNIGHT), [notice(morning)], MIDNIGHT)
    assert own.warned("a")
    own.withdraw("a")
    assert own.warned("a") == []
    assert told(own, morning) == []


@pytest.mark.parametrize(
    ("level", "reason", "held"),
    [
        (YELLOW, Reason.SPREAD, True),
        (YELLOW, Reason.OPENED, False),
        (ORANGE, Reason.EXTENDED, True),
        (RED, Reason.SPREAD, False),
    ],
)
def test_above_the_budget_only_calls_and_reds_come_at_once(level: Level, reason: Reason, held: bool):
    """The rest comes when the period of the first message is over."""
    own = mail(Budget(pages=1, per=10 * MINUTE))
    own.post(change(1, AT), [notice()], AT)
    own.post(change(2, AT + MINUTE, level, reason), [notice()], AT + MINUTE)
    later = AT + 10 * MINUTE if held else AT + MINUTE
    assert told(own, AT + HOUR) == [(AT, 1), (later, 1)]


def test_each_person_has_a_budget_of_their_own():
    """What one is told takes no room of another."""
    own = mail(Budget(pages=1, per=10 * MINUTE))
    for number, person in enumerate(("zhang", "li")):
        own.post(change(number, AT), [notice(person=person)], AT)
    assert told(own, AT) == [(AT, 1), (AT, 1)]


@pytest.mark.parametrize("first", [Reason.DATA_FOUND, Reason.OPENED])
def test_data_found_beside_an_opening_is_one_message(first: Reason):
    """The opening says as much, whichever came first."""
    own = mail()
    second = Reason.OPENED if first is Reason.DATA_FOUND else Reason.DATA_FOUND
    for number, reason in enumerate((first, second)):
        own.post(change(number, AT, YELLOW, reason), [notice()], AT)
    assert [page.reason for page in own.pages] == [Reason.OPENED]


def page(at: datetime, quiet: Quiet | None) -> Paged:
    """A red that comes at a moment."""
    own = mail(quiet=quiet)
    own.post(change(1, at, RED), [notice()], at)
    return own.pages[0]


@pytest.mark.parametrize(
    ("after", "quiet", "night", "woken"),
    [
        (timedelta(0), QUIET, True, True),
        (timedelta(0), None, True, True),
        (6 * HOUR, QUIET, False, True),
        (6 * HOUR, None, False, False),
        (8 * HOUR, QUIET, False, False),
    ],
)
def test_night_is_by_the_clock_and_woken_by_ones_own_hours(
    after: timedelta, quiet: Quiet | None, night: bool, woken: bool
):
    """From midnight on: the night ends at six, these quiet hours at seven."""
    found = page(MIDNIGHT + after, quiet)
    assert (found.night, found.woken) == (night, woken)


@pytest.mark.parametrize(
    ("hours", "dark"),
    [(("22:00", "06:00"), True), (("00:00", "00:05"), False), (("00:05", "01:00"), True),
     (("08:00", "20:00"), False)],
)  # fmt: skip
def test_a_night_may_pass_midnight_or_not(hours: tuple[str, str], dark: bool):
    """It begins with its first minute and ends before its last."""
    assert night_of(hours)(MIDNIGHT) is dark
