"""The catalogue: read strictly, every mistake in one sentence, and what people say joins it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import AT, HOUR, database
from stage import district

from alerts.record import verdicts
from alerts.record.verdicts import Damage, Verdict
from ingest.errors import ConfigMistake
from ingest.times import parse_instant
from pipeline.check import problems
from pipeline.config import default_folder
from pipeline.verify.catalogue import check_catalogue, entries, load_catalogue, occurrences
from pipeline.verify.terms import Terms, check_terms, load_terms
from rules.level import Level

EVENT = """events:
  - id: one
    hazard: heat
    onset: 2022-08-18T12:00+08:00
    source: 报 / news
"""


def catalogue(folder: Path, text: str = EVENT, name: str = "2022.yaml") -> Path:
    """A folder with one file of events."""
    (folder / "events").mkdir(exist_ok=True)
    (folder / "events" / name).write_text(text, encoding="utf-8")
    return folder


def test_what_is_not_said_is_unknown(tmp_path: Path):
    """No end, no level, no towns; certain unless somebody doubts it."""
    (one,) = load_catalogue(catalogue(tmp_path))
    assert one.onset == parse_instant("2022-08-18T04:00Z")
    assert (one.end, one.level, one.places, one.certainty, one.kind) == (None, None, (), "certain", "event")
    assert one.happened


def test_everything_can_be_said(tmp_path: Path):
    """Level, end, towns, doubt, words, address."""
    more = """    end: 2022-08-20T20:00+08:00
    within: 12h
    level: red
    places: ["500153001"]
    certainty: likely
    kind: damage
    note: {zh: 热, en: hot}
    url: https://example.org/1
"""
    (one,) = load_catalogue(catalogue(tmp_path, EVENT + more))
    assert (one.level, one.within, one.kind) == (Level.RED, 12 * HOUR, "damage")
    assert one.latest - one.earliest == 24 * HOUR
    assert one.as_json()["note"] == {"zh": "热", "en": "hot"}


def test_events_come_by_onset_from_all_files(tmp_path: Path):
    """Whatever the files are called."""
    catalogue(tmp_path, EVENT, "b.yaml")
    catalogue(tmp_path, EVENT.replace("one", "zero").replace("2022", "2012"), "a.yaml")
    assert [one.id for one in load_catalogue(tmp_path)] == ["zero", "one"]


def test_a_folder_without_events_has_none(tmp_path: Path):
    """A new district knows of nothing yet."""
    assert load_catalogue(tmp_path) == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("hazard: heat", "hazzard: heat", 'hazzard: there is no such key; did you mean "hazard"?'),
        ("    source: 报 / news\n", "", "source: is missing; add it"),
        ("source: 报 / news", 'source: ""', "is empty; say who tells of it"),
        ("+08:00", "", "has no time zone"),
        ("source:", "level: purple\n    source:", "is no level"),
        ("source:", "level: none\n    source:", "none is no level of a warning"),
        ("source:", "end: 2022-08-17T00:00Z\n    source:", "lies before the onset"),
        ("source:", "certainty: maybe\n    source:", "certainty"),
        ("source:", "kind: verdict\n    source:", "give them with: fengsui verdict"),
        ("source:", "judged: hit\n    source:", "give them with: fengsui verdict"),
        ("source:", "within: 3 hours\n    source:", "write a duration"),
        ("source:", "note: 热\n    source:", "note"),
    ],
)
def test_a_mistake_is_one_sentence_with_file_and_line(tmp_path: Path, old, new, sentence):
    """As everywhere in the configuration."""
    with pytest.raises(ConfigMistake) as caught:
        load_catalogue(catalogue(tmp_path, EVENT.replace(old, new, 1)))
    assert sentence in str(caught.value)
    assert "2022.yaml:" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_two_events_of_one_name_are_refused(tmp_path: Path):
    """Also across files; both places are named."""
    catalogue(tmp_path, EVENT, "a.yaml")
    catalogue(tmp_path, EVENT, "b.yaml")
    with pytest.raises(ConfigMistake, match=r'b\.yaml:2: .*"one" is taken by .*a\.yaml:2; rename one'):
        load_catalogue(tmp_path)


def test_a_file_that_would_not_be_read_is_named(tmp_path: Path):
    """Rather than an event that nobody counts."""
    with pytest.raises(ConfigMistake, match=r"give it the ending \.yaml"):
        load_catalogue(catalogue(tmp_path, EVENT, "x.yml"))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("hazard: heat", "hazard: haet", 'no hazard is called "haet"; did you mean "heat"?'),
        ("source:", 'places: ["500153999"]\n    source:', 'has no town "500153999"'),
        ("onset:", "onsett:", "no such key"),
    ],
)
def test_the_check_names_what_the_district_does_not_know(tmp_path: Path, old, new, sentence):
    """Hazards and towns are asked of the configuration, not while loading."""
    folder = catalogue(tmp_path, EVENT.replace(old, new, 1))
    found = check_catalogue(replace(district(), folder=folder))
    assert sentence in found[0]


def test_the_shipped_catalogue_and_terms_are_whole():
    """Every event of config/events fits the district."""
    assert check_catalogue(district()) == check_terms(district()) == []
    assert load_catalogue(default_folder())


VERDICT = Verdict(
    alert="x", hazard="rainstorm", judged="hit", onset=AT, within=6 * HOUR, places=("500153001",),
    level=Level.RED, by="李", why="积水", at=AT + 30 * HOUR,
)  # fmt: skip
DAMAGE = Damage(
    hazard="waterlogging", onset=AT, what="积水80厘米", source="街道办", by="王", at=AT + 5 * HOUR
)


def test_verdicts_and_reports_become_entries_with_provenance(tmp_path: Path):
    """Who said it, of which alert, how sure."""
    with database(tmp_path) as engine, engine.begin() as connection:
        verdicts.judge(connection, VERDICT)
        verdicts.report(connection, DAMAGE)
        config = replace(district(), folder=catalogue(tmp_path))
        known = {one.kind: one for one in entries(config, connection)}
    assert set(known) == {"event", "damage", "verdict"}
    assert (known["verdict"].source, known["verdict"].alert) == ("李", "x")
    assert known["verdict"].certainty == "likely"
    assert known["damage"].source == "街道办 (王)"


@pytest.mark.parametrize(
    ("judged", "happened"), [("hit", True), ("too_late", True), ("false_alarm", False), ("near_hit", False)]
)
def test_a_verdict_that_nothing_happened_is_no_occurrence(tmp_path: Path, judged, happened):
    """It stays an entry, so that it can be counted for what it is."""
    with database(tmp_path) as engine, engine.begin() as connection:
        verdicts.judge(connection, replace(VERDICT, judged=judged))
        config = replace(district(), folder=tmp_path)
        assert len(entries(config, connection)) == 1
        assert len(occurrences(config, connection)) == happened


def test_a_verdict_that_confirms_what_is_known_is_no_second_event(tmp_path: Path):
    """The catalogue tells of it already."""
    with database(tmp_path) as engine, engine.begin() as connection:
        config = replace(district(), folder=catalogue(tmp_path))
        onset = parse_instant("2022-08-19T12:00+08:00")
        verdicts.judge(connection, replace(VERDICT, hazard="heat", onset=onset))
        assert [one.id for one in entries(config, connection)] == ["one"]


def test_doubtful_events_can_be_left_out(tmp_path: Path):
    """Likely ones stay."""
    config = replace(district(), folder=catalogue(tmp_path, EVENT + "    certainty: doubtful\n"))
    assert len(occurrences(config)) == 1
    assert occurrences(config, doubtful=False) == ()


def test_terms_have_defaults(tmp_path: Path):
    """A folder without the file is judged all the same."""
    terms = load_terms(tmp_path)
    assert terms == Terms()
    assert (terms.ratio_of("health"), terms.windows_of("heat").early) == (0.1, 24 * HOUR)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("risk: 1.0", "risk"),
        ("cost_loss: {helth: 0.1}", 'did you mean "health"?'),
        ("cost_loss: {health: 1.5}", "cost_loss.health"),
        ("windows: {haet: {early: 1h}}", 'did you mean "heat"?'),
        ("windows: {heat: {erly: 1h}}", 'did you mean "early"?'),
        ("weights: {purple: 1.0}", "is not known here"),
        ("weights: {red: 0.0}", "weights.red"),
    ],
)
def test_a_mistake_in_the_terms_is_one_sentence(tmp_path: Path, text, sentence):
    """Found by `fengsui check`."""
    (tmp_path / "verification.yaml").write_text(text, encoding="utf-8")
    (found,) = check_terms(replace(district(), folder=tmp_path))
    assert sentence in found
    assert "verification.yaml:1" in found


def test_the_check_of_the_configuration_reads_both(tmp_path: Path):
    """`fengsui check` finds them like every other mistake."""
    catalogue(tmp_path, EVENT.replace("heat\n", "haet\n"))
    (tmp_path / "verification.yaml").write_text("weights: {purple: 1.0}", encoding="utf-8")
    found = {item.where for item in problems(replace(district(), folder=tmp_path), AT)}
    assert {"events/", "verification.yaml"} <= found
