"""What all chat robots share, tried over every one of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulators.receiver import Conduct, MisbehavingReceiver, closed_port
from simulators.robots import LINK, NOW, PHONE, Robot, Vendor, told

from alerts.channels import dingtalk, feishu, wecom
from alerts.duty.people import Person
from alerts.gateways.endings import Ending
from alerts.gateways.robots import Verdict, cut, judge_code
from alerts.outgoing.delivery import Channel, Means, Message, Purpose
from alerts.outgoing.post import Answer, Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

TOKEN, SECRET = "t0kent0ken", "SECs3cr3t"
KINDS: Mapping[Vendor, type[Any]] = {
    "dingtalk": dingtalk.DingTalk,
    "wecom": wecom.WeCom,
    "feishu": feishu.Feishu,
}
CODES: Mapping[Vendor, Mapping[int, Verdict]] = {
    "dingtalk": dingtalk.CODES,
    "wecom": wecom.CODES,
    "feishu": feishu.CODES,
}
MESSAGE = told()


def with_facts(message: Message = MESSAGE, /, **facts: object) -> Message:
    """The message with further facts."""
    return replace(message, data={**message.data, **facts})


def asked(message: Message = MESSAGE, /) -> Message:
    """The message with a link to answer."""
    return replace(with_facts(message, ack_link=LINK), text=f"{message.text}\n收到请点：{LINK}")


def of(name: str, message: Message = MESSAGE, /, **more: Any) -> Message:
    """The message to a colleague, under a key of its own."""
    person = Person(name=name, phone=f"139{len(name):08d}", channels=("robot",))
    return replace(message, recipient=person, key=f"{message.key}:{name}", **more)


def robot(vendor: Vendor, **more: Any) -> Robot:
    """The vendor's side; WeCom signs nothing."""
    signed = None if vendor == "wecom" else SECRET
    return Robot(vendor, **{"token": TOKEN, "secret": signed, "now": NOW, **more})


def channel_to(vendor: Vendor, url: str, **more: Any) -> Any:
    """Our side."""
    signed = {} if vendor == "wecom" else {"secret": Secret(env="SECRET")}
    return KINDS[vendor](url=url, token=Secret(env="TOKEN"), **signed, **more)


@pytest.fixture
def means(tmp_path: Path):
    """A way out and the secrets."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda s: TOKEN if s.env == "TOKEN" else SECRET)


def refusal(vendor: Vendor, side: Robot, means: Means, message: Message = MESSAGE) -> DeliveryError:
    """The error that a robot's answer becomes."""
    with side, pytest.raises(DeliveryError) as caught:
        channel_to(vendor, side.url).send(message, means)
    return caught.value


vendors = pytest.mark.parametrize("vendor", KINDS)


@vendors
def test_the_vendor_takes_what_we_sign(vendor: Vendor, means: Means):
    """Token, signature, time and form are as the vendor wants them."""
    with robot(vendor) as side:
        assert channel_to(vendor, side.url).send(asked(), means).detail == "HTTP 200"
    assert LINK in json.dumps(side.taken)


@pytest.mark.parametrize("vendor", ["dingtalk", "feishu"])
@pytest.mark.parametrize("off", [-3601, 3601])
def test_the_vendor_holds_a_signature_for_an_hour(vendor: Vendor, off: int, means: Means):
    """A clock that is wrong is mended by nobody but the operator."""
    error = refusal(vendor, robot(vendor, now=NOW + timedelta(seconds=off)), means)
    assert error.gateway
    assert "clock" in str(error)


@pytest.mark.parametrize(
    ("vendor", "change"),
    [
        ("dingtalk", {"token": "another"}),
        ("dingtalk", {"secret": "SECx"}),
        ("dingtalk", {"keyword": "雨"}),
        ("feishu", {"token": "another"}),
        ("feishu", {"secret": "SECx"}),
        ("feishu", {"keyword": "雨"}),
        ("wecom", {"token": "another"}),
    ],
)
def test_a_robot_that_refuses_us_is_a_fault_of_the_gateway(vendor: Vendor, change, means: Means):
    """Token gone, signature or keyword wrong: the next channel for everybody."""
    error = refusal(vendor, robot(vendor, **change), means)
    assert (error.retry, error.gateway) == (False, True)


@vendors
def test_too_many_messages_wait_a_minute(vendor: Vendor, means: Means):
    """The limit of the vendor is a pause, not an end."""
    error = refusal(vendor, robot(vendor, most=0), means)
    assert error.retry
    assert error.retry_after == timedelta(minutes=1)


ALL_CODES = [(vendor, code) for vendor, codes in CODES.items() for code in codes]


@pytest.mark.parametrize(("vendor", "code"), ALL_CODES)
def test_each_documented_code_ends_as_documented(vendor: Vendor, code: int, means: Means):
    """Retry, final or fail-over, by the table of the kind; nothing of the answer's words is repeated."""
    verdict = CODES[vendor][code]
    name, words = ("code", "msg") if vendor == "feishu" else ("errcode", "errmsg")
    body = json.dumps({name: code, words: f"refused {TOKEN} {PHONE}"}).encode()
    with MisbehavingReceiver(Conduct(body=body)) as receiver, pytest.raises(DeliveryError) as caught:
        channel_to(vendor, receiver.url()).send(MESSAGE, means)
    error = caught.value
    assert error.retry is (verdict.ending is Ending.RETRY)
    assert error.gateway is (verdict.ending is Ending.FAIL_OVER)
    assert error.retry_after == verdict.pause
    assert str(code) in str(error)
    assert not any(hidden in str(error) for hidden in (TOKEN, PHONE))


@vendors
@pytest.mark.parametrize(
    "body",
    [b"", b"ok", b"<html>", b"[]", b"{}", b'{"errcode":"0","code":"0"}', b'{"code":false}', b"[" * 9999],
)
def test_trap_d1_a_200_with_an_error_inside(vendor: Vendor, body: bytes, means: Means):
    """Only the number 0 is success; what is not documented may be tried again."""
    with MisbehavingReceiver(Conduct(body=body)) as receiver, pytest.raises(DeliveryError) as caught:
        channel_to(vendor, receiver.url()).send(MESSAGE, means)
    assert caught.value.retry


@vendors
@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_status_that_refuses_the_address_is_a_fault_of_the_gateway(vendor, status, means: Means):
    """No other message passes either."""
    with (
        MisbehavingReceiver(Conduct(status=status)) as receiver,
        pytest.raises(DeliveryError) as caught,
    ):
        channel_to(vendor, receiver.url()).send(MESSAGE, means)
    assert (caught.value.retry, caught.value.gateway) == (False, True)


@vendors
def test_nothing_secret_is_told(vendor: Vendor, means: Means, caplog: pytest.LogCaptureFixture):
    """Neither the log nor the channel's form nor an error holds token, secret or number."""
    caplog.set_level(logging.DEBUG)
    one = channel_to(vendor, f"http://127.0.0.1:{closed_port()}/{TOKEN}", mention="always")
    with pytest.raises(DeliveryError) as caught:
        one.send(asked(), means)
    told = caplog.text + repr(one) + repr(caught.value)
    assert not any(hidden in told for hidden in (TOKEN, SECRET, PHONE))


@vendors
def test_trap_1_the_first_of_three_receivers_is_dead(vendor: Vendor, means: Means):
    """The others get their message."""
    dead = channel_to(vendor, f"http://127.0.0.1:{closed_port()}/")
    with robot(vendor) as second, robot(vendor) as third:
        channels = [dead, channel_to(vendor, second.url), channel_to(vendor, third.url)]
        outcomes = [failed(one, means) for one in channels]
    assert outcomes == [True, False, False]
    assert len(second.taken) == len(third.taken) == 1


@vendors
def test_trap_3_a_robot_that_never_answers(vendor: Vendor, means: Means):
    """Within the deadline it may be tried again, and the others are told meanwhile."""
    silent = MisbehavingReceiver(Conduct(manner="hang"))
    with silent, robot(vendor) as other, ThreadPoolExecutor(2) as pool:
        slow = channel_to(vendor, silent.url(), deadline=timedelta(seconds=0.4))
        waiting = pool.submit(failed, slow, means)
        assert not failed(channel_to(vendor, other.url), means)
        assert waiting.result(timeout=5)


@vendors
def test_trap_13_a_slow_robot_still_gets_the_newest_state(vendor: Vendor, means: Means):
    """What comes after a failed attempt goes out by itself, whatever became of the first."""
    newest = of("李四", with_facts(transition="heat-1.2"), text="更新：已降为橙色")
    with robot(vendor) as side:
        slow = channel_to(vendor, f"http://127.0.0.1:{closed_port()}/", group=True)
        assert failed(slow, means)
        assert not failed(channel_to(vendor, side.url, group=True), means, newest)
    assert "更新" in json.dumps(side.taken[-1], ensure_ascii=False)


def failed(one: Channel, means: Means, message: Message = MESSAGE) -> bool:
    """Whether a send raised."""
    try:
        one.send(message, means)
    except DeliveryError:
        return True
    return False


@vendors
@pytest.mark.parametrize("text", ["荣昌区", "高温红色预警建议：荣昌区"])
def test_a_drill_is_seen_in_the_body(vendor: Vendor, text: str, means: Means):
    """Even where the desk forgot its mark, and where the words begin with their title."""
    with robot(vendor) as side:
        channel_to(vendor, side.url).send(told(text=text, exercise="汛前演练"), means)
    (body,) = side.taken
    shown = body.get("markdown") or body["card"]
    shown = {name: words for name, words in shown.items() if name != "title"}
    assert "【演练】高温红色预警建议" in json.dumps(shown, ensure_ascii=False)


@vendors
def test_the_mark_of_the_desk_does_not_stand_twice(vendor: Vendor, means: Means):
    """What is marked already stays as it is."""
    message = told(title="【演练】高温", text="【演练】高温：荣昌区", exercise="汛前")
    with robot(vendor) as side:
        channel_to(vendor, side.url).send(message, means)
    assert "【演练】【演练】" not in json.dumps(side.taken, ensure_ascii=False)


@vendors
@pytest.mark.parametrize("mention", ["never", "asked", "always"])
@pytest.mark.parametrize("link", [None, LINK])
def test_whoever_has_a_user_id_is_mentioned_by_it(vendor: Vendor, mention, link, means: Means):
    """As the key says; the number leaves the house never."""
    person = replace(MESSAGE.recipient, addresses={"robot": "ou_zhang"})
    message = replace(asked() if link else MESSAGE, recipient=person)
    with robot(vendor) as side:
        channel_to(vendor, side.url, mention=mention).send(message, means)
    sent = json.dumps(side.taken)
    assert ("ou_zhang" in sent) is (mention == "always" or (mention == "asked" and link is not None))
    assert PHONE not in sent


@vendors
def test_trap_8_no_recipient_sees_the_number_of_another(vendor: Vendor, means: Means):
    """A post about one person holds no other's number, and none unless it mentions."""
    with robot(vendor) as side:
        one = channel_to(vendor, side.url)
        for message in (MESSAGE, of("李四"), of("王五五")):
            one.send(message, means)
    assert "1380000000" not in json.dumps(side.taken)
    assert "13900000" not in json.dumps(side.taken)


@vendors
def test_a_group_hears_a_change_once(vendor: Vendor, means: Means):
    """Three people of one subsystem, one post; another step or subsystem is another post."""
    with robot(vendor) as side:
        one = channel_to(vendor, side.url, group=True)
        for message in (asked(), of("李四", asked()), of("王五五", asked())):
            assert one.send(message, means)
        assert len(side.taken) == 1
        one.send(of("李四", with_facts(step=1)), means)
        one.send(of("李四", subsystem="traffic"), means)
        one.send(of("李四", with_facts(transition="heat-1.2")), means)
    assert len(side.taken) == 4


@vendors
def test_without_the_key_everybody_is_told(vendor: Vendor, means: Means):
    """A robot is a person's own channel unless it is said to be a group's."""
    with robot(vendor) as side:
        one = channel_to(vendor, side.url)
        one.send(MESSAGE, means)
        one.send(of("李四"), means)
    assert len(side.taken) == 2


@vendors
def test_colleagues_at_the_same_moment_make_one_post(vendor: Vendor, means: Means):
    """They wait for the first instead of posting beside it."""
    with robot(vendor) as side, ThreadPoolExecutor(8) as pool:
        one = channel_to(vendor, side.url, group=True)
        people = [of("甲" * number) for number in range(1, 9)]
        assert len(list(pool.map(lambda message: one.send(message, means), people))) == 8
    assert len(side.taken) == 1


@vendors
def test_a_failed_post_is_tried_again_by_a_colleague(vendor: Vendor, means: Means):
    """Nothing is remembered of a failure: the group is told."""
    with robot(vendor) as side:
        one = channel_to(vendor, side.url, group=True)
        side.most = 0
        assert failed(one, means)
        side.most = 20
        assert not failed(one, means, of("李四"))
    assert len(side.taken) == 1


@vendors
@pytest.mark.parametrize(
    ("purpose", "link", "posts"),
    [(Purpose.TROUBLE, None, 1), (Purpose.DIGEST, None, 1), (Purpose.APPROVAL, LINK, 2)],
)
def test_what_asks_one_person_goes_out_for_each(vendor, purpose, link, posts, means: Means):
    """The same news is posted once; a request with a link of one's own is not the same."""
    memo = replace(MESSAGE, purpose=purpose, data={"subject": "a", "ack_link": link})
    with robot(vendor) as side:
        one = channel_to(vendor, side.url, group=True)
        one.send(memo, means)
        one.send(of("李四", memo), means)
    assert len(side.taken) == posts


def test_what_a_group_was_told_is_forgotten_after_a_day(means: Means):
    """The memory does not grow for ever."""
    with robot("wecom") as side:
        one = channel_to("wecom", side.url, group=True)
        one.send(MESSAGE, means)
        one.send(of("李四", with_facts(transition="b"), at=NOW + timedelta(days=2)), means)
        one.send(of("王五五"), means)
    assert len(side.taken) == 3


@given(st.text(max_size=300), st.integers(40, 400), st.sampled_from([None, LINK[:30]]))
def test_a_cut_text_fits_and_breaks_no_character(text: str, most: int, link: str | None):
    """Whatever the words are; what is shorter stays as it is."""
    done = cut(text, most, link)
    assert len(done.encode()) <= most
    if len(text.encode()) <= most:
        assert done == text
    else:
        assert done.endswith(f"……\n{link}" if link else "……")
        assert text.startswith(done.rpartition("……")[0])


@pytest.mark.parametrize("before", range(10, 60))
def test_a_link_is_never_cut_in_two(before: int):
    """It stands whole behind the mark, and nowhere in part."""
    done = cut(f"{'雨' * before}{LINK}{'雨' * 99}", 160, LINK)
    assert done.endswith(LINK)
    assert done.replace(LINK, "").count("http") == 0


@vendors
@pytest.mark.parametrize("text", ["暴雨" * 9_000, '"\n' * 20_000, "🔥" * 5_000])
def test_a_long_text_fits_and_points_to_the_rest(vendor: Vendor, text: str, means: Means):
    """The vendor takes it, with the link at its end."""
    with robot(vendor) as side:
        channel_to(vendor, side.url).send(replace(asked(), text=text), means)
    assert LINK in json.dumps(side.taken)
    assert "……" in json.dumps(side.taken, ensure_ascii=False)


def test_facts_beside_the_code_do_not_matter():
    """The first known key counts, also where the status is an error."""
    answer = Answer(status=400, headers={}, body=b'{"code":19001,"StatusCode":0}', elapsed_s=0.0)
    with pytest.raises(DeliveryError) as caught:
        judge_code(answer, ("code", "StatusCode"), feishu.CODES, NOW)
    assert caught.value.gateway
