"""Prometheus Alertmanager: alerts pushed over its API v2, with an end told by us and never by silence.

Source: https://github.com/prometheus/alertmanager, api/v2/openapi.yaml and types/types.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerts.gateways.endings import reveal
from alerts.gateways.matters import Matter, Sort, matter_of
from alerts.gateways.robots import (
    JSON,
    Verdict,
    admit,
    final,
    heading,
    read_object,
    require_address,
    write_json,
)
from alerts.outgoing.delivery import Means, Message, Taken, channel
from alerts.outgoing.post import Answer
from alerts.outgoing.posting import post_once
from alerts.outgoing.wire import Request
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import parse_instant, utc
from rules.level import Level

NAMES: Mapping[Sort, str] = {
    "hazard": "ClimateHazard",
    "data": "ClimateDataLost",
    "trouble": "FengsuiTrouble",
    "canary": "FengsuiCanary",
    "notice": "FengsuiNotice",
}
"""What a message is about -> ``alertname``."""
STATUSES: Mapping[int, Verdict] = {
    400: final("Alertmanager does not read the alert; report this as a defect"),
}
"""HTTP status -> what it means; the others by `alerts.gateways.robots.admit`."""
_NOTICE = timedelta(hours=1)
_LEVELS = tuple(level for level in Level if level is not Level.NONE)


@channel("alertmanager")
@dataclass(frozen=True, kw_only=True)
class Alertmanager:
    """Posts the whole state of an alert: firing at its level, and resolved at every other.

    Alertmanager tells alerts apart by their labels, and the level is one. Because each post resolves the
    other levels, a change that got lost leaves nothing behind once the next one arrives. An alert without
    an end would be resolved after Alertmanager's ``resolve_timeout`` of minutes, as if all were well:
    ours are held until they are over.
    """

    url: str = field(repr=False)
    """Full address, such as ``http://127.0.0.1:9093/api/v2/alerts``."""
    token: Secret | None = None
    """Bearer token, where a proxy before it asks for one."""
    labels: dict[str, str] = field(default_factory=dict)
    """Further labels, such as ``district: 荣昌区``."""
    hold: Duration = timedelta(days=30)
    """An alert of which nothing more is heard fires for so long."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        require_address(self.url)
        for name in self.labels:
            if not re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name):
                raise ValueError(f"{name!r} is no name of a label; write letters, digits and _")

    def send(self, message: Message, means: Means) -> Taken:
        """Post once; DeliveryError by status, or to be tried again where a body is not Alertmanager's."""
        return post_once(self, message, means)

    def request(self, message: Message, means: Means) -> Request:
        """The alert at every level, firing at one or none."""
        headers = dict(JSON)
        if self.token is not None:
            headers["authorization"] = f"Bearer {reveal(self.token, means)}"
        return Request(self.url, write_json(self._alerts(message)), headers, self.deadline)

    def taken(self, answer: Answer, message: Message) -> Taken:
        """Alertmanager answers with an empty body; a page of a proxy is no acceptance."""
        if answer.status in STATUSES:
            raise STATUSES[answer.status].error(f"Alertmanager answered {answer.status}")
        admit(answer, message.at)
        if answer.body.strip() not in (b"", b"{}") and read_object(answer).get("status") != "success":
            raise DeliveryError(
                f"the receiver answered {answer.status} with a body that is not Alertmanager's; "
                "check its address",
                retry=True,
            )
        return Taken(detail=f"HTTP {answer.status}")

    def _alerts(self, message: Message) -> list[dict[str, object]]:
        matter = matter_of(message)
        labels, now = self._labels(message, matter), utc(message.at)
        until = now + (_NOTICE if matter.sort == "notice" else self.hold)
        if matter.sort != "hazard":
            return [_alert(message, labels, now if matter.over else until)]
        firing = None if matter.over else message.level
        return [
            _alert(message, {**labels, "level": level.key}, until if level is firing else now)
            for level in _LEVELS
        ]

    def _labels(self, message: Message, matter: Matter) -> dict[str, str]:
        """Labels without the level; those without a value are left out."""
        data = message.data
        labels = {
            **self.labels,
            "alertname": NAMES[matter.sort],
            "alert": matter.key,
            "subsystem": message.subsystem,
            **{name: str(data.get(name) or "") for name in ("hazard", "exercise")},
        }
        if data.get("district"):
            labels["district"] = str(data["district"])
        return {name: value for name, value in labels.items() if value}


def _alert(message: Message, labels: Mapping[str, str], end: datetime) -> dict[str, object]:
    return {
        "labels": labels,
        "annotations": {"summary": heading(message), "description": message.text},
        "startsAt": min(_start(message), end).isoformat(),
        "endsAt": end.isoformat(),
    }


def _start(message: Message) -> datetime:
    """The moment of the change, where it is told."""
    try:
        return parse_instant(str(message.data.get("at")))
    except ValueError:
        return utc(message.at)
