"""The studio: a replay in the background, and a threshold whose effect is seen at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from consoles import Desk, Visit, console_of
from stage import ALARM, EVENT, alarmed, district, until

from alerts.event.transition import ABOUT_DATA, Reason, Transition
from pipeline.config import default_folder, load
from pipeline.configuration.patch import Changes, read_changes
from pipeline.console.people.doors import csrf_of
from pipeline.console.studio.ladders import Ladder
from pipeline.replay.compare import nights_of
from pipeline.replay.desk import rehearsing
from pipeline.replay.result import Replay
from pipeline.replay.run import event_period, run

TURNED = {"ladder.orange.at_least": 36.2, "ladder.orange.hold": "1h", "ladder.red.keep": "12h"}


@dataclass(frozen=True, kw_only=True)
class Past:
    """A console that has replayed the event."""

    desk: Desk
    who: Visit
    replay: str

    def attempt(self, ladder: dict[str, Any], hazard: str = "heat"):
        """Try a ladder as a program would."""
        asked = {"replay": self.replay, "hazard": hazard, "ladder": ladder}
        return self.json("POST", "/api/v1/trials", json=asked)

    def json(self, method: str, path: str, **more: Any):
        """Ask the interface for programs."""
        headers = {"Accept": "application/json", "X-CSRF": csrf_of(self.who.token)}
        return self.who.session.request(method, self.who.url + path, headers=headers, timeout=60, **more)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    """A forecaster who has replayed the heat of August 2022."""
    folder = tmp_path_factory.mktemp("studio")
    with alarmed(folder) as ports, console_of(ports, ALARM) as desk:
        who = desk.enter("forecaster")
        went = who.post("/studio/replays", event=EVENT)
        name = went.headers["location"].rpartition("/")[2]
        found = Past(desk=desk, who=who, replay=name)
        until(lambda: progress(found)["state"] not in ("waiting", "running"), 90)
        assert progress(found)["state"] == "done", progress(found)
        yield found


def progress(past: Past, name: str = "") -> dict[str, Any]:
    """How far a replay is, asked as seldom as its page asks."""
    time.sleep(0.3)
    return past.json("GET", f"/api/v1/replays/{name or past.replay}/progress").json()


@cache
def played():
    """The event in memory, and the configuration that reads it."""
    return event_period(district(), EVENT)


@cache
def replayed(changes: Changes | None = None) -> Replay:
    """A full replay of heat alone, with a patch where there is one."""
    proposed = load(default_folder(), changes).hazards["heat"]
    config, period = played()
    alone = replace(config, hazards={"heat": proposed})
    return run(alone, period, rehearsing(alone))


def steps(transitions: tuple[Transition, ...]) -> list[tuple[object, ...]]:
    """Changes of the levels of towns, as a trial tells them."""
    return [
        (one.at.isoformat(), one.from_level.key, one.to_level.key, {t: v.key for t, v in one.places.items()})
        for one in transitions
        if one.reason not in ABOUT_DATA | {Reason.EXTENDED}
    ]


def told(side: dict[str, Any]) -> list[tuple[object, ...]]:
    """The same of a side of a trial."""
    return [
        (one["at"].replace("Z", "+00:00"), one["before"], one["after"], one["towns"])
        for one in side["steps"]
    ]


def test_a_trial_is_what_a_full_replay_of_the_same_patch_finds(past, tmp_path):
    """Every change, its moment, its levels and its towns; for today's ladder and for the turned one."""
    trial = past.attempt(TURNED).json()
    patch = past.json("GET", f"/api/v1/trials/{trial['id']}/patch?why=试一试").text
    (tmp_path / "patch.yaml").write_text(patch, "utf-8")
    assert told(trial["today"]) == steps(replayed().transitions)
    assert told(trial["proposal"]) == steps(replayed(read_changes(tmp_path / "patch.yaml")).transitions)
    assert trial["gone"]


def test_a_patch_is_read_back_as_it_was_turned(past, tmp_path):
    """What is downloaded is what `config apply` takes: the keys that were turned, and what they were."""
    answer = past.who.post(
        f"/studio/replays/{past.replay}/patch", hazard="heat", why="去年\n偏晚: #1", by="张三", **TURNED
    )
    (tmp_path / "patch.yaml").write_bytes(answer.content)
    changes = read_changes(tmp_path / "patch.yaml")
    turned = {".".join(map(str, one.trail)): (one.former, one.value) for one in changes.edits}
    assert turned == {
        "ladder.orange.at_least": (37.0, 36.2),
        "ladder.orange.hold": (None, "1h"),
        "ladder.red.keep": ("24h", "12h"),
    }
    assert (changes.by, changes.because.partition("；")[0]) == ("张三", "去年 偏晚: #1")
    assert load(default_folder(), changes).hazards["heat"].rule.ladder
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize(
    ("ladder", "said"),
    [
        ({"ladder.orange.at_least": 41}, "ladder.red.at_least"),
        ({"ladder.orange.at_least": "nan"}, "write a number"),
        ({"ladder.orange.at_least": "1e9"}, "write a number"),
        ({"ladder.orange.hold": "soon"}, "such as 6h"),
        ({"ladder.orange.hold": "99999d"}, "such as 6h"),
        ({"name": "x"}, "has no key"),
    ],
)
def test_a_bad_ladder_is_refused_in_one_sentence(past, ladder, said):
    """Whoever drags too far is told which key, and what to write."""
    answer = past.attempt(ladder)
    assert answer.status_code == 409
    assert said in answer.json()["detail"]
    assert "\n" not in answer.json()["detail"]


@pytest.mark.parametrize(
    "asked",
    [
        {"event": "no-such-event"},
        {"start": "2022-08-02T00:00", "end": "2022-08-01T00:00"},
        {"start": "2012-08-02T00:00", "end": "2022-08-01T00:00"},
        {"start": "soon", "end": "later"},
        {"event": EVENT, "hazards": ["earthquake"]},
    ],
)
def test_a_past_that_cannot_be_is_refused(past, asked):
    """Names, moments and lengths are checked before anything begins."""
    assert past.json("POST", "/api/v1/replays", json=asked).status_code in (404, 409)


def test_nothing_turned_is_no_patch(past):
    """A ladder as it stands has nothing to hand in."""
    trial = past.attempt({}).json()
    assert (trial["edits"], trial["gone"], trial["new"]) == ([], [], [])
    assert past.json("GET", f"/api/v1/trials/{trial['id']}/patch").status_code == 409


def test_the_same_ladder_gives_the_same_bytes(past):
    """What the file says already counts as not turned, however it is written."""
    first = past.attempt(TURNED)
    assert past.attempt(TURNED).content == first.content
    assert past.attempt(TURNED | {"ladder.red.at_least": "40"}).content == first.content


def test_a_replay_in_its_process_finds_what_one_here_finds(past):
    """Where it runs changes nothing: the same changes, and the same pages for them."""
    result = past.json("GET", f"/api/v1/replays/{past.replay}").json()["result"]
    here = replayed()
    assert [one["id"] for one in result["changes"]] == [one.id for one in here.transitions]
    assert [one["towns"] for one in result["changes"]] == [
        {town: level.key for town, level in one.changed.items()} for one in here.transitions
    ]
    totals = result["totals"]
    assert (totals["messages"], totals["pages"]) == (len(here.deliveries), len(here.pages))
    assert totals["woken"] == len(nights_of(here.pages))


def test_changes_add_up_to_the_levels_of_every_town(past):
    """The twin tells differences; their sum is what was in force."""
    result = past.json("GET", f"/api/v1/replays/{past.replay}").json()["result"]
    sums: dict[str, str] = {}
    for one in result["changes"]:
        sums |= one["towns"]
        assert sum(level != "none" for level in sums.values()) == one["under_warning"]


def test_few_events_are_called_few_with_an_interval(past):
    """One event proves nothing: its share is told with how sure it is."""
    score = past.attempt({}).json()["today"]["scores"][0]
    assert (score["level"], score["events"], score["hits"], score["few"]) == ("red", 1, 1, True)
    assert score["pod"]["low"] < 0.1
    page = past.who.get(f"/studio/replays/{past.replay}/trial?hazard=heat").text
    assert "不足10次" in page


def test_a_turned_window_reads_the_past_anew(past):
    """What measures something else is not guessed: a job is named, and after it the answer is there."""
    ladder = {"ladder.orange.within": "12h"}
    first = past.attempt(ladder)
    assert first.status_code == 202
    page = past.who.get(f"/studio/replays/{past.replay}/trial?hazard=heat&ladder.orange.within=12h").text
    assert "重新读这段过去" in page
    until(lambda: progress(past, first.json()["id"])["state"] == "done", 90)
    assert past.attempt(ladder).json()["new"]


def test_a_period_of_the_archive_is_read_from_the_database(past):
    """Moments without an offset are Beijing's; what the instance knew then is judged."""
    asked = {"start": "2022-08-12T13:00", "end": "2022-08-15T12:05"}
    name = past.json("POST", "/api/v1/replays", json=asked).json()["id"]
    until(lambda: progress(past, name)["state"] in ("done", "failed"), 90)
    result = past.json("GET", f"/api/v1/replays/{name}").json()["result"]
    assert result["start"] == "2022-08-12T05:00:00Z"
    assert "red" in {one["after"] for one in result["changes"]}


def test_a_form_without_script_comes_to_a_page_that_can_be_kept(past):
    """A plain POST leads to an address with what was turned in it, and that shows the figures."""
    went = past.who.post(f"/studio/replays/{past.replay}/trial", hazard="heat", **TURNED)
    assert went.status_code == 303
    page = past.who.get(went.headers["location"].partition("#")[0])
    assert "只有改后" in page.text
    assert "37.0 → 36.2" in page.text


def test_a_bad_form_is_told_on_its_page_with_the_ladder_still_there(past):
    """Nobody has to type everything again."""
    page = past.who.get(f"/studio/replays/{past.replay}/trial?hazard=heat&ladder.orange.at_least=41")
    assert page.status_code == 409
    assert 'value="41"' in page.text
    assert 'role="alert"' in page.text


def test_a_moment_is_shown_on_the_map_without_script(past):
    """The address names moment and town; the map and the messages of a change are in the page."""
    change = past.json("GET", f"/api/v1/replays/{past.replay}").json()["result"]["changes"][1]
    query = f"?at=2022-08-15T12:00&hazard=heat&change={change['id']}"
    page = past.who.get(f"/studio/replays/{past.replay}{query}").text
    assert page.count('class="town red"') > 10
    assert "2022-08-15 12:05" in page
    assert "会发出的信息" in page


def test_the_weather_of_a_town_stands_against_its_ladder(past):
    """Its metric changes at moments that rise, and what is unknown is no number."""
    town = district().district.towns[3].id
    path = f"/api/v1/replays/{past.replay}/weather?hazard=heat&town={town}"
    found = past.json("GET", path).json()
    moments = [at for at, _ in found["lines"][0]["points"]]
    assert moments == sorted(set(moments))
    assert found["limits"] == {"yellow": 35.0, "orange": 37.0, "red": 40.0}
    assert max(value for _, value in found["lines"][-1]["points"] if value is not None) > 40


@pytest.mark.parametrize("role", ["viewer", "officer", "approver"])
def test_only_who_may_study_gets_in(past, role):
    """Replays and trials are for forecasters."""
    other = past.desk.enter(role, name=f"no-{role}")
    assert other.get("/studio").status_code == 403
    assert other.post("/studio/replays", event=EVENT).status_code == 403
    assert other.get(f"/api/v1/replays/{past.replay}").status_code == 403


@pytest.mark.parametrize("path", ["", "/trial?hazard=heat", "/weather", "/messages"])
def test_a_replay_that_is_gone_says_so(past, path):
    """An old address is answered with what to do."""
    where = "/api/v1" if path in ("/weather", "/messages") else "/studio"
    more = "?hazard=heat&town=x" if path == "/weather" else ""
    assert past.who.get(f"{where}/replays/0000000000{path}{more}").status_code == 404


def test_the_interface_for_programs_is_described(past):
    """Every way in has its answer in the description."""
    paths = past.json("GET", "/api/v1/openapi.json").json()["paths"]
    wanted = {"/api/v1/replays", "/api/v1/trials", "/api/v1/trials/{name}/patch", "/api/v1/replays/{name}"}
    assert wanted <= paths.keys()
    assert "TrialFacts" in str(paths["/api/v1/trials"]["post"]["responses"]["200"])


@pytest.mark.parametrize("hazard", sorted(district().hazards))
def test_every_ladder_can_be_turned_and_turned_back(hazard):
    """Each kind has keys to turn; turning none gives the hazard of the file, and no patch."""
    ladder = Ladder.of(Path(default_folder()), hazard, 0.1)
    values = ladder.values({knob.key: str(knob.value) for knob in ladder.knobs})
    assert ladder.knobs
    assert ladder.made(values) == ladder.today
    assert ladder.edits(values) == ()
