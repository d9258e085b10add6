"""Aliyun's SMS and voice services on loopback: they verify signatures as the vendor does.

Written after the vendor's SDK and manual, not after our channel: it shares no code with it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, quote

from pipeline.demo.subsystem import LoopbackServer

KEY_ID = "testid"
SECRET = "testsecret"
SENT = "2026-07-01 18:00:02"
"""When every message is sent, by the clock of the vendor."""
RECEIVED = "2026-07-01 18:00:10"
"""When every message arrives, by the clock of the vendor."""
WRONG_SIGNATURE = "Specified signature is not matched with our calculation. server string to sign is:"


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request whose signature fitted."""

    action: str
    """What was asked."""
    given: Mapping[str, str]
    """Parameters of address and body."""
    headers: Mapping[str, str]
    """Header fields, names in lower case."""
    path: str
    """Path and query as they came."""
    body: bytes
    """Body as it came."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One SMS for one number."""

    phone: str
    template: str
    values: str
    biz_id: str
    out_id: str


@dataclass
class Aliyun:
    """Answers as the services do; a test sets what they think of numbers, templates and calls."""

    illegal: dict[str, str] = field(default_factory=dict)
    """Number, template or sign name -> code with which it is refused."""
    answers: dict[str, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    """Action -> the next answers in place of those of the service."""
    status: dict[str, int] = field(default_factory=dict)
    """Number -> SendStatus; 3, delivered, for others."""
    record: dict[str, Any] | str | None = None
    """Record of every call: a mapping, what Data is instead, or None for none yet."""
    calls: list[Call] = field(default_factory=list)
    """Requests in the order they came."""
    stored: list[Stored] = field(default_factory=list)
    """SMS taken."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._nonces: set[str] = set()
        self._server: LoopbackServer | None = None

    def __enter__(self) -> Aliyun:
        self._server = LoopbackServer(0, _handler(self))
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.stop()

    @property
    def host(self) -> str:
        """``127.0.0.1:port``."""
        assert self._server is not None
        return f"127.0.0.1:{self._server.port}"

    @property
    def endpoint(self) -> str:
        """Address of the services."""
        return f"http://{self.host}"

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and body for one request."""
        with self._lock:
            fault = self._fault(path, headers, body)
            if fault is not None:
                return fault
            given = dict(parse_qsl(path.partition("?")[2]) + parse_qsl(body.decode()))
            action = headers["x-acs-action"]
            self.calls.append(
                Call(action=action, given=given, headers=headers, path=path, body=body)
            )
            if self.answers.get(action):
                return self.answers[action].pop(0)
            return 200, {"RequestId": "0", **_SERVICES[action](self, given)}

    def reports(self, *, success: bool = True) -> list[dict[str, Any]]:
        """The push of receipts for everything taken so far."""
        return [
            {
                "send_time": SENT,
                "report_time": RECEIVED,
                "success": success,
                "err_msg": "用户接收成功" if success else f"用户{sms.phone}停机",
                "err_code": "DELIVERED" if success else "MOBILE_NOT_ON_SERVICE",
                "phone_number": sms.phone,
                "sms_size": "1",
                "biz_id": sms.biz_id,
                **({"out_id": sms.out_id} if sms.out_id else {}),
            }
            for sms in self.stored
        ]

    def _fault(
        self, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]] | None:
        given = headers.get("authorization", "")
        id = given.partition("Credential=")[2].partition(",")[0]
        if id != KEY_ID:
            return 404, {"Code": "InvalidAccessKeyId.NotFound", "Message": f"{id} is not found."}
        if not fits(path, headers, body):
            message = f"{WRONG_SIGNATURE} {path} {id}"
            return 400, {"Code": "SignatureDoesNotMatch", "Message": message}
        nonce = headers["x-acs-signature-nonce"]
        if nonce in self._nonces:
            return 400, {"Code": "SignatureNonceUsed", "Message": "nonce was used"}
        self._nonces.add(nonce)
        return None

    def _take(self, phones: list[str], given: Mapping[str, str], values: list[str]) -> dict[str, str]:
        """All or nothing, under one BizId."""
        asked = [*phones, given["TemplateCode"], given.get("SignName", "")]
        for refused in asked:
            if refused in self.illegal:
                return {"Code": self.illegal[refused], "Message": f"{refused} illegal"}
        biz_id = f"{len(self.calls):018d}^0"
        out_id = given.get("OutId", "")
        self.stored += [
            Stored(
                phone=phone,
                template=given["TemplateCode"],
                values=one,
                biz_id=biz_id,
                out_id=out_id,
            )
            for phone, one in zip(phones, values, strict=True)
        ]
        return {"Code": "OK", "Message": "OK", "BizId": biz_id}

    def _send(self, given: Mapping[str, str]) -> dict[str, Any]:
        phones = given["PhoneNumbers"].split(",")
        return self._take(phones, given, [given.get("TemplateParam", "")] * len(phones))

    def _send_batch(self, given: Mapping[str, str]) -> dict[str, Any]:
        phones = json.loads(given["PhoneNumberJson"])
        signs = json.loads(given["SignNameJson"])
        values = json.loads(given.get("TemplateParamJson", json.dumps([""] * len(phones))))
        if not len(phones) == len(signs) == len(values) or len(phones) > 100:
            return {"Code": "isv.MOBILE_COUNT_OVER_LIMIT", "Message": "the arrays do not fit"}
        return self._take(phones, given, [json.dumps(one) if one else "" for one in values])

    def _details(self, given: Mapping[str, str]) -> dict[str, Any]:
        rows = [
            {
                "PhoneNum": sms.phone,
                "SendStatus": self.status.get(sms.phone, 3),
                "ErrCode": "DELIVERED",
                "TemplateCode": sms.template,
                "Content": "【荣昌气象】SAMPLE",
                "SendDate": SENT,
                "ReceiveDate": RECEIVED,
                "OutId": sms.out_id,
            }
            for sms in self.stored
            if sms.phone == given["PhoneNumber"]
            and given["SendDate"] == "20260701"
            and sms.biz_id == given.get("BizId", sms.biz_id)
        ]
        found = {"SmsSendDetailDTO": rows}
        return {"Code": "OK", "Message": "OK", "TotalCount": len(rows), "SmsSendDetailDTOs": found}

    def _call(self, given: Mapping[str, str]) -> dict[str, Any]:
        number = given["CalledNumber"]
        if number in self.illegal:
            return {"Code": self.illegal[number], "Message": f"{number} illegal"}
        return {"Code": "OK", "Message": "OK", "CallId": f"{len(self.calls):012d}^000000000000"}

    def _called(self, given: Mapping[str, str]) -> dict[str, Any]:
        if self.record is None:
            return {"Code": "OK", "Message": "OK"}
        said = self.record if isinstance(self.record, str) else json.dumps(self.record)
        return {"Code": "OK", "Message": "OK", "Data": said}


_SERVICES = {
    "SendSms": Aliyun._send,
    "SendBatchSms": Aliyun._send_batch,
    "QuerySendDetails": Aliyun._details,
    "SingleCallByTts": Aliyun._call,
    "QueryCallDetailByCallId": Aliyun._called,
}


def fits(path: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether the signature is that of the request, and body and digest belong together."""
    digest = hashlib.sha256(body).hexdigest()
    if headers.get("x-acs-content-sha256") != digest:
        return False
    given = headers["authorization"]
    names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    needed = {"host", *(name for name in headers if name.startswith("x-acs-"))}
    if names != sorted(names) or not needed <= set(names):
        return False
    pairs = sorted(parse_qsl(path.partition("?")[2], keep_blank_values=True))
    query = "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
    canonical = f"POST\n{path.partition('?')[0]}\n{query}\n"
    canonical += "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical += f"\n{';'.join(names)}\n{digest}"
    said = "ACS3-HMAC-SHA256\n" + hashlib.sha256(canonical.encode()).hexdigest()
    signature = hmac.new(SECRET.encode(), said.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.partition("Signature=")[2], signature)


def _handler(service: Aliyun) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Else the body waits for the acknowledgement of the head.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            fields = {name.lower(): value for name, value in self.headers.items()}
            status, said = service.answer(self.path, fields, body)
            content = json.dumps(said, ensure_ascii=False).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json;charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
