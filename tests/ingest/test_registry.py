"""Kinds are registered once, durations are read strictly."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from ingest.errors import ConfigMistake, UnknownName
from ingest.registry import Duration, Registry, parse_duration


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", timedelta(seconds=90)), ("10m", timedelta(minutes=10)), ("6h", timedelta(hours=6)),
        ("1d", timedelta(days=1)), ("0h", timedelta(0)), (timedelta(hours=2), timedelta(hours=2)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text, length):
    """Seconds, minutes, hours or days; one that is read already passes."""
    assert parse_duration(text) == length


@pytest.mark.parametrize("text", ["", "10", "h", "-1h", "1.5h", "1h30m", "10 m", "1H", "1w", 10, None, True])
def test_any_other_duration_is_refused_with_an_example(text):
    """A bare number could be seconds or hours, so it is neither."""
    with pytest.raises(ValueError, match="such as 10m or 6h"):
        parse_duration(text)


@pytest.fixture
def siren():
    """A registry with one kind."""
    registry: Registry[Any] = Registry("siren")

    @registry("loud")
    @dataclass(frozen=True, kw_only=True)
    class Loud:
        pause: Duration

    return registry


def test_a_kind_is_found_by_its_name(siren):
    """And the names are listed in order."""
    siren("aloud")(type("Aloud", (), {}))
    assert siren["loud"].__name__ == "Loud"
    assert siren.kinds == ("aloud", "loud")


def test_an_unknown_kind_is_refused_with_those_there_are(siren):
    """The message is what a person needs to mend the file."""
    with pytest.raises(UnknownName, match="no siren is of the kind 'quiet'; there are loud"):
        siren["quiet"]


def test_a_taken_kind_is_refused(siren):
    """Two plug-ins of one name: the second names both modules."""
    with pytest.raises(ConfigMistake, match=r"'loud' of .* is taken by .*; rename one"):
        siren("loud")(type("Other", (), {}))


@pytest.mark.parametrize("block", [{"pause": "1h", "paus": "1h"}, {"pause": 3600}, {}])
def test_the_block_of_a_kind_is_read_strictly(siren, block):
    """Unknown key, bare number, missing key."""
    with pytest.raises(ValidationError):
        TypeAdapter(siren["loud"]).validate_python(block)
