"""China Mobile 云MAS on loopback: decodes Base64, verifies the mac, refuses what the operator refuses."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler
from typing import Any

from pipeline.demo.subsystem import LoopbackServer

EC_NAME, AP_ID, SECRET, SIGN = "荣昌区应急管理局", "APSAMPLE", "SECRETSAMPLE", "SIGNSAMPLE"
MOST = 5000
_TEXT = ("ecName", "apId", "secretKey", "mobiles", "content", "sign", "addSerial")
_TEMPLATE = ("ecName", "apId", "secretKey", "templateId", "mobiles", "params", "sign", "addSerial")


class YunMasGateway:
    """Answers submissions of texts and of templates; keeps what it took."""

    def __init__(self) -> None:
        self.bad_numbers: set[str] = set()
        """Numbers that spoil the request they stand in."""
        self.failures: list[str] = []
        """Codes that the next requests are answered with."""
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Path and decoded body of every request that could be decoded."""
        self.delivered: list[tuple[str, str]] = []
        """Number and words, or values, of every message."""
        self._lock = threading.Lock()
        self._server = LoopbackServer(0, _handler(self))

    def __enter__(self) -> YunMasGateway:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.stop()

    @property
    def url(self) -> str:
        """Its address for texts."""
        return f"http://127.0.0.1:{self._server.port}/sms/norsubmit"

    def answer(self, path: str, body: bytes) -> dict[str, object]:
        """What is answered to a POST; always with status 200, refusals too."""
        with self._lock:
            code = self._judge(path, body)
            group = f"{len(self.requests):022d}" if code == "success" else ""
        return {"msgGroup": group, "rspcod": code, "success": code == "success"}

    def _judge(self, path: str, body: bytes) -> str:
        fields = {"/sms/norsubmit": _TEXT, "/sms/tmpsubmit": _TEMPLATE}.get(path)
        try:
            request = json.loads(base64.b64decode(body, validate=True))
        except ValueError:
            return "InvalidMessage"
        if fields is None or set(request) != {*fields, "mac"}:
            return "InvalidMessage"
        self.requests.append((path, request))
        return self.failures.pop(0) if self.failures else self._check(request, fields)

    def _check(self, request: dict[str, str], fields: tuple[str, ...]) -> str:
        if (request["ecName"], request["apId"], request["secretKey"]) != (EC_NAME, AP_ID, SECRET):
            return "InvalidUsrOrPwd"
        whole = "".join(request[name] for name in fields)
        if hashlib.md5(whole.encode()).hexdigest() != request["mac"]:
            return "IllegalMac"
        if request["sign"] != SIGN:
            return "IllegalSignId"
        numbers = request["mobiles"].split(",")
        if len(numbers) > MOST:
            return "TooManyMobiles"
        if not all(re.fullmatch(r"1\d{10}", number) for number in numbers):
            return "InvalidMobile"
        if self.bad_numbers & set(numbers):
            return "InvalidMobile"
        words = request.get("content") or request["params"]
        self.delivered += [(number, words) for number in numbers]
        return "success"


def _handler(gateway: YunMasGateway) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: in two, each answer waits for a delayed acknowledgement.
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = json.dumps(gateway.answer(self.path, body)).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    return Handler
