"""What people read when an alert is over, for every hazard of the district: how high, how long, and why."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import AT, NONE, ORANGE, RED, change
from stage import district

from alerts.event.transition import UNCONFIRMED, Reason, Transition
from alerts.wording.texts import Texts

HAZARDS = sorted(district().hazards)
both = pytest.mark.parametrize("language", ["zh", "en"])
every_hazard = pytest.mark.parametrize("hazard", HAZARDS)


def said(made: Transition, language: str) -> str:
    """The message, in the words of the district."""
    config = district()
    conducts = {name: block.conduct for name, block in config.hazards.items()}
    texts = Texts(templates=config.texts, district=config.district, conducts=conducts)
    names = dict.fromkeys(config.district.place_ids[:2], RED)
    placed = replace(made, places=names if made.to_level else {}, figures={})
    return texts.render(
        placed, language=language, subsystem="x", role="inform", task="", ack_link=None
    )


@both
@every_hazard
def test_an_end_tells_peak_and_duration(hazard: str, language: str):
    """Whatever the hazard, its measure and its unit."""
    over = change(
        Reason.ENDED, hazard=hazard, from_level=ORANGE, to_level=NONE, peak_level=RED, peak_value=123.0,
        at=AT + timedelta(days=2, hours=3), changed={},
    )  # fmt: skip
    text = said(over, language)
    for word in ("123", *(("红色", "2天3小时") if language == "zh" else ("red", "2 days 3 hours"))):
        assert word in text


@both
@every_hazard
@pytest.mark.parametrize("reason", [Reason.CORRECTED, Reason.CANCELLED])
def test_a_correction_and_a_withdrawal_tell_why_and_by_whom(hazard: str, language: str, reason: Reason):
    """The reason as the person gave it."""
    level = NONE if reason is Reason.CANCELLED else ORANGE
    told = change(reason, hazard=hazard, from_level=RED, to_level=level, note="测站故障（张三）", changed={})
    assert "测站故障（张三）" in said(told, language)


@both
@pytest.mark.parametrize(
    "reason", [Reason.OPENED, Reason.RAISED, Reason.SPREAD, Reason.EXTENDED]
)
def test_what_nobody_approved_says_so_first(language: str, reason: Reason):
    """Before anything else, and only there."""
    first = "【未经确认】" if language == "zh" else "[UNCONFIRMED"
    assert said(change(reason, note=UNCONFIRMED), language).startswith(first)
    assert first not in said(change(reason), language)
