import gzip
import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from importlib.metadata import version
from random import Random
from typing import Any

import pytest
import urllib3
from simulators.open_meteo import (
    Misbehaviour,
    OpenMeteoServer,
    body,
    cut_off,
    drip,
    drip_headers,
    hang,
    hang_up,
    huge,
    redirect,
    status,
    truncated,
)

from ingest.answers import Refused, Unreachable, host_of, redirect_target, retry_after
from ingest.errors import BadPayload, SourceError
from ingest.http import HttpClient

NOW = datetime(2026, 8, 1, 6, 30, tzinfo=UTC)
QUESTION = {"latitude": "29.4", "longitude": "105.5", "hourly": "precipitation"}
SHORT = timedelta(seconds=0.4)


@pytest.fixture
def server() -> Iterator[OpenMeteoServer]:
    """A server that behaves until told otherwise."""
    with OpenMeteoServer(now=NOW) as running:
        yield running


@pytest.fixture
def http() -> Iterator[HttpClient]:
    """A client that does not really pause between attempts."""
    with HttpClient(sleep=lambda seconds: None, random=Random(7)) as client:
        yield client


def ask(
    http: HttpClient, server: OpenMeteoServer, deadline: timedelta = timedelta(seconds=20)
) -> object:
    """One question with a key in its query."""
    return http.get_json(server.url, QUESTION | {"apikey": "s3cret"}, deadline=deadline)


def test_two_calls_share_one_connection(http: HttpClient, server: OpenMeteoServer):
    """A connection is kept and used again."""
    ask(http, server)
    ask(http, server)
    assert (len(server.requests), server.connections) == (2, 1)


def test_a_client_opens_nothing_until_it_is_asked(server: OpenMeteoServer):
    """Making and closing a client reaches no network."""
    with HttpClient():
        pass
    assert server.connections == 0


def test_a_closed_client_opens_anew(http: HttpClient, server: OpenMeteoServer):
    """Closing is no end: the next call has a connection of its own."""
    ask(http, server)
    http.close()
    ask(http, server)
    assert server.connections == 2


def test_several_threads_may_ask_at_once(http: HttpClient, server: OpenMeteoServer):
    """One client serves eight threads."""
    answers: list[object] = []
    threads = [
        threading.Thread(target=lambda: answers.append(ask(http, server))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(server.requests) == 8


@pytest.mark.parametrize("slow", [drip(), drip_headers, hang], ids=["body", "headers", "silence"])
def test_a_slow_answer_is_stopped_by_the_deadline(
    http: HttpClient, server: OpenMeteoServer, slow: Misbehaviour
):
    """The deadline holds for all of a call, however the bytes are spread."""
    server.always = slow
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="did not answer in time"):
        ask(http, server, deadline=SHORT)
    assert time.monotonic() - begun < 1.5


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_too_large_is_refused(http: HttpClient, server: OpenMeteoServer, packed: bool):
    """The limit counts what arrives after decompression."""
    text = b'"' + b"a" * 200_000 + b'"'
    server.always = huge(200_000)
    if packed:
        server.always = lambda handler: handler.reply(
            200, gzip.compress(text), Content_Encoding="gzip"
        )
    with pytest.raises(BadPayload, match="more than 100000 bytes"):
        http.get_json(server.url, QUESTION, largest=100_000)


def test_an_answer_of_just_the_limit_is_taken(http: HttpClient, server: OpenMeteoServer):
    """The limit itself is allowed."""
    server.always = huge(100_000)
    assert len(str(http.get_json(server.url, QUESTION, largest=100_000))) == 99_998


@pytest.mark.parametrize("passing", [status(502), status(503), status(504), cut_off, hang_up])
def test_a_passing_error_is_tried_again(
    http: HttpClient, server: OpenMeteoServer, passing: Misbehaviour
):
    """What mends itself in a moment is not told to anybody."""
    server.once.extend([passing, passing])
    assert ask(http, server)
    assert len(server.requests) == 3


def test_a_silent_connection_is_tried_again(http: HttpClient, server: OpenMeteoServer):
    """One attempt may take half of the deadline, so that a second can follow."""
    server.once.append(hang)
    assert ask(http, server, deadline=timedelta(seconds=1))
    assert len(server.requests) == 2


@pytest.mark.parametrize("code", [502, 503, 504])
def test_three_attempts_are_enough(http: HttpClient, server: OpenMeteoServer, code: int):
    """A server that stays down is left until the next pull."""
    server.always = status(code)
    with pytest.raises(Refused) as caught:
        ask(http, server)
    assert (caught.value.status, len(server.requests)) == (code, 3)


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 501])
def test_a_final_status_is_not_tried_again(http: HttpClient, server: OpenMeteoServer, code: int):
    """A refusal stays one however often it is asked."""
    server.always = status(code)
    with pytest.raises(Refused, match=f"status {code}"):
        ask(http, server)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"<html>busy</html>", b'{"a":', b"NaN", b'{"a":NaN}', b'[-Infinity]', b"\xff\xfe",
     b"[" * 100_000, b"1" * 5000],
    ids=["empty", "blank", "html", "truncated", "nan", "nan-inside", "infinity", "bytes", "deep", "long"],
)
def test_what_is_no_json_is_a_bad_payload(
    http: HttpClient, server: OpenMeteoServer, content: bytes
):
    """One sentence with the host, at once, and without the query."""
    server.always = body(content)
    with pytest.raises(BadPayload) as caught:
        ask(http, server)
    assert server.host in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert len(server.requests) == 1


def test_json_cut_short_is_a_bad_payload(http: HttpClient, server: OpenMeteoServer):
    """Half a document is not weather."""
    server.always = truncated
    with pytest.raises(BadPayload, match="broken JSON"):
        ask(http, server)


def test_a_body_that_does_not_unpack_is_a_bad_payload(http: HttpClient, server: OpenMeteoServer):
    """Compressed rubbish is not weather."""
    server.always = lambda handler: handler.reply(200, b"rubbish", Content_Encoding="gzip")
    with pytest.raises(BadPayload, match="decompressed"):
        ask(http, server)


def test_a_pause_asked_for_is_passed_on(http: HttpClient, server: OpenMeteoServer):
    """429 is not tried in place; its Retry-After reaches the pull job."""
    server.always = status(429, Retry_After="90")
    with pytest.raises(Refused) as caught:
        ask(http, server)
    assert caught.value.retry_after == timedelta(seconds=90)
    assert len(server.requests) == 1


def test_a_long_pause_is_not_waited_for(server: OpenMeteoServer):
    """A 503 whose Retry-After lies beyond the deadline is handed back at once."""
    naps: list[float] = []
    server.always = status(503, Retry_After="600")
    with HttpClient(sleep=naps.append) as http, pytest.raises(Refused) as caught:
        ask(http, server)
    assert (caught.value.retry_after, naps) == (timedelta(minutes=10), [])


@pytest.mark.parametrize("seed", range(5))
def test_pauses_are_drawn_below_a_doubling_bound(server: OpenMeteoServer, seed: int):
    """Full jitter: anywhere from nothing to the bound, and the bound stops at the longest."""
    naps: list[float] = []
    server.always = status(503)
    short, longest = timedelta(seconds=0.1), timedelta(seconds=0.25)
    with (
        HttpClient(
            tries=5, pause=short, longest_pause=longest, random=Random(seed), sleep=naps.append
        ) as http,
        pytest.raises(Refused),
    ):
        ask(http, server)
    expected = Random(seed)
    assert naps == [expected.uniform(0, bound) for bound in (0.1, 0.2, 0.25, 0.25)]


def test_no_attempt_starts_after_the_deadline(server: OpenMeteoServer):
    """A pause that would outlast the deadline is not begun."""
    server.always = status(503)
    slow = timedelta(seconds=1000)
    with (
        HttpClient(pause=slow, longest_pause=slow, random=Random(1)) as http,
        pytest.raises(Refused),
    ):
        ask(http, server)
    assert len(server.requests) == 1


def test_a_redirect_on_the_same_host_is_followed(http: HttpClient, server: OpenMeteoServer):
    """A moved path costs nothing."""
    server.once.append(redirect("/v2/forecast?latitude=1&longitude=2&hourly=precipitation"))
    assert ask(http, server)
    assert [seen.path for seen in server.requests] == ["/v1/forecast", "/v2/forecast"]


def test_a_redirect_to_another_host_is_refused(http: HttpClient, server: OpenMeteoServer):
    """The query and its key go nowhere the configuration does not name."""
    server.always = redirect("http://customer-api.example/v1/forecast?apikey=s3cret")
    with pytest.raises(SourceError, match=r"redirects to http://customer-api\.example") as caught:
        ask(http, server)
    assert "s3cret" not in str(caught.value)


def test_circles_end(http: HttpClient, server: OpenMeteoServer):
    """A server that sends us round is left alone."""
    server.always = redirect("/v1/forecast")
    with pytest.raises(SourceError, match="circles"):
        ask(http, server)
    assert len(server.requests) == 3


def test_a_redirect_that_leaves_tls_is_refused():
    """A key sent over TLS is not sent again without it."""
    with pytest.raises(SourceError, match="not followed"):
        redirect_target("https://a.example/x", "http://a.example/x")


def defective_header(handler: Any) -> None:
    """An answer with a header line that is none."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nno header\r\n\r\n{}")


@pytest.mark.parametrize("answer", [None, status(503), defective_header, hang_up])
def test_a_key_in_the_query_is_never_logged(
    http: HttpClient, server: OpenMeteoServer, answer: Misbehaviour | None,
    caplog: pytest.LogCaptureFixture,
):
    """The library's own lines, which hold whole URLs, are not written at any level."""
    caplog.set_level(logging.DEBUG)
    server.always = answer
    with suppress(SourceError):
        ask(http, server)
    assert server.requests
    assert "s3cret" not in caplog.text


@pytest.mark.parametrize(
    "answer", [None, status(503), status(403), defective_header, hang_up, cut_off, body(b"\xff")]
)
def test_a_key_in_the_path_is_never_told(
    http: HttpClient, server: OpenMeteoServer, answer: Misbehaviour | None,
    caplog: pytest.LogCaptureFixture,
):
    """Some servers want it there: no log and no traceback holds the path."""
    caplog.set_level(logging.DEBUG)
    server.always = answer
    address = f"{server.url}/s3cret/table"
    told = []
    try:
        http.get_text(address)
    except SourceError as error:
        told.append("".join(traceback.format_exception(error)))
    assert server.requests
    assert "s3cret" not in str([caplog.text, *told])


@pytest.mark.parametrize(
    ("content", "text"), [(b"a,b\n", "a,b\n"), ("\ufeff镇".encode(), "镇"), (b"", "")]
)
def test_a_text_is_told_as_it_is(
    http: HttpClient, server: OpenMeteoServer, content: bytes, text: str
):
    """UTF-8, with or without the mark that some programs put first."""
    server.always = body(content)
    assert http.get_text(server.url) == text


def test_what_is_no_utf8_is_a_bad_payload(http: HttpClient, server: OpenMeteoServer):
    """One sentence with the host."""
    server.always = body("镇".encode("gbk"))
    with pytest.raises(BadPayload, match=r"127\.0\.0\.1:\d+ sent no text in UTF-8"):
        http.get_text(server.url)


def test_a_text_too_large_is_refused(http: HttpClient, server: OpenMeteoServer):
    """The limit holds for texts as well."""
    server.always = huge(1001)
    assert len(http.get_text(server.url, largest=1001)) == 1001
    with pytest.raises(BadPayload, match="more than 1000 bytes"):
        http.get_text(server.url, largest=1000)


def test_nobody_listening_is_unreachable(http: HttpClient):
    """A refused connection names the host and the remedy."""
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 cannot be reached"):
        http.get_json("http://127.0.0.1:1/v1", {"apikey": "s3cret"})


@pytest.mark.parametrize("url", ["nonsense", "ftp://127.0.0.1/x", "http:///x"])
def test_an_address_that_is_none_is_a_source_error(http: HttpClient, url: str):
    """A mistyped address ends in a sentence, not in the library's error."""
    with pytest.raises(SourceError, match="no valid address"):
        http.get_json(url, {})


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "120"}, timedelta(minutes=2)),
        ({"retry-after": "999999999999"}, timedelta(days=1)),
        ({"retry-after": "Sat, 01 Aug 2026 06:31:00 GMT"}, None),
        (
            {
                "retry-after": "Sat, 01 Aug 2026 06:31:00 GMT",
                "date": "Sat, 01 Aug 2026 06:30:00 GMT",
            },
            timedelta(minutes=1),
        ),
        (
            {
                "retry-after": "Sat, 01 Aug 2026 06:29:00 GMT",
                "date": "Sat, 01 Aug 2026 06:30:00 GMT",
            },
            timedelta(0),
        ),
    ],
)
def test_retry_after_is_read_without_a_clock(headers: dict[str, str], pause: timedelta | None):
    """Seconds, or a date against the server's own Date; anything else is no pause."""
    assert retry_after(headers) == pause


def test_the_ledger_counts_hosts_and_days_apart():
    """What was spent yesterday, or elsewhere, does not count."""
    http = HttpClient()
    http.spend("a.example", date(2026, 8, 1), 1.5)
    http.spend("a.example", date(2026, 8, 1), 2)
    assert http.spent("a.example", date(2026, 8, 1)) == 3.5
    assert http.spent("a.example", date(2026, 8, 2)) == 0
    assert http.spent("b.example", date(2026, 8, 1)) == 0


@pytest.mark.parametrize(
    ("url", "host"),
    [("https://me:pw@a.example:8443/x?k=1", "a.example:8443"), ("nonsense", ""), ("http://[::1/", "")],
)
def test_a_host_is_all_that_is_shown_of_an_address(url: str, host: str):
    """No user, password, path or query."""
    assert host_of(url) == host


def test_environment_proxies_are_ignored(
    server: OpenMeteoServer, http: HttpClient, monkeypatch: pytest.MonkeyPatch
):
    """The environment is no second configuration."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(http, server)


def test_cookies_are_not_kept(server: OpenMeteoServer, http: HttpClient):
    """One call tells the next nothing."""
    server.once.append(lambda handler: handler.reply(200, b"{}", Set_Cookie="id=1; Path=/"))
    ask(http, server)
    ask(http, server)
    assert "cookie" not in server.requests[1].headers


def test_urllib3_is_the_one_that_was_installed():
    """No other package has overwritten it in place."""
    assert vars(urllib3)["__version__"] == version("urllib3")
