"""Check finds what will go wrong when it matters; who-gets tells who would hear."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fakes import RecordingChannel
from simulators.open_meteo import OpenMeteoServer, status
from stage import ALARM, day, district, recorded, telling

from alerts.channels.webhook import Webhook
from ingest.errors import UnknownName
from ingest.secret import Secret
from ingest.source import Feed
from ingest.sources.open_meteo import OpenMeteo
from pipeline.check import Problem, audience, problems, reach
from pipeline.config import ChannelBlock, Config, SourceBlock
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
