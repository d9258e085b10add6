"""The page of an alert and its evidence card: what they say, and that what people wrote stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from consoles import Desk, Visit, console_of
from stage import (
    ALARM,
    HOUR,
    Told,
    alarmed,
    changes,
    day,
    district,
    instance,
    pull,
    recorded,
    telling,
    tick,
)

from alerts.event.transition import Reason, supposed
from alerts.outgoing import deliveries
from alerts.record import store, timeline, verdicts
from alerts.record.verdicts import Verdict
from ingest.database import reading, writing
from pipeline.config import SourceBlock
from pipeline.ports import Ports
from rules.level import Level

PAYLOAD = "<script>alert(1)</script>' OR 1=1 --"


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An open red of heat, for tests that only look."""
    with alarmed(tmp_path_factory.mktemp("standing")) as ports, console_of(ports, ALARM) as served:
        yield served


@pytest.fixture
def looking(standing: Desk) -> Visit:
    """Somebody who may look at it."""
    return standing.enter("viewer")


@pytest.fixture
def visit(desk: Desk) -> Visit:
    """Somebody who may look at what the test may change."""
    return desk.enter("viewer")


def alert_of(ports: Ports) -> str:
    """Identifier of the alert."""
    return changes(ports)[0].alert


def page(desk: Desk, visit: Visit, rest: str = "") -> str:
    """The page of the alert."""
    answer = visit.get(f"/alerts/{alert_of(desk.ports)}{rest}")
    assert answer.status_code == 200, answer.text
    return answer.text


def past(desk: Desk, days: int = 400, why: str = "实况达到红色") -> str:
    """A red of heat long ago that was judged a hit."""
    at = ALARM - timedelta(days=days)
    opened = supposed("long-ago", "heat", at, before=Level.NONE, after=Level.RED)
    ended = replace(
        opened, id="long-ago.2", at=at + 30 * HOUR, reason=Reason.ENDED, to_level=Level.NONE,
        peak_value=41.3, opened_at=at,
    )  # fmt: skip
    said = Verdict(
        alert="long-ago", hazard="heat", judged="hit", onset=at, within=HOUR, places=(),
        level=Level.RED, by="张工", why=why, at=at + 40 * HOUR,
    )  # fmt: skip
    with writing(desk.ports.engine) as connection:
        for change in (opened, ended):
            store.record(connection, change, [])
        verdicts.judge(connection, said)
    return "long-ago"


@pytest.mark.parametrize(
    "said",
    ["高温红色预警建议", "生效中", "08-15 13:00", "清江镇", "还没有人确认", "安全生产", "证据卡", "完美预报"],
)
def test_the_page_says_what_is_happening_and_who_has_it(standing: Desk, looking: Visit, said: str):
    """Title, stage, onset, worst town, nobody yet, the lead, and how sure it is."""
    assert said in page(standing, looking)


def test_the_page_is_english_where_asked(standing: Desk, looking: Visit):
    """Names of towns and tasks too."""
    text = page(standing, looking, "?lang=en")
    assert "Who knows, who does not" in text
    assert "Qingjiang" in text


def test_the_card_is_of_the_town_that_was_chosen(standing: Desk, looking: Visit):
    """By its code, in the address."""
    town = standing.ports.config.district.towns[0]
    assert f"证据卡 · {town.name}" not in page(standing, looking)
    assert f"证据卡 · {town.name}" in page(standing, looking, f"?town={town.id}")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/alerts/nothing", 404),
        ("/alerts/%00", 422),
        ("/evidence?hazard=nothing", 404),
        ("/evidence?hazard=heat&town=nowhere", 404),
        ("/evidence?hazard=heat&at=yesterday", 422),
        ("/evidence?hazard=heat&at=0001-01-01T00:00:00Z", 422),
        ("/evidence?hazard=heat&at=2999-01-01T00:00:00Z", 422),
        ("/api/v1/alerts/nothing", 404),
        ("/api/v1/evidence", 422),
        ("/api/v1/evidence?hazard=heat&town=nowhere", 404),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(standing: Desk, looking: Visit, path: str, status: int):
    """Never an error of the server."""
    assert looking.get(path).status_code == status


def test_nobody_looks_who_is_not_in(standing: Desk):
    """The page sends to the door, the twin answers 401."""
    stranger = standing.enter("viewer")
    stranger.session.cookies.clear()
    assert "/sign-in" in stranger.get(f"/alerts/{alert_of(standing.ports)}").url
    assert stranger.get("/api/v1/alerts").status_code == 401


def test_the_twin_gives_the_same_facts(standing: Desk, looking: Visit):
    """Level by key, towns, who is waited for, and the clocks of everybody."""
    told = looking.get(f"/api/v1/alerts/{alert_of(standing.ports)}").json()
    assert (told["level"], len(told["towns"]), told["has_it"]) == ("red", 21, [])
    assert told["people"]["known"] == 0 < told["people"]["all"]
    assert "work_safety" in told["waiting"]
    assert [one["alert"] for one in looking.get("/api/v1/alerts").json()] == [told["alert"]]
    newest = looking.get(f"/api/v1/alerts/{told['alert']}/newest").json()
    assert (newest["id"], newest["status"]) == (told["newest"], "opened")


def test_the_evidence_has_observed_and_foretold_on_one_axis(standing: Desk, looking: Visit):
    """With the ladder, the margin, the run, and the moment that lies between."""
    told = looking.get("/api/v1/evidence?hazard=heat").json()
    series = told["series"]
    assert series["times"][series["observed"] - 1] == told["as_of"].replace("Z", "+00:00")
    assert [(step["level"], step["reached"]) for step in told["ladder"]][-1] == ("red", True)
    assert {one["kind"] for one in told["statements"]} == {"observation", "forecast"}
    assert len(told["neighbours"]) == 4


def test_the_past_shows_what_was_known_then(standing: Desk, looking: Visit):
    """The card of an earlier moment reads nothing that came later."""
    told = looking.get("/api/v1/evidence?hazard=heat&at=2022-08-13T12:00:00%2B08:00").json()
    assert told["as_of"] < "2022-08-13T04:01"


def test_a_past_alert_like_it_stands_with_its_verdict(desk: Desk, visit: Visit):
    """And links to its own page, where it is over."""
    name = past(desk)
    text = page(desk, visit)
    assert f'href="/alerts/{name}"' in text
    assert "实况达到红色" in text
    over = visit.get(f"/alerts/{name}").text
    assert "已结束" in over
    assert "没有可下达的指令" in over


def test_what_people_wrote_stays_text(desk: Desk, visit: Visit):
    """A verdict with a script in it is read, not run."""
    past(desk, why=PAYLOAD)
    text = page(desk, visit)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_the_timeline_tells_the_story_or_one_kind(standing: Desk, looking: Visit):
    """Messages of one moment are one line of the story; by kind each stands for itself."""
    with reading(standing.ports.engine) as connection:
        sent = len(deliveries.all_deliveries(connection, alert_of(standing.ports)))
    assert f"预警消息{sent}条" in page(standing, looking)
    assert page(standing, looking, "?kind=send").count('class="of-send') == sent


def test_no_link_of_anybody_stands_in_the_timeline(standing: Desk, looking: Visit):
    """Who reads the page could else answer in the name of others."""
    with reading(standing.ports.engine) as connection:
        rows = deliveries.all_deliveries(connection, alert_of(standing.ports))
    links = [str(row.data["ack_link"]) for row in rows if row.data["ack_link"]]
    text = page(standing, looking, "?kind=send")
    assert links
    assert not [link for link in links if link in text]


def test_thousands_of_messages_are_a_page(desk: Desk, visit: Visit):
    """The list is cut by the database, and the page stays small."""
    alert = alert_of(desk.ports)
    with writing(desk.ports.engine) as connection:
        first = deliveries.all_deliveries(connection, alert)[0]
        copies = [replace(first, key=f"copy{n}", recipient=f"person{n % 500}") for n in range(2_000)]
        deliveries.plan(connection, copies)
        shown = timeline.lines(connection, alert, kind="send", first=1_990, most=50)
    assert len(shown) > 10
    text = page(desk, visit, "?kind=send&page=40")
    assert text.count('class="of-send') == 50
    assert len(text) < 150_000


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """All hazards, and two sources that foretell."""
    told = recorded(day("08-12 12:00"), ALARM)
    blocks = telling(told)
    warmer = [
        replace(one, source="second", values={name: part + 1.5 for name, part in one.values.items()})
        for one in told
        if one.kind == "forecast"
    ]
    first = blocks.sources["told"]
    feed = replace(first.feed, priority=first.feed.priority + 1)
    second = SourceBlock(name="second", feed=feed, source=Told(batches=warmer))
    config = replace(district(), sources={"told": first, "second": second}, channels=blocks.channels)
    with instance(tmp_path_factory.mktemp("all"), config) as ports, console_of(ports, ALARM) as desk:
        for name in ("told", "second"):
            pull(name, ALARM, ports)
        tick(ALARM, ports)
        yield desk


@pytest.mark.parametrize("hazard", [*district().hazards, *district().aside])
def test_every_hazard_has_a_card(everything: Desk, hazard: str):
    """Also those of which nothing is known, and the models beside the rules."""
    visit = everything.enter("viewer")
    answer = visit.get(f"/evidence?hazard={hazard}")
    assert answer.status_code == 200
    assert "与阈值的差距" in answer.text


def test_several_sources_make_a_band(everything: Desk):
    """From the lowest to the highest of what they foretell."""
    visit = everything.enter("viewer")
    assert "2个预报来源的范围" in visit.get("/evidence?hazard=heat").text
    told = visit.get("/api/v1/evidence?hazard=heat").json()
    first, second = (one["values"][0] for one in told["sources"])
    assert second == pytest.approx(first + 1.5)


def test_a_card_without_data_is_unknown_and_not_calm(everything: Desk):
    """Nothing is drawn, and the verdict says that nobody knows."""
    text = everything.enter("viewer").get("/evidence?hazard=drought").text
    assert "缺测不等于平安" in text
    assert "未知" in text


def test_a_drill_cannot_be_mistaken(tmp_path: Path):
    """It is named in the head of the alert, and in its twin."""
    with alarmed(tmp_path) as ports:
        drill = replace(ports, desk=replace(ports.desk, exercise="夏季演练"))
        with console_of(drill, ALARM) as desk:
            visit = desk.enter("viewer")
            assert "chip drill" in page(desk, visit)
            told = visit.get(f"/api/v1/alerts/{alert_of(ports)}").json()
            assert told["exercise"] == "夏季演练"
