"""HTTP as text."""

import pytest

from alerts.outgoing.wire import BadAddress, head_of, request, target_of


@pytest.mark.parametrize(
    ("url", "origin", "begin"),
    [
        ("http://a.cn", "http://a.cn:80", "POST / HTTP/1.1\r\nhost: a.cn\r\n"),
        ("https://a.cn:8443/x?y=1", "https://a.cn:8443", "POST /x?y=1 HTTP/1.1\r\nhost: a.cn:8443\r\n"),
        ("https://a.cn:443/%41 b", "https://a.cn:443", "POST /%41%20b HTTP/1.1\r\nhost: a.cn\r\n"),
        ("http://[::1]:8/值", "http://[::1]:8", "POST /%E5%80%BC HTTP/1.1\r\nhost: [::1]:8\r\n"),
        ("http://u:p@a.cn/", "http://a.cn:80", "POST / HTTP/1.1\r\nhost: a.cn\r\n"),
        ("http://中国.cn/", "http://xn--fiqs8s.cn:80", "POST / HTTP/1.1\r\nhost: xn--fiqs8s.cn\r\n"),
    ],
)
def test_an_address_is_taken_apart(url: str, origin: str, begin: str):
    """Ports and names as they go on the wire, and nothing secret in the origin."""
    target = target_of(url)
    assert (target.origin, target.begin.decode()) == (origin, begin + "accept-encoding: identity\r\n")


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://a/", "http://", "http://[::1/", "http://a:b/", "http://a b/", "http://a:99999/"]
)
def test_what_is_no_address_is_refused(url: str):
    """Without repeating it."""
    with pytest.raises(BadAddress) as caught:
        target_of(url)
    assert str(caught.value) == ""


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\n", "a\0", "值"])
def test_a_field_cannot_bring_another_with_it(value: str):
    """Line ends and what is no Latin-1 never reach the wire."""
    with pytest.raises(ValueError, match=r"line end|latin-1"):
        request(target_of("http://a/"), {"name": value}, b"")


@pytest.mark.parametrize(
    ("text", "length", "keep"),
    [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5", 5, True),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5", 5, False),
        ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive", 5, True),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close", 5, False),
        ("HTTP/1.1 200 OK", None, True),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0", None, True),
        ("HTTP/1.1 100 Continue\r\nContent-Length: 5", None, True),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5", None, True),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6", None, True),
        ("HTTP/1.1 200 OK\r\nContent-Length: -5", None, True),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\r\n b", None, True),
    ],
)
def test_only_a_plain_length_is_believed_at_once(text: str, length: int | None, keep: bool):
    """Everything else is left to the reader of the standard library."""
    head = head_of(text.encode())
    assert head is not None
    assert (head.length, head.keep) == (length, keep)


@pytest.mark.parametrize("text", ["", "HTTP/2 200", "HTTP/1.1 99 x", "SSH-2.0-x", "HTTP/1.1 2000"])
def test_what_is_no_answer_is_none(text: str):
    """Another protocol on the port."""
    assert head_of(text.encode()) is None
