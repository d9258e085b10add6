"""Prometheus Alertmanager on the same sink: what it notifies a second, keeping nothing durable."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

_PROGRAM = "prometheus-alertmanager"
_TEXT = "荣昌区气象灾害预警建议：高温红色，涉及21个镇街，预计最高气温42.5℃。" * 3
_TOGETHER = 1000
_PATIENCE_S = 60.0
# Each alert is its own group, so that each is one notification, and no group waits for others.
_CONFIG = """
route:
  receiver: hook
  group_by: ['...']
  group_wait: 1ms
  group_interval: 1h
  repeat_interval: 24h
receivers:
- name: hook
  webhook_configs:
  - url: {url}
    send_resolved: false
"""


def installed() -> bool:
    """Whether the Debian package ``prometheus-alertmanager`` is there."""
    return shutil.which(_PROGRAM) is not None


def rate(alerts: int, url: str) -> float:
    """Notifications a second, from the first alert handed in to the last notification at the sink."""
    with tempfile.TemporaryDirectory() as folder, _running(Path(folder), url) as port:
        before = _told(url)[0]
        bodies = [_alerts(range(n, min(n + _TOGETHER, alerts))) for n in range(0, alerts, _TOGETHER)]
        begun = time.monotonic()
        for body in bodies:
            _post(port, body)
        while _told(url)[0] - before < alerts:
            if time.monotonic() - begun > _PATIENCE_S:
                raise RuntimeError(f"{_PROGRAM} sent {_told(url)[0] - before} of {alerts}")
            time.sleep(0.05)
        return alerts / (_told(url)[2] - begun)


def _alerts(numbers: range) -> bytes:
    alerts = [
        {"labels": {"alertname": "heat", "number": str(n)}, "annotations": {"text": _TEXT}}
        for n in numbers
    ]
    return json.dumps(alerts).encode()


@contextmanager
def _running(folder: Path, url: str) -> Iterator[int]:
    (folder / "alertmanager.yml").write_text(_CONFIG.format(url=url), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [
        _PROGRAM,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        "--log.level=error",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        try:
            _wait(port)
            yield port
        finally:
            program.terminate()


def _wait(port: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError):
            _ask("GET", port, "/-/ready", b"")
            return
        time.sleep(0.05)
    raise RuntimeError(f"{_PROGRAM} does not start")


def _post(port: int, body: bytes) -> None:
    status, _ = _ask("POST", port, "/api/v2/alerts", body)
    if status != 200:
        raise RuntimeError(f"{_PROGRAM} answered {status}")


def _told(url: str) -> tuple[int, float, float]:
    _, body = _ask("GET", urlsplit(url).port or 80, "/", b"")
    taken, first, last = body.split()
    return int(taken), float(first), float(last)


def _ask(method: str, port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request(method, path, body, {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
