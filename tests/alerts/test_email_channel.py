"""E-mail against real mail servers: one recipient per letter, verified TLS, endings by code."""

from __future__ import annotations

import email
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from pathlib import Path

import pytest
from simulators.mail_server import MailServer
from simulators.peer import Peer, close, drip, hang
from simulators.receiver import closed_port, self_signed

from alerts.channels.email import Email
from alerts.duty.people import Person
from alerts.outgoing.delivery import Means, Message
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

PASSWORD = "right-password"
PHONE = "13800000001"
ADDRESS = "zhang.san@flood.example"
LOGIN = {"user": "fengsui", "password": Secret(env="MAIL")}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key for 127.0.0.1, made on the fly."""
    return self_signed(tmp_path_factory.mktemp("identity"))


@pytest.fixture
def means(tmp_path: Path):
    """What the channel may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda _: PASSWORD)


def letter(address: str | None = ADDRESS, **data: object) -> Message:
    """A message to one officer."""
    addresses = {} if address is None else {"mail": address}
    return Message(
        key="heat-1.1:flood:zhang:0",
        text="荣昌区高温红色预警建议\n请立即启动应急响应",
        recipient=Person(name="张三", phone=PHONE, channels=("mail",), addresses=addresses),
        subsystem="flood",
        data={"title": "【高温红色】\r\nBcc: all@x.example", **data},
        at=datetime(2022, 8, 18, 1, 0, tzinfo=UTC),
        channel="mail",
    )


def plain(port: int, **more) -> Email:
    """A channel to a server on this machine, in the clear."""
    keys = {"tls": "none", "deadline": timedelta(seconds=5), **more}
    return Email(host="127.0.0.1", port=port, sender="alerts@fengsui.example", **keys)


def refused(channel: Email, means: Means, message: Message | None = None) -> DeliveryError:
    """The error of one send, which tells nobody's address, number or password."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(message or letter(), means)
    for hidden in (PASSWORD, PHONE, ADDRESS, "zhang"):
        assert hidden not in str(caught.value)
    return caught.value


def test_a_letter_says_what_it_is(means: Means):
    """Subject, plain text, a Message-ID made of the key, and that a machine wrote it."""
    with MailServer() as server:
        taken = plain(server.port).send(letter(exercise="汛前演练"), means)
    came = email.message_from_bytes(server.letters[0].content, policy=default)
    assert came["subject"] == "【高温红色】 Bcc: all@x.example"
    assert came.get_content().rstrip().splitlines() == letter().text.splitlines()
    assert came["message-id"] == taken.reference
    assert came["auto-submitted"] == "auto-generated"
    assert (came["x-fengsui-key"], came["x-fengsui-exercise"]) == (letter().key, "汛前演练")
    assert came["date"].datetime == letter().at
    assert PHONE.encode() not in server.letters[0].content


def test_a_repeat_carries_the_same_id(means: Means):
    """A mailbox that knows the id shows one letter."""
    with MailServer() as server:
        references = {plain(server.port).send(letter(), means).reference for _ in range(2)}
    assert len(references) == 1
    assert len(server.letters) == 2


def test_trap_8_no_recipient_sees_another(means: Means):
    """Each letter has one recipient, on the envelope and on the sheet."""
    people = ["one@flood.example", "two@traffic.example", "three@fire.example"]
    with MailServer() as server:
        for person in people:
            plain(server.port).send(letter(person), means)
    assert [one.recipients for one in server.letters] == [(person,) for person in people]
    for one, person in zip(server.letters, people, strict=True):
        came = email.message_from_bytes(one.content, policy=default)
        assert (came["to"], came["cc"], came["bcc"]) == (person, None, None)


@pytest.mark.parametrize("implicit", [False, True])
def test_trap_7_a_wrong_certificate_fails(implicit: bool, identity, means: Means):
    """Nothing is sent to a server nobody vouches for, and its operator is told."""
    with MailServer(tls=identity, implicit=implicit) as server:
        mode = "tls" if implicit else "starttls"
        error = refused(plain(server.port, tls=mode), means)
    assert (error.retry, error.gateway) == (False, True)
    assert "certificate" in str(error)
    assert server.letters == []


@pytest.mark.parametrize("implicit", [False, True])
def test_a_certificate_of_ours_is_trusted(implicit: bool, identity, means: Means):
    """By STARTTLS and by TLS from the start, logged in with the right password."""
    with MailServer(tls=identity, implicit=implicit, login=("fengsui", PASSWORD)) as server:
        mode = {"tls": "tls" if implicit else "starttls", "ca_file": str(identity[0])}
        plain(server.port, **mode, **LOGIN).send(letter(), means)
    assert len(server.letters) == 1


def test_a_certificate_for_another_name_fails(identity, means: Means):
    """An authority of ours vouches for 127.0.0.1, not for localhost."""
    with MailServer(tls=identity) as server:
        one = plain(server.port, tls="starttls", ca_file=str(identity[0]))
        assert refused(replace(one, host="localhost"), means).gateway


def test_a_missing_starttls_is_not_done_without(means: Means):
    """A letter never leaves in the clear because a server, or somebody between, hides TLS."""
    with MailServer() as server:
        error = refused(plain(server.port, tls="starttls"), means)
    assert (error.retry, error.gateway, server.letters) == (False, True, [])


@pytest.mark.parametrize(
    ("command", "answer", "retry", "gateway"),
    [
        ("RCPT", "550 5.1.1 zhang.san@flood.example unknown", False, False),
        ("RCPT", "451 4.7.1 greylisted zhang.san", True, False),
        ("RCPT", "452 4.2.2 mailbox full", True, False),
        ("MAIL", "550 5.7.1 sender rejected", False, True),
        ("MAIL", "451 4.3.0 later", True, False),
        ("DATA", "554 5.7.1 spam", False, False),
        ("DATA", "452 4.3.1 no space", True, False),
    ],
)
def test_each_code_has_its_ending(command, answer, retry, gateway, means: Means):
    """4xx is tried again, 5xx is final; a refused sender is the gateway's fault."""
    with MailServer(says={command: answer}) as server:
        error = refused(plain(server.port), means)
    assert (error.retry, error.gateway) == (retry, gateway)


def test_a_wrong_password_is_the_gateways_fault(means: Means):
    """535: next channel for everybody, and the operator is told."""
    with MailServer(login=("fengsui", "another")) as server:
        error = refused(plain(server.port, **LOGIN), means)
    assert (error.retry, error.gateway) == (False, True)
    assert "535" in str(error)


@pytest.mark.parametrize("talk", [hang, drip])
@pytest.mark.parametrize("mode", ["none", "starttls", "tls"])
def test_trap_3_a_server_that_hangs_is_cut_at_the_deadline(talk, mode: str, means: Means):
    """Whether it says nothing or drips bytes for ever, in the clear or in a handshake."""
    with Peer(talk) as peer:
        started = time.monotonic()
        error = refused(plain(peer.port, tls=mode, deadline=timedelta(seconds=0.4)), means)
    assert error.retry
    assert time.monotonic() - started < 2


def test_a_server_that_is_gone_is_tried_again(means: Means):
    """Refused connections and ones that break."""
    with Peer(close) as peer:
        assert refused(plain(peer.port), means).retry
    assert refused(plain(closed_port()), means).retry


@pytest.mark.parametrize("address", [None, "", "no address", "a@b.example\nBcc: c@d.example", "@"])
def test_who_has_no_usable_address_gets_the_next_channel(address, means: Means):
    """And the sentence says where it belongs."""
    error = refused(plain(closed_port()), means, letter(address))
    assert (error.retry, error.gateway) == (False, False)
    assert "addresses: mail" in str(error)


def test_an_address_the_server_cannot_write_is_final_for_this_person(means: Means):
    """Without SMTPUTF8, others still get their letters."""
    with MailServer() as server:
        error = refused(plain(server.port), means, letter("张三@flood.example"))
    assert (error.retry, error.gateway) == (False, False)


@pytest.mark.parametrize(
    "keys",
    [
        {"sender_name": "two\nlines"},
        {"tls": "none"},
        {"user": "fengsui"},
        {"ca_file": "ca.pem"},
        {"sender": "nobody"},
    ],
)
def test_what_cannot_work_is_refused_at_start(keys):
    """Clear text across the network, half a login, a path of nowhere, a sender that is none."""
    with pytest.raises(ValueError, match=r"must|give|for a server"):
        Email(**{"host": "mail.example", "sender": "a@fengsui.example", **keys})


def test_logs_tell_no_secret(means: Means, caplog: pytest.LogCaptureFixture):
    """Neither password nor address, at any level of detail."""
    caplog.set_level(logging.DEBUG)
    with MailServer(login=("fengsui", PASSWORD)) as server:
        one = plain(server.port, **LOGIN)
        one.send(letter(), means)
    ours = "".join(record.getMessage() for record in caplog.records if "mail" not in record.name)
    assert not any(hidden in ours + repr(one) for hidden in (PASSWORD, ADDRESS, PHONE))
