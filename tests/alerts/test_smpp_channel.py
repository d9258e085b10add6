"""SMPP against our own short message centre for every status, and a server of another make."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.peer import Peer, close, drip, hang
from simulators.receiver import closed_port, self_signed
from simulators.smsc import PASSWORD, Smsc, node_modules, node_smsc

from alerts.channels.smpp import ENDINGS, Smpp
from alerts.duty.people import Person
from alerts.gateways.endings import Ending
from alerts.gateways.short_message import decode, encode, read_receipt, unheaded
from alerts.outgoing.delivery import Intake, Means, Message, Sign
from alerts.outgoing.post import Post
from alerts.wording.segments import segments
from ingest.errors import DeliveryError
from ingest.secret import Secret

PHONE = "13800000001"
NOW = datetime(2022, 8, 18, 1, 0, tzinfo=UTC)
RECEIPT = (
    "id:{id} sub:001 dlvrd:001 submit date:2208180900 done date:2208180905 "
    "stat:{stat} err:000 text:stat:DELIVRD"
)


@pytest.fixture
def means(tmp_path: Path):
    """What the channel may use; every connection ends with the test."""
    with Post() as post:
        means = Means(post=post, folder=tmp_path, reveal=lambda _: PASSWORD)
        yield means
        means.sessions.close()


def text(
    words: str = "荣昌区高温红色预警建议", phone: str = PHONE, key: str = "heat-1.1"
) -> Message:
    """A message to one officer."""
    return Message(
        key=key,
        text=words,
        recipient=Person(name="张三", phone=phone, channels=("smsc",)),
        subsystem="flood",
        data={},
        at=NOW,
        channel="smsc",
    )


def to(port: int, **more) -> Smpp:
    """A channel to a centre on this machine."""
    keys = {"system_id": "fengsui", "password": Secret(env="SMPP"), "source": "10690001"}
    return Smpp(host="127.0.0.1", port=port, **{**keys, "deadline": timedelta(seconds=5), **more})


def refused(channel: Smpp, means: Means, one: Message | None = None) -> DeliveryError:
    """The error of one send, which tells neither number nor password."""
    with pytest.raises(DeliveryError) as caught:
        channel.send(one or text(), means)
    assert not any(hidden in str(caught.value) for hidden in (PASSWORD, PHONE))
    return caught.value


def asked_until(channel: Smpp, means: Means, enough: Callable[[Intake], object]) -> Intake:
    """Ask until something came that is enough, as a daemon would."""
    whole = Intake()
    until = time.monotonic() + 5
    while not enough(whole) and time.monotonic() < until:
        more = channel.ask((), means, NOW)
        whole = Intake(
            receipts=whole.receipts + more.receipts, replies=whole.replies + more.replies
        )
        time.sleep(0.01)
    return whole


def test_a_chinese_text_goes_as_ucs2(means: Means):
    """With its signature, from our number, to theirs, and a receipt is wanted."""
    with Smsc() as smsc:
        taken = to(smsc.port, prefix="86").send(text(), means)
        means.sessions.close()
    (one,) = smsc.submitted
    assert one.content.decode("utf-16-be") == "【烽燧】荣昌区高温红色预警建议"
    assert (one.source, one.destination) == (b"10690001", b"86" + PHONE.encode())
    assert (one.coding, one.esm_class, one.registered) == (8, 0, 1)
    assert (taken.reference, taken.detail) == ("1", "1 条短信")


def test_what_fits_the_default_alphabet_goes_in_it(means: Means):
    """One octet a character, two for what stands in the extension table."""
    with Smsc() as smsc:
        to(smsc.port, signature="").send(text("Red @ 40 {C}"), means)
    (one,) = smsc.submitted
    assert (one.coding, one.content) == (0, b"Red \x00 40 \x1b\x28C\x1b\x29")


def test_a_long_text_goes_in_parts_that_belong_together(means: Means):
    """67 characters each; the reference is that of the last part."""
    words = "雨" * 150
    with Smsc(ids="m{}") as smsc:
        one = to(smsc.port, signature="")
        taken = [one.send(text(words), means) for _ in range(2)]
    heads = [part.content[:6] for part in smsc.submitted]
    assert [head[4:] for head in heads] == [b"\x03\x01", b"\x03\x02", b"\x03\x03"] * 2
    assert len({head[:4] for head in heads}) == 1  # a repeat merges with the first on the phone
    assert all(part.esm_class == 0x40 for part in smsc.submitted)
    bodies = b"".join(part.content[6:] for part in smsc.submitted[:3])
    assert bodies.decode("utf-16-be") == words
    assert [one.reference for one in taken] == ["m3", "m6"]


@given(st.text(st.sampled_from("雨aé€{\f😀\n\\"), max_size=400), st.integers(0, 255))
def test_parts_are_as_many_as_are_counted_and_whole(words: str, mark: int):
    """The bill of `segments` is the bill of the wire, and every part can be read by itself."""
    encoded = encode(words, mark)
    assert len(encoded.parts) == segments(words).parts
    bodies = [unheaded(part)[0] if encoded.headed else part for part in encoded.parts]
    assert "".join(decode(body, encoded.coding) for body in bodies) == words
    assert all(len(part) <= (160 if encoded.coding == 0 else 140) for part in encoded.parts)


@pytest.mark.parametrize("status", sorted(ENDINGS))
def test_each_status_has_its_ending(status: int, means: Means):
    """Tried again, final, or the gateway's fault; its name is told, and the line is kept."""
    name, ending, remedy = ENDINGS[status]
    with Smsc(status) as smsc:
        one = to(smsc.port)
        error = refused(one, means)
        one.send(text(), means)
    assert (error.retry, error.gateway) == (ending is Ending.RETRY, ending is Ending.FAIL_OVER)
    assert name in str(error)
    assert remedy in str(error)
    assert smsc.binds == 1


@pytest.mark.parametrize(
    ("status", "retry", "gateway", "pause"),
    [
        (0x58, True, False, 5),
        (0x14, True, False, 5),
        (0x08, True, False, None),
        (0x0B, False, False, None),
        (0x0A, False, True, None),
        (0x4FF, True, False, None),
    ],
)
def test_the_documented_endings(status: int, retry, gateway, pause, means: Means):
    """Throttled and full: after a pause; an invalid number: final; an unknown status: again."""
    with Smsc(status) as smsc:
        error = refused(to(smsc.port), means)
    assert (error.retry, error.gateway) == (retry, gateway)
    assert error.retry_after == (timedelta(seconds=pause) if pause else None)


@pytest.mark.parametrize(
    ("bind", "retry"), [(None, False), (0x0D, False), (0x0F, False), (0x05, True), (0x08, True)]
)
def test_a_refused_bind_is_the_gateways_fault(bind: int | None, retry: bool, means: Means):
    """A wrong password or account; who is bound already, or a sick centre, may be tried again."""
    other = Means(post=means.post, folder=means.folder, reveal=lambda _: "wrong")
    with Smsc(bind=bind) as smsc:
        error = refused(to(smsc.port), other)
    assert (error.retry, error.gateway) == (retry, not retry)


def test_a_password_that_is_too_long_is_told(means: Means):
    """It would be cut to eight letters in silence and refused as wrong."""
    other = Means(post=means.post, folder=means.folder, reveal=lambda _: "ninechars")
    with Smsc() as smsc:
        assert refused(to(smsc.port), other).gateway
    assert smsc.binds == 0


@pytest.mark.parametrize(
    ("stat", "sign"),
    [
        ("DELIVRD", Sign.DELIVERED),
        ("UNDELIV", Sign.UNDELIVERED),
        ("EXPIRED", Sign.UNDELIVERED),
        ("DELETED", Sign.UNDELIVERED),
        ("REJECTD", Sign.UNDELIVERED),
        ("ACCEPTD", None),
        ("ENROUTE", None),
        ("UNKNOWN", None),
    ],
)
def test_each_state_of_a_receipt(stat: str, sign: Sign | None, means: Means):
    """What is no end tells nothing; what stands after text: is the sender's, not the network's."""
    with Smsc() as smsc:
        one = to(smsc.port)
        reference = one.send(text(), means).reference
        smsc.deliver(RECEIPT.format(id=1, stat=stat).encode(), receipt=True)
        told = asked_until(one, means, lambda _: smsc.acknowledged)
    assert [receipt.sign for receipt in told.receipts] == ([sign] if sign else [])
    for receipt in told.receipts:
        assert (receipt.reference, receipt.phone) == (reference, PHONE)
        assert receipt.at == datetime(2022, 8, 18, 1, 5, tzinfo=UTC)
        assert receipt.detail == f"{stat} 000"


@pytest.mark.parametrize(
    ("ids", "given_as", "told_as"),
    [
        ("text", "0000002A", "0000002A"),
        ("decimal", "0000002A", "0000000042"),
        ("decimal", "2a", "42"),
        ("hex", "42", "0000002a"),
    ],
)
def test_hex_and_decimal_ids_meet(ids: str, given_as: str, told_as: str, means: Means):
    """Some centres answer in one and write receipts in the other."""
    with Smsc(ids=given_as) as smsc:
        one = to(smsc.port, ids=ids)
        reference = one.send(text(), means).reference
        smsc.deliver(RECEIPT.format(id=told_as, stat="DELIVRD").encode(), receipt=True)
        told = asked_until(one, means, lambda came: came.receipts)
    assert [receipt.reference for receipt in told.receipts] == [reference]


def test_a_receipt_may_come_in_parameters(means: Means):
    """receipted_message_id and message_state, as the standard prefers."""
    with Smsc() as smsc:
        one = to(smsc.port)
        reference = one.send(text(), means).reference
        smsc.deliver(b"", receipt=True, tlvs={0x1E: b"1\0", 0x427: b"\x02", 0x1500: b"?"})
        told = asked_until(one, means, lambda came: came.receipts)
    (receipt,) = told.receipts
    assert (receipt.sign, receipt.reference, receipt.at) == (Sign.DELIVERED, reference, NOW)


def test_replies_are_read(means: Means):
    """In any alphabet; the parts of a long one are put together, in their order."""
    with Smsc() as smsc:
        one = to(smsc.port)
        one.send(text(), means)
        smsc.deliver(b"1")
        smsc.deliver("收到".encode("utf-16-be"), coding=8, source=b"+8613900000002")
        for number, words in ((2, "无人转移"), (1, "王五指挥，")):
            part = bytes((5, 0, 3, 7, 2, number)) + words.encode("utf-16-be")
            smsc.deliver(part, coding=8, esm_class=0x40, source=b"13700000003")
        told = asked_until(one, means, lambda _: len(smsc.acknowledged) == 4)
    assert [(reply.phone, reply.text) for reply in told.replies] == [
        (PHONE, "1"),
        ("13900000002", "收到"),
        ("13700000003", "王五指挥，无人转移"),
    ]


def test_nothing_is_acknowledged_before_it_is_asked_for(means: Means):
    """What arrives during a send stays the centre's until then, so a crash loses none."""
    with Smsc() as smsc:
        one = to(smsc.port)
        one.send(text(), means)
        number = smsc.deliver(b"1")
        one.send(text(), means)
        assert smsc.acknowledged == []
        assert asked_until(one, means, lambda came: came.replies).replies[0].text == "1"
        assert asked_until(one, means, lambda _: smsc.acknowledged) == Intake()
    assert smsc.acknowledged == [(number, 0)]


def test_what_cannot_be_read_is_refused_once(means: Means):
    """And does not stop what follows."""
    with Smsc() as smsc:
        one = to(smsc.port)
        one.send(text(), means)
        smsc.say(0x05, 0, 900, b"\0\1")
        smsc.deliver(b"1")
        told = asked_until(one, means, lambda _: len(smsc.acknowledged) == 2)
    assert [reply.text for reply in told.replies] == ["1"]
    assert smsc.acknowledged[0] == (900, 0x65)


def test_one_connection_carries_every_thread(means: Means):
    """Nothing is lost, and the centre sees one bind."""
    with Smsc() as smsc:
        one = to(smsc.port)
        with ThreadPoolExecutor(4) as pool:
            taken = list(pool.map(lambda n: one.send(text(key=f"k{n}"), means), range(40)))
    assert len({word.reference for word in taken}) == 40
    assert smsc.binds == 1


def test_a_broken_line_is_made_anew_at_once(means: Means):
    """A centre that hung up while idle costs no message and no attempt."""
    with Smsc() as smsc:
        one = to(smsc.port)
        one.send(text(), means)
        smsc.hang_up()
        assert one.send(text(), means).reference
        smsc.say(0x06, 0, 5)
        assert one.send(text(), means).reference
    assert smsc.binds == 3


def test_an_idle_line_is_asked_whether_it_lives(means: Means, monkeypatch: pytest.MonkeyPatch):
    """enquire_link before what comes next; the centre's own is answered."""
    monkeypatch.setattr("alerts.gateways.smpp_session._IDLE_S", 0)
    with Smsc() as smsc:
        one = to(smsc.port)
        one.send(text(), means)
        smsc.say(0x15, 0, 77)
        one.ask((), means, NOW)
    assert (smsc.enquired, smsc.binds) == (1, 1)


@pytest.mark.parametrize("talk", [hang, drip, close])
def test_trap_3_a_centre_that_hangs_is_cut_at_the_deadline(talk, means: Means):
    """Four threads at once: none waits for the turn of another beyond its own deadline."""
    with Peer(talk) as peer, ThreadPoolExecutor(4) as pool:
        one = to(peer.port, deadline=timedelta(seconds=0.4))
        started = time.monotonic()
        errors = list(pool.map(lambda _: refused(one, means), range(4)))
        assert time.monotonic() - started < 2
    assert all(error.retry for error in errors)


def test_a_centre_that_falls_silent_is_cut_at_the_deadline(means: Means):
    """After the bind; the broken line is not used again."""
    with Smsc() as smsc:
        smsc.silent_after_bind = True
        one = to(smsc.port, deadline=timedelta(seconds=0.4))
        assert refused(one, means).retry
        assert refused(one, means).retry
    assert smsc.binds == 2


def test_a_centre_that_is_gone_is_tried_again(means: Means):
    """For sending and for asking."""
    one = to(closed_port())
    assert refused(one, means).retry
    with pytest.raises(DeliveryError) as caught:
        one.ask((), means, NOW)
    assert caught.value.retry


def test_trap_7_a_wrong_certificate_fails(tmp_path: Path, means: Means):
    """Where TLS is asked for, nobody who cannot prove who they are gets the password."""
    with Peer(hang, self_signed(tmp_path)) as peer:
        error = refused(to(peer.port, tls=True), means)
    assert (error.retry, error.gateway) == (False, True)


def test_trap_8_no_recipient_sees_another(means: Means):
    """One number per text."""
    phones = [PHONE, "13900000002"]
    with Smsc() as smsc:
        for phone in phones:
            to(smsc.port).send(text(phone=phone), means)
    assert [one.destination.decode() for one in smsc.submitted] == phones


def test_a_text_beyond_255_parts_is_final(means: Means):
    """Another attempt would not shorten it."""
    assert not refused(to(closed_port()), means, text("雨" * 18_000)).retry


@pytest.mark.parametrize("keys", [{"zone": "Moon/Mare"}, {"ca_file": "ca.pem"}])
def test_what_cannot_work_is_refused_at_start(keys):
    """A zone that is none, a path of nowhere."""
    with pytest.raises(ValueError, match=r"zone|ca_file"):
        to(2775, **keys)


def test_a_missing_library_is_named_at_start(monkeypatch: pytest.MonkeyPatch):
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "smpplib", None)
    with pytest.raises(ValueError, match=r'pip install "fengsui\[smpp\]"'):
        to(2775)


def test_logs_tell_no_secret(means: Means, caplog: pytest.LogCaptureFixture):
    """Neither password nor number, plain or in hex, at any level of detail."""
    caplog.set_level(logging.DEBUG)
    with Smsc() as smsc:
        one = to(smsc.port)
        taken = one.send(text(), means)
    told = caplog.text + repr(one) + repr(taken)
    for hidden in (PASSWORD, PHONE):
        assert hidden not in told
        assert hidden.encode().hex() not in told


@pytest.mark.parametrize(
    ("told", "id", "stat"),
    [
        ("id:7 stat:DELIVRD err:000", "7", "DELIVRD"),
        ("ID: 7 STAT: delivrd", "7", "DELIVRD"),
        ("garbage", "", ""),
        ("id:7 stat:UNDELIV text:id:9 stat:DELIVRD", "7", "UNDELIV"),
    ],
)
def test_a_receipt_text_is_read_leniently(told: str, id: str, stat: str):
    """Capitals and blanks differ by make; the quoted text never counts."""
    said = read_receipt(told)
    assert (said.id, said.stat) == (id, stat)


@pytest.mark.skipif(
    node_modules() is None,
    reason="node or its package smpp is not found (FENGSUI_TEST_NODE_MODULES): no second make tried",
)
def test_a_server_of_another_make_understands_us(tmp_path: Path, means: Means):
    """Parts, receipts with decimal ids, replies and a wrong password, by npm smpp."""
    modules = node_modules()
    assert modules is not None
    with node_smsc(modules, tmp_path) as smsc:
        one = to(smsc.port, ids="decimal", signature="")
        taken = one.send(text("雨" * 100), means)
        told = asked_until(one, means, lambda came: len(came.receipts + came.replies) == 4)
        said = [smsc.next() for _ in range(6)]
        other = Means(post=means.post, folder=tmp_path, reveal=lambda _: "wrong")
        assert refused(to(smsc.port), other).gateway
        means.sessions.close()
    texts = [one for one in said if "text" in one]
    assert "".join(str(one["text"]) for one in texts) == "雨" * 100
    assert {(one["to"], one["parts"], one["coding"]) for one in texts} == {(PHONE, 2, 8)}
    assert said.count({"acknowledged": 0}) == 4
    assert [receipt.reference for receipt in told.receipts] == ["16", taken.reference]
    assert {(reply.phone, reply.text) for reply in told.replies} == {(PHONE, "1 收到")}
