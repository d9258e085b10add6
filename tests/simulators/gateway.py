"""An SMS gateway whose conduct changes while it runs: fine, hanging, failing, silent, repeating itself.

It is Aliyun's service (signatures and answers) with moods of its own, and it pushes receipts through the real
callback of the console.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl

import requests
from simulators.aliyun import KEY_ID, SECRET, Aliyun, Stored

from alerts.channels.aliyun_sms import AliyunSms
from ingest.secret import Secret
from ingest.times import BEIJING

Mode = Literal["fine", "hangs", "500"]
CALLBACK = "a-secret-part-of-the-address"
"""Last part of the address to which it pushes."""
_LONGEST_HANG_S = 30.0


@dataclass
class Gateway(Aliyun):  # type: ignore[misc]  # pytest finds simulators by its own path
    """Takes SMS, unless it is told to behave otherwise; tells of what it took only by `push`."""

    mode: Mode = "fine"
    """How it answers from now on."""
    tries: list[tuple[Mode, list[str]]] = field(default_factory=list)
    """Mode and numbers of every request to send, taken or not."""
    told: int = 0
    """How many of the messages taken have been told of by `push`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._mended = threading.Event()

    def __exit__(self, *stop: object) -> None:
        self._mended.set()
        super().__exit__(*stop)

    def turn(self, mode: Mode) -> None:
        """Behave otherwise from now on; requests that hang are dropped without being taken."""
        self.mode = mode
        self._mended.set()
        self._mended = threading.Event()

    def answer(self, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any]:
        """Status and body for one request, by the present mode."""
        mode, asked = self.mode, headers["x-acs-action"].startswith("Query")
        if not asked:
            self.tries.append((mode, _numbers(path, body)))
        if mode == "hangs":
            self._mended.wait(_LONGEST_HANG_S)
            return 503, {}
        if mode == "500":
            return 500, {}
        if asked:
            # It pushes what it knows; who asks hears nothing.
            return 200, {"Code": "OK", "Message": "OK", "TotalCount": 0, "SmsSendDetailDTOs": {}}
        return super().answer(path, headers, body)

    def channel(self, folder: Path, **fields: Any) -> AliyunSms:
        """Our channel to it, with keys in files of a folder."""
        texts = {"id": KEY_ID, "key": SECRET, "callback": CALLBACK}
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            (folder / name).chmod(0o600)
        files = {name: Secret(file=str(folder / name)) for name in texts}
        given: dict[str, Any] = {
            "templates": {"default": "SMS_1", "red": "SMS_RED", "trouble": "SMS_OPS"},
            "parameters": {"title": "title", "token": "token"},
            "longest": 35,
            "deadline": timedelta(seconds=0.3),
        }
        return AliyunSms(
            access_key_id=files["id"],
            access_key_secret=files["key"],
            callback=files["callback"],
            sign_name="烽燧",
            endpoint=self.endpoint,
            **{**given, **fields},
        )

    def numbers(self) -> list[str]:
        """Numbers of everything it took, in that order."""
        return [sms.phone for sms in self.stored]

    def repeats(self) -> dict[Stored, int]:
        """Words that the same number got more than once."""
        said = Counter((sms.phone, sms.template, sms.values) for sms in self.stored)
        return {
            Stored(phone=phone, template=template, values=values, biz_id="", out_id=""): number
            for (phone, template, values), number in said.items()
            if number > 1
        }

    def pushes(self, at: datetime, *, success: bool = True) -> list[dict[str, Any]]:
        """Receipts of everything that was taken and not told of yet, as happened at a moment."""
        new, self.told = self.stored[self.told :], len(self.stored)
        return [_report(sms, at, success) for sms in new]

    @staticmethod
    def push(
        url: str, told: object, *, channel: str = "sms", secret: str = CALLBACK
    ) -> requests.Response:
        """Call back at the console of an instance."""
        body = told if isinstance(told, bytes) else json.dumps(told)
        return requests.post(f"{url}/inbound/{channel}/{secret}", data=body, timeout=10)



def _report(sms: Stored, at: datetime, success: bool) -> dict[str, Any]:
    stamp = at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
    return {
        "send_time": stamp,
        "report_time": stamp,
        "success": success,
        "err_code": "DELIVERED" if success else "MOBILE_NOT_ON_SERVICE",
        "err_msg": "用户接收成功" if success else "停机",
        "phone_number": sms.phone,
        "sms_size": "1",
        "biz_id": sms.biz_id,
        **({"out_id": sms.out_id} if sms.out_id else {}),
    }


def _numbers(path: str, body: bytes) -> list[str]:
    given = dict(parse_qsl(path.partition("?")[2]) + parse_qsl(body.decode()))
    if "PhoneNumbers" in given:
        return given["PhoneNumbers"].split(",")
    return [str(number) for number in json.loads(given.get("PhoneNumberJson", "[]"))]
