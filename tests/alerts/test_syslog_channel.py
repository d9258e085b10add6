"""Syslog against our own servers and a real rsyslogd."""

from __future__ import annotations

import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from simulators.peer import Peer, hang
from simulators.receiver import closed_port, self_signed
from simulators.syslog_server import SyslogServer, UdpServer, rsyslogd

from alerts.channels.syslog import Syslog
from alerts.duty.people import Person
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError

PHONE = "13800000001"
RSYSLOGD = shutil.which("rsyslogd", path="/usr/sbin:/usr/local/sbin:/usr/bin")


@pytest.fixture
def means(tmp_path: Path):
    """What the channel may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: "")


def line(text: str = "荣昌区高温红色预警建议", **data: object) -> Message:
    """A message to one officer."""
    return Message(
        key="heat-1.1:flood:zhang:0",
        text=text,
        recipient=Person(name="张三", phone=PHONE, channels=("log",)),
        subsystem="flood",
        data={"alert": "heat-1", "hazard": "heat", "to": "red", **data},
        at=datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
        channel="log",
    )


def to(port: int, **more) -> Syslog:
    """A channel to a server on this machine."""
    return Syslog(host="127.0.0.1", port=port, **{"deadline": timedelta(seconds=5), **more})


def sent(message: Message, means: Means) -> str:
    """What a server on this machine reads."""
    with SyslogServer() as server:
        to(server.port).send(message, means)
    return server.lines[0].decode()


def test_a_line_is_rfc_5424(means: Means):
    """Priority, version, UTC time, names, structured data, then the text behind its mark."""
    assert sent(line(), means) == (
        "<129>1 2022-08-18T01:00:00.000Z fengsui fengsui - alert "
        '[fengsui@32473 alert="heat-1" hazard="heat" level="red" key="heat-1.1:flood:zhang:0" '
        'subsystem="flood"] \ufeff荣昌区高温红色预警建议'
    )


@pytest.mark.parametrize(
    ("level", "severity"), [("red", 1), ("orange", 2), ("yellow", 4), ("blue", 5), ("none", 6)]
)
def test_each_level_has_its_severity(level: str, severity: int, means: Means):
    """Facility 16 times 8, and the severity."""
    assert sent(line(to=level), means).startswith(f"<{128 + severity}>1 ")


def test_nothing_breaks_out_of_its_place(means: Means):
    """Quotes, brackets, backslashes and line ends in a fact or in the text stay where they belong."""
    came = sent(line("one\ntwo\x1b[2J", hazard='he"at] \\ <0>\n1'), means)
    assert 'hazard="he\\"at\\] \\\\ <0>\\\\n1"' in came
    assert came.endswith("\ufeffone\\ntwo\\x1b[2J")
    assert "\n" not in came


def test_a_drill_is_named(means: Means):
    """What is an exercise says so in its facts; the number of the officer is nowhere."""
    came = sent(line(exercise="汛前演练"), means)
    assert 'exercise="汛前演练"' in came
    assert PHONE not in came


def test_udp_sends_one_datagram(means: Means):
    """The same line without a count."""
    with UdpServer() as server:
        to(server.port, transport="udp").send(line(), means)
        assert server.next().startswith(b"<129>1 ")


def test_a_text_too_long_for_udp_is_final(means: Means):
    """And the remedy is TCP."""
    with pytest.raises(DeliveryError, match="transport: tcp") as caught:
        to(9, transport="udp").send(line("雨" * 30_000), means)
    assert not caught.value.retry


def test_tls_is_verified(tmp_path: Path, means: Means):
    """With the authority named it is sent, without it is not (trap 7)."""
    identity = self_signed(tmp_path)
    with SyslogServer(identity) as server:
        to(server.port, transport="tls", ca_file=str(identity[0])).send(line(), means)
        with pytest.raises(DeliveryError, match="certificate") as caught:
            to(server.port, transport="tls").send(line(), means)
    assert len(server.lines) == 1
    assert (caught.value.retry, caught.value.gateway) == (False, True)


def test_trap_3_a_server_that_never_reads_is_cut_at_the_deadline(means: Means):
    """A line nobody read does not count as taken."""
    started = time.monotonic()
    with Peer(hang) as peer, pytest.raises(DeliveryError) as caught:
        to(peer.port, deadline=timedelta(seconds=0.3)).send(line(), means)
    assert caught.value.retry
    assert time.monotonic() - started < 2


def test_a_server_that_is_gone_is_tried_again(means: Means):
    """Refused over TCP."""
    with pytest.raises(DeliveryError) as caught:
        to(closed_port()).send(line(), means)
    assert caught.value.retry


@pytest.mark.skipif(RSYSLOGD is None, reason="rsyslogd is not installed: no proof by a real server")
def test_a_real_rsyslogd_understands_every_part(tmp_path: Path, means: Means):
    """It takes the line apart as we put it together."""
    assert RSYSLOGD is not None
    with rsyslogd(RSYSLOGD, tmp_path) as (port, output):
        to(port).send(line('水位"超警"'), means)
        until = time.monotonic() + 10
        while not output.exists() and time.monotonic() < until:
            time.sleep(0.05)
    parts = output.read_text().strip().split("|")
    assert parts[0] == "129"
    assert parts[2:5] == ["fengsui", "fengsui", "alert"]
    assert re.search(r'\[fengsui@32473 alert="heat-1" .*level="red"', parts[5])
    assert parts[6].endswith('水位"超警"')
