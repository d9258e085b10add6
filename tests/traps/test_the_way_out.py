"""Traps 1, 7, 8, 13, 14 and 17: what leaves, to whom, and what never does."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fakes import RecordingChannel
from simulators.mail_server import MailServer
from simulators.receiver import MisbehavingReceiver, closed_port, self_signed
from stage import HOUR, KEY, changes, instance, messages, play, reasons

from alerts.channels.email import Email
from alerts.channels.webhook import Webhook
from alerts.duty.people import Person
from alerts.outgoing.delivery import Channel, Means, Message, Status
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret
from pipeline.acknowledge import acknowledge, word_of
from pipeline.config import ChannelBlock, Config
from pipeline.ports import Ports
from tests.traps.weather import NOW, Weather, about, calm_people, heat, live, told

HOT = Weather.everywhere("temperature_2m", heat({14: 41.0, 15: 41.0, 16: 41.0}))
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def hook(folder: Path, url: str) -> Webhook:
    """A webhook to an address, with a secret in a file."""
    folder.joinpath("hook.key").write_text(KEY)
    folder.joinpath("hook.key").chmod(0o600)
    return Webhook(url=url, secret=Secret(file=str(folder / "hook.key")), deadline=timedelta(seconds=2))


def over(config: Config, channels: dict[str, Channel], **of: str) -> Config:
    """The configuration with these channels, and each subsystem's people reached over one of them.

    `of` maps the begin of a person's id to a channel; everybody else keeps ``outbox``.
    """
    blocks = {name: ChannelBlock(name=name, channel=one) for name, one in channels.items()}
    people = {
        id: replace(person, channels=(next((own for word, own in of.items() if id.startswith(word)),
                                           "outbox"),))
        for id, person in config.routes.people.items()
    }  # fmt: skip
    routes = replace(config.routes, people=people)
    return replace(config, channels=config.channels | blocks, routes=routes)


def test_trap_01_the_first_of_three_receivers_is_dead(tmp_path: Path):
    """cap-composer's loop over webhooks stopped at the first target that failed.

    The first of three subsystems' receivers is not there: the two others have theirs in the same moment.
    """
    with MisbehavingReceiver() as second, MisbehavingReceiver() as third:
        urls = {"health": f"http://127.0.0.1:{closed_port()}/", "traffic": second.url(),
                "power": third.url()}  # fmt: skip
        hooks: dict[str, Channel] = {name: hook(tmp_path, url) for name, url in urls.items()}
        names = {name: name for name in urls}
        config = over(calm_people(told(HOT.at(NOW), "heat")), hooks, **names)
        with instance(tmp_path, config) as ports:
            play(ports, NOW, NOW)
            rows = {row.channel: row.status for row in about(ports)}
    assert (rows["health"], rows["traffic"], rows["power"]) == (Status.DUE, Status.SENT, Status.SENT)
    assert len(second.seen) == len(third.seen) == 1


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key for 127.0.0.1 that no authority vouches for."""
    return self_signed(tmp_path_factory.mktemp("identity"))


def letter(key: str = "k") -> Message:
    """A message to one officer."""
    person = Person(name="张三", phone="13800000001", channels=("x",), addresses={"x": "a@b.example"})
    return Message(key=key, text="高温", recipient=person, subsystem="s", data={}, at=NOW, channel="x")


def refused(channel: Channel, means: Means) -> bool:
    """Whether a send fails for want of a certificate somebody vouches for."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(letter(), means)
    return "certificate" in str(caught.value)


@pytest.mark.parametrize("kind", ["webhook", "starttls", "tls"])
def test_trap_07_a_wrong_certificate_is_refused_every_time(kind: str, identity, tmp_path: Path):
    """TerraMA2's mail verifier accepted a failed certificate once and remembered it as good.

    Refused, refused again over the same means, and refused still after a connection elsewhere was fine.
    """
    with (
        MisbehavingReceiver(tls=identity) as far,
        MisbehavingReceiver() as plain,
        MailServer(tls=identity, implicit=kind == "tls") as mail,
        Post() as post,
    ):
        means = Means(post=post, folder=tmp_path, reveal=lambda _: KEY)
        keys: dict[str, Any] = {"tls": kind, "sender": "a@b.example"}
        mailer = Email(host="127.0.0.1", port=mail.port, **keys)
        bad = hook(tmp_path, far.url()) if kind == "webhook" else mailer
        assert refused(bad, means)
        assert refused(bad, means)
        hook(tmp_path, plain.url()).send(letter(), means)
        assert refused(bad, means)
        means.sessions.close()
        assert (far.seen, mail.letters) == ([], [])


def test_trap_07_trust_in_one_instance_is_not_trust_in_another(identity, tmp_path: Path):
    """A sender that is given the authority trusts it; the next one, given none, does not."""
    with MisbehavingReceiver(tls=identity) as far:
        with Post(ca_file=identity[0]) as ours:
            means = Means(post=ours, folder=tmp_path, reveal=lambda _: KEY)
            hook(tmp_path, far.url()).send(letter(), means)
        with Post() as post:
            assert refused(hook(tmp_path, far.url()), replace(means, post=post))
    assert len(far.seen) == 1
    assert ssl.create_default_context().verify_mode is ssl.CERT_REQUIRED


def test_trap_08_nobody_sees_another_over_the_whole_way_out(tmp_path: Path):
    """TerraMA2 put all recipients into one To: header.

    A whole red alert by e-mail: every letter has one recipient, and holds nobody else's address or number.
    """
    with MailServer() as server:
        mail = Email(host="127.0.0.1", port=server.port, sender="a@b.example", tls="none")
        config = calm_people(told(HOT.at(NOW), "heat", channel=mail))
        people = {
            id: replace(person, addresses={"outbox": f"{id}@rongchang.example"})
            for id, person in config.routes.people.items()
        }
        config = replace(config, routes=replace(config.routes, people=people))
        with instance(tmp_path, config) as ports:
            play(ports, NOW, NOW)
            rows = messages(ports)
    assert len(server.letters) == len(rows) > 10
    for one in server.letters:
        (own,) = one.recipients
        others = [person for id, person in people.items() if f"{id}@rongchang.example" != own]
        hidden = [word for person in others for word in (person.phone, *person.addresses.values())]
        assert not any(word.encode() in one.content for word in hidden)


@dataclass
class Shut:
    """Refuses everything until it is opened, as a gateway with an outage does."""

    inner: RecordingChannel
    """Takes what comes after."""
    opens: datetime
    """When the outage ends."""

    def send(self, message: Message, means: Means) -> Any:
        """Take it, or ask for another attempt."""
        if message.at < self.opens:
            raise DeliveryError("the gateway is down", retry=True)
        return self.inner.send(message, means)


def outage(folder: Path, minutes: int, **parts: Any) -> tuple[Sequence[Message], list[Any]]:
    """An orange alert, raised to red an hour later, while the only gateway is down for some minutes."""
    orange = Weather.everywhere("temperature_2m", heat({14: 38.0, 15: 38.0, 16: 38.0}))
    batches = [*orange.at(NOW), *HOT.at(NOW + HOUR)]
    shut = Shut(inner=RecordingChannel(), opens=NOW + minutes * MINUTE)
    config = calm_people(told(batches, "heat", channel=shut), **parts)
    with instance(folder, config) as ports:
        live(ports, NOW, NOW + 4 * HOUR)
        assert reasons(ports)[:2] == ["opened", "raised"]
        return shut.inner.taken, messages(ports)


@pytest.mark.parametrize("minutes", [75, pytest.param(150, marks=pytest.mark.soak)])
def test_trap_13_after_an_outage_everybody_has_the_newest_state(tmp_path: Path, minutes: int):
    """Alertmanager cancelled the retry of a slow receiver at its next flush, and nobody got anything (#3999).

    Who was to hear of orange and of red hears of red, once, and never of orange after it.
    """
    taken, rows = outage(tmp_path, minutes)
    wanted = {row.recipient for row in rows if row.data.get("reason") == "raised"}
    told_red = [one for one in taken if one.data.get("to") == "red" or "红色" in one.text]
    assert {row.recipient for row in rows if row.key in {one.key for one in told_red}} >= wanted
    assert not any(one.data.get("to") == "orange" for one in taken)


def answer(ports: Ports) -> None:
    """Every subsystem that was called has it."""
    (change,) = changes(ports)
    for subsystem in {row.subsystem for row in messages(ports)}:
        word = word_of(alert=change.alert, subsystem=subsystem, by="张三", via="cli", at=NOW + MINUTE)
        acknowledge(ports, word)


@pytest.mark.parametrize("months", [0.1, 4])
@pytest.mark.parametrize("answered", [True, False])
def test_trap_14_a_job_that_was_delayed_for_months_calls_nobody(
    tmp_path: Path, answered: bool, months: float
):
    """OnCall paged somebody at 05:30 in October for an alert acknowledged in June (#3111).

    The machine was off from two minutes after the opening. Whoever answered hears nothing of that call any
    more; where nobody did and the alert still stands, what goes out is a step of the ladder, once.
    """
    channel, later = RecordingChannel(), NOW + months * 30 * DAY
    config = told(HOT.at(NOW), "heat", channel=channel)
    with instance(tmp_path, config) as ports:
        play(ports, NOW, NOW)
        if answered:
            answer(ports)
    before = len(channel.taken)
    with instance(tmp_path, config) as ports:
        live(ports, later, later + HOUR)
    calls = [one for one in channel.taken[before:] if one.data.get("reason") in ("opened", "raised")]
    if answered:
        assert calls == []
    assert len({one.key for one in channel.taken}) == len(channel.taken)


@pytest.mark.parametrize("months", [0.1, 4])
def test_trap_14_what_waited_in_the_queue_for_months_is_not_sent(tmp_path: Path, months: float):
    """Planned in June, never sent because the machine died: in October it says nothing true any more."""
    channel, later = RecordingChannel(), NOW + months * 30 * DAY
    shut = Shut(inner=channel, opens=NOW + HOUR)
    config = told(HOT.at(NOW), "heat", channel=shut)
    with instance(tmp_path, config) as ports:
        play(ports, NOW, NOW)
        old = {row.key for row in messages(ports)}
    with instance(tmp_path, config) as ports:
        live(ports, later, later + HOUR)
        rows = {row.key: row for row in messages(ports)}
    assert not old & set(channel.keys)
    assert all(rows[key].status is not Status.DUE for key in old)
