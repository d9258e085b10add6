"""The operators hear of a trouble once when it begins, and once when it is over."""

from __future__ import annotations

from collections.abc import Mapping

from fakes import AT, HOUR, MINUTE, desk, routes
from sqlalchemy import Connection

from alerts.duty.people import Person, Routes
from alerts.outgoing import deliveries
from alerts.outgoing.delivery import Purpose, Status
from alerts.record.troubles import Symptom, observe, open_troubles, operators

SILENT = {"source sky": Symptom(text="no rain gauge answers")}


def told(connection: Connection) -> list[tuple[str, str, str]]:
    """Text, person and channel of every message about a trouble."""
    rows = deliveries.all_deliveries(connection)
    return [(row.text, row.recipient, row.channel) for row in rows if row.purpose is Purpose.TROUBLE]


def look(
    connection: Connection, found: Mapping[str, Symptom], hours: float = 0, own: Routes | None = None
) -> None:
    """Look so many hours after `AT`."""
    observe(connection, desk(own), found, AT + hours * HOUR)


def test_a_new_trouble_is_told_to_the_operators_on_duty(connection: Connection):
    """And to nobody else: an officer cannot mend a source."""
    look(connection, SILENT)
    assert {person for _, person, _ in told(connection)} == {
        "operations_day", "operations_deputy_day",
    }  # fmt: skip


def test_a_trouble_that_lasts_is_told_once(connection: Connection):
    """A look a minute is no message a minute."""
    for minute in range(60):
        observe(connection, desk(), SILENT, AT + minute * MINUTE)
    assert len(told(connection)) == 2
    assert [one.since for one in open_troubles(connection)] == [AT]


def test_the_end_of_a_trouble_is_told(connection: Connection):
    """Otherwise somebody goes on looking for it."""
    look(connection, SILENT)
    look(connection, {}, 1)
    assert [text for text, _, _ in told(connection)][-1] == "memo_trouble_over"
    assert not open_troubles(connection)


def test_a_trouble_that_comes_back_is_told_again(connection: Connection):
    """It is another one, with its own messages."""
    for hours, found in enumerate((SILENT, {}, SILENT)):
        look(connection, found, hours)
    assert len(told(connection)) == 6


def test_two_troubles_are_two(connection: Connection):
    """The end of one does not end the other."""
    look(connection, SILENT | {"clock": Symptom(text="it jumped")})
    look(connection, SILENT, 1)
    assert [one.name for one in open_troubles(connection)] == ["source sky"]


def test_a_sick_channel_does_not_carry_the_news_of_its_sickness(connection: Connection):
    """The person's next channel does."""
    people = {
        name: Person(name=name, phone="13800000001", channels=("sms",), fallback=("mail",))
        for name in routes().people
    }
    sick = {"channel sms": Symptom(text="nothing passes", avoid=frozenset({"sms"}))}
    look(connection, sick, own=routes(people=people))
    assert {channel for _, _, channel in told(connection)} == {"mail"}


def test_where_no_operator_is_on_duty_the_centre_hears(connection: Connection):
    """A trouble is never told to nobody."""
    own = routes(subsystems={k: v for k, v in routes().subsystems.items() if k != "operations"})
    assert operators(own, AT) == ("centre_day", "centre_deputy_day")


def test_news_of_troubles_is_no_warning(connection: Connection):
    """It is due at once, and is no part of any alert."""
    look(connection, SILENT)
    (row, _) = deliveries.all_deliveries(connection)
    assert (row.status, row.due_at, row.data["purpose"]) == (Status.DUE, AT, "trouble")
