"""The daemon as a process on the real clock, with a source and a receiver on loopback."""

from __future__ import annotations

import json
import math
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from simulators.open_meteo import OpenMeteoServer
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from stage import KEY, Process, daemon, present, rewrite, until

from alerts.gateways.standard_webhooks import verify
from pipeline.cli import main
from pipeline.config import default_folder, init

CALM = {"precipitation": 0.0, "relative_humidity_2m": 60.0, "wind_speed_10m": 2.0, "wind_gusts_10m": 4.0}
"""What is neither hot, wet nor windy."""


def weather(base: float) -> Any:
    """Diurnal temperatures round `base` °C, the same everywhere but for tenths; dry and calm."""

    def edit(answers: list[dict[str, Any]]) -> None:
        for place, answer in enumerate(answers):
            hourly = answer["hourly"]
            hours = range(len(hourly["time"]))
            hourly["temperature_2m"] = [
                base + 3 * math.sin(hour / 24 * 2 * math.pi) + place / 10 for hour in hours
            ]
            for name, value in CALM.items():
                hourly[name] = [value] * len(hours)

    return edit


@dataclass
class World:
    """A configuration whose weather and receiver are on loopback."""

    config: Path
    data: Path
    source: OpenMeteoServer
    receiver: MisbehavingReceiver
    listen: str = field(default_factory=lambda: f"127.0.0.1:{closed_port()}")

    def daemon(self, *more: str) -> Any:
        """A process of this configuration; a context manager."""
        return daemon(self.config, self.data, *more)

    def run(self, *arguments: str) -> Result:
        """A command in this process, beside that of the daemon."""
        folders = ["--config", str(self.config), "--data", str(self.data)]
        return CliRunner().invoke(main, [*folders, *arguments])

    def healthy(self) -> bool:
        """Whether the page says so."""
        try:
            return requests.get(f"http://{self.listen}/health", timeout=5).status_code == 200
        except requests.ConnectionError:
            return False

    def heard(self) -> list[dict[str, Any]]:
        """Facts of the messages that the receiver took; each must be signed with our key."""
        for seen in self.receiver.seen:
            verify(KEY, seen.headers, seen.body, present())
        return [json.loads(seen.body)["data"] for seen in self.receiver.seen]

    def called(self, subsystem: str) -> set[int]:
        """Steps of the ladder at which a subsystem was called."""
        return {int(said["step"]) for said in self.heard() if said["subsystem"] == subsystem}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Pulled every second, cool; red calls the deputy after one second and the centre after four."""
    config = tmp_path / "config"
    init(config)
    for hazard in (config / "hazards").glob("*.yaml"):
        if hazard.stem != "heat":
            hazard.unlink()
    with OpenMeteoServer(now=present(), edit=weather(22)) as source, MisbehavingReceiver() as receiver:
        made = World(config=config, data=tmp_path / "data", source=source, receiver=receiver)
        address = f"every: 1s\nbase_url: {source.url}"
        budget = ("^daily_budget: .*$", "daily_budget: 100000000")
        rewrite(config / "sources/open_meteo.yaml", ("^every: .*$", address), budget)
        keys = f"kind: webhook, url: '{receiver.url()}', secret: {{file: gateway.key}}, deadline: 2s"
        (config / "gateway.key").write_text(KEY)
        (config / "gateway.key").chmod(0o600)
        rewrite(config / "channels.yaml", (r"\Z", f"gateway: {{{keys}}}\n"))
        ladder = "  red: [{who: duty, after: 0s}, {who: deputy, after: 1s}, {who: centre, after: 4s}]\n"
        red = (r"^  red:\n(?:    - .*\n)+", ladder)
        rewrite(config / "routes.yaml", (r"channels: \[outbox\]", "channels: [gateway]"), red)
        rewrite(config / "service.yaml", ("^listen: .*$", f'listen: "{made.listen}"'))
        yield made


def test_a_fresh_installation_of_every_hazard_is_healthy_at_once(world: World):
    """What one pull tells of the week before is derived without waiting; only a baseline is missing."""
    shutil.rmtree(world.config / "hazards")
    shutil.copytree(default_folder() / "hazards", world.config / "hazards")
    with world.daemon() as process:
        process.started()
        until(world.healthy, seconds=60)
        facts = json.loads(world.run("health", "--json").output)
    assert facts["problems"] == []
    assert {name for name, towns in facts["unknown"].items() if towns} == {"drought"}
    assert any("fengsui baseline" in note for note in facts["notes"])
    assert world.heard() == []


def test_a_day_of_the_daemon(world: World):
    """It starts, becomes healthy, refuses a second beside it, ends on SIGTERM and continues."""
    with world.daemon() as process:
        process.started()
        until(world.healthy)
        assert world.run("health").exit_code == 0
        _a_second_is_refused(world)
        assert process.end() == 0
    assert [len(process.said(action)) for action in ("stopping", "stopped")] == [1, 1]
    asked = len(world.source.requests)
    with world.daemon() as again:
        again.started()
        until(lambda: len(world.source.requests) > asked)
        until(world.healthy)
        assert again.end(signal.SIGINT) == 0
    assert "Traceback" not in again.log.read_text() + process.log.read_text()


def _a_second_is_refused(world: World) -> None:
    with world.daemon("--listen", f"127.0.0.1:{closed_port()}") as second:
        assert second.popen.wait(30) == 1
    lines = [line for line in second.log.read_text().splitlines() if not line.startswith("{")]
    assert lines == [
        f"another instance works in {world.data}; stop it or choose another folder with --data"
    ]


def heat_wave(world: World, process: Process) -> float:
    """Let the weather turn hot, and tell how long the first signed message took [s]."""
    process.started()
    until(world.healthy)
    assert world.heard() == []
    world.source.edit = weather(41)
    asked = len(world.source.requests)
    until(lambda: len(world.source.requests) > asked)
    return until(world.heard)


def test_heat_calls_until_somebody_answers(world: World):
    """A pull leads to a signed call in seconds; silence climbs the ladder, an answer ends it."""
    with world.daemon() as process:
        assert heat_wave(world, process) < 5
        until(lambda: world.called("health") == {0, 1})
        alert = world.heard()[0]["alert"]
        said = world.run("ack", alert, "--by", "值班员A", "--subsystem", "work_safety")
        assert (said.exit_code, "停止对work_safety的叫应" in said.output) == (0, True)
        until(lambda: world.called("health") == {0, 1, 2})
        assert world.called("work_safety") <= {0, 1}
        again = world.run("ack", alert, "--by", "值班员B", "--subsystem", "work_safety")
        assert "nothing was waiting" in again.output
        assert process.end() == 0


def test_a_link_answers_over_http(world: World):
    """The page behind a link shows the call; pressing its button stops it."""
    with world.daemon() as process:
        heat_wave(world, process)
        until(lambda: "power" in {said["subsystem"] for said in world.heard()})
        token = next(s["ack_link"] for s in world.heard() if s["subsystem"] == "power").rpartition("/")[2]
        page = f"http://{world.listen}/ack/{token}"
        assert "尚无人确认" in requests.get(page, timeout=5).text
        assert "已确认" in requests.post(page, data={"name": "老王"}, timeout=5).text
        until(lambda: world.called("health") == {0, 1, 2})
        assert world.called("power") <= {0, 1}


def test_kill_9_loses_nothing(world: World):
    """Messages that a killed daemon had planned go out after its restart, each key known by then."""
    world.receiver.conducts = [Conduct(manner="hang")]
    with world.daemon() as process:
        heat_wave(world, process)
        process.end(signal.SIGKILL)
    hanging = Counter(seen.headers["webhook-id"] for seen in world.receiver.seen)
    world.receiver.conducts = [Conduct()]
    with world.daemon() as again:
        again.started()
        until(lambda: world.called("health") == {0, 1, 2})
        until(lambda: "work_safety" in {said["subsystem"] for said in world.heard()})
        assert again.end() == 0
    assert again.said("recovered")
    came = Counter(seen.headers["webhook-id"] for seen in world.receiver.seen)
    assert all(came[key] == 2 for key in hanging)
    assert set(came.values()) <= {1, 2}


def test_it_ends_in_seconds_while_a_receiver_hangs(world: World):
    """Many messages wait behind a receiver that answers nobody; SIGTERM waits for one attempt at most."""
    world.receiver.conducts = [Conduct(manner="hang")]
    with world.daemon() as process:
        heat_wave(world, process)
        assert process.end() == 0
    assert not re.search("Traceback|ERROR", process.log.read_text())


@pytest.mark.parametrize("listen", ["192.0.2.1:80", "127.0.0.1:1x"])
def test_an_address_that_cannot_be_used_is_misuse(world: World, listen: str):
    """One sentence and exit code 2."""
    with world.daemon("--listen", listen) as process:
        assert process.popen.wait(30) == 2
    assert "Traceback" not in process.log.read_text()
