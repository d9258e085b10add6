"""What a gateway allows in any window."""

from datetime import timedelta

import pytest
from fakes import AT, MINUTE

from alerts.outgoing.rates import Rate, Window

SECOND = timedelta(seconds=1)
THREE = Rate(most=3, per=MINUTE)


def test_no_more_than_allowed_in_a_window():
    """The fourth waits until the first is a minute old, exactly."""
    window = Window(THREE)
    for seconds in range(3):
        assert window.free(AT + seconds * SECOND) == 3 - seconds
        window.begin(AT + seconds * SECOND)
    assert window.free(AT + 59 * SECOND) == 0
    assert window.opens_at() == AT + MINUTE
    assert window.free(AT + MINUTE) == 1


def test_few_messages_leave_it_open():
    """There is no moment to wait for."""
    assert Window(THREE, [AT, AT]).opens_at() is None


def test_it_knows_what_was_sent_before_a_restart():
    """In whatever order the rows come."""
    window = Window(THREE, [AT + 2 * SECOND, AT, AT + SECOND])
    assert (window.free(AT + 3 * SECOND), window.opens_at()) == (0, AT + MINUTE)


@pytest.mark.parametrize(("most", "per"), [(0, MINUTE), (-1, MINUTE), (1, timedelta(0))])
def test_a_rate_that_allows_nothing_is_refused(most: int, per: timedelta):
    """It would hold every message for ever."""
    with pytest.raises(ValueError, match="at least one message"):
        Rate(most=most, per=per)
