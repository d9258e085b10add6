"""Which template a message goes out under, and what fills its variables."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answers.links import Claim, sign_link
from alerts.duty.people import Person
from alerts.gateways.sms_templates import (
    FACTS,
    NOTHING,
    OMITTED,
    TOKEN_CHARACTERS,
    check_facts,
    check_templates,
    fact,
    shorten,
    template_of,
)
from alerts.outgoing.delivery import Message, Purpose
from ingest.errors import DeliveryError

AT = datetime(2022, 8, 18, 1, 30, tzinfo=UTC)
OPENED = {
    "hazard": "heat",
    "reason": "opened",
    "from": "none",
    "to": "red",
    "places": {"500153001": "red", "500153002": "red"},
    "at": "2022-08-18T01:30:00+00:00",
    "onset": "2022-08-18T05:00:00+00:00",
    "expires": "2022-08-19T12:00:00+00:00",
    "ack_link": "https://fengsui.example/ack/abcdefghijklmnopqrstuv",
}


def message(
    purpose: Purpose = Purpose.ALERT, text: str = "高温红色预警建议", **facts: Any
) -> Message:
    """A message about the opening of a red, with other facts where given."""
    return Message(
        key="msg_1",
        text=text,
        recipient=Person(name="张三", phone="13800000001", channels=("sms",)),
        subsystem="flood",
        data={**OPENED, **facts},
        at=AT,
        purpose=purpose,
    )


KEYS = ["heat.opened", "heat.red", "opened", "red", "default"]


@pytest.mark.parametrize("missing", range(len(KEYS)))
def test_the_most_specific_key_wins(missing: int):
    """Hazard before reason before level before the rest."""
    templates = {key: f"id of {key}" for key in KEYS[missing:]}
    assert template_of(templates, message()) == f"id of {KEYS[missing]}"


DRILL_KEYS = [f"exercise.{key}" for key in KEYS[:-1]] + ["exercise"]


@pytest.mark.parametrize("missing", range(len(DRILL_KEYS)))
def test_a_drill_has_keys_of_its_own(missing: int):
    """In the same order, whatever real templates there are."""
    templates = {key: f"id of {key}" for key in [*KEYS, *DRILL_KEYS[missing:]]}
    assert template_of(templates, message(exercise="storm")) == f"id of {DRILL_KEYS[missing]}"


def test_a_drill_never_goes_out_under_a_real_template():
    """Without one of its own it does not go out at all."""
    with pytest.raises(DeliveryError, match="drill") as caught:
        template_of(dict.fromkeys(KEYS, "1"), message(exercise="storm"))
    assert not caught.value.retry


def test_a_drill_without_a_name_is_a_drill():
    """An empty name is not taken for none."""
    with pytest.raises(DeliveryError, match="drill"):
        template_of({"default": "1"}, message(exercise=""))


@pytest.mark.parametrize("hazard", ["exercise", "heat"])
def test_a_real_message_never_goes_out_under_a_template_for_drills(hazard: str):
    """Not even where a hazard is called like one."""
    with pytest.raises(DeliveryError, match="no template fits") as caught:
        template_of(dict.fromkeys(DRILL_KEYS, "1"), message(hazard=hazard))
    assert not caught.value.retry


def test_what_is_no_change_goes_by_its_purpose():
    """A memo has no reason and no level."""
    memo = message(Purpose.TROUBLE, hazard=None, reason=None, to=None)
    assert template_of({"trouble": "7", "red": "8", "default": "9"}, memo) == "7"


def test_an_end_is_found_by_its_reason_or_by_none():
    """After the end there is no level."""
    assert template_of({"none": "1", "default": "2"}, message(reason="ended", to="none")) == "1"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("level", "红色"),
        ("hazard", "heat"),
        ("towns", "2个镇街"),
        ("time", "8月18日09时30分"),
        ("until", "8月19日20时"),
        ("token", "abcdefghijklmnopqrstuv"),
        ("subsystem", "flood"),
        ("text", "高温红色预警建议"),
        ("title", "高温红色预警建议"),
        ("exercise", NOTHING),
    ],
)
def test_each_fact(name: str, words: str):
    """Moments are in Beijing time."""
    assert fact(name, message()) == words


def test_every_fact_is_tested():
    """The vocabulary is fixed and small."""
    assert len(FACTS) == 10
    assert all(fact(name, message()) for name in FACTS)


@pytest.mark.parametrize(
    ("name", "facts", "words"),
    [
        ("hazard", {"hazard_name": "高温"}, "高温"),
        ("towns", {"towns": "昌元街道、昌州街道"}, "昌元街道、昌州街道"),
        ("subsystem", {"subsystem_name": "防汛"}, "防汛"),
        ("level", {"to": "none"}, "解除"),
        ("exercise", {"exercise": "2026汛前演练"}, "2026汛前演练"),
        ("title", {"title": "高温红色"}, "高温红色"),
    ],
)
def test_names_for_people_come_before_ids(name: str, facts: dict[str, Any], words: str):
    """Where the message knows them."""
    assert fact(name, message(**facts)) == words


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("level", {"to": None}),
        ("hazard", {"hazard": None}),
        ("towns", {"places": {}}),
        ("until", {"expires": None}),
        ("until", {"expires": "soon"}),
        ("until", {"expires": "2022-08-19T12:00:00"}),
        ("token", {"ack_link": None}),
    ],
)
def test_a_missing_fact_is_said_to_be_missing(name: str, facts: dict[str, Any]):
    """A gateway would refuse an empty variable, and the warning with it."""
    assert fact(name, message(**facts)) == NOTHING


@pytest.mark.parametrize(
    ("name", "longest", "words"),
    [
        ("time", 10, "18日09时30分"),
        ("time", 6, "09:30"),
        ("until", 7, "19日20时"),
        ("until", 6, "19日20时"),
        ("towns", 5, "2个镇街"),
    ],
)
def test_a_fact_takes_its_longest_form_that_fits(name: str, longest: int, words: str):
    """Six characters are enough for a day and an hour."""
    told = message(towns="昌元街道、昌州街道等镇街")
    assert fact(name, told, longest) == words


def test_a_rounded_end_is_not_before_the_true_one():
    """And keeps its day, or it would be read as today."""
    assert fact("until", message(expires="2022-08-19T12:10:00+00:00"), 6) == "19日21时"
    assert fact("until", message(expires="2022-08-19T15:10:00+00:00"), 6) == "20日00时"


def test_a_token_is_never_cut():
    """Half a token opens nothing."""
    with pytest.raises(DeliveryError, match="token") as caught:
        fact("token", message(), 21)
    assert not caught.value.retry


def test_tokens_have_the_length_that_is_reckoned_with():
    """The links of acknowledgement say so themselves."""
    claim = Claim(alert="a", transition="b", subsystem="c", person="d", expires_at=AT)
    link = sign_link("https://fengsui.example", b"k" * 32, claim)
    assert len(fact("token", message(ack_link=link))) == TOKEN_CHARACTERS


def test_no_variable_holds_an_address():
    """Gateways refuse those; the token has a variable of its own."""
    told = message(text="红色预警，请确认：https://fengsui.example/ack/abc。谢谢")
    assert fact("text", told) == "红色预警，请确认：。谢谢"
    assert fact("title", told) == "红色预警，请确认："


@pytest.mark.parametrize(
    ("text", "longest", "short"),
    [
        ("红色预警", 4, "红色预警"),
        ("高温红色预警", 4, "高温红色"),
        ("最高41.3℃", 5, "最高"),
        ("最高41.3℃", 7, "最高41.3℃"),
        ("昌元街道、昌州街道", 5, "昌元街道"),
        ("heat wave", 6, "heat"),
        ("至14:30止", 4, "至"),
        ("327.5毫米", 4, OMITTED),
        ("50153001", 6, OMITTED),
    ],
)
def test_a_text_is_cut_between_words_and_not_inside_a_number(text: str, longest: int, short: str):
    """Half a number is another number."""
    assert shorten(text, longest) == short


@given(st.text("红色暴雨、，。 0123456789.:abc%℃", min_size=1), st.integers(1, 40))
def test_a_cut_text_keeps_its_numbers_whole(text: str, longest: int):
    """Whatever the text: the numbers left are the first of those that were there."""
    short = shorten(text, longest)
    assert len(short) <= longest
    numbers = re.findall(r"\d+(?:\.\d+)*", text)
    left = re.findall(r"\d+(?:\.\d+)*", short)
    assert left == numbers[: len(left)]


@pytest.mark.parametrize("templates", [{}, {"": "1"}, {"default": " "}])
def test_templates_without_sense_are_refused(templates: dict[str, str]):
    """When the configuration is read, not when the first warning goes out."""
    with pytest.raises(ValueError, match="templates"):
        check_templates(templates)


@pytest.mark.parametrize(
    ("names", "longest", "match"),
    [
        (["colour"], None, "no fact"),
        (["token"], 6, "22 characters"),
        (["level"], 0, "at least 1"),
    ],
)
def test_facts_that_cannot_be_given_are_refused(names: list[str], longest: int | None, match: str):
    """When the configuration is read."""
    with pytest.raises(ValueError, match=match):
        check_facts(names, longest)


def test_every_fact_may_be_asked_for():
    """Without a limit, or with one that a token fits in."""
    check_facts(FACTS, None)
    check_facts(FACTS, TOKEN_CHARACTERS)


@pytest.mark.parametrize(
    "told",
    [message(reason="data_lost"), message(reason="data_found"), message(Purpose.TROUBLE, reason="")],
)
def test_what_is_no_alert_never_goes_out_under_the_template_of_a_level(told: Message):
    """Lost data while a red stands is not a red alert, nor is a trouble at that level."""
    assert template_of({"red": "alert", "heat.red": "alert", "default": "plain"}, told) == "plain"
