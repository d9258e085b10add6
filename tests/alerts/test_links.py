"""Acknowledgement links: whose they are, until when, and that nobody can make one up."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.answers.links import BadLink, Claim, read_token, sign_link
from ingest.errors import ConfigMistake
from ingest.times import BEIJING

KEY = "0123456789abcdef" * 2
NOW = datetime(2022, 8, 18, 1, 0, tzinfo=UTC)
CLAIM = Claim(
    alert="heat-1",
    transition="heat-1.2",
    subsystem="epidemic",
    person="张三",
    expires_at=NOW + timedelta(hours=6),
)

OTHER = Claim(**{**vars(CLAIM), "subsystem": "health"})


def link(
    claim: Claim = CLAIM, base: str = "https://fengsui.example", key: bytes | str = KEY
) -> str:
    """The link of a claim."""
    return sign_link(base, key, claim)


def token(claim: Claim = CLAIM) -> str:
    """The token of a claim."""
    return link(claim).rsplit("/", 1)[1]


def test_a_link_says_who_may_answer_what():
    """What was signed is read back, names in Chinese included."""
    assert read_token(KEY, token(), [OTHER, CLAIM], NOW) == CLAIM


@pytest.mark.parametrize("base", ["http://10.0.0.5:8080", "http://10.0.0.5:8080/"])
def test_a_link_has_one_shape(base):
    """The token is one short path segment without characters that a message would break at."""
    assert re.fullmatch(r"http://10\.0\.0\.5:8080/ack/[A-Za-z0-9_-]{22}", link(base=base))


def test_the_same_claim_gives_the_same_link():
    """A repeat after a crash carries the same words; another zone is the same moment."""
    local = {**vars(CLAIM), "expires_at": CLAIM.expires_at.astimezone(BEIJING)}
    assert link(Claim(**local)) == link()


@pytest.mark.parametrize(("seconds", "valid"), [(-1, True), (0, False), (1, False)])
def test_a_link_ends_at_its_expiry(seconds, valid):
    """At the moment of expiry it is refused, a second before it holds."""
    now = CLAIM.expires_at + timedelta(seconds=seconds)
    if valid:
        assert read_token(KEY, token(), [OTHER, CLAIM], now) == CLAIM
    else:
        with pytest.raises(BadLink, match=r"已过期.*expired"):
            read_token(KEY, token(), [OTHER, CLAIM], now)


@pytest.mark.parametrize("text", ["", ".", "abc", "a.b", "..", "雨", "\udcff", "." + "A" * 43])
def test_what_is_no_token_is_refused(text):
    """The officer reads a sentence in Chinese, then in English."""
    with pytest.raises(BadLink, match=r"无效.*not valid"):
        read_token(KEY, text, [OTHER, CLAIM], NOW)


@given(st.data())
def test_a_changed_token_is_refused(data):
    """No single character can be changed, left out or doubled."""
    whole = token()
    at = data.draw(st.integers(0, len(whole) - 2))
    other = data.draw(st.sampled_from(["", whole[at] * 2, "A" if whole[at] != "A" else "B"]))
    with pytest.raises(BadLink):
        read_token(KEY, whole[:at] + other + whole[at + 1 :], [OTHER, CLAIM], NOW)


def test_another_key_is_another_house():
    """A token signed elsewhere is refused, and so is ours after the key was changed."""
    with pytest.raises(BadLink):
        read_token(KEY[::-1], token(), [OTHER, CLAIM], NOW)


@pytest.mark.parametrize("key", ["", "short", b"x" * 15])
def test_a_short_key_is_refused(key):
    """The sentence says how to make a good one and does not repeat the bad one."""
    with pytest.raises(ConfigMistake, match="openssl rand") as caught:
        link(key=key)
    assert "short" not in str(caught.value)


@pytest.mark.parametrize("part", ["alert", "transition", "subsystem", "person"])
def test_every_part_of_a_claim_is_signed(part):
    """A link for one call opens no other."""
    changed = Claim(**{**vars(CLAIM), part: "another"})
    with pytest.raises(BadLink):
        read_token(KEY, token(), [changed], NOW)


def test_a_naive_expiry_is_refused():
    """A moment without a zone is no moment."""
    with pytest.raises(ValueError, match="time zone"):
        link(Claim(**{**vars(CLAIM), "expires_at": datetime(2022, 8, 18)}))
