"""Check finds what will go wrong when it matters; who-gets tells who would hear."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from fakes import RecordingChannel
from simulators.open_meteo import OpenMeteoServer, status
from stage import ALARM, day, district, present, recorded, telling

from alerts.channels.webhook import Webhook
from alerts.duty.people import Answer
from ingest.errors import UnknownName
from ingest.secret import Secret
from ingest.source import Feed
from ingest.sources.open_meteo import OpenMeteo
from pipeline.audience import audience, roads
from pipeline.check import Problem, problems, reach
from pipeline.cli import main
from pipeline.config import ChannelBlock, Config, SourceBlock, default_folder
from pipeline.configuration.checks import check_roster
from pipeline.configuration.yaml_lines import read
from rules.level import Level

NOW = day("08-01 12:00")


def found(config: Config) -> list[Problem]:
    """What is wrong with a configuration."""
    return problems(config, NOW)


def sentences(config: Config) -> str:
    """The same as one text."""
    return "\n".join(f"{problem.where}: {problem.what}" for problem in found(config))


def test_the_configuration_that_comes_with_the_program_is_fine():
    """Nothing to mend before the first start."""
    assert found(district()) == []


def without_nights(config: Config) -> Config:
    """Nobody is on duty for health at night."""
    health = config.routes.subsystems["health"]
    days = replace(health, rota=health.rota[:1])
    subsystems = config.routes.subsystems | {"health": days}
    return replace(config, routes=replace(config.routes, subsystems=subsystems))


def test_a_gap_in_a_rota_is_found():
    """Named with its first moment in Beijing time and its length."""
    (problem,) = found(without_nights(district()))
    assert problem.where == "routes.yaml"
    assert "卫生健康（health）在08月01日20:00无人值班，14天内共168小时" in problem.what
    assert "add a shift" in problem.what


def hooked(secret: Secret, *, enabled: bool = True) -> Config:
    """A webhook beside the file."""
    channel = Webhook(url="https://gateway.example/hook", secret=secret)
    block = ChannelBlock(name="gateway", enabled=enabled, channel=channel)
    return replace(district(), channels=district().channels | {"gateway": block})


def test_a_missing_secret_is_found():
    """Named by place, in the channel that needs it."""
    text = sentences(hooked(Secret(env="FENGSUI_NO_SUCH")))
    assert "channels.yaml: gateway: secret: the environment variable FENGSUI_NO_SUCH is not set" in text


def test_the_secret_of_a_channel_that_is_off_is_not_asked_for():
    """It is needed when the channel is."""
    assert found(hooked(Secret(env="FENGSUI_NO_SUCH"), enabled=False)) == []


def test_a_secret_that_is_there_is_not_shown(tmp_path: Path):
    """Nothing is wrong, and nothing is printed."""
    tmp_path.joinpath("key").write_text("whsec_c2VjcmV0")
    assert found(hooked(Secret(file=str(tmp_path / "key")))) == []


@pytest.mark.parametrize("template", ["{{ nonsense }}", "{% if %}", "{{ t.places | nonsense }}"])
def test_a_broken_template_is_found(template: str):
    """Whatever is wrong with it, before anybody waits for the message."""
    name = next(iter(district().texts))
    texts = district().texts | {name: district().texts[name] | {"zh": template}}
    text = sentences(replace(district(), texts=texts))
    assert "texts.yaml: " in text
    assert name in text


def test_people_whom_no_channel_reaches_are_found():
    """All of theirs are off."""
    config = district()
    off = replace(config.channels["outbox"], enabled=False)
    text = sentences(replace(config, channels={"outbox": off}))
    assert text.count("none of the channels of this person") == len(config.routes.people)


def test_a_district_without_a_source_is_found():
    """It would be blind."""
    assert "no source is enabled" in sentences(replace(district(), sources={}))


@pytest.mark.parametrize("fault", [None, 503])
def test_online_every_source_is_asked_once(fault: int | None):
    """One that answers is fine; one that does not is named with its reason."""
    with OpenMeteoServer(now=NOW, always=status(fault) if fault else None) as server:
        feed = Feed(kind="open_meteo", every=timedelta(hours=1))
        block = SourceBlock(name="meteo", feed=feed, source=OpenMeteo(base_url=server.url))
        asleep = replace(block, name="off", feed=replace(feed, enabled=False))
        wrong = reach(replace(district(), sources={"meteo": block, "off": asleep}), NOW)
    assert [problem.where for problem in wrong] == (["sources/meteo.yaml"] if fault else [])
    assert all("503" in problem.what for problem in wrong)


def first(config: Config, level: Level, moment: str) -> dict[str, str | None]:
    """Subsystem -> who hears first; None where nobody does."""
    heard = audience(config, "heat", level, day(moment))
    return {notice.subsystem: notice.person for notice in heard.notices}


@pytest.mark.parametrize(
    ("moment", "letter"),
    [("08-01 07:59", "b"), ("08-01 08:00", "a"), ("08-01 19:59", "a"), ("08-01 20:00", "b")],
)
def test_a_shift_changes_on_its_minute(moment: str, letter: str):
    """To the minute, in Beijing time."""
    assert first(district(), Level.RED, moment)["health"] == f"health_duty_{letter}"


@pytest.mark.parametrize(
    ("level", "people"), [(Level.YELLOW, 4), (Level.ORANGE, 9), (Level.RED, 11), (Level.BLUE, 0)]
)
def test_more_hear_of_a_higher_level(level: Level, people: int):
    """By the matrix; every one who does not hear has a reason."""
    heard = audience(district(), "heat", level, NOW)
    assert sum(notice.told for notice in heard.notices) == people
    assert all(notice.why for notice in heard.notices)
    assert {notice.subsystem for notice in heard.notices} == set(district().routes.subsystems)


def test_who_is_called_later_is_who_is_on_duty_then():
    """A ladder that climbs over the change of shifts calls the new shift."""
    heard = audience(district(), "heat", Level.RED, day("08-01 19:57"))
    health = [(after, notice.person) for after, notice in heard.later if notice.subsystem == "health"]
    assert health == [
        (timedelta(minutes=5), "health_deputy_b"),
        (timedelta(minutes=10), "command_centre_duty_b"),
    ]


def test_a_hazard_that_is_not_there_is_refused():
    """The message lists those that are."""
    with pytest.raises(UnknownName, match=r"no hazard is called .flood.; there are .*heat"):
        audience(district(), "flood", Level.RED, NOW)


def test_check_changes_nothing(tmp_path: Path):
    """It asks, and opens no database."""
    config = telling(recorded(ALARM, ALARM), channel=RecordingChannel())
    assert problems(replace(config, folder=tmp_path), NOW) == []
    assert list(tmp_path.iterdir()) == []


def plain(config: Config, level: str, moment: str, tmp_path: Path, *before: str) -> dict[str, Any]:
    """What `who-gets` prints for machines, after a command that arranges something."""
    place = ("--data", str(tmp_path))
    for words in before:
        assert CliRunner().invoke(main, [*place, *words.split()]).exit_code == 0
    result = CliRunner().invoke(main, [*place, "who-gets", "heat", level, "--at", moment, "--json"])
    told: dict[str, Any] = json.loads(result.output)
    return told


def of(told: dict[str, Any], subsystem: str) -> dict[str, Any]:
    """The first decision about a subsystem."""
    (fact,) = [fact for fact in told["first"] if fact["subsystem"] == subsystem]
    return dict(fact)


def test_who_gets_tells_what_waits_for_the_morning(tmp_path: Path):
    """And the ladder counts from then."""
    told = plain(district(), "yellow", "2026-08-01T23:00+08:00", tmp_path)
    assert of(told, "health")["not_before"] == "2026-08-01T23:00:00+00:00"
    assert [step["after_minutes"] for step in told["unanswered"]] == [9 * 60] * 4
    at_once = plain(district(), "red", "2026-08-01T23:00+08:00", tmp_path)
    assert of(at_once, "health")["not_before"] is None


def test_who_gets_tells_what_must_be_answered(tmp_path: Path):
    """A red asks three facts; nobody need approve it as shipped."""
    told = plain(district(), "red", "2026-08-01T12:00+08:00", tmp_path)
    assert told["answers"] == {
        "facts": True, "unread_minutes": 3, "facts_within_minutes": 15, "closing_within_minutes": 30,
    }  # fmt: skip
    assert told["release"] is None


def test_who_gets_sees_stand_ins_and_silences(tmp_path: Path):
    """As the next change would: the stand-in is told, the silenced are not, each with the reason."""
    end = f"{present() + timedelta(hours=3):%Y-%m-%dT%H:%M}Z"
    now = f"{present() + timedelta(hours=1):%Y-%m-%dT%H:%M}Z"
    told = plain(
        district(), "red", now, tmp_path,
        f"stand-in health traffic_duty_a --to {end} --by He --why ill",
        "silence --subsystem power --level red --for 2h --by power_duty_a --why drill",
    )  # fmt: skip
    health, power = of(told, "health"), of(told, "power")
    assert health["person_id"] == "traffic_duty_a"
    assert "stand-in by He: ill" in health["why"]
    assert power["told"] is False
    assert "by power_duty_a: drill" in power["why"]
    assert [one["why"] for one in told["silences"]] == ["drill"]


@pytest.mark.parametrize(
    ("fallback", "answer", "expected"),
    [
        ((), Answer(), [("outbox", 0)]),
        (("sms", "voice"), Answer(), [("outbox", 0), ("sms", 3), ("voice", 6)]),
        (("sms",), None, [("outbox", 0), ("sms", None)]),
    ],
)
def test_further_channels_are_told_with_their_times(fallback, answer, expected):
    """One after the other, each after the time for reading."""
    routes = district().routes
    officer = replace(routes.people["health_duty_a"], fallback=fallback)
    own = replace(routes, people=routes.people | {"health_duty_a": officer})
    heard = audience(district(), "heat", Level.RED, NOW, own)
    notice = next(one for one in heard.notices if one.subsystem == "health")
    told = [(name, pause and pause / timedelta(minutes=1)) for name, pause in roads(notice, own, answer)]
    assert [(name, pause if pause is None else float(pause or 0)) for name, pause in told] == [
        (name, pause if pause is None else float(pause)) for name, pause in expected
    ]


def test_the_rota_is_printed_with_its_gaps(tmp_path: Path):
    """Every stretch of the coming days, without holes."""
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "rota", "health", "--days", "2", "--json"])
    stretches = json.loads(result.output)["health"]
    assert all(one["to"] == other["from"] for one, other in pairwise(stretches))
    assert {name for one in stretches for name in one["duty"]} == {"health_duty_a", "health_duty_b"}


def test_the_brief_is_fine_as_shipped(tmp_path: Path):
    """Nobody is missing, and everybody is named."""
    result = CliRunner().invoke(main, ["--data", str(tmp_path), "coverage", "--hours", "48", "--json"])
    brief = json.loads(result.output)
    assert (result.exit_code, brief["gaps"]) == (0, [])
    assert brief["watches"].keys() == district().routes.subsystems.keys()


def test_a_silence_is_listed_and_lifted(tmp_path: Path):
    """With the number by which it is lifted; a day at most."""
    place = ["--data", str(tmp_path)]
    given = "silence --level yellow --by health_duty_a --why works --for".split()
    CliRunner().invoke(main, [*place, *"stand-in health health_duty_b --by He --why ill --to".split(),
                              f"{present() + timedelta(hours=3):%Y-%m-%dT%H:%M}Z"])  # fmt: skip
    assert CliRunner().invoke(main, [*place, *given, "4h"]).exit_code == 0
    assert CliRunner().invoke(main, [*place, *given, "25h"]).exit_code == 2
    (one,) = json.loads(CliRunner().invoke(main, [*place, "silences", "--json"]).output)
    assert (one["id"], one["level"], one["why"]) == (1, "yellow", "works")
    brief = json.loads(CliRunner().invoke(main, [*place, "coverage", "--json"]).output)
    assert [len(brief[name]) for name in ("silences", "stand_ins")] == [1, 1]
    assert "静默1" in CliRunner().invoke(main, [*place, "health"]).output
    assert CliRunner().invoke(main, [*place, "unsilence", "1", "--by", "He"]).exit_code == 0
    assert "没有静默" in CliRunner().invoke(main, [*place, "silences"]).output


MAIL = {"mail": "email", "outbox": "outbox"}


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"channels": ("mail",)}, "channels[0]: mail has no address of this person"),
        ({"fallback": ("mail",)}, "fallback[0]: mail has no address of this person"),
        ({"channels": ("mail",), "addresses": {"mail": "li@example.org"}}, None),
    ],
)
def test_trap_19_a_rota_that_names_somebody_without_a_contact_is_refused(parts, says: str | None):
    """An e-mail without an address reaches nobody: the configuration does not load."""
    document = read(default_folder() / "routes.yaml")
    roster = district().routes
    officer = replace(roster.people["health_duty_a"], **parts)
    own = replace(roster, people=roster.people | {"health_duty_a": officer})
    found = list(check_roster(own, document, MAIL))
    assert len(found) == (says is not None)
    assert all(f"people.health_duty_a.{says}" in sentence for sentence in found)
