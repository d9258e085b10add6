"""Chat robots and PagerDuty on loopback: they check keys, signatures, times and limits as the vendors do."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from alerts.duty.people import Person
from alerts.outgoing.delivery import Message
from pipeline.demo.subsystem import LoopbackServer

Vendor = Literal["dingtalk", "wecom", "feishu", "pagerduty"]
Said = tuple[int, dict[str, Any]]
HOUR_S = 3600
NOW = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
"""The moment of the vendors' published samples."""
PHONE = "13800000001"
LINK = "https://fengsui.example/ack/" + "_a-" * 7
FACTS = {
    "transition": "heat-1.1",
    "alert": "heat-1",
    "hazard": "heat",
    "reason": "raised",
    "from": "orange",
    "to": "red",
    "at": NOW.isoformat(),
    "title": "高温红色预警建议",
    "step": 0,
}


def told(*, text: str = "荣昌区气象灾害预警建议\n预计最高气温42.5℃。", **facts: object) -> Message:
    """A red heat told to one officer at NOW, with further facts."""
    return Message(
        key="heat-1.1:flood:zhang:0",
        text=text,
        recipient=Person(name="张三", phone=PHONE, channels=("robot",)),
        subsystem="flood",
        data={**FACTS, **facts},
        at=NOW,
        channel="robot",
    )


class Robot:
    """One robot of a vendor at one moment of its clock; keeps what it took.

    Parameters
    ----------
    vendor : str
        Whose manners it has.
    token : str
        Token of its address, or the routing key.
    secret : str or None
        Signing secret; None takes unsigned messages.
    now : datetime
        The vendor's clock.
    keyword : str or None
        A word that every message must hold.
    most : int
        Messages it takes before it is too fast.
    """

    def __init__(
        self,
        vendor: Vendor,
        *,
        token: str,
        secret: str | None = None,
        now: datetime,
        keyword: str | None = None,
        most: int = 20,
    ) -> None:
        self.vendor, self.token, self.secret = vendor, token, secret
        self.now, self.keyword, self.most = now, keyword, most
        self.taken: list[dict[str, Any]] = []
        self.incidents: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Robot:
        self._server = LoopbackServer(0, _handler(self))
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.stop()

    @property
    def url(self) -> str:
        """The address without the token."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.port}/robot"

    def take(self, path: str, body: bytes) -> Said:
        """Judge one request as the vendor does, and keep it where it is taken."""
        with self._lock:
            try:
                said = json.loads(body)
            except ValueError:
                said = {}
            status, answer = _MANNERS[self.vendor](self, path, said, len(body))
            if status < 300 and not answer.get("errcode", answer.get("code", 0)):
                self.taken.append(said)
            return status, answer


def _query(path: str) -> Mapping[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def _hmac(key: str, message: str) -> str:
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


def _distance(robot: Robot, stamp: str, unit: int) -> float:
    """Seconds between a time stamp and the vendor's clock."""
    if not stamp.isdigit():
        return float("inf")
    return abs(int(stamp) / unit - robot.now.astimezone(UTC).timestamp())


def _dingtalk(robot: Robot, path: str, said: dict[str, Any], size: int) -> Said:
    query = _query(path)
    content = said.get(str(said.get("msgtype")), {})
    words = str(content.get("content") or content.get("text") or "")
    refused = ""
    if robot.secret is not None:
        stamp = query.get("timestamp", "")
        if _distance(robot, stamp, 1000) > HOUR_S:
            refused = "invalid timestamp"
        elif query.get("sign") != _hmac(robot.secret, f"{stamp}\n{robot.secret}"):
            refused = "sign not match, more: [https://ding-doc.dingtalk.com/doc]"
    if query.get("access_token") != robot.token:
        return 200, {"errcode": 300005, "errmsg": "token is not exist"}
    if not refused and robot.keyword is not None and robot.keyword not in words:
        refused = "keywords not in content"
    if refused:
        return 200, {"errcode": 310000, "errmsg": refused}
    if len(robot.taken) >= robot.most:
        words = "send too fast, exceed 20 times per minute"
        return 200, {"errcode": 130101, "errmsg": words}
    if not words or (said["msgtype"] == "markdown" and not content.get("title")) or size > 20_000:
        return 200, {"errcode": 40035, "errmsg": "缺少参数"}
    return 200, {"errcode": 0, "errmsg": "ok"}


def _wecom(robot: Robot, path: str, said: dict[str, Any], size: int) -> Said:
    kind = str(said.get("msgtype"))
    content = str(said.get(kind, {}).get("content", ""))
    most = {"text": 2048, "markdown": 4096}.get(kind, 0)
    if _query(path).get("key") != robot.token:
        return 200, {"errcode": 93000, "errmsg": "invalid webhook url"}
    if len(robot.taken) >= robot.most:
        return 200, {"errcode": 45009, "errmsg": "api freq out of limit"}
    if len(content.encode()) > most:
        return 200, {"errcode": 40058, "errmsg": f"{kind}.content exceed max length {most}"}
    return 200, {"errcode": 0, "errmsg": "ok"}


def _feishu(robot: Robot, path: str, said: dict[str, Any], size: int) -> Said:
    if urlsplit(path).path.rsplit("/", 1)[-1] != robot.token:
        return 400, {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}
    if robot.secret is not None:
        stamp = said.get("timestamp", "")
        sign = _hmac(f"{stamp}\n{robot.secret}", "")
        if not isinstance(stamp, str) or _distance(robot, stamp, 1) > HOUR_S or said["sign"] != sign:
            words = "sign match fail or timestamp is not within one hour from current time"
            return 200, {"code": 19021, "msg": words, "data": {}}
    if robot.keyword is not None and robot.keyword not in json.dumps(said, ensure_ascii=False):
        return 200, {"code": 19024, "msg": "Key Words Not Found", "data": {}}
    if len(robot.taken) >= robot.most:
        return 200, {"code": 11232, "msg": "frequency limited psm", "data": {}}
    if said.get("msg_type") != "interactive" or "card" not in said or size > 20_480:
        return 200, {"code": 9499, "msg": "Bad Request", "data": {}}
    return 200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}


def _pagerduty(robot: Robot, path: str, said: dict[str, Any], size: int) -> Said:
    errors = _event_errors(robot, said)
    if errors:
        said = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
        return 400, said
    if len(robot.taken) >= robot.most:
        return 429, {"status": "throttle exceeded", "message": "Requests for this service exceeded"}
    key = said["dedup_key"]
    if said["event_action"] == "resolve":
        robot.incidents.pop(key, None)
    else:
        robot.incidents[key] = said
    return 202, {"status": "success", "message": "Event processed", "dedup_key": key}


def _event_errors(robot: Robot, said: dict[str, Any]) -> list[str]:
    payload = said.get("payload", {})
    checks = {
        "Invalid routing key": said.get("routing_key") == robot.token,
        "'dedup_key' is too long": 0 < len(said.get("dedup_key", "")) <= 255,
    }
    if said.get("event_action") == "trigger":
        severities = ("critical", "error", "warning", "info")
        checks["'payload.severity' is invalid"] = payload.get("severity") in severities
        checks["'payload.summary' is missing or too long"] = 0 < len(payload["summary"]) <= 1024
        checks["'payload.source' is missing or blank"] = bool(payload.get("source"))
    elif said.get("event_action") != "resolve":
        checks["'event_action' is invalid"] = False
    return [words for words, fine in checks.items() if not fine]


_MANNERS: Mapping[Vendor, Callable[[Robot, str, dict[str, Any], int], Said]] = {
    "dingtalk": _dingtalk,
    "wecom": _wecom,
    "feishu": _feishu,
    "pagerduty": _pagerduty,
}


def _handler(robot: Robot) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status, answer = robot.take(self.path, body)
            content = json.dumps(answer, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
