"""What officers say afterwards is checked before it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import AT, HOUR, NONE, RED, YELLOW, change, database
from sqlalchemy import Connection
from stage import district

from alerts.event.transition import Reason
from alerts.record import store, verdicts
from alerts.record.verdicts import Damage
from ingest.errors import UnknownName
from pipeline.verify.hindsight import Said, give_verdict, report_damage

SAID = Said(by="health_duty_a", at=AT + 90 * HOUR, words="多人中暑")
DAMAGE = Damage(
    hazard="waterlogging", onset=AT, what="积水", source="街道办", by="王", at=AT + 90 * HOUR
)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A record of one alert that was yellow, red, and over."""
    with database(tmp_path) as engine, engine.begin() as opened:
        for number, (reason, level, town) in enumerate(
            [(Reason.OPENED, YELLOW, "a"), (Reason.RAISED, RED, "b"), (Reason.ENDED, NONE, None)]
        ):
            places = {town: level} if town else {}
            one = change(reason, id=f"x.{number}", at=AT + number * HOUR, to_level=level, places=places)
            store.record(opened, replace(one, onset=AT + 12 * HOUR if number else None), [])
        yield opened


def test_a_verdict_takes_level_towns_and_onset_from_the_alert(connection: Connection):
    """The foretold onset counts, to six hours, until somebody says when it really began."""
    kept = give_verdict(connection, district(), "x", "hit", SAID)
    assert (kept.hazard, kept.level, kept.places, kept.by) == ("heat", RED, ("b",), "卫生健康值班员A")
    assert (kept.onset, kept.within) == (AT + 12 * HOUR, 6 * HOUR)
    better = give_verdict(connection, district(), "x", "hit", SAID, AT + 5 * HOUR)
    assert (better.onset, better.within) == (AT + 5 * HOUR, 0 * HOUR)


@pytest.mark.parametrize(
    ("alert", "judged", "said", "onset", "sentence"),
    [
        ("y", "hit", {}, None, "no alert 'y' is recorded; the latest are: x"),
        ("x", "too_late", {}, None, "--onset"),
        ("x", "hit", {"by": " "}, None, "--by must not be empty"),
        ("x", "hit", {"words": ""}, None, "--why must not be empty"),
        ("x", "hit", {}, AT + 91 * HOUR, "in the future"),
    ],
)
def test_a_verdict_that_cannot_be_right_is_refused(
    connection: Connection, alert, judged, said, onset, sentence
):
    """With the remedy, and nothing is kept."""
    with pytest.raises((UnknownName, ValueError), match=sentence):
        give_verdict(connection, district(), alert, judged, replace(SAID, **said), onset)
    assert not verdicts.history(connection)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"hazard": "haet"}, "no hazard is called 'haet'; there are:"),
        ({"onset": AT + 91 * HOUR}, "in the future"),
        ({"end": AT - HOUR}, "--end lies before"),
        ({"places": ("Paris",)}, "is no town of"),
        ({"what": " "}, "--what must not be empty"),
        ({"source": ""}, "--source must not be empty"),
        ({"by": ""}, "--by must not be empty"),
        ({"replaces": 7}, "no report 7 stands; reports that stand: none"),
    ],
)
def test_damage_that_cannot_be_right_is_refused(connection: Connection, parts, sentence):
    """With the remedy, and nothing is kept."""
    with pytest.raises((UnknownName, ValueError), match=sentence):
        report_damage(connection, district(), replace(DAMAGE, **parts))
    assert not verdicts.damages(connection)


@pytest.mark.parametrize("town", ["500153001", "昌元街道", "昌元", "Changyuan"])
def test_towns_are_known_by_any_of_their_names(connection: Connection, town):
    """Whoever reports need not know codes."""
    kept = report_damage(connection, district(), replace(DAMAGE, places=(town,)))
    assert kept.places == ("500153001",)
