"""Alertmanager: what is firing there is what is open here; proven on the real program."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from pydantic import TypeAdapter, ValidationError
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from simulators.robots import PHONE, told

from alerts.channels.alertmanager import STATUSES, Alertmanager
from alerts.gateways.endings import Ending
from alerts.outgoing.delivery import Means, Message, Purpose
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

PROGRAM = shutil.which("prometheus-alertmanager")
CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\nglobal: {resolve_timeout: 1s}\n"
Firing = Callable[[], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a real Alertmanager that forgets what has no end after a second."""
    if PROGRAM is None:
        pytest.skip("prometheus-alertmanager is not installed: apt-get install prometheus-alertmanager")
    folder, port = tmp_path_factory.mktemp("alertmanager"), closed_port()
    (folder / "config.yml").write_text(CONFIG)
    listens = [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    stores = [f"--config.file={folder}/config.yml", f"--storage.path={folder}/data"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([PROGRAM, *stores, *listens], stdout=log, stderr=log) as running,
    ):
        try:
            _until_ready(f"http://127.0.0.1:{port}/-/ready", running)
            yield f"http://127.0.0.1:{port}/api/v2/alerts"
        finally:
            running.terminate()


def _until_ready(url: str, running: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert running.poll() is None, "prometheus-alertmanager ended at once"
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.05)
    raise TimeoutError("prometheus-alertmanager is not ready after ten seconds")


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the token."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: "t0ken")


@pytest.fixture
def alert(request: pytest.FixtureRequest) -> str:
    """An alert of the test's own: they share the program."""
    return str(request.node.name)


@pytest.fixture
def firing(address: str, alert: str) -> Firing:
    """The alerts of the test that Alertmanager holds to be active."""

    def ask() -> list[dict[str, Any]]:
        answer = requests.get(address, params={"active": "true"}, timeout=5)
        return [one for one in answer.json() if alert in one["labels"].get("alert", "")]

    return ask


def present(**facts: object) -> Message:
    """A change at this very moment, since the real program has a real clock."""
    now = datetime.now(UTC) - timedelta(seconds=1)
    return replace(told(**{"at": now.isoformat(), **facts}), at=now)


def levels(found: list[dict[str, Any]]) -> list[str]:
    """Levels of the alerts, by their labels."""
    return sorted(one["labels"].get("level", "") for one in found)


def test_an_opening_fires_with_its_labels(address, means: Means, alert, firing: Firing):
    """What routes need is in the labels, what people read in the annotations."""
    one = Alertmanager(url=address, labels={"district": "荣昌区"})
    one.send(present(alert=alert), means)
    (found,) = firing()
    assert found["labels"] == {
        "alertname": "ClimateHazard",
        "alert": alert,
        "hazard": "heat",
        "level": "red",
        "district": "荣昌区",
        "subsystem": "flood",
    }
    assert found["annotations"]["summary"] == "高温红色预警建议"
    assert PHONE not in json.dumps(found)


@pytest.mark.parametrize("reason", ["ended", "cancelled"])
def test_an_end_resolves(reason, address, means: Means, alert, firing: Firing):
    """With an end of its own, at once."""
    one = Alertmanager(url=address)
    one.send(present(alert=alert), means)
    assert levels(firing()) == ["red"]
    one.send(present(alert=alert, reason=reason, to="none"), means)
    assert firing() == []


def test_trap_12_silence_resolves_nothing(address, means: Means, alert, firing: Firing):
    """The program forgets after a second what has no end; ours has one, and fires on."""
    Alertmanager(url=address).send(present(alert=alert), means)
    bare = [{"labels": {"alertname": "Bare", "alert": alert}}]
    assert requests.post(address, json=bare, timeout=5).ok
    time.sleep(1.2)
    assert [one["labels"]["alertname"] for one in firing()] == ["ClimateHazard"]


def test_a_change_of_level_leaves_one(address, means: Means, alert, firing: Firing):
    """The level is a label, so another level is another alert: the former is resolved with it."""
    one = Alertmanager(url=address)
    for level in ("blue", "orange", "red", "yellow"):
        one.send(present(alert=alert, to=level), means)
        assert levels(firing()) == [level]


def test_trap_13_a_slow_receiver_still_gets_the_newest_state(address, means, alert, firing: Firing):
    """Changes that were lost between leave nothing behind."""
    Alertmanager(url=address).send(present(alert=alert, to="blue"), means)
    lost = Alertmanager(url=f"http://127.0.0.1:{closed_port()}/")
    with pytest.raises(DeliveryError):
        lost.send(present(alert=alert, to="orange"), means)
    Alertmanager(url=address).send(present(alert=alert, **{"from": "orange"}), means)
    assert levels(firing()) == ["red"]


def test_several_people_make_one_alert(address, means: Means, alert, firing: Firing):
    """And another subsystem makes another, so that routes can part them."""
    one = Alertmanager(url=address)
    for subsystem in ("flood", "flood", "traffic"):
        one.send(replace(present(alert=alert), subsystem=subsystem), means)
    assert sorted(found["labels"]["subsystem"] for found in firing()) == ["flood", "traffic"]


def test_a_drill_is_an_alert_of_its_own(address, means: Means, alert, firing: Firing):
    """Labelled with its name; its end ends nothing real."""
    one = Alertmanager(url=address)
    one.send(present(alert=alert), means)
    one.send(present(alert=alert, exercise="汛前"), means)
    assert [found["labels"].get("exercise") for found in firing()].count("汛前") == 1
    one.send(present(alert=alert, exercise="汛前", reason="ended", to="none"), means)
    assert [found["labels"].get("exercise") for found in firing()] == [None]


def test_lost_data_fire_beside_the_alert(address, means: Means, alert, firing: Firing):
    """Until they are back."""
    one = Alertmanager(url=address)
    for reason in ("raised", "data_lost"):
        one.send(present(alert=alert, reason=reason), means)
    assert len(firing()) == 2
    one.send(present(alert=alert, reason="data_found"), means)
    assert levels(firing()) == ["red"]


def test_a_trouble_fires_until_it_is_over(address, means: Means, alert, firing: Firing):
    """By its name; the level of its news does not matter."""
    one = Alertmanager(url=address)
    for over, number in ((False, 1), (True, 0)):
        news = present(trouble=alert, over=over, to="orange")
        one.send(replace(news, purpose=Purpose.TROUBLE), means)
        assert len(firing()) == number


def test_the_canary_is_taken_and_fires_not(address, means: Means):
    """It shows that the program takes alerts, and calls nobody."""
    canary = replace(present(), purpose=Purpose.CANARY)
    assert Alertmanager(url=address).send(canary, means).detail == "HTTP 200"
    assert "FengsuiCanary" not in requests.get(address, timeout=5).text


def test_the_real_program_refuses_as_documented(address, means: Means):
    """A label without a valid name is a 400 there, which no attempt mends."""
    answer = requests.post(address, json=[{"labels": {"a-b": "c"}}], timeout=5)
    assert answer.status_code == 400
    assert STATUSES[400].ending is Ending.FINAL


def refusal(conduct: Conduct, means: Means) -> DeliveryError:
    """The error an answer becomes."""
    with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
        Alertmanager(url=receiver.url("/s3cr3t")).send(told(), means)
    assert "s3cr3t" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("status", STATUSES)
def test_each_documented_status_ends_as_documented(status: int, means: Means):
    """By the table of the kind."""
    error = refusal(Conduct(status=status), means)
    assert error.retry is (STATUSES[status].ending is Ending.RETRY)
    assert not error.gateway


@pytest.mark.parametrize("body", [b"<html>log in</html>", b'{"error":"x"}', b"[]", b"ok"])
def test_trap_d1_a_200_with_an_error_inside(body: bytes, means: Means):
    """Alertmanager answers with nothing; a proxy before it may answer with a page."""
    assert refusal(Conduct(body=body), means).retry


def test_a_token_goes_into_the_header(means: Means):
    """And into nothing else."""
    with MisbehavingReceiver(Conduct(body=b"")) as receiver:
        Alertmanager(url=receiver.url(), token=Secret(env="T")).send(told(), means)
    assert receiver.seen[0].headers["authorization"] == "Bearer t0ken"
    assert b"t0ken" not in receiver.seen[0].body


@pytest.mark.parametrize("change", [{"labels": {"a-b": "c"}}, {"url": "x"}, {"token": "t"}])
def test_a_mistaken_block_is_refused(change):
    """A label that Alertmanager would refuse is refused at the start."""
    with pytest.raises(ValidationError):
        TypeAdapter(Alertmanager).validate_json(json.dumps({"url": "http://a/", **change}))
