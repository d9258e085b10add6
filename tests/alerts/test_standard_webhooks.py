"""Signatures of Standard Webhooks, proven against the reference library; a genuine request counts once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks

from alerts.gateways.standard_webhooks import (
    TOLERANCE,
    BadSignature,
    Replayed,
    Replays,
    sign,
    sign_all,
    verify,
)
from ingest.errors import ConfigMistake

KEY = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"
OLD = "whsec_ZmVuZ3N1aS1mb3JtZXItc2VjcmV0LTAwMDE="
NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
BODY = (
    b'{"type":"alert.issued","timestamp":"2026-07-01T10:00:00Z",'
    b'"data":{"identifier":"urn:oid:2.49.0.1.156.9999.2026.7.1.10.0.0"}}'
)
SAMPLE = {
    "webhook-id": "msg_sample0001",
    "webhook-timestamp": "1782900000",
    "webhook-signature": "v1,88yb84iOQdv0g5btaBvv6JZw8ZubPts+asTnRyy2La8=",
}


def test_the_published_sample_is_reproduced():
    """Signature of the sample whose values were verified with the reference library."""
    assert sign(KEY, "msg_sample0001", 1782900000, BODY) == SAMPLE["webhook-signature"]
    verify(KEY, SAMPLE, BODY, NOW)


def test_no_signature_depends_on_one_before_it():
    """The same request is signed the same, whatever was signed under either secret meanwhile."""
    first = sign(KEY, "a", 1, BODY)
    assert sign(OLD, "a", 1, BODY) != first
    sign(KEY, "b", 2, b"{}")
    assert sign(KEY, "a", 1, BODY) == first


@pytest.mark.parametrize("body", [b"{}", b"", '{"烽燧":"🔥"}'.encode()])
def test_the_reference_library_accepts_our_signature(body):
    """What we sign is verified by who wrote the specification."""
    now = datetime.now(UTC)
    stamp = int(now.timestamp())
    fields = {"webhook-id": "a", "webhook-timestamp": str(stamp)}
    fields["webhook-signature"] = sign(KEY, "a", stamp, body)
    standardwebhooks.Webhook(KEY).verify(body, fields, json_parse=False)


def test_we_accept_the_signature_of_the_reference_library():
    """What the reference library signs is verified by us."""
    signature = standardwebhooks.Webhook(KEY).sign("a", NOW, "{}")
    fields = {"webhook-id": "a", "webhook-timestamp": "1782900000"}
    verify(KEY, {**fields, "webhook-signature": signature}, b"{}", NOW)


@pytest.mark.parametrize(
    "signature",
    ["v1,AAAA {}", "{} v1,AAAA", "v1a,AAAA  {}", "{}\t"],
)
def test_one_of_several_signatures_is_enough(signature):
    """While a key is being changed a sender signs with both."""
    fields = {**SAMPLE, "webhook-signature": signature.format(SAMPLE["webhook-signature"])}
    verify(KEY, {name.title(): value for name, value in fields.items()}, BODY, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": ""},
        {"webhook-signature": "雨"},
        {"webhook-signature": SAMPLE["webhook-signature"].replace("v1,", "v1a,")},
        {"webhook-signature": SAMPLE["webhook-signature"].removeprefix("v1,")},
        {"webhook-id": "msg_sample0002"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1782900001"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "1782900000.0"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": "99999999999"},
        {"webhook-timestamp": ""},
    ],
)
def test_any_changed_field_is_refused(change):
    """Id, time stamp and signature belong together."""
    with pytest.raises(BadSignature):
        verify(KEY, {**SAMPLE, **change}, BODY, NOW)


@pytest.mark.parametrize("name", list(SAMPLE))
def test_a_missing_field_is_named(name):
    """The sentence says which field to send."""
    with pytest.raises(BadSignature, match=name):
        verify(KEY, {k: v for k, v in SAMPLE.items() if k != name}, BODY, NOW)


def test_a_changed_body_is_refused():
    """One byte more is another message."""
    with pytest.raises(BadSignature):
        verify(KEY, SAMPLE, BODY + b" ", NOW)


@pytest.mark.parametrize(("seconds", "fits"), [(-301, 0), (-300, 1), (300, 1), (301, 0)])
def test_a_time_stamp_holds_for_five_minutes(seconds, fits):
    """Either way, the fifth minute included."""
    now = NOW + timedelta(seconds=seconds)
    if fits:
        verify(KEY, SAMPLE, BODY, now)
    else:
        with pytest.raises(BadSignature, match="300 s"):
            verify(KEY, SAMPLE, BODY, now)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        KEY.removeprefix("whsec_"),
        "whsec_c2hvcnRzZWNyZXQ=",
        "whsec_" + "QUJD" * 22,
        "whsec_not base64 at all, not even nearly so",
        "whsec_雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨雨",
    ],
)
def test_a_bad_secret_is_refused_without_being_repeated(secret):
    """24 to 64 bytes behind the prefix; the sentence says how to make one."""
    with pytest.raises(ConfigMistake, match="openssl rand") as caught:
        sign(secret, "a", 0, b"")
    assert len(secret) < 8 or secret.removeprefix("whsec_") not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("secret", [KEY, OLD])
def test_the_reference_library_accepts_either_signature(secret: str):
    """Rotation as the specification means it."""
    now = datetime.now(UTC)
    stamp = int(now.timestamp())
    fields = {"webhook-id": "a", "webhook-timestamp": str(stamp)}
    fields["webhook-signature"] = sign_all((KEY, OLD), "a", stamp, BODY)
    assert standardwebhooks.Webhook(secret).verify(BODY, fields)


def test_the_reference_library_refuses_what_neither_secret_signed():
    """Two signatures are no open door."""
    stamp = int(datetime.now(UTC).timestamp())
    fields = {"webhook-id": "a", "webhook-timestamp": str(stamp)}
    fields["webhook-signature"] = sign_all((KEY, OLD), "a", stamp, BODY)
    other = standardwebhooks.Webhook("whsec_" + "QUJD" * 10)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        other.verify(BODY, fields)


def take(replays: Replays, id: str = "a", after: float = 0.0, *, fail: bool = False) -> bool:
    """Whether an id is taken so many seconds after NOW."""
    try:
        with replays.taking(id, NOW + timedelta(seconds=after)):
            if fail:
                raise OSError("disk full")
    except (Replayed, OSError):
        return False
    return True


def test_a_replay_is_refused_while_its_time_stamp_is_valid():
    """A time stamp may lie five minutes ahead: an id is kept for ten, and verify refuses it after."""
    window = 2 * TOLERANCE.total_seconds()
    replays = Replays()
    assert take(replays)
    assert not any(take(replays, after=seconds) for seconds in (0, 299, window))
    assert take(replays, "b")


def test_a_memory_of_replays_does_not_grow():
    """What no time stamp can bring back is forgotten."""
    replays = Replays()
    for number in range(1_000):
        assert take(replays, str(number), after=number)
    assert len(replays) <= 2 * TOLERANCE.total_seconds() + 1


def test_a_request_that_failed_may_come_again():
    """The sender repeats it under its id, and it is not lost."""
    replays = Replays()
    assert not take(replays, fail=True)
    assert take(replays)
    assert not take(replays)


def test_a_replay_is_known_across_threads():
    """Of many at once one is taken."""
    replays = Replays()
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: take(replays), range(200))) == 1


def test_a_clock_set_back_forgets_nothing():
    """An hour back, the id is known still."""
    replays = Replays()
    assert take(replays)
    assert not take(replays, after=-3600)
