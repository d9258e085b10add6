"""灾情: what somebody saw enters the record once, with its photographs."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import pytest
import requests
from consoles import Desk, Visit

from alerts.record import sightings, verdicts
from alerts.record.audit import KINDS
from alerts.record.verify import verify
from ingest.database import reading
from pipeline.console.people.doors import csrf_of
from pipeline.verify.catalogue import occurrences


def picture(colour: int = 0) -> bytes:
    """A PNG of one pixel."""

    def piece(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    rows = piece(b"IDAT", zlib.compress(bytes([0, colour])))
    return b"\x89PNG\r\n\x1a\n" + piece(b"IHDR", head) + rows + piece(b"IEND", b"")


FORM = {"hazard": "heat", "town": "500153100", "what": "三名环卫工人中暑", "sent": "phone-0001", "moved": "3"}


def tell(officer: Visit, *photos: bytes, **form: Any) -> requests.Response:
    """Send the form as a phone does."""
    files = [("photo", (f"{number}.png", photo, "image/png")) for number, photo in enumerate(photos)]
    return officer.session.post(
        f"{officer.url}/damage",
        data={"csrf": csrf_of(officer.token)} | FORM | form,
        files=files or [("photo", ("", b"", "application/octet-stream"))],
        timeout=20,
        allow_redirects=False,
    )


@pytest.fixture
def officer(desk: Desk) -> Visit:
    """A town's reporter."""
    return desk.enter("reporter", name="ronglong", title="荣隆镇 李四")


def test_a_report_with_a_photograph_becomes_an_event(desk: Desk, officer: Visit):
    """It stands in the list, in the catalogue of what happened, and in the sealed record."""
    assert tell(officer, picture()).headers["location"] == "/damage?said=kept"
    page = officer.get("/damage").text
    for words in ("三名环卫工人中暑", "荣隆镇 李四", "转移人数"):
        assert words in page
    with reading(desk.ports.engine) as connection:
        (kept,) = verdicts.damages(connection)
        (seen,) = sightings.of(connection, [kept.id or 0]).values()
        assert verify(connection).whole
        known = occurrences(desk.ports.config, connection)
    assert f"damage-{kept.id}" in {one.id for one in known}
    assert kept.places == ("500153100",)
    assert officer.get(f"/damage/photo/{seen.photos[0]}").content == picture()


def test_a_phone_that_sends_twice_reports_once(desk: Desk, officer: Visit):
    """The answer got lost on the way back; the second try finds the first."""
    tell(officer)
    assert tell(officer).headers["location"] == "/damage?said=known"
    with reading(desk.ports.engine) as connection:
        assert len(verdicts.damages(connection)) == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"hazard": "meteor"}, "meteor"),
        ({"town": "不存在镇"}, "不存在镇"),
        ({"what": " "}, "发生了什么"),
        ({"moved": "-3"}, "moved"),
        ({"lat": "north", "lon": "3"}, "lat"),
        ({"clock": "25:99"}, "时间填得不对"),
    ],
)
def test_what_cannot_be_right_is_refused_in_one_sentence(
    officer: Visit, form: dict[str, str], words: str
):
    """One sentence, and nothing has to be typed again."""
    page = tell(officer, **form)
    assert page.status_code == 400
    assert words in page.text
    assert "notice error" in page.text


def test_a_file_that_is_no_photograph_is_refused_and_nothing_is_kept(desk: Desk, officer: Visit):
    """A page of script is not served back from here."""
    page = tell(officer, b"<script>alert(1)</script>")
    assert (page.status_code, "JPEG" in page.text) == (400, True)
    with reading(desk.ports.engine) as connection:
        assert not verdicts.damages(connection)


@pytest.mark.parametrize("name", ["../link.key", "..%2flink.key", "0" * 64 + ".jpg"])
def test_only_photographs_of_reports_are_served(officer: Visit, name: str):
    """Nothing else of the data folder."""
    assert officer.get(f"/damage/photo/{name}").status_code == 404


def test_words_of_a_report_stay_words(officer: Visit):
    """Whatever somebody writes is text."""
    tell(officer, what="<img src=x onerror=alert(1)>", spot="'; DROP TABLE happening; --")
    page = officer.get("/damage").text
    assert "<img src=x" not in page
    assert "DROP TABLE" in page


def test_a_viewer_reads_and_cannot_report(desk: Desk):
    """The form is not there, and the address refuses."""
    viewer = desk.enter("viewer")
    assert "damage-form" not in viewer.get("/damage").text
    assert viewer.post("/damage", **FORM).status_code == 403


def test_the_twin_takes_and_tells_the_same(desk: Desk, officer: Visit):
    """A program of a department reports as a person does."""
    told = FORM | {"counts": {"mu": 12}, "sent": "program-1"}
    del told["moved"]
    answer = officer.session.post(
        f"{desk.url}/api/v1/damage", json=told, headers={"X-CSRF": csrf_of(officer.token)}, timeout=20
    )
    assert (answer.status_code, answer.json()["new"]) == (201, True)
    (one,) = officer.get("/api/v1/damage").json()["reports"]
    assert (one["counts"], one["hazard"]) == ({"mu": 12}, "heat")


def test_the_photographs_are_held_fast():
    """Their names are hashes, and the row that has them is sealed."""
    assert "photos" in {column.name for column in KINDS["sighting"].columns}
