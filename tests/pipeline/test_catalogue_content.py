"""The catalogue that ships: what really happened, with its sources."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.config import default_folder, load
from pipeline.verify.catalogue import Occurrence, check_catalogue, load_catalogue
from rules.level import Level

ENTRIES = load_catalogue(default_folder())
TOLD = "heat outdoor_work rainstorm waterlogging river_rise landslide drought forest_fire".split()


def test_the_catalogue_fits_the_configuration() -> None:
    """Every hazard and town it names is there."""
    assert check_catalogue(load(default_folder())) == []


@pytest.mark.parametrize("hazard", TOLD)
def test_hazards_of_which_something_is_known_have_entries(hazard: str) -> None:
    """The others have none: nothing was found, and nothing is invented."""
    assert any(entry.hazard == hazard for entry in ENTRIES)
    assert {entry.hazard for entry in ENTRIES} == set(TOLD)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)
class TestEntry:
    """What holds for each."""

    def test_it_names_its_source_and_says_what_happened_in_both_languages(self, entry: Occurrence) -> None:
        """An address is one of the web."""
        assert len(entry.source) > 5
        assert entry.note is not None
        assert re.search("[一-鿿]", entry.note.zh)
        assert not re.search("[一-鿿]", entry.note.en)
        assert entry.url == "" or entry.url.startswith(("http://", "https://"))

    def test_its_times_are_in_order_and_in_the_past(self, entry: Occurrence) -> None:
        """No onset is told more exactly than it is known."""
        assert entry.end is None or entry.earliest < entry.end
        assert entry.latest < datetime(2026, 1, 1, tzinfo=UTC)
        assert timedelta(hours=1) <= entry.within <= timedelta(days=31)

    def test_its_name_tells_hazard_and_time(self, entry: Occurrence) -> None:
        """So that a list of misses can be read."""
        assert entry.id.startswith(entry.hazard.replace("_", "-"))
        assert str(entry.onset.year) in entry.id

    def test_it_is_a_published_event(self, entry: Occurrence) -> None:
        """Verdicts and damage reports are kept in the database."""
        assert entry.kind == "event"

    def test_an_inferred_year_or_place_is_doubtful(self, entry: Occurrence) -> None:
        """Scores can leave it out."""
        assert entry.note is not None
        if "推断" in entry.note.zh or "未单独提到荣昌" in entry.note.zh:
            assert entry.certainty == "doubtful"

    def test_only_what_the_authorities_publish_as_observed_is_certain(self, entry: Occurrence) -> None:
        """Second-hand pages are likely at best."""
        assert not (entry.certainty == "certain" and "二手" in entry.source)


def test_a_level_is_one_of_the_ladder_of_its_hazard() -> None:
    """A level no ladder has could never be warned of."""
    hazards = load(default_folder()).hazards
    told = {(entry.hazard, entry.level) for entry in ENTRIES if entry.level is not None}
    assert all(level in hazards[hazard].rule.ladder for hazard, level in told)
    assert ("forest_fire", Level.RED) in told
