"""PagerDuty: an incident per alert, open as long as the alert is."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from simulators.robots import LINK, NOW, PHONE, Robot, told

from alerts.channels.pagerduty import BAD_KEY, LONGEST_KEY, STATUSES, PagerDuty
from alerts.gateways.endings import Ending
from alerts.outgoing.delivery import Means, Message, Purpose
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the routing key."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: KEY)


@pytest.fixture
def service():
    """The vendor's side."""
    with Robot("pagerduty", token=KEY, now=NOW) as side:
        yield side


def duty(url: str) -> PagerDuty:
    """The channel under test."""
    return PagerDuty(routing_key=Secret(env="KEY"), url=url, deadline=timedelta(seconds=2))


def of(purpose: Purpose, **facts: object) -> Message:
    """A message that is not about a change of an alert."""
    return replace(told(**facts), purpose=purpose)


def refusal(conduct: Conduct, means: Means) -> DeliveryError:
    """The error an answer becomes."""
    with MisbehavingReceiver(conduct) as receiver, pytest.raises(DeliveryError) as caught:
        duty(receiver.url()).send(told(), means)
    assert KEY not in str(caught.value)
    return caught.value


def test_an_opening_triggers_an_incident(service: Robot, means: Means):
    """Under the alert's own id, with the facts; the link stands beside them."""
    taken = duty(service.url).send(told(ack_link=LINK), means)
    event = service.taken[0]
    assert taken.reference == event["dedup_key"] == "heat-1"
    assert event["event_action"] == "trigger"
    assert event["payload"]["summary"] == "高温红色预警建议"
    assert event["payload"]["timestamp"] == "2026-07-01T10:00:00.000+00:00"
    assert (event["payload"]["component"], event["payload"]["group"]) == ("heat", "flood")
    assert event["payload"]["custom_details"]["text"] == told().text
    assert event["links"] == [{"href": LINK, "text": "张三"}]
    assert PHONE not in json.dumps(event)


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("red", "critical"),
        ("orange", "error"),
        ("yellow", "warning"),
        ("blue", "info"),
        ("none", "info"),
    ],
)
def test_the_severity_follows_the_level(level, severity, service: Robot, means: Means):
    """Red is critical."""
    duty(service.url).send(told(to=level), means)
    assert service.taken[0]["payload"]["severity"] == severity


@pytest.mark.parametrize("reason", ["ended", "cancelled"])
def test_the_end_of_an_alert_resolves_its_incident(reason, service: Robot, means: Means):
    """Whoever it is told to; a second resolve changes nothing."""
    one = duty(service.url)
    one.send(told(), means)
    assert list(service.incidents) == ["heat-1"]
    for _ in range(2):
        one.send(told(reason=reason, to="none"), means)
    assert service.incidents == {}


def test_several_people_make_one_incident(service: Robot, means: Means):
    """And a repeat after a crash makes no second."""
    for _ in range(3):
        duty(service.url).send(told(), means)
    assert list(service.incidents) == ["heat-1"]


@pytest.mark.parametrize(("over", "left"), [(False, ["trouble/trouble-7"]), (True, [])])
def test_a_trouble_opens_and_closes_its_own(over, left, service: Robot, means: Means):
    """By the name of the trouble."""
    one = duty(service.url)
    one.send(of(Purpose.TROUBLE, trouble="trouble-7", to="none"), means)
    assert service.taken[0]["payload"]["severity"] == "error"
    one.send(of(Purpose.TROUBLE, trouble="trouble-7", over=over), means)
    assert list(service.incidents) == left


def test_lost_data_are_an_incident_beside_the_alert(service: Robot, means: Means):
    """Data that are back resolve that one, and the alert's stays open."""
    one = duty(service.url)
    for reason in ("raised", "data_lost", "data_found"):
        one.send(told(reason=reason), means)
    assert [event["dedup_key"] for event in service.taken] == ["heat-1", *["heat-1/data"] * 2]
    assert list(service.incidents) == ["heat-1"]


def test_the_canary_calls_nobody(service: Robot, means: Means):
    """It resolves what never was: PagerDuty takes it, and that is what it shows."""
    assert duty(service.url).send(of(Purpose.CANARY), means).detail == "HTTP 202"
    assert service.incidents == {}


def test_a_drill_never_meets_a_real_incident(service: Robot, means: Means):
    """The end of an exercise resolves nothing real, and every body names the exercise."""
    one = duty(service.url)
    one.send(told(), means)
    one.send(told(exercise="汛前"), means)
    assert service.taken[1]["payload"]["custom_details"]["exercise"] == "汛前"
    assert service.taken[1]["payload"]["summary"].startswith("【演练】")
    one.send(told(exercise="汛前", reason="ended"), means)
    assert list(service.incidents) == ["heat-1"]


def test_long_keys_and_summaries_fit(service: Robot, means: Means):
    """A key that is too long becomes another of its own; a summary is cut."""
    one = duty(service.url)
    for end in "ab":
        one.send(told(alert="x" * LONGEST_KEY + end, title="雨" * 2000), means)
    assert len(service.incidents) == 2


@pytest.mark.parametrize("status", STATUSES)
def test_each_documented_status_ends_as_documented(status: int, means: Means):
    """400 is final, 429 waits."""
    error = refusal(Conduct(status=status), means)
    assert error.retry is (STATUSES[status].ending is Ending.RETRY)
    assert (error.gateway, error.retry_after) == (False, STATUSES[status].pause)


def test_a_429_may_name_its_pause(means: Means):
    """Then that one counts."""
    error = refusal(Conduct(status=429, headers={"Retry-After": "90"}), means)
    assert error.retry_after == timedelta(seconds=90)


def test_an_unknown_routing_key_is_a_fault_of_the_gateway(means: Means):
    """No other event passes with it."""
    with (
        Robot("pagerduty", token="another", now=NOW) as side,
        pytest.raises(DeliveryError) as caught,
    ):
        duty(side.url).send(told(), means)
    assert BAD_KEY.ending is Ending.FAIL_OVER
    assert (caught.value.retry, caught.value.gateway) == (False, True)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"status":"invalid event"}', b"ok"])
def test_trap_d1_a_202_with_an_error_inside(body: bytes, means: Means):
    """Only the word success is one."""
    assert refusal(Conduct(status=202, body=body), means).retry


def test_trap_13_a_slow_service_still_gets_the_newest_state(service: Robot, means: Means):
    """After an attempt that failed, the end alone resolves."""
    one = duty(service.url)
    one.send(told(), means)
    with pytest.raises(DeliveryError):
        duty(f"http://127.0.0.1:{closed_port()}/").send(told(reason="spread"), means)
    one.send(told(reason="ended"), means)
    assert service.incidents == {}


@pytest.mark.parametrize("change", [{"routing_key": KEY}, {"url": "x"}, {"token": {"env": "T"}}])
def test_a_mistaken_block_is_refused(change):
    """The key stands in a secret."""
    block = {"routing_key": {"env": "KEY"}, **change}
    with pytest.raises(ValidationError):
        TypeAdapter(PagerDuty).validate_json(json.dumps(block))
