"""Tencent SMS on loopback: verifies TC3 and the time stamp as the vendor does, and its limits."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

from pipeline.demo.subsystem import LoopbackServer

SECRET_ID, SECRET_KEY = "AKIDtest", "secrettest"
APP, SIGN_NAME = "1400000000", "荣昌气象"
_AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=(?P<id>\w+)/(?P<day>[\d-]+)/sms/tc3_request, "
    r"SignedHeaders=(?P<names>[\w;-]+), Signature=(?P<signature>[0-9a-f]{64})"
)


class Refused(Exception):
    """The call as a whole is answered with this code."""


class TencentGateway:
    """Answers SendSms and both pulls; keeps every request it accepted as genuine.

    Parameters
    ----------
    clock : callable
        The vendor's clock.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.templates: dict[str, int] = {"1110": 0}
        """Approved template -> its number of variables."""
        self.refuse: dict[str, str] = {}
        """Number of eleven digits -> the code it is refused with."""
        self.failures: list[str] = []
        """Codes that the next calls are answered with."""
        self.statuses: list[dict[str, object]] = []
        """What PullSmsSendStatus tells, each once."""
        self.replies: list[dict[str, object]] = []
        """What PullSmsReplyStatus tells, each once."""
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """Action and body of every genuine call."""
        self.delivered: list[tuple[str, str, tuple[str, ...]]] = []
        """Number, template and values of every message."""
        self._lock = threading.Lock()
        self._server = LoopbackServer(0, _handler(self))

    def __enter__(self) -> TencentGateway:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.port}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{self.host}/"

    def answer(self, headers: Mapping[str, str], body: bytes) -> dict[str, object]:
        """What is answered to a POST; always with status 200, errors too."""
        try:
            self._authenticate(headers, body)
            request = json.loads(body)
            with self._lock:
                self.requests.append((headers["x-tc-action"], request))
                if self.failures and (code := self.failures.pop(0)):
                    raise Refused(code)
                said = self._act(headers["x-tc-action"], request)
        except Refused as refused:
            said = {"Error": {"Code": str(refused), "Message": "said +8613800000001"}}
        return {"Response": {**said, "RequestId": "r"}}

    def _authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        """Refuse as the vendor does: unknown key, old time stamp, wrong signature."""
        told = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
        if told is None or not {"content-type", "host"} <= set(told["names"].split(";")):
            raise Refused("AuthFailure.InvalidAuthorization")
        if told["id"] != SECRET_ID:
            raise Refused("AuthFailure.SecretIdNotFound")
        stamp = int(headers["x-tc-timestamp"])
        if abs(self.clock().timestamp() - stamp) > 300:
            raise Refused("AuthFailure.SignatureExpire")
        day = datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%d")
        if told["day"] != day or told["signature"] != _signature(told["names"], headers, body):
            raise Refused("AuthFailure.SignatureFailure")
        if headers.get("x-tc-version") != "2021-01-11" or not headers.get("x-tc-region"):
            raise Refused("NoSuchVersion")

    def _act(self, action: str, request: dict[str, Any]) -> dict[str, object]:
        if request["SmsSdkAppId"] != APP:
            raise Refused("UnauthorizedOperation.SmsSdkAppIdVerifyFail")
        if action == "SendSms":
            return self._send(request)
        kept = {"PullSmsSendStatus": self.statuses, "PullSmsReplyStatus": self.replies}.get(action)
        if kept is None:
            raise Refused("InvalidAction")
        limit = request["Limit"]
        if not 0 < limit <= 100:
            raise Refused("InvalidParameterValue.LimitVerifyFail")
        page = kept[:limit]
        del kept[:limit]
        return {f"{action}Set": page}

    def _send(self, request: dict[str, Any]) -> dict[str, object]:
        numbers, template = request["PhoneNumberSet"], request["TemplateId"]
        values = tuple(request.get("TemplateParamSet", ()))
        if len(numbers) > 200:
            raise Refused("LimitExceeded.PhoneNumberCountLimit")
        if request["SignName"] != SIGN_NAME:
            raise Refused("FailedOperation.SignatureIncorrectOrUnapproved")
        if len(request.get("SessionContext", "").encode()) >= 512:
            raise Refused("InvalidParameterValue")
        statuses = [self._one(number, template, values, request) for number in numbers]
        # The order of the answer is not promised, so it is not the order of the request.
        return {"SendStatusSet": statuses[::-1]}

    def _one(
        self, number: str, template: str, values: tuple[str, ...], request: dict[str, Any]
    ) -> dict[str, object]:
        code = self.refuse.get(number.removeprefix("+86")) or self._judge(template, values)
        if code == "Ok":
            self.delivered.append((number, template, values))
        return {
            "SerialNo": f"2640:{len(self.delivered):027d}" if code == "Ok" else "",
            "PhoneNumber": number,
            "Fee": int(code == "Ok"),
            "SessionContext": request.get("SessionContext", ""),
            "Code": code,
            "Message": f"about {number}",
            "IsoCode": "CN",
        }

    def _judge(self, template: str, values: Sequence[str]) -> str:
        if template not in self.templates:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if len(values) != self.templates[template]:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if any(len(value) > 6 or not value for value in values):
            return "InvalidParameterValue.TemplateParameterLengthLimit"
        return "Ok"


def _signature(names: str, headers: Mapping[str, str], body: bytes) -> str:
    """The signature over the headers that the request says it signed."""
    lines = "".join(f"{name}:{headers[name].strip().lower()}\n" for name in names.split(";"))
    canonical = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    stamp = headers["x-tc-timestamp"]
    day = datetime.fromtimestamp(int(stamp), UTC).strftime("%Y-%m-%d")
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/sms/tc3_request\n{digest}"
    key = f"TC3{SECRET_KEY}".encode()
    for step in (day, "sms", "tc3_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _handler(gateway: TencentGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, each answer waits for a delayed acknowledgement.
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            said = json.dumps(gateway.answer(headers, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
