"""PagerDuty Events v2: an incident opens with an alert and is resolved with its end.

Source: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from alerts.gateways.endings import reveal
from alerts.gateways.matters import Matter, matter_of
from alerts.gateways.robots import (
    JSON,
    MINUTE,
    Verdict,
    admit,
    fail_over,
    final,
    heading,
    read_object,
    require_address,
    retry,
    write_json,
)
from alerts.outgoing.delivery import Means, Message, Purpose, Taken, channel
from alerts.outgoing.post import Answer
from ingest.errors import DeliveryError
from ingest.registry import Duration
from ingest.secret import Secret
from ingest.times import utc
from rules.level import Level

LONGEST_KEY = 255
"""Characters of a ``dedup_key``."""
LONGEST_SUMMARY = 1024
"""Characters of a ``summary``."""
SEVERITY: Mapping[Level, str] = {
    Level.RED: "critical",
    Level.ORANGE: "error",
    Level.YELLOW: "warning",
    Level.BLUE: "info",
}
"""Level -> severity; without a level a trouble is an error and the rest information."""
STATUSES: Mapping[int, Verdict] = {
    400: final("PagerDuty does not read the event; report this as a defect"),
    413: final("the event is too long for PagerDuty; report this as a defect"),
    429: retry("too many events; set most and per for this channel", MINUTE),
}
"""HTTP status -> what it means; the others by `alerts.gateways.robots.admit`."""
BAD_KEY = fail_over("PagerDuty does not know the routing key; copy it from the service's integrations")
"""What a 400 means whose errors name the key."""


@channel("pagerduty")
@dataclass(frozen=True, kw_only=True)
class PagerDuty:
    """Opens, changes and resolves one incident per alert, whoever of the subsystems it goes to.

    PagerDuty keeps one incident per key: messages to several people, and repeats after a crash, call
    nobody twice. A change that neither opens nor ends an alert is a further ``trigger`` under its key,
    which PagerDuty notes in the open incident.
    """

    routing_key: Secret
    """Integration key of the service, 32 characters."""
    url: str = field(default="https://events.pagerduty.com/v2/enqueue", repr=False)
    """Where to post; in Europe ``https://events.eu.pagerduty.com/v2/enqueue``."""
    source: str = "fengsui"
    """What PagerDuty shows as the origin."""
    deadline: Duration = timedelta(seconds=10)
    """Total time of one attempt."""

    def __post_init__(self) -> None:
        require_address(self.url)

    def send(self, message: Message, means: Means) -> Taken:
        """Post once; the reference is the incident's key. DeliveryError as `STATUSES` says."""
        matter = matter_of(message)
        key = dedup_key(matter)
        event: dict[str, object] = {
            "routing_key": reveal(self.routing_key, means),
            "event_action": "resolve" if matter.over else "trigger",
            "dedup_key": key,
        }
        if not matter.over:
            event |= self._details(message, matter)
        answer = means.post.send(self.url, write_json(event), JSON, deadline=self.deadline)
        _judge(answer, message)
        return Taken(reference=key, detail=f"HTTP {answer.status}")

    def _details(self, message: Message, matter: Matter) -> dict[str, object]:
        data = message.data
        facts = {name: value for name, value in data.items() if name != "ack_link"}
        payload = {
            "summary": heading(message)[:LONGEST_SUMMARY],
            "source": self.source,
            "severity": _severity(message),
            "timestamp": utc(message.at).isoformat(timespec="milliseconds"),
            "component": str(data.get("hazard") or matter.sort),
            "group": message.subsystem or matter.sort,
            "class": str(data.get("reason") or message.purpose.value),
            "custom_details": {**facts, "text": message.text},
        }
        link = message.link
        links = [{"href": link, "text": message.recipient.name}] if link else []
        return {"client": "fengsui", "payload": payload, "links": links}


def dedup_key(matter: Matter) -> str:
    """The key of the incident; one that is too long is replaced by its SHA-256."""
    if len(matter.key) <= LONGEST_KEY:
        return matter.key
    return hashlib.sha256(matter.key.encode()).hexdigest()


def _severity(message: Message) -> str:
    without = "error" if message.purpose is Purpose.TROUBLE else "info"
    return SEVERITY.get(message.level, without)


def _judge(answer: Answer, message: Message) -> None:
    """A status of its own table, then any other, then the word in the body."""
    said = read_object(answer)
    what = f"PagerDuty answered {answer.status}"
    if answer.status == 400 and "routing" in str(said.get("errors", "")).lower():
        raise BAD_KEY.error(what)
    if answer.status in STATUSES and "retry-after" not in answer.headers:
        raise STATUSES[answer.status].error(what)
    admit(answer, message.at)
    if said.get("status") != "success":
        raise DeliveryError(f"{what} without success in its body; look in its logs", retry=True)
