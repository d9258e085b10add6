"""SMS over Tencent Cloud, against a gateway that verifies every signature and time stamp."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simulators.receiver import Conduct, MisbehavingReceiver
from simulators.tencent import APP, SECRET_ID, SECRET_KEY, SIGN_NAME, TencentGateway

from alerts.channels.tencent_sms import MOST_NUMBERS, MOST_PULLS, TencentSms
from alerts.duty.people import Person
from alerts.gateways.endings import Ending
from alerts.gateways.tencent_codes import CODES, refusal
from alerts.outgoing.delivery import (
    Asking,
    Batching,
    Hearing,
    Means,
    Message,
    Sign,
    Taken,
)
from alerts.outgoing.post import Post
from ingest.errors import DeliveryError
from ingest.secret import Secret

AT = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
PHONES = [f"1380000{number:04d}" for number in range(1000)]
ID, KEY = Secret(env="TENCENT_ID"), Secret(env="TENCENT_KEY")
REVEALED = {"TENCENT_ID": SECRET_ID, "TENCENT_KEY": SECRET_KEY}


def message(phone: str = PHONES[1], key: str = "msg_1", **facts: Any) -> Message:
    """A message about the opening of a red."""
    data = {"hazard": "heat", "reason": "opened", "to": "red", "places": {"a": "red"}, **facts}
    return Message(
        key=key,
        text="高温红色预警建议",
        recipient=Person(name="张三", phone=phone, channels=("sms",)),
        subsystem="flood",
        data=data,
        at=AT,
    )


def sms(url: str = "http://127.0.0.1:9/", **keys: Any) -> TencentSms:
    """A channel with one template of fixed words."""
    told: dict[str, Any] = {"templates": {"default": "1110"}, "endpoint": url, **keys}
    told = {"sdk_app_id": APP, "sign_name": SIGN_NAME, "deadline": timedelta(seconds=5), **told}
    return TencentSms(secret_id=ID, secret_key=KEY, **told)


@pytest.fixture
def gateway():
    """The vendor, whose clock says what ours says."""
    with TencentGateway(lambda: AT) as gateway:
        yield gateway


@pytest.fixture
def means(tmp_path):
    """What channels may use."""
    with Post() as post:
        yield Means(post=post, folder=tmp_path, reveal=lambda secret: REVEALED[secret.env or ""])


def test_the_channel_keeps_every_contract():
    """It batches, can be asked and can be told."""
    assert isinstance(sms(), Batching)
    assert isinstance(sms(), Asking)
    assert isinstance(sms(), Hearing)


def test_a_message_is_taken(gateway: TencentGateway, means: Means):
    """Its serial number is the reference, and its parts are told."""
    taken = sms(gateway.url).send(message(), means)
    assert taken == Taken(reference="2640:000000000000000000000000001", detail="1 条短信")
    assert gateway.delivered == [(f"+86{PHONES[1]}", "1110", ())]


def test_a_message_that_goes_alone_takes_its_key_along(gateway: TencentGateway, means: Means):
    """So that its receipt names it."""
    sms(gateway.url).send(message(key="msg_77"), means)
    assert gateway.requests[0][1]["SessionContext"] == "msg_77"


def test_the_request_equals_that_of_the_vendors_own_sdk(means: Means):
    """Byte for byte, as captured: its body, and the headers that matter."""
    told = message("13800000000", "alert-1", title="荣昌区")
    with MisbehavingReceiver() as receiver, pytest.raises(DeliveryError):
        sms(receiver.url("/"), parameters=("title", "level")).send(told, means)
    seen = receiver.seen[0]
    assert seen.body == (
        b'{"PhoneNumberSet": ["+8613800000000"], "SmsSdkAppId": "1400000000", "TemplateId": "1110", '
        b'"SignName": "\\u8363\\u660c\\u6c14\\u8c61", "TemplateParamSet": '
        b'["\\u8363\\u660c\\u533a", "\\u7ea2\\u8272"], "SessionContext": "alert-1"}'
    )
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-tc-action"] == "SendSms"
    assert seen.headers["x-tc-region"] == "ap-guangzhou"


def test_numbers_with_the_same_words_share_a_request(gateway: TencentGateway, means: Means):
    """One request, and each its own serial number."""
    taken = sms(gateway.url).send_many([message(phone) for phone in PHONES[:200]], means)
    assert len(gateway.requests) == 1
    assert len({one.reference for one in taken}) == 200
    assert "SessionContext" not in gateway.requests[0][1]


def test_outcomes_are_found_by_number(gateway: TencentGateway, means: Means):
    """The order of the answer is not promised."""
    gateway.refuse = {
        PHONES[1]: "LimitExceeded.PhoneNumberDailyLimit",
        PHONES[2]: "InternalError.Timeout",
        PHONES[3]: "FailedOperation.InsufficientBalanceInSmsPackage",
    }
    outcomes = sms(gateway.url).send_many([message(phone) for phone in PHONES[:5]], means)
    told = [
        (type(one), getattr(one, "retry", None), getattr(one, "gateway", None)) for one in outcomes
    ]
    assert told == [
        (Taken, None, None),
        (DeliveryError, False, False),
        (DeliveryError, True, False),
        (DeliveryError, False, True),
        (Taken, None, None),
    ]


def test_other_words_go_in_another_request(gateway: TencentGateway, means: Means):
    """By template and by values, the most urgent first."""
    gateway.templates = {"1": 1, "2": 1}
    own = sms(gateway.url, templates={"red": "1", "default": "2"}, parameters=("level",))
    levels = ["red", "orange", "red", "yellow"]
    outcomes = own.send_many(
        [message(p, to=to) for p, to in zip(PHONES, levels, strict=False)], means
    )
    assert all(isinstance(one, Taken) for one in outcomes)
    sent = [
        (r["TemplateId"], r["TemplateParamSet"], len(r["PhoneNumberSet"]))
        for _, r in gateway.requests
    ]
    assert sent == [("1", ["红色"], 2), ("2", ["橙色"], 1), ("2", ["黄色"], 1)]


def test_trap_1_one_failing_request_does_not_keep_the_others(gateway: TencentGateway, means: Means):
    """The first of three is refused as a whole; the second and third still go out."""
    gateway.failures = ["InternalError.Timeout"]
    levels = ["red", "orange", "yellow"]
    own = sms(gateway.url, parameters=("level",))
    gateway.templates = {"1110": 1}
    outcomes = own.send_many(
        [message(p, to=to) for p, to in zip(PHONES, levels, strict=False)], means
    )
    assert [isinstance(one, Taken) for one in outcomes] == [False, True, True]


def test_a_number_twice_in_a_batch_goes_in_two_requests(gateway: TencentGateway, means: Means):
    """Outcomes are told by number, so each must be able to have its own."""
    outcomes = sms(gateway.url).send_many([message(key="a"), message(key="b")], means)
    assert [request["SessionContext"] for _, request in gateway.requests] == ["a", "b"]
    assert len({one.reference for one in outcomes}) == 2


@pytest.mark.parametrize("number", ["", "02346730000", "1380000", "138000000012", "+85251234567"])
def test_a_bad_number_does_not_spoil_the_batch(number: str, gateway: TencentGateway, means: Means):
    """It is final for itself, and nobody else."""
    outcomes = sms(gateway.url).send_many([message(number), message()], means)
    assert isinstance(outcomes[0], DeliveryError)
    assert not outcomes[0].retry
    assert isinstance(outcomes[1], Taken)


def test_a_number_of_which_nothing_is_said_is_tried_again(means: Means):
    """Silence is no success."""
    body = json.dumps({"Response": {"SendStatusSet": [], "RequestId": "r"}}).encode()
    with (
        MisbehavingReceiver(Conduct(body=body)) as receiver,
        pytest.raises(DeliveryError) as caught,
    ):
        sms(receiver.url("/")).send(message(), means)
    assert caught.value.retry


@pytest.mark.parametrize(
    ("names", "most"), [((), 200), (("level", "until"), 200), (("subsystem",), 1), (("text",), 1)]
)
def test_words_for_one_person_are_not_batched(names: tuple[Any, ...], most: int):
    """They would be one request each, one after the other."""
    assert sms(parameters=names).batch == most
    assert sms(own_parameters={"1110": names}).batch == most
    assert MOST_NUMBERS == 200


def test_values_stand_in_the_order_of_the_template(gateway: TencentGateway, means: Means):
    """{1}, {2}, {3} have no names."""
    gateway.templates = {"1110": 3}
    own = sms(gateway.url, parameters=("until", "level", "towns"))
    own.send(message(expires="2026-07-02T12:00:00+00:00"), means)
    assert gateway.delivered[0][2] == ("2日20时", "红色", "1个镇街")


def test_a_template_may_have_values_of_its_own(gateway: TencentGateway, means: Means):
    """A fixed text has none."""
    own = sms(gateway.url, parameters=("level",), own_parameters={"1110": ()})
    assert isinstance(own.send(message(), means), Taken)


def test_trap_11_no_variable_is_longer_than_six_characters(gateway: TencentGateway, means: Means):
    """The limit of accounts made since 2024-01-25; a number is left out rather than cut."""
    gateway.templates = {"1110": 4}
    own = sms(gateway.url, parameters=("title", "towns", "time", "until"))
    told = message(
        title="日最高气温41.3℃", places=dict.fromkeys("abc"), expires="2026-07-02T12:30:00Z"
    )
    assert isinstance(own.send(told, means), Taken)
    assert gateway.delivered[0][2] == ("日最高气温", "3个镇街", "1日18时", "2日21时")


def test_trap_11_a_limit_per_number_is_final(gateway: TencentGateway, means: Means):
    """Another attempt only makes it worse; the person's next channel is used."""
    gateway.refuse = {PHONES[1]: "LimitExceeded.PhoneNumberThirtySecondLimit"}
    with pytest.raises(DeliveryError) as caught:
        sms(gateway.url).send(message(), means)
    assert not caught.value.retry
    assert not caught.value.gateway


def test_trap_1_of_formats_a_200_with_an_error_inside_is_an_error(
    gateway: TencentGateway, means: Means
):
    """Tencent answers 200 to everything."""
    gateway.failures = ["AuthFailure.SecretIdNotFound"]
    with pytest.raises(DeliveryError, match=r"AuthFailure\.SecretIdNotFound") as caught:
        sms(gateway.url).send(message(), means)
    assert caught.value.gateway


@pytest.mark.parametrize(
    ("minutes", "taken"), [(0, True), (5, True), (-5, True), (6, False), (-6, False)]
)
def test_a_clock_more_than_five_minutes_off_is_refused(
    minutes: int, taken: bool, gateway: TencentGateway, means: Means
):
    """And the remedy says so: no other message will pass either."""
    late = replace(message(), at=AT + timedelta(minutes=minutes))
    (outcome,) = sms(gateway.url).send_many([late], means)
    assert isinstance(outcome, Taken) is taken
    assert taken or (outcome.gateway and "clock" in str(outcome))


def test_a_wrong_key_is_the_gateways_fault(gateway: TencentGateway, means: Means):
    """Its signature is verified, and its operator must mend it."""
    other = Means(post=means.post, folder=means.folder, reveal=lambda _: SECRET_ID)
    with pytest.raises(DeliveryError, match="SignatureFailure") as caught:
        sms(gateway.url).send(message(), other)
    assert caught.value.gateway


def test_no_error_tells_a_number_a_key_or_the_vendors_words(gateway: TencentGateway, means: Means):
    """The vendor repeats the number in its message."""
    gateway.refuse = {PHONES[1]: "FailedOperation.PhoneNumberInBlacklist"}
    outcomes = sms(gateway.url).send_many([message(), message("12")], means)
    gateway.failures = ["InternalError"]
    outcomes += sms(gateway.url).send_many([message()], means)
    assert len(outcomes) == 3
    for hidden in (PHONES[1], SECRET_ID, SECRET_KEY, "about", "said"):
        assert not any(hidden in str(one) for one in outcomes)


def test_the_channel_prints_no_secret():
    """It holds only where they are."""
    assert SECRET_KEY not in repr(sms(callback=Secret(env="TENCENT_KEY")))


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_documented_code_has_its_ending(code: str, gateway: TencentGateway, means: Means):
    """As told for one number, and as told for the whole call."""
    ending = CODES[code][0]
    gateway.refuse = {PHONES[1]: code}
    gateway.failures = ["", code]
    for _ in range(2):
        with pytest.raises(DeliveryError) as caught:
            sms(gateway.url).send(message(), means)
        assert code in str(caught.value)
        assert caught.value.retry is (ending is Ending.RETRY)
        assert caught.value.gateway is (ending is Ending.FAIL_OVER)


FAMILIES = {
    Ending.FINAL: "LimitExceeded.PhoneNumber FailedOperation.PhoneNumber MissingParameter",
    Ending.RETRY: "RequestLimitExceeded InternalError.Timeout ResourceUnavailable",
    Ending.FAIL_OVER: "AuthFailure UnauthorizedOperation FailedOperation.InsufficientBalance",
}


@pytest.mark.parametrize(
    ("family", "ending"),
    [(family, ending) for ending, families in FAMILIES.items() for family in families.split()],
)
def test_a_family_of_codes_ends_alike(family: str, ending: Ending):
    """What is said of the family holds for each of its codes."""
    endings = {CODES[code][0] for code in CODES if code.startswith(family)}
    assert endings == {ending}


@pytest.mark.parametrize(
    ("code", "ending"),
    [
        ("AuthFailure.New", Ending.FAIL_OVER),
        ("UnauthorizedOperation.New", Ending.FAIL_OVER),
        ("InternalError.New", Ending.RETRY),
        ("RequestLimitExceeded.New", Ending.RETRY),
        ("InvalidParameterValue.New", Ending.FINAL),
        ("Brand.New", Ending.RETRY),
    ],
)
def test_a_code_that_is_not_known_ends_as_its_family(code: str, ending: Ending):
    """And an unknown family is tried again."""
    error = refusal(code)
    assert (error.retry, error.gateway) == (ending is Ending.RETRY, ending is Ending.FAIL_OVER)


@pytest.mark.parametrize("code", [None, 7, "", "13800000001 is bad", "码"])
def test_a_code_that_is_none_is_not_repeated(code: object):
    """It may hold anything."""
    assert "138" not in str(refusal(code))
    assert refusal(code).retry


def sdk(module: str) -> Any:
    """A module of the vendor's SDK; the test is skipped where it is not installed."""
    reason = "the vendor's SDK, tencentcloud-sdk-python-sms, is not installed"
    return pytest.importorskip(f"tencentcloud.{module}", reason=reason)


def test_the_table_names_every_code_of_the_vendors_own_sdk():
    """So that a new release of it shows what is new."""
    codes = sdk("sms.v20210111.errorcodes")
    documented = {value for name, value in vars(codes).items() if name.isupper()}
    assert len(documented) > 90
    assert documented <= set(CODES)


def test_the_vendors_own_sdk_is_understood_by_the_same_gateway():
    """The gateway that proves our signature accepts theirs, and theirs reads its answers."""
    credential, client_profile, http_profile = (
        sdk(f"common.{name}")
        for name in ("credential", "profile.client_profile", "profile.http_profile")
    )
    with TencentGateway(lambda: datetime.now(UTC)) as gateway:
        http = http_profile.HttpProfile(protocol="http", endpoint=gateway.host)
        profile = client_profile.ClientProfile(httpProfile=http)
        account = credential.Credential(SECRET_ID, SECRET_KEY)
        theirs = sdk("sms.v20210111.sms_client").SmsClient(account, "ap-guangzhou", profile)
        request = sdk("sms.v20210111.models").SendSmsRequest()
        request.PhoneNumberSet, request.SmsSdkAppId = ["+8613800000001"], APP
        request.TemplateId, request.SignName, request.TemplateParamSet = "1110", SIGN_NAME, []
        said = theirs.SendSms(request)
    assert said.SendStatusSet[0].Code == "Ok"
    assert len(gateway.delivered) == 1


def status(number: str = PHONES[1], **told: Any) -> dict[str, object]:
    """One status, as PullSmsSendStatus tells it."""
    usual = {
        "UserReceiveTime": 1782900010,
        "CountryCode": "86",
        "SubscriberNumber": number,
        "PhoneNumber": f"+86{number}",
        "SerialNo": "2640:1",
        "ReportStatus": "SUCCESS",
        "Description": "DELIVRD",
        "SessionContext": "msg_1",
    }
    return {**usual, **told}


REPLY = {
    "CountryCode": "86",
    "PhoneNumber": f"+86{PHONES[1]}",
    "SubscriberNumber": PHONES[1],
    "SignName": SIGN_NAME,
    "ReplyContent": "1",
    "ReplyTime": 1782900300,
}


def test_asking_brings_receipts_and_replies(gateway: TencentGateway, means: Means):
    """Matched by key, serial number and number."""
    gateway.statuses, gateway.replies = [status(), status(ReportStatus="FAIL")], [dict(REPLY)]
    intake = sms(gateway.url).ask([], means, AT)
    assert [one.sign for one in intake.receipts] == [Sign.DELIVERED, Sign.UNDELIVERED]
    first, reply = intake.receipts[0], intake.replies[0]
    assert (first.key, first.reference, first.phone) == ("msg_1", "2640:1", PHONES[1])
    assert first.at == datetime.fromtimestamp(1782900010, UTC)
    assert (reply.phone, reply.text) == (PHONES[1], "1")
    assert reply.at == datetime.fromtimestamp(1782900300, UTC)


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
def test_asking_goes_on_until_nothing_is_left(number: int, gateway: TencentGateway, means: Means):
    """A page holds a hundred."""
    gateway.statuses = [status(phone) for phone in PHONES[:number]]
    assert len(sms(gateway.url).ask([], means, AT).receipts) == number


def test_asking_comes_to_an_end(gateway: TencentGateway, means: Means):
    """Where signs come faster than they are pulled, others get their turn."""
    gateway.statuses = [status() for _ in range(100 * MOST_PULLS + 50)]
    assert len(sms(gateway.url).ask([], means, AT).receipts) == 100 * MOST_PULLS
    assert len(gateway.statuses) == 50


@pytest.mark.parametrize("good", [1, 2, 3])
def test_what_was_pulled_is_kept_when_a_later_pull_fails(
    good: int, gateway: TencentGateway, means: Means
):
    """Pulling consumes: it would never be told again."""
    gateway.statuses = [status(phone) for phone in PHONES[:150]]
    gateway.failures = [""] * good + ["RequestLimitExceeded"]
    assert len(sms(gateway.url).ask([], means, AT).receipts) == min(150, 100 * good)


def test_a_first_pull_that_fails_is_told(gateway: TencentGateway, means: Means):
    """Nothing was consumed by then."""
    gateway.failures = ["AuthFailure.TokenFailure"]
    with pytest.raises(DeliveryError) as caught:
        sms(gateway.url).ask([], means, AT)
    assert caught.value.gateway


@pytest.mark.parametrize(
    "bad", [None, 7, {}, status(ReportStatus="?"), status(PhoneNumber=None), status("12")]
)
def test_a_bad_element_of_a_pull_does_not_lose_the_good(
    bad: Any, gateway: TencentGateway, means: Means
):
    """Nor does it make an error of a page that is gone there."""
    gateway.statuses = [bad, status(), bad]
    assert len(sms(gateway.url).ask([], means, AT).receipts) == 1


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"sign_name": "【荣昌气象】"}, "without 【】"),
        ({"sign_name": " "}, "sign_name"),
        ({"templates": {}}, "templates"),
        ({"parameters": ("colour",)}, "no fact"),
        ({"parameters": ("token",)}, "22 characters"),
        ({"own_parameters": {"9": ()}}, "own_parameters"),
        ({"own_parameters": {"1110": ("colour",)}}, "no fact"),
        ({"longest": 0}, "longest"),
        ({"url": "sms.tencentcloudapi.com"}, "endpoint"),
        ({"url": "https://host/path"}, "endpoint"),
    ],
)
def test_a_block_without_sense_is_refused(keys: dict[str, Any], match: str):
    """When the configuration is read."""
    with pytest.raises(ValueError, match=match):
        sms(**keys)


def test_a_drill_never_goes_out_under_a_real_template(gateway: TencentGateway, means: Means):
    """Not even as one of a batch, and the real ones still go."""
    outcomes = sms(gateway.url).send_many([message(exercise="storm"), message(PHONES[2])], means)
    assert not outcomes[0].retry
    assert isinstance(outcomes[1], Taken)
    assert len(gateway.delivered) == 1


def test_what_there_was_no_time_for_goes_out_with_the_next_batch(means: Means):
    """A gateway that hangs costs one deadline, however many requests there are."""
    with MisbehavingReceiver(Conduct(manner="hang")) as receiver:
        own = sms(receiver.url("/"), parameters=("level",), deadline=timedelta(seconds=0.2))
        first, second = own.send_many([message(), message(to="blue")], means)
    assert first.retry_after is None
    assert (second.retry, second.retry_after) == (True, timedelta(0))
    assert len(receiver.seen) == 1
